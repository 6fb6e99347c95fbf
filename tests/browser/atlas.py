# SPDX-License-Identifier: MIT
"""The page of `oneiros atlas` in a browser, as people meet it: from file://, at the width of a desk and of a phone.

    atlas.py ONEIROS DATA FOLDER [--axe AXE.MIN.JS] [--keep]

An atlas of three channels of one layer and two of another over the photographs in DATA, one of them with a hostile name; looks at it: every picture
is shown, search, sorting, a channel by keyboard, its neighbours, both themes, nothing from elsewhere, nothing sideways on a phone, axe-core. Then
at the same page of 2,000 channels: paging. --keep: leaves a picture of each look in FOLDER.
"""
import json
import os
import re
import shutil

from pages import DESK, HOSTILE, PHONE, Look, check_access, check_logs, check_width, oneiros_run, photographs, test_page
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

MANY, PAGE = 2000, 60
READY = "#cards > li"


def atlas(oneiros, data, folder):
    photos = photographs(folder)
    for name, other in (("chelsea", "chelsea"), ("coffee", HOSTILE), ("rocket", "rocket")):
        shutil.copy(data / f"{name}.png", photos / f"{other}.png")
    settings = ["targets=mixed1#3+7+11,mixed2#5+6", "atlas.size=75", "steps=4", "input.resize=120", "plan=off"]
    assert oneiros_run(oneiros, "atlas", folder / "atlas", settings, photos) == 0
    return folder / "atlas" / "atlas.html"


def check_cards(look):
    assert len(look.all(READY)) == 3 and look.one("#found").text == "3 channels" and "mixed1, mixed2" in look.one("h1").text
    widths = look.run("return [...document.querySelectorAll('#cards img')].map((image) => { image.loading = 'eager'; return image; }).length")
    assert widths == 6
    look.driver.execute_async_script("Promise.all([...document.images].map((image) => image.decode())).then(arguments[0])")
    find = look.one("#find")
    for words, count in (("7", 1), ("3-7", 2), ("chelsea", None), ("nothing like it", 0)):
        find.clear()
        find.send_keys(words)
        assert count is None or len(look.all(READY)) == count, words
    find.clear()
    find.send_keys("x", Keys.BACKSPACE)
    Select(look.one("#sort")).select_by_value("number")
    assert [card.text.split()[0] for card in look.all("#cards .name")] == ["mixed1#3", "mixed1#7", "mixed1#11"]
    Select(look.one("#show")).select_by_value("dream")
    assert len(look.all("#cards img")) == 3
    Select(look.one("#show")).select_by_value("both")


def check_channel(look):
    look.run("document.querySelector('#cards button').focus()")
    look.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    look.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert look.one("#detail-title").text == "mixed1#7" and len(look.all("#detail img")) == 3
    look.driver.execute_async_script("Promise.all([...document.querySelectorAll('#detail img')].map((image) => image.decode())).then(arguments[0])")
    assert len(look.all("#detail ol li")) == 6 and "activation in its dream" in look.one("#detail dl").text
    look.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert look.one("#detail-title").text == "mixed1#11"
    look.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    look.wait("return !document.querySelector('#detail').open && document.activeElement.textContent.startsWith('mixed1#11')")
    assert not look.run("return window.hacked") and HOSTILE in look.run("return JSON.stringify(JSON.parse(document.querySelector('#data').textContent).names)")


def check_layers(look):
    look.run("document.querySelectorAll('#layers a')[1].click()")
    assert len(look.all(READY)) == 2 and look.one("#cards .name").text.startswith("mixed2#")
    look.run("document.querySelectorAll('#layers a')[0].click()")


def check_many(driver, page, axe):
    """The first layer's channels again and again."""
    text = page.read_text(encoding="utf-8")
    found = re.search(r'(<script type="application/json" id="data">)(.*?)(</script>)', text, re.S)
    data = json.loads(found[2])
    few = data["layers"][0]["channels"]
    data["layers"] = [{**data["layers"][0], "channels": [{**few[i % len(few)], "number": i} for i in range(MANY)]}]
    for i in range(MANY):
        for kind in ("activation", "relevance"):
            sheet = page.parent / "exemplars" / f"mixed1-{i}-{kind}.png"
            if not sheet.exists():
                os.link(page.parent / "exemplars" / f"mixed1-{few[i % len(few)]['number']}-{kind}.png", sheet)
    other = page.with_name("many.html")
    other.write_text(text[: found.start(2)] + json.dumps(data).replace("<", "\\u003c") + text[found.end(2) :], encoding="utf-8")
    for size in (DESK, PHONE):
        look = Look(driver, other, size, "light", READY)
        assert len(look.all(READY)) == PAGE and look.one("#found").text == "2,000 channels"
        check_width(look)
        Select(look.one("#sort")).select_by_value("number")
        look.press(look.all("#pages button")[-1])
        assert look.all("#cards .name")[-1].text == "mixed1#1999"
        look.one("#find").send_keys("1000-1100")
        assert look.one("#found").text == "101 of 2,000 channels"
        if axe:
            check_access(look, axe)
        check_logs(driver)


test_page(__doc__, atlas, READY, [check_cards, check_channel, check_layers], check_many)
