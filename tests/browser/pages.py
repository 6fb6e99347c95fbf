# SPDX-License-Identifier: MIT
"""What the tests of pages share: a browser, looks at a page, and what holds for every page. Exit code 77 (skipped) without Selenium or Chromium."""
import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError as missing:
    print(f"skipped: {missing}; needs python3-selenium")
    sys.exit(77)

AXE = "axe-core@4.10.3"
DESK, PHONE = (1400, 1000), (390, 844)
HOSTILE = "<img src=x onerror=window.hacked=1>&amp;"


def page_options(parser):
    """Those of every test of a page: ONEIROS DATA FOLDER [--axe AXE.MIN.JS] [--keep]."""
    parser.add_argument("oneiros")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--axe", type=pathlib.Path, default=os.environ.get("AXE"))
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def start():
    binaries = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in binaries:
        print("skipped: needs chromium and chromium-driver")
        sys.exit(77)
    options = Options()
    options.binary_location = binaries[0]
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--force-device-scale-factor=1", "--mute-audio"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service(binaries[1]), options=options)


class Look:
    """The page at one size and in one theme. Without motion: what is pressed while the page still scrolls is elsewhere by then."""

    def __init__(self, driver, page, size, theme, ready):
        self.driver, self.width = driver, size[0]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}, {"name": "prefers-reduced-motion", "value": "reduce"}]})
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600}
        )
        driver.get(page.as_uri())
        driver.execute_script("try { localStorage.clear(); } catch (error) {}")
        WebDriverWait(driver, 20).until(lambda d: d.find_elements(By.CSS_SELECTOR, ready))

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, script):
        WebDriverWait(self.driver, 20).until(lambda driver: driver.execute_script(script))

    def press(self, element):
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        element.click()

    def shoot(self, path):
        size = {"x": 0, "y": 0, "width": self.width, "height": min(7000, self.run("return document.documentElement.scrollHeight")), "scale": 1}
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": size})
        path.write_bytes(base64.b64decode(shot["data"]))


def check_theme(look, theme):
    colour = "return getComputedStyle(document.body).backgroundColor"
    first = look.run(colour)
    assert look.run("return document.documentElement.dataset.theme") == theme
    look.press(look.one("#theme"))
    assert look.run(colour) != first and look.run("return document.documentElement.dataset.theme") != theme
    look.press(look.one("#theme"))


def check_width(look):
    width, wanted = look.run("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width <= wanted and (wanted == look.width or look.width >= 600), f"the page scrolls sideways: {width} of {wanted} pixels"


def check_access(look, axe):
    """Violations of WCAG A and AA that keep people out."""
    look.run(axe)
    found = look.driver.execute_async_script("axe.run(document, {resultTypes: ['violations']}).then(arguments[arguments.length - 1])")
    grave = [rule for rule in found["violations"] if rule["impact"] in ("serious", "critical")]
    for rule in found["violations"]:
        print(f"axe: {rule['impact']}: {rule['help']}: {[node['target'] for node in rule['nodes']][:4]}")
    assert not grave, "axe-core found what keeps people out"


def check_logs(driver):
    problems = [entry for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert not problems, problems
    requests = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = {request["params"]["request"]["url"] for request in requests if request["method"] == "Network.requestWillBeSent"}
    elsewhere = {url for url in urls if not url.startswith(("data:", "file:"))}
    assert not elsewhere, elsewhere


def get_axe(given, folder):
    """Its source, or None."""
    if given:
        return given.read_text(encoding="utf-8")
    npm = shutil.which("npm")
    if not npm:
        return None
    subprocess.run([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, AXE], check=True, stdout=subprocess.DEVNULL)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def photographs(folder):
    """An empty folder for them, in an empty FOLDER."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "photos").mkdir(parents=True)
    return folder / "photos"


def oneiros_run(oneiros, command, output, settings, photos):
    return subprocess.run([oneiros, command, "-q", "-o", output, *(word for setting in settings for word in ("-s", setting)), photos], check=False).returncode


def test_page(doc, make, ready, checks, others):
    """`make`, from options and folder, a page, and it in both themes, at a desk and on a phone: `checks`, and what holds for every page. Then
    `others`, of driver, page and axe-core's source."""
    options = page_options(argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter))
    folder = options.folder.resolve()
    driver = start()
    try:
        page = make(options.oneiros, options.data, folder)
        axe = get_axe(options.axe and pathlib.Path(options.axe), folder)
        if not axe:
            print("skipped axe-core: needs npm, or --axe")
        for theme in ("light", "dark"):
            for size in (DESK, PHONE):
                look = Look(driver, page, size, theme, ready)
                if options.keep:
                    look.shoot(folder / f"{theme}-{size[0]}.png")
                check_width(look)
                for check in checks:
                    check(look)
                check_theme(look, theme)
                if axe:
                    check_access(look, axe)
                check_width(look)
                check_logs(driver)
        others(driver, page, axe)
    finally:
        driver.quit()
