"""Sizes, parts, seams, languages: the same wall on whatever it is shown."""

from __future__ import annotations

import math

import pytest

from tests.browser.walls.wallstage import SETTLED

pytestmark = pytest.mark.browser
#: notes for when a page that is to go elsewhere set its timer, ms of the hall's clock, and how long it still had
GOES_AT = """() => { const set = window.setTimeout;
  window.setTimeout = (call, ms, ...more) => {
    if (String(call).includes('location.replace')) sessionStorage.setItem('goes-at', JSON.stringify([hall.clock.real() + ms, ms]));
    return set(call, ms, ...more); }; }"""
#: every element with a text of its own: its font size, height of the wall's smallest text, and what it says
TEXTS = """() => { const found = []; const walk = document.createTreeWalker(document.getElementById('wall'), NodeFilter.SHOW_TEXT);
  const text = parseFloat(getComputedStyle(document.getElementById('wall')).fontSize);
  while (walk.nextNode()) { const e = walk.currentNode.parentElement; if (!walk.currentNode.data.trim() || !e.offsetParent) continue;
    if (e.closest('.leaflet-container') || e.tagName === 'OPTION') continue;
    found.push([parseFloat(getComputedStyle(e).fontSize) / text, walk.currentNode.data.trim(), e.className]); }
  return found; }"""


@pytest.mark.parametrize("layout", ["routine", "flood", "video", "briefing"])
def test_no_text_on_a_wall_is_smaller_than_twenty_minutes_of_arc(stage, open_page, layout):
    page = open_page(stage.url(layout))
    glyph_mm = 10_000 * math.tan(math.radians(20 / 60))
    wanted_px = glyph_mm / 1.875 * 1920 / 3840
    text_px = page.evaluate("() => parseFloat(getComputedStyle(document.getElementById('wall')).fontSize)")
    assert text_px * 0.92 == pytest.approx(wanted_px, rel=0.002)
    small = [row for row in page.evaluate(TEXTS) if row[0] < 0.999]
    assert small == [] and page.faults == []


@pytest.mark.parametrize("layout", ["routine", "flood", "video", "briefing"])
def test_both_languages_are_whole_and_switch_in_place(stage, open_page, layout):
    page = open_page(stage.url(layout))
    marks = page.evaluate("() => { window.same = document.getElementById('wall'); return 1; }")
    for _ in range(2):
        page.click(".mast-language")
        unknown = [
            text
            for _, text, _ in page.evaluate(TEXTS)
            if text.count(".") and " " not in text and text[0].isalpha() and text.isascii()
        ]
        assert unknown == []
    assert marks and page.evaluate("() => window.same === document.getElementById('wall')")
    page.click(".mast-language")
    assert page.evaluate("() => document.documentElement.lang") == "en" and "Test City" in page.inner_text(".mast-city")
    assert "Demo data" in page.inner_text(".mast-demo")


def test_a_preview_at_half_the_width_is_the_same_picture_at_half_the_size(stage, open_page):
    boxes = "() => [...document.querySelectorAll('.cell')].map(c => { const b = c.getBoundingClientRect(); return [b.left / innerWidth, b.top / innerHeight, b.width / innerWidth] })"
    small = open_page(stage.url("routine"), (1280, 720))
    large = open_page(stage.url("routine"), (2560, 1440))
    for a, b in zip(small.evaluate(boxes), large.evaluate(boxes), strict=True):
        assert a == pytest.approx(b, abs=0.002)
    rows = "() => Number(document.querySelector('[data-panel=case_ticker] .rows').dataset.shown)"
    for page in (small, large):
        page.wait_for_function(rows)
    small.wait_for_function(f"wanted => ({rows})() === wanted", arg=large.evaluate(rows))


