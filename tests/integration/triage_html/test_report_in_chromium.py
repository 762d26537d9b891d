# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.html in a real Chromium: it fits, loads nothing, runs nothing, and can be read by everybody, on paper too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dwp.backend.plugins.plugin_utils.report_html import render
from tests.integration.triage_html.browser import Browser
from tests.unit import report_samples as samples

LONG_COMMAND = (
    'psql -h 10.0.3.21 -U dwp_user -d dwp_main -c "SELECT application_name, state, count(*)  FROM pg_stat_activity GROUP BY 1, 2 '
    "ORDER BY 3 DESC\"  # '<두 칸>' & \"quotes\""
)


def _long_command() -> dict[str, Any]:
    report = samples.full()
    report["verdict"]["next_action"]["command"] = LONG_COMMAND
    return report


REPORTS: dict[str, Callable[[], dict[str, Any]]] = {
    "full": samples.full,
    "healthy": lambda: samples.sample("healthy"),
    "unknown": lambda: samples.sample("unknown"),
    "hostile": samples.hostile,
    "command": _long_command,
    "empty": dict,
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    started = Browser()
    yield started
    started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("pages")
    found = {}
    for name, make in REPORTS.items():
        found[name] = directory / f"{name}.html"
        found[name].write_text(render(make()), encoding="utf-8")
    return found


def requests_and_complaints(browser: Browser, page: Path) -> list[str]:
    """Whatever the page asked for besides itself, and whatever the console or a dialog said."""
    asked = [event["request"]["url"] for event in browser.happened("Network.requestWillBeSent")]
    return [
        *(url for url in asked if url not in (page.as_uri(), "data:,")),
        *(event["entry"]["text"] for event in browser.happened("Log.entryAdded")),
        *(str(event) for event in browser.happened("Runtime.consoleAPICalled")),
        *(str(event) for event in browser.happened("Runtime.exceptionThrown")),
        *(event["message"] for event in browser.happened("Page.javascriptDialogOpening")),
    ]


def unfold(browser: Browser) -> None:
    browser.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")


OUTSIDE = """[...document.querySelectorAll('main *, footer *')]
    .filter(each => !each.closest('.scroll > *, pre > *, .kind') && each.getClientRects().length)
    .filter(each => each.getBoundingClientRect().right > innerWidth + 1 || each.getBoundingClientRect().left < -1)
    .map(each => each.tagName + '.' + each.getAttribute('class'))"""


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("name", sorted(REPORTS))
def test_fits_and_is_quiet(browser: Browser, pages: dict[str, Path], name: str, width: int) -> None:
    browser.open(pages[name], width)
    unfold(browser)
    assert browser.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [width, width]
    assert browser.evaluate(OUTSIDE) == []
    assert requests_and_complaints(browser, pages[name]) == []


@pytest.mark.parametrize("policy", [True, False], ids=["with its policy", "by escaping alone"])
def test_hostile_text_runs_nothing(browser: Browser, pages: dict[str, Path], policy: bool) -> None:
    browser.open(pages["hostile"], policy=policy)
    unfold(browser)
    assert browser.evaluate("typeof window.pwned") == "undefined"
    assert "pwned" not in browser.evaluate("document.title").replace("document.title='pwned'", "")
    assert browser.evaluate("document.querySelectorAll('script, img, iframe, form, base, a, [onload], [onerror]').length") == 0
    assert browser.evaluate("document.compatMode + document.querySelectorAll('main').length") == "CSS1Compat1"
    assert requests_and_complaints(browser, pages["hostile"]) == []


HOLE = "<script>window.pwned = 1</script><img src=http://127.0.0.1:9/x onerror='window.pwned = 2'><p id=hole style='color: red'>x</p>"


def test_policy_closes_a_hole_in_the_escaping(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    page = tmp_path / "hole.html"
    page.write_text(pages["full"].read_text(encoding="utf-8").replace("</main>", HOLE + "</main>"), encoding="utf-8")
    browser.open(page)
    assert browser.evaluate("typeof window.pwned") == "undefined"
    assert browser.evaluate("getComputedStyle(hole).color") != "rgb(255, 0, 0)"
    assert any("Content Security Policy" in each for each in requests_and_complaints(browser, page))
    browser.open(page, policy=False)  # these tests can see a script when there is one
    assert browser.evaluate("window.pwned") in (1, 2)


CONTRAST = """(() => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number)
    const light = colour => {
        const linear = each => each <= .03928 ? each / 12.92 : ((each + .055) / 1.055) ** 2.4
        const [r, g, b] = numbers(colour).map(each => linear(each / 255))
        return .2126 * r + .7152 * g + .0722 * b
    }
    const solid = colour => colour.startsWith('rgb(') || (numbers(colour)[3] ?? 0) === 1
    const under = element => {
        const box = element.closest('g.node')?.querySelector('.box')
        if (box) return getComputedStyle(box).fill
        for (let each = element; each; each = each.parentElement)
            if (solid(getComputedStyle(each).backgroundColor)) return getComputedStyle(each).backgroundColor
        return 'rgb(255, 255, 255)'
    }
    const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    let seen = 0
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement
        if (!walker.currentNode.data.trim() || element.closest('title, desc, .kind') || !element.checkVisibility()) continue
        const style = getComputedStyle(element), ink = element instanceof SVGElement ? style.fill : style.color
        const one = light(ink), other = light(under(element))
        const ratio = (Math.max(one, other) + .05) / (Math.min(one, other) + .05)
        seen++
        if (ratio < 4.5) found.push([walker.currentNode.data.trim().slice(0, 40), ink, under(element), ratio.toFixed(2)])
    }
    return {seen, found}
})()"""


@pytest.mark.parametrize("look", ["light", "dark", "print"])
@pytest.mark.parametrize("name", ["full", "healthy", "unknown"])
def test_contrast_of_every_text(browser: Browser, pages: dict[str, Path], name: str, look: str) -> None:
    """WCAG AA, 4.5 to 1 also for large text."""
    browser.open(pages[name], dark=look == "dark", media="print" if look == "print" else "")
    unfold(browser)
    answer = browser.evaluate(CONTRAST)
    assert answer["found"] == []
    assert answer["seen"] > 100
    paper = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, paper[4:-1].split(","))) < 60) == (look == "dark")


