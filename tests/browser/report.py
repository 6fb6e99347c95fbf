# SPDX-License-Identifier: MIT
"""The page of `oneiros report` in a browser, as people meet it: from file://, at the width of a desk and of a phone.

    report.py ONEIROS DATA FOLDER [--axe AXE.MIN.JS] [--keep]

Dreams of 26 small pictures made of those in DATA, one of them with a hostile name, and of one that is none; writes the page; and looks: no errors
in the console, nothing loaded from elsewhere, paging, filter, slider by keyboard, maps, videos, curves, both themes, no scrolling sideways on a
phone, and no serious violation that axe-core finds, in either theme. axe-core comes by npm where it is not given; without npm that part is left
out. Exit code 77 (skipped) without Selenium or Chromium. --keep: leaves a picture of each look in FOLDER.
"""
import pathlib
import subprocess
import sys

try:
    from PIL import Image
    from pages import HOSTILE, PHONE, Look, check_access, check_logs, check_width, oneiros_run, photographs, test_page
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select, WebDriverWait
except ImportError as missing:
    print(f"skipped: {missing}; needs python3-selenium and python3-pil")
    sys.exit(77)

PICTURES, PAGE = 26, 24
READY = "#provenance dd"


def dream(oneiros, data, folder):
    """A run of PICTURES pictures, and one more that fails."""
    photos = photographs(folder)
    for number in range(PICTURES):
        with Image.open(data / ("chelsea.png", "coffee.png", "rocket.png")[number % 3]) as picture:
            width, height = picture.size
            box = (number * 2, number, width - number * 3, height - number * 2) if number % 5 else (0, 0, height * 2 // 3, height)
            name = f"{HOSTILE}.png" if number == 7 else f"photo-{number:02}.png"
            picture.convert("RGB").crop(box).save(photos / name)
    (photos / "broken.png").write_text("no picture")
    settings = ["octaves.count=2", "steps=3", "input.resize=100", "plan=off"]
    code = oneiros_run(oneiros, "dream", folder / "dreams", settings, photos)
    assert code == 3, f"oneiros dream ended with {code}"
    subprocess.run([oneiros, "report", "-q", folder / "dreams"], check=True)
    return folder / "dreams" / "report.html"


def check_gallery(look):
    assert len(look.all(".card")) == PAGE and look.one("#found").text == f"1 to {PAGE} of {PICTURES + 1}"
    widths = look.run("return [...document.querySelectorAll('.view img')].map((image) => image.naturalWidth)")
    assert len(widths) == 2 * PAGE and all(widths), "a thumbnail is not shown"
    look.press(look.one("#pages button[aria-label='Next page']"))
    assert len(look.all(".card")) == PICTURES + 1 - PAGE and look.one("#pages [aria-current]").text == "2"
    assert "this looks like text" in look.all(".card")[-1].text
    look.press(look.one("#pages button[aria-label='Page 1']"))
    name = look.one("#filter-name")
    name.send_keys("PHOTO-1")
    assert len(look.all(".card")) == 10
    name.send_keys("x")
    assert not look.all(".card") and look.one("#found").text == "None is like that"
    name.send_keys(Keys.BACKSPACE * 8)
    Select(look.one("#filter-status")).select_by_value("failed")
    assert len(look.all(".card")) == 1
    Select(look.one("#filter-status")).select_by_value("")
    assert len(look.all(".card")) == PAGE


def check_names_are_text(look):
    look.one("#filter-name").send_keys("onerror")
    card = look.one(".card")
    assert HOSTILE.replace("&amp;", "") in card.text or "img src" in card.text, card.text
    assert not look.run("return window.hacked") and not look.all("img[src='x']")
    full = look.one(".card .actions a").get_attribute("href")
    assert pathlib.Path(look.run("return decodeURIComponent(new URL(arguments[0]).pathname)", full)).is_file()
    look.one("#filter-name").send_keys(Keys.BACKSPACE * 8)


def check_card(look):
    """Slider, map, video of the first picture."""
    slider = look.one(".card input[type=range]")
    view = "return document.querySelector('.view').style.getPropertyValue('--split')"
    assert look.run(view) == "50%"
    slider.send_keys(Keys.ARROW_RIGHT * 5)
    assert look.run(view) == "55%" and slider.get_attribute("aria-valuetext") == "55% before"
    slider.send_keys(Keys.HOME)
    assert look.run(view) == "0%"
    picture, cam = look.one(".card .view img"), look.one(".card [data-cam]")
    before = picture.get_attribute("src")
    look.press(cam)
    assert cam.get_attribute("aria-pressed") == "true" and picture.get_attribute("src") != before
    look.press(cam)
    assert picture.get_attribute("src") == before
    look.press(look.one("#cam-all"))
    assert all(button.get_attribute("aria-pressed") == "true" for button in look.all("[data-cam]"))
    look.press(look.one("#cam-all"))
    assert not look.all("video")
    button = look.one(".card .actions button[aria-label^='Video']")
    look.press(button)
    video = look.one(".card video")
    assert video.get_attribute("preload") == "none" and video.get_attribute("src").endswith("dream.mp4")
    WebDriverWait(look.driver, 20).until(lambda d: d.execute_script("return arguments[0].readyState >= 2 || arguments[0].error", video))
    look.press(button)
    assert not look.all("video")


def check_numbers(look):
    assert len(look.all("#charts canvas")) == 8
    inked = "return [...document.querySelectorAll('#charts canvas')].every((c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v))"
    assert look.run(inked), "a chart is empty"
    spoken = look.one("#charts canvas").get_attribute("aria-label")
    look.press(look.one(".card .actions button[aria-label^='Curves']"))
    assert Select(look.one("#chosen")).first_selected_option.text == look.one(".card h3").text
    assert look.one("#charts canvas").get_attribute("aria-label") != spoken
    assert len(look.all("#channels .bars")) == 2 and len(look.all("#failures-table tbody tr")) == 1
    assert {"forward", "backward"} <= {cell.text for cell in look.all("#phases tbody th")}


def check_set(look):
    """Boxes, the pictures at the ends by each metric, mean maps."""
    assert len(look.all("#set-table tbody tr")) == 11 and len(look.all("#set-table svg.boxes g")) == 21  # no PSNR before
    ends = "return [...document.querySelectorAll('#ends-lists li .number')].map((e) => Number(e.textContent))"
    for choice in ("Loss, after", "Sparsity, mixed6, before"):
        Select(look.one("#ends-by")).select_by_visible_text(choice)
        shown = look.run(ends)
        assert len(shown) == 8 and shown[:4] == sorted(shown[:4]) and shown[4:] == sorted(shown[4:], reverse=True) and shown[3] <= shown[7], shown
    assert look.run("return [...document.querySelectorAll('#ends-lists img')].every((e) => e.naturalWidth > 0)")
    colours = "const c = document.querySelector('#mean-maps canvas'); return new Set(c.getContext('2d').getImageData(0, 0, 32, 32).data).size"
    assert len(look.all("#mean-maps canvas")) == 2 and look.run(colours) > 20
    check_plane(look)


def check_plane(look):
    """Every picture of other bytes inside the plane, and arrow keys that go to the next one that way."""
    places = look.run("""const plane = document.querySelector('#plane-pictures'), width = plane.clientWidth, height = plane.clientHeight;
        return [...plane.children].map((item) => [item.offsetLeft / width, item.offsetTop / height,
            1 - (item.offsetLeft + item.offsetWidth) / width, 1 - (item.offsetTop + item.offsetHeight) / height]);""")
    assert len(places) == PICTURES - 3 and min(min(place) for place in places) > -0.015, places
    for side in range(4):
        assert min(place[side] for place in places) < 0.015, "the plane is not filled"
    # Not by the name that is shown: the pointer may lie over another picture.
    place = "return [document.activeElement.title, document.activeElement.offsetLeft]"
    look.run("[...document.querySelectorAll('#plane-pictures > *')].reduce((a, b) => b.offsetLeft < a.offsetLeft ? b : a).focus()")
    first, left = look.run(place)
    look.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    second, further = look.run(place)
    assert first and second not in ("", first) and further > left, (first, left, second, further)
    assert look.one("#plane-name").text
    assert len(look.all("#plane-pictures > [tabindex='0']")) == 1


def check_unfinished(driver, page, axe):
    """The same pictures as those of a run that was not at its end."""
    text = page.read_text(encoding="utf-8")
    ended = f'"complete":true,"resumed":false,"state":"complete","inputs":{PICTURES + 1},"inHand":0,"progress":1.0,"secondsLeft":null,"holder":null'
    assert text.count(ended) == 1
    left = f'"inputs":{PICTURES * 2},"inHand":2,"progress":0.5123,"secondsLeft":%s,"holder":%s'
    states = {
        "running": (
            "310.5",
            '"process 7 on node3, job 812"',
            "at work when this page was written (process 7 on node3, job 812), with 2 pictures in hand: 51% done, about 5 min 10 s left",
        ),
        "starting": ("null", '"process 7 on node3"', "A run was starting here when this page was written (process 7 on node3)"),
        "stopped": ("null", "null", "The run was stopped before its end. The same command goes on with it."),
        "killed": ("null", "null", "The run was killed before its end, with 2 pictures in hand. The same command goes on with it."),
    }
    for state, (seconds, holder, words) in states.items():
        other = page.with_name(f"{state}.html")
        other.write_text(text.replace(ended, f'"complete":false,"resumed":false,"state":"{state}",' + left % (seconds, holder)), encoding="utf-8")
        look = Look(driver, other, PHONE, "light", READY)
        assert look.one("h1").text == f"{PICTURES} of {PICTURES * 2} dreams" and words in look.one("#notice").text, look.one("#notice").text
        assert f"{PICTURES} of {PICTURES * 2}" in look.one("#facts").text
        check_width(look)
        if axe:
            check_access(look, axe)
        check_logs(driver)
        other.unlink()


test_page(__doc__, dream, READY, [check_gallery, check_names_are_text, check_card, check_numbers, check_set], check_unfinished)
