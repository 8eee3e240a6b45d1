"""Pictures on the glass: they move, they say what they are, and none that stands still looks alive."""

from __future__ import annotations

import pytest

from hall.core.clock import real_ms
from tests.browser.walls import scenery
from tests.browser.walls.wallstage import HELD_UP
from tests.video.cameras.clip import CELLS, READ_JS, Recipe

pytestmark = pytest.mark.browser
FLUID = "tiles => hall.video.tiles().filter(t => t.condition === 'live').length >= tiles"
#: the number read off the canvas of one tile
NUMBER = f"""index => {{ {READ_JS}
  const tile = hall.video.tiles()[index], canvas = tile.view && tile.view.canvas;
  return canvas && canvas.width ? readNumber(tile.view.context, 0, 0, canvas.width) : null; }}"""

#: whether each tile shows the bright and the dark block that begin the number in the upper left corner of the whole
CORNER = f"""() => [0, 2, 3].map(index => {{ const tile = hall.video.tiles()[index];
  const edge = 2 * tile.view.canvas.width / {CELLS + 4}, row = tile.view.context.getImageData(0, edge / 2, 2 * edge, 1).data;
  return row[4 * Math.floor(edge / 2)] - row[4 * Math.floor(edge * 1.5)] > 90; }})"""

#: keeps in `stood` how long the picture had stood when it was marked, and how much of that the page could not run
MARKED = f"""() => {{ ({HELD_UP})(); const tile = hall.video.tiles()[0];
  new MutationObserver(() => {{ const since = tile.feed.shownAt;
    if (tile.node.dataset.condition === 'frozen') window.stood ??= [performance.now() - since, heldUp(since)] }})
    .observe(tile.node, {{attributes: true, attributeFilter: ['data-condition']}}) }}"""


def camera(stage, name: str, **data) -> str:
    """A camera that the relay plays and the hall knows."""
    subject = f"channel/v/{name}"
    stage.relay.add(subject, main=Recipe(), sub=Recipe(width=320, height=180, kbit_s=300))
    row = {"feed": "v", "channel_id": name, "name": f"路口 {name}", "owner": "交警支队", "state": "online", "has_stream": True}
    stage.gate.put((subject, row | {"lon": 113.9, "lat": 35.3} | data))
    return subject


def showing(stage, open_page, names: str, layout: int = 4, **page_options):
    """A page that shows the cameras called by single letters."""
    stage.gate.put(*scenery.feeds())
    subjects = [camera(stage, name) for name in names]
    page = open_page(stage.url("video"), **page_options)
    page.evaluate("([layout, cells]) => hall.video.grid.set({layout, cells}, true)", [layout, subjects])
    return page, subjects


def test_the_number_burnt_into_the_picture_runs_on_every_tile(stage, open_page):
    page, _ = showing(stage, open_page, "abcd")
    page.wait_for_function(FLUID, arg=4)
    for index in range(4):
        first = page.wait_for_function(NUMBER, arg=index).json_value()
        page.wait_for_function(f"({NUMBER})({index}) !== {first}")
    assert len(stage.relay.clients) == 1 and page.faults == []  # one socket for all tiles


def test_a_tile_says_name_owner_clock_and_age(stage, open_page):
    page, _ = showing(stage, open_page, "a", layout=1)
    page.wait_for_function(FLUID, arg=1)
    page.wait_for_function("() => /^\\d+ ms$/.test(document.querySelector('.video-age').textContent)")
    tile = page.locator(".video-tile").first
    assert tile.locator(".video-name").inner_text() == "路口 a"
    assert tile.locator(".video-owner").inner_text() == "交警支队"
    assert tile.locator(".video-clock").inner_text().count(":") == 2


def test_a_picture_that_stands_is_marked_within_two_seconds_and_alive_again_when_it_goes_on(stage, open_page):
    page, (subject,) = showing(stage, open_page, "a", layout=1)
    page.wait_for_function(FLUID, arg=1)
    page.evaluate(MARKED)
    stage.relay.channels[subject].frozen = True  # nothing else is said: the page must find out by itself
    page.wait_for_selector('.video-tile[data-condition="frozen"]')
    stood, held = page.evaluate("() => window.stood")
    assert 1000 < stood and stood - held < 2000
    assert "画面停止" in page.inner_text(".video-sentence")
    stage.relay.channels[subject].frozen = False
    page.wait_for_function(FLUID, arg=1)
    assert page.inner_text(".video-sentence") == ""