@pytest.mark.parametrize("width", [360, 1280])
def test_one_click_selects_the_whole_command(browser: Browser, pages: dict[str, Path], width: int) -> None:
    browser.open(pages["command"], width)
    x, y = browser.evaluate(
        "(() => { const box = document.querySelector('.next .command code').getBoundingClientRect(); return [box.x + 40, box.y + 20] })()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    assert browser.evaluate("getSelection().toString()") == LONG_COMMAND


CUT = """[...document.querySelectorAll('main *')]
    .filter(each => each.checkVisibility() && !(each instanceof SVGElement) && !each.closest('.kind'))
    .filter(each => each.scrollWidth > each.clientWidth + 1 && each.clientWidth && getComputedStyle(each).overflowX !== 'visible'
        || each.scrollHeight > each.clientHeight + 1 && each.clientHeight && getComputedStyle(each).overflowY !== 'visible')
    .map(each => each.tagName + '.' + each.getAttribute('class'))"""
FOLDED = """[...document.querySelectorAll('details:not(.raw details, .sample) > :not(summary, .narrow)')]
    .filter(each => !each.checkVisibility()).map(each => each.tagName)"""


@pytest.mark.parametrize("name", ["full", "healthy", "unknown"])
def test_paper_shows_everything(browser: Browser, pages: dict[str, Path], name: str) -> None:
    """As wide as A4 between its margins: nothing folded, nothing behind a scroll bar, nothing over the edge."""
    browser.open(pages[name], 718, media="print", dark=True)
    assert browser.evaluate(FOLDED) == []
    assert browser.evaluate("document.querySelectorAll('details:not([open])').length") > 2
    assert browser.evaluate(CUT) == []
    assert browser.evaluate(OUTSIDE) == []
    assert browser.evaluate("document.documentElement.scrollWidth") == 718
    assert not browser.evaluate("document.querySelector('#report-json').checkVisibility()")
    pdf = browser.pdf()
    assert pdf.startswith(b"%PDF") and 1 <= pdf.count(b"/Type /Page\n") <= 12


SHOWN = "[...document.querySelectorAll('.graph')].filter(each => each.checkVisibility())"


def test_picture_can_be_read_on_a_phone(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["full"], 360)
    assert browser.evaluate(f"{SHOWN}.length") == 1
    scale = browser.evaluate(f"{SHOWN}[0].getBoundingClientRect().width / {SHOWN}[0].viewBox.baseVal.width")
    for text, least in ((".name", 11), (".said", 8.9)):
        assert scale * browser.evaluate(f"parseFloat(getComputedStyle({SHOWN}[0].querySelector('{text}')).fontSize)") >= least


@pytest.mark.parametrize("width", [360, 1280])
def test_words_stay_in_their_boxes(browser: Browser, pages: dict[str, Path], width: int) -> None:
    right = "getBoundingClientRect().right"
    for name in ("full", "unknown", "hostile"):
        browser.open(pages[name], width)
        nodes = f"{SHOWN}.flatMap(graph => [...graph.querySelectorAll('g.node')])"
        wide = f"{nodes}.filter(node => [...node.querySelectorAll('text')].some(text => text.{right} > node.querySelector('.box').{right}))"
        assert browser.evaluate(f"{wide}.map(node => node.textContent.trim())") == []
        assert browser.evaluate(f"{nodes}.length") > 8


def test_a_reader_that_sees_nothing(browser: Browser, pages: dict[str, Path]) -> None:
    """Headings in order, one main heading, the picture in words, tables that can be scrolled from the keyboard."""
    browser.open(pages["full"])
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    found = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    pictures = [node for node in nodes if not node["ignored"] and node["role"]["value"] in ("img", "image", "graphics-document")]
    assert len(pictures) == 1
    assert "Who depends on whom" in pictures[0]["name"]["value"] and "postgres: root cause" in pictures[0]["name"]["value"]
    assert ("region", "Databases") in found
    levels = browser.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(each => Number(each.tagName[1]))")
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(following <= level + 1 for level, following in zip(levels, levels[1:]))
    ids = browser.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids))
