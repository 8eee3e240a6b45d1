"""From a camera's RTSP to the glass through the whole hall: it plays, says what happens to it, and comes back by itself; and a round
on the wall: cameras change without black, wait when held, and count as seen. All of it before one hall."""

from __future__ import annotations

import httpx
import pytest

from tests.browser.video.camerahall import GLASS_JS, quantile
from tests.browser.video.test_tiles import FLUID, MARKED
from tests.video.cameras import READ_JS

pytestmark = [pytest.mark.browser, pytest.mark.chaos]
#: [what the tile says, what the numbers in its pictures say], ms, medians
AGES = f"""() => new Promise(done => {{ {READ_JS}
  const {{ feed }} = hall.video.tiles()[0], found = [];
  const look = () => {{
    const video = feed.player.element, copy = new OffscreenCanvas(video.videoWidth, video.videoHeight).getContext('2d');
    copy.drawImage(video, 0, 0);
    const number = readNumber(copy, 0, 0, video.videoWidth);
    if (number !== null) found.push((((Date.now() / 1000 - number / 25) % 4) + 4) % 4 * 1000);
    if (found.length < 25) return video.requestVideoFrameCallback(look);
    feed.measure();
    done([feed.latency, found.sort((a, b) => a - b)[12]]);
  }};
  feed.player.element.requestVideoFrameCallback(look);
}})"""
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
    hall, cameras, subjects = cameras_before_a_hall
    return hall, cameras, subjects[:4]


@pytest.fixture
def page(place, open_page):
    hall, _, subjects = place
    found = open_page(f"{hall.url}/wall/video")
    found.evaluate("cells => hall.video.grid.set({layout: 4, cells}, true)", subjects)
    found.wait_for_function(FLUID, arg=4)
    return found


def test_what_the_camera_burns_into_its_pictures_is_on_the_glass_moments_later(page):
    page.evaluate(f"() => {{ {GLASS_JS} }}")
    page.evaluate("() => watchGlass(() => hall.video.tiles(), 25, 4)")
    page.wait_for_function("() => hall.video.tiles().every(t => t.feed.shown > 100)")
    ages = page.evaluate("() => glass()")
    assert (
        len(ages) > 100 and 0 < quantile(ages, 0.5) < 150
    )  # bounded for a loaded machine; measured in tests/bench/video_glass.py
    assert page.faults == []


def test_a_camera_that_dies_is_told_and_its_picture_returns_on_the_same_connection(place, page):
    _, cameras, _ = place
    reconnects = page.evaluate("() => hall.video.wire.reconnects")
    cameras.do(cameras.camera.stop())
    page.wait_for_function("() => hall.video.tiles().every(t => t.condition === 'frozen')")
    page.wait_for_function("() => /摄像机/.test(hall.video.tiles()[0].sentence.textContent)")
    cameras.do(cameras.camera.start())
    page.wait_for_function(FLUID, arg=4)
    assert page.evaluate("() => hall.video.wire.reconnects") == reconnects


def test_when_the_relay_is_killed_the_wall_recovers_alone(place, page):
    hall, _, _ = place
    page.evaluate("() => window.before = hall.video.tiles().map(t => t.feed.shown)")
    hall.kill("relay")
    page.wait_for_function("() => hall.video.wire.state === 'lost'")
    page.wait_for_function("() => hall.video.tiles().every((t, i) => t.condition === 'live' && t.feed.shown > before[i] + 10)")


def by_webrtc(page) -> None:
    page.evaluate("() => { hall.video.lossy(true); hall.video.grid.set({layout: 1}, true) }")
    page.wait_for_function(
        "() => hall.video.tiles()[0].feed.options.mode === 'webrtc' && hall.video.tiles()[0].feed.shown > 10"
    )


def test_a_large_picture_on_a_lossy_line_comes_by_webrtc_and_tells_its_age(page):
    by_webrtc(page)
    assert page.evaluate("() => hall.video.tiles()[0].feed.fault") == ""
    assert page.evaluate("() => document.querySelectorAll('video.video-picture').length") == 1
    page.wait_for_function("() => /^\\d+ ms$/.test(document.querySelector('.video-age').textContent)")
    page.wait_for_function("() => hall.video.tiles()[0].feed.last.length >= 20")
    told, seen = page.evaluate(AGES)
    assert abs(told - seen) < 100  # what the tile says is what the number in the picture says