def test_a_camera_that_does_not_answer_is_told_in_words_with_the_next_attempt(stage, open_page):
    page, (subject,) = showing(stage, open_page, "a", layout=1)
    page.wait_for_function(FLUID, arg=1)
    stage.relay.channels[subject].frozen = True
    stage.relay.tell(subject, state="waiting", reason="silent", attempts=3, again_at=real_ms() + 60_000)
    page.wait_for_function(
        "() => /摄像机无应答 · 第 3 次重试 · \\d+ 秒后/.test(document.querySelector('.video-sentence').textContent)"
    )


def test_after_a_cut_connection_every_tile_plays_again_by_itself(stage, open_page):
    page, _ = showing(stage, open_page, "ab")
    page.wait_for_function(FLUID, arg=2)
    shown = page.evaluate("() => hall.video.tiles().slice(0, 2).map(t => t.feed.shown)")
    stage.relay.cut()
    stage.relay.wait_for(lambda: stage.relay.connections == 2)
    page.wait_for_function(
        "shown => hall.video.tiles().slice(0, 2).every((t, i) => t.condition === 'live' && t.feed.shown > shown[i] + 5)",
        arg=shown,
    )


def test_a_relay_that_says_nothing_any_more_is_left_for_a_new_connection(stage, open_page):
    page, _ = showing(stage, open_page, "a", layout=1)
    page.wait_for_function(FLUID, arg=1)
    stage.relay.mute = True  # the socket stands
    page.wait_for_function("() => hall.video.wire.state === 'lost'")
    page.wait_for_function(  # a tile looks four times a second: until then it says that its picture stands
        "() => document.querySelector('.video-sentence').textContent.includes('视频服务的连接中断')"
    )
    stage.relay.mute = False
    page.wait_for_function(FLUID, arg=1)


def test_the_same_channel_in_two_places_is_watched_once(stage, open_page):
    page, (subject,) = showing(stage, open_page, "a", layout=4)
    page.wait_for_function(FLUID, arg=1)
    page.evaluate(
        "s => { const t = new hall.video.Tile({why: 'x'}); document.body.append(t.node); t.show(s, {quality: 'sub'}); window.other = t }",
        subject,
    )
    page.evaluate("s => { const t = new hall.video.Tile({why: 'x'}); t.show(s, {quality: 'sub'}); }", subject)
    page.wait_for_function("() => other.condition === 'live'")
    asked = [(m["channel"], m["quality"]) for m in stage.relay.asked]
    assert asked.count((subject, "sub")) <= 2  # the wall's own, and one for both others (another reason to look)


def test_a_ticket_that_the_relay_does_not_take_is_asked_for_anew(stage, open_page):
    page, _ = showing(stage, open_page, "a", layout=1)
    page.wait_for_function(FLUID, arg=1)
    stage.relay.tickets.clear()
    before = len(stage.views)
    stage.relay.cut()
    stage.relay.wait_for(lambda: stage.relay.connections == 2 and len(stage.relay.watches) == 1)
    page.wait_for_function(FLUID, arg=1)
    assert len(stage.views) == before + 1


def test_a_channel_that_one_may_not_see_says_so(stage, open_page):
    stage.refusals["channel/v/b"] = "forbidden"
    page, _ = showing(stage, open_page, "ab")
    page.wait_for_function(FLUID, arg=1)
    page.wait_for_function("() => /不能观看：无权限/.test(document.querySelectorAll('.video-sentence')[1].textContent)")
    assert all(message["channel"] != "channel/v/b" for message in stage.relay.asked)


def test_what_the_relay_says_of_its_pictures_stands_on_the_tile(stage, open_page):
    page, (subject,) = showing(stage, open_page, "a", layout=1)
    page.wait_for_function(FLUID, arg=1)
    stage.relay.again(subject, converted="h265")
    stage.relay.budget(subject, "keys")
    page.wait_for_function("() => document.querySelectorAll('.video-badge').length === 2")
    assert page.locator(".video-badge").all_inner_texts() == ["已转码（原为 H.265）", "线路慢：只传关键帧"]
    page.wait_for_function(FLUID, arg=1)