def test_browsers_of_one_wall_show_its_parts_and_grid_lines_fall_on_the_seams(stage_of, open_page):
    stage = stage_of(3, 2, (1920, 1080))
    size = (960, 540)
    lefts = {}
    for part in ((0, 0), (1, 0), (2, 1)):
        page = open_page(stage.url("flood", f"part={part[0]},{part[1]}"), size)
        box = page.evaluate(
            "() => { const b = document.getElementById('wall').getBoundingClientRect(); return [b.left, b.top, b.width, b.height] }"
        )
        assert box == [-part[0] * 960, -part[1] * 540, 2880, 1080]
        lefts[part] = page.evaluate("() => [...document.querySelectorAll('.cell')].map(c => c.getBoundingClientRect().left)")
        for seam in (960, 1920):  # no cell reaches over a vertical seam unless it fills it from line to line
            across = page.evaluate(
                "([seam]) => [...document.querySelectorAll('.kpi-card')].filter(c => { const b = c.getBoundingClientRect(); const w = document.getElementById('wall').getBoundingClientRect().left; return b.left - w < seam - 1 && b.right - w > seam + 1 }).length",
                [seam],
            )
            assert across == 0
    cells = [left + 0 for left in lefts[(0, 0)]]
    assert any(abs(left - 960) < 1 for left in cells) and any(abs(left - 1920) < 1 for left in cells)
    assert lefts[(1, 0)] == pytest.approx([left - 960 for left in cells], abs=0.6)


def test_every_browser_of_a_wall_changes_scene_at_the_told_moment(stage, open_page):
    first, second = (open_page(stage.url("routine", "wall=routine")) for _ in range(2))
    for page in (first, second):
        page.evaluate(GOES_AT)
    at = max(page.evaluate("() => hall.clock.real()") for page in (first, second)) + 700
    stage.gate.put(("scene/routine", {"layout": "flood", "at": at}))
    for page in (first, second):
        page.wait_for_url("**/wall/flood**")
        due, wait = page.evaluate("() => JSON.parse(sessionStorage.getItem('goes-at'))")
        assert abs(due - at) < 150 or (wait == 0 and due > at), "then, or at once where the server answered only later"
        assert page.evaluate("() => performance.timeOrigin") - at > -150  # gate and browser share this machine's clock


def test_a_screen_reloads_when_the_server_was_upgraded_and_only_then(stage, open_page):
    page = open_page(stage.url("routine"))
    page.evaluate("() => { window.old = true; }")
    before = len(stage.gate.subscriptions)
    stage.gate.build = "b2"  # the gate is new, the web server is not yet: no reload
    stage.gate.cut()
    stage.gate.wait_for(lambda: len(stage.gate.subscriptions) > before)
    assert page.evaluate("() => window.old")
    stage.build = "b2"  # the screen asks until it is
    page.wait_for_function("() => !window.old && window.hall?.store?.ready")


def test_a_screen_reports_what_it_shows(stage, open_page):
    page = open_page(stage.url("flood", "wall=main"))
    page.evaluate("() => hall.link.report()")  # everything is live now; what was told before need not have been
    live = lambda: [report for report in stage.gate.reports if report["tiles"].get("wet_spots") == "live"]  # noqa: E731
    stage.gate.wait_for(live)
    report = live()[-1]
    assert report["layout"] == "flood" and len(report["hash"]) == 8
    assert set(report["tiles"]) == set(
        page.evaluate("() => [...document.querySelectorAll('[data-panel]')].map(p => p.dataset.panel)")
    )


def test_reconnecting_and_repainting_does_not_pile_up_elements(stage, open_page):
    page = open_page(stage.url("flood"))
    before = 0
    for _ in range(6):
        seen = len(stage.gate.subscriptions)
        stage.gate.cut()
        stage.gate.wait_for(lambda seen=seen: len(stage.gate.subscriptions) > seen)
        page.wait_for_function("() => hall.link.state === 'live' && document.querySelector('.spot-row')")
        before = before or page.evaluate(SETTLED)
    assert page.evaluate(SETTLED) <= before + 8