def test_when_the_relay_is_killed_a_webrtc_picture_is_marked_and_comes_back_alone(place, page):
    hall, _, _ = place
    by_webrtc(page)
    page.evaluate(MARKED)
    page.evaluate("""() => { window.before = hall.video.tiles()[0].feed.shown; const { pid } = hall.store.get('process/relay').data;
      hall.store.on(['process'], () => { if (hall.store.get('process/relay').data.pid !== pid) window.back ??= performance.now(); }); }""")
    hall.kill("relay")
    page.wait_for_selector(".video-tile[data-condition='frozen']")
    stood, held = page.evaluate("() => window.stood")
    assert stood - held < 2000
    took = page.wait_for_function(
        """() => { const tile = hall.video.tiles()[0];
          return tile.condition === 'live' && tile.feed.shown > before + 5 && window.back && performance.now() - back - heldUp(back) }"""
    ).json_value()
    assert page.evaluate("() => hall.video.tiles()[0].feed.options.mode") == "webrtc"
    print(f"picture back {took:.0f} ms after the relay")
    assert took < 12_000, took


def test_cameras_composed_by_the_hall_are_marked_when_they_die_and_come_back(place, page):
    _, cameras, subjects = place
    page.evaluate("() => hall.video.grid.together.set(true)")
    page.wait_for_function(
        "() => hall.video.tiles().every(t => t.condition === 'live' && t.feed.options.mode === 'mosaic' && t.feed.shown > 5)"
    )
    assert page.evaluate("() => hall.video.feeds().filter(f => f.watch && f.views.size).map(f => f.options.channel)") == [
        "mosaic/4"
    ]
    cameras.do(cameras.camera.stop())
    page.wait_for_function(
        "() => hall.video.tiles().every(t => t.condition === 'frozen' && /摄像机/.test(t.sentence.textContent))"
    )
    cameras.do(cameras.camera.start())
    page.wait_for_function(FLUID, arg=4)
    assert page.faults == []


@pytest.fixture
def turns(cameras_before_a_hall, open_page):
    """A page on which all eight cameras take turns."""
    hall, _, _ = cameras_before_a_hall
    found = open_page(f"{hall.url}/wall/video")
    found.wait_for_function("() => hall.store.get('round/fast') && hall.store.get('round/fast').data.living === 8")
    found.evaluate("() => hall.video.grid.set({round: 'fast', layout: 4, cells: []}, true)")
    found.wait_for_function(LIVE)
    return found


def test_cameras_take_turns_and_no_frame_is_black(turns):
    turns.evaluate(WATCH)
    turns.wait_for_function("() => new Set(changes.flatMap((one) => one.split(' '))).size === 8")
    assert turns.evaluate("() => black") == 0, turns.evaluate("() => why")
    assert turns.faults == []


def test_what_was_on_the_wall_counts_as_seen_by_its_department(cameras_before_a_hall, turns):
    hall, _, _ = cameras_before_a_hall
    turns.wait_for_function("() => hall.store.get('round/fast').data.seen === 8")
    rows = httpx.get(f"{hall.url}/api/v1/rounds/fast/coverage").json()["rows"]
    assert [(row["owner"], row["living"], row["seen"], row["never"]) for row in rows] == [("测试", 8, 8, 0)]


def test_a_camera_that_dies_is_passed_over_and_comes_back(cameras_before_a_hall, turns):
    _, cameras, _ = cameras_before_a_hall
    cameras.do(cameras.camera.stop())
    turns.wait_for_function("() => hall.store.get('round/fast').data.skipped > 0")
    cameras.do(cameras.camera.start())
    turns.wait_for_function("() => hall.store.get('round/fast').data.skipped === 0")
    turns.wait_for_function(LIVE)


def test_somebody_at_a_console_holds_the_round_and_everybody_sees_it(cameras_before_a_hall, turns, chromium):
    hall, _, _ = cameras_before_a_hall
    desk = chromium.new_page(viewport={"width": 1920, "height": 1080})
    desk.set_default_timeout(60_000)
    try:
        desk.goto(hall.desk_link)
        desk.goto(f"{hall.url}/wall/video")
        desk.wait_for_selector(".video-bar:not([hidden])")
        desk.select_option(".video-bar select[aria-label='轮巡…']", "fast")
        desk.wait_for_function(LIVE)
        desk.get_by_role("button", name="保持").click()
        turns.wait_for_function("() => /已保持画面/.test(document.querySelector('.round-words').textContent)")
        until = turns.evaluate("() => hall.store.get('round/fast').data.until")
        turns.wait_for_function("until => hall.clock.real() > until + 500", arg=until)
        held = turns.evaluate("() => hall.store.get('round/fast').data")
        assert held["until"] == until and held["held_by"]
        desk.get_by_role("button", name="覆盖率").click()
        desk.wait_for_selector(".round-coverage td >> text=测试")
        desk.get_by_role("button", name="继续").click()
        turns.wait_for_function("until => hall.store.get('round/fast').data.until > until", arg=until)
        desk.get_by_role("button", name="结束轮巡").click()
        turns.wait_for_function("() => !hall.video.grid.round")
    finally:
        desk.close()
