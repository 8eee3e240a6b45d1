"""A round on the wall, through the whole hall: cameras change without black, wait when held, and count as seen."""

from __future__ import annotations

import httpx
import pytest

pytestmark = [pytest.mark.browser]
#: notes on every frame of the screen what each tile shows, and whether it is a picture
WATCH = """() => {
  window.changes = []; window.black = 0; let last = "";
  const look = () => {
    requestAnimationFrame(look);
    const tiles = hall.video.grid.tiles.slice(0, 2);
    if (tiles.some((tile) => !tile.view || !tile.view.painted)) { window.black += 1; (window.why = window.why || []).push(tiles.map((t) => [t.channel, !!t.view, t.view && t.view.painted, t.condition, t.feed && performance.now() - t.feed.shownAt, t.feed && t.feed.state.state])); }
    const now = tiles.map((tile) => tile.channel).join(" ");
    if (now !== last) window.changes.push(last = now);
  };
  requestAnimationFrame(look);
}"""
LIVE = "() => hall.video.grid.round === 'fast' && hall.video.grid.tiles.slice(0, 2).every(t => t.condition === 'live')"


@pytest.fixture
def place(cameras_before_a_hall):
    return cameras_before_a_hall


@pytest.fixture
def page(place, open_page):
    hall, _, _ = place
    found = open_page(f"{hall.url}/wall/video")
    found.wait_for_function("() => hall.store.get('round/fast') && hall.store.get('round/fast').data.living === 8")
    found.evaluate("() => hall.video.grid.set({round: 'fast', layout: 4, cells: []}, true)")
    found.wait_for_function(LIVE)
    return found


def test_cameras_take_turns_and_no_frame_is_black(page):
    page.evaluate(WATCH)
    page.wait_for_function("() => new Set(changes.flatMap((one) => one.split(' '))).size === 8")
    assert page.evaluate("() => black") == 0, page.evaluate("() => why")
    assert page.faults == []


def test_what_was_on_the_wall_counts_as_seen_by_its_department(place, page):
    hall, _, _ = place
    page.wait_for_function("() => hall.store.get('round/fast').data.seen === 8")
    rows = httpx.get(f"{hall.url}/api/v1/rounds/fast/coverage").json()["rows"]
    assert [(row["owner"], row["living"], row["seen"], row["never"]) for row in rows] == [("测试", 8, 8, 0)]


def test_a_camera_that_dies_is_passed_over_and_comes_back(place, page):
    _, cameras, _ = place
    cameras.do(cameras.camera.stop())
    page.wait_for_function("() => hall.store.get('round/fast').data.skipped > 0")
    cameras.do(cameras.camera.start())
    page.wait_for_function("() => hall.store.get('round/fast').data.skipped === 0")
    page.wait_for_function(LIVE)


def test_somebody_at_a_console_holds_the_round_and_everybody_sees_it(place, page, chromium):
    hall, _, _ = place
    desk = chromium.new_page(viewport={"width": 1920, "height": 1080})
    try:
        desk.goto(hall.desk_link)
        desk.goto(f"{hall.url}/wall/video")
        desk.wait_for_selector(".video-bar:not([hidden])")
        desk.select_option(".video-bar select[aria-label='轮巡…']", "fast")
        desk.wait_for_function(LIVE)
        desk.get_by_role("button", name="保持").click()
        page.wait_for_function("() => /已保持画面/.test(document.querySelector('.round-words').textContent)")
        until = page.evaluate("() => hall.store.get('round/fast').data.until")
        page.wait_for_function("until => hall.clock.real() > until + 500", arg=until)
        held = page.evaluate("() => hall.store.get('round/fast').data")
        assert held["until"] == until and held["held_by"]
        desk.get_by_role("button", name="覆盖率").click()
        desk.wait_for_selector(".round-coverage td >> text=测试")
        desk.get_by_role("button", name="继续").click()
        page.wait_for_function("until => hall.store.get('round/fast').data.until > until", arg=until)
        desk.get_by_role("button", name="结束轮巡").click()
        page.wait_for_function("() => !hall.video.grid.round")
    finally:
        desk.close()