def test_what_was_let_go_is_left_at_the_relay_and_frees_its_pixels(stage, open_page):
    page, _ = showing(stage, open_page, "abcd")
    page.wait_for_function(FLUID, arg=4)
    page.evaluate("() => hall.video.grid.set({layout: 1}, true)")
    stage.relay.wait_for(lambda: len(stage.relay.watches) == 1)
    assert page.evaluate("() => document.querySelectorAll('.video-picture').length") == 1
    page.wait_for_function("() => hall.video.feeds().length === 1")


def test_a_page_that_nobody_looks_at_lets_its_pictures_go_and_has_them_back(stage, open_page):
    page, _ = showing(stage, open_page, "ab")
    page.wait_for_function(FLUID, arg=2)
    hide = """hidden => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
      document.dispatchEvent(new Event('visibilitychange')) }"""
    page.evaluate("() => { hall.video.hiddenMs = 100 }")
    page.evaluate(hide, True)
    stage.relay.wait_for(lambda: not stage.relay.watches)
    page.evaluate(hide, False)
    stage.relay.wait_for(lambda: len(stage.relay.watches) == 2)
    page.wait_for_function(FLUID, arg=2)


def test_tiles_of_one_stream_keep_their_names_say_which_camera_stands_and_enlarge_at_a_press(stage, open_page):
    stage.relay.add("mosaic/4", main=Recipe())
    page, subjects = showing(stage, open_page, "abcd")
    page.wait_for_function(FLUID, arg=4)
    page.click(".video-bar [data-t='video.bar.together']")
    stage.relay.wait_for(lambda: [watch.channel for watch in stage.relay.watches] == ["mosaic/4"])
    assert stage.views[-1]["channels"] == subjects and stage.views[-1]["why"] == stage.views[0]["why"]  # each on record
    page.wait_for_function("() => hall.video.tiles().every(t => t.feed.options.mode === 'mosaic' && t.feed.shown > 5)")
    page.wait_for_function(f"() => ({CORNER})().join() === 'true,false,false'")  # each shows its part of the whole
    stage.gate.put(
        ("picture/v/b", {"feed": "v", "channel_id": "b", "state": "stalled", "reason": "silent", "since": real_ms()})
    )
    page.wait_for_function("() => hall.video.tiles().map(t => t.condition).join() === 'live,frozen,live,live'")
    assert page.locator(".video-name").all_inner_texts() == ["路口 a", "路口 b", "路口 c", "路口 d"]
    assert "摄像机无应答" in page.locator(".video-sentence").nth(1).inner_text()
    page.click(".video-tile[data-index='2']")
    page.wait_for_function("() => hall.video.grid.spotlight === 2 && hall.video.tiles()[2].feed.options.quality === 'main'")
    stage.relay.wait_for(lambda: {watch.channel for watch in stage.relay.watches} == {"mosaic/4", subjects[2]})
    page.click(".video-tile[data-index='2']")
    page.wait_for_function("() => hall.video.grid.spotlight === null")
    assert page.faults == []


def test_without_webcodecs_the_pictures_play_through_media_source(stage, open_page):
    page, _ = showing(stage, open_page, "ab", layout=4, script="delete window.VideoDecoder")
    page.wait_for_function(FLUID, arg=2)
    assert page.evaluate("() => document.querySelectorAll('video.video-picture').length") == 2
    seen = f"""index => {{ {READ_JS}
      const video = document.querySelectorAll('video.video-picture')[index];
      const copy = new OffscreenCanvas(video.videoWidth, video.videoHeight).getContext('2d');
      copy.drawImage(video, 0, 0); return readNumber(copy, 0, 0, video.videoWidth) }}"""
    first = page.wait_for_function(seen, arg=1).json_value()
    page.wait_for_function(f"({seen})(1) !== {first}")
    page.wait_for_function("() => /^\\d+ ms$/.test(document.querySelector('.video-age').textContent)")
    stage.relay.add("mosaic/4", main=Recipe())
    page.click(".video-offer [data-t='video.bar.together']")  # offered where decoding is slow
    stage.relay.wait_for(lambda: [watch.channel for watch in stage.relay.watches] == ["mosaic/4"])
    page.wait_for_function(FLUID, arg=2)
    assert page.faults == []
