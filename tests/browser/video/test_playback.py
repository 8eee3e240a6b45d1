"""Recordings from the desk through a whole hall: begun in a case, played back beside its history, kept as evidence."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sqlite3

import numpy as np
import pytest
from PIL import Image

from hall import access
from hall.core.bus import Bus
from hall.core.settings import bus_socket
from tests.browser.video.camerahall import camera_hall
from tests.browser.video.playbackstage import RECIPE, SHOWN_JS, STEP_JS, apart, number_at, until
from tests.video.cameras.clip import read_number

pytestmark = [pytest.mark.browser, pytest.mark.chaos]
ASK = "([path, method, body]) => hall.ask(path, {method, body: body ?? undefined})"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with camera_hall(tmp_path_factory.mktemp("hall"), {"a": RECIPE, "b": RECIPE}) as found:
        yield found


@pytest.fixture(scope="module")
def desk(place, chromium):
    """`desk(name, role)`: a console of this person's own; a fault of its scripts fails the test."""
    hall, _, _ = place
    faults, contexts = [], []

    async def enter(name: str, role: str) -> str:
        bus = Bus(f"unix://{bus_socket(hall.data_dir)}", "{hall}")
        secret = await access.open_session(bus, name, role)
        await bus.close()
        return secret

    def open_(name: str, role: str, lang: str = "zh-CN"):
        context = chromium.new_context(viewport={"width": 1920, "height": 1080})
        contexts.append(context)
        context.add_cookies([{"name": access.COOKIE, "value": run(enter(name, role)), "url": hall.url}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.add_init_script(SHOWN_JS)
        page.goto(f"{hall.url}/desk?lang={lang}")
        page.wait_for_function("() => window.hall?.link?.state === 'live' && hall.store.ready && hall.desk.current")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


def run(work):
    """Awaits `work` beside the loop that the synchronous browser holds."""
    import threading

    found: list = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(work)))
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture(scope="module")
def page(desk):
    return desk("zhang", "operator")


@pytest.fixture(scope="module")
def recorded(place, page):
    """A case with both cameras recorded for some twelve seconds, two segments, begun and ended at the desk; its subject."""
    told = {"description": "路面积水", "class_name": "突发事件", "subclass_name": "道路积水", "lon": 113.9, "lat": 35.3}
    subject = page.evaluate(ASK, ["/api/v1/cases", "POST", {"id": "report-playback", "case": told}])["case"]
    page.evaluate("subject => hall.desk.choose(subject)", subject)
    page.wait_for_selector(".case-moves .move")
    page.click("#tab-recordings")
    page.wait_for_function("() => document.querySelectorAll('.recording-camera .video-tile[data-condition=live]').length === 2")
    assert page.locator(".recording-start").is_disabled()
    for box in page.locator(".recording-camera input").all():
        box.check()
    page.wait_for_function("() => hall.video.tiles().every(t => t.condition === 'live' && !t.coming)")
    page.click(".recording-start")
    page.wait_for_selector(".recording[data-state='running']")
    until(
        page,
        "async id => (await hall.ask(`/api/v1/recordings?case=${id}`)).rows[0].channels.every(c => c.pictures > 75)",
        subject,
    )
    file = subject.partition("/")[2]
    body = {"id": "note-playback", "move": "note", "data": {"text": "现场有车辆抛锚"}}
    page.evaluate(ASK, [f"/api/v1/cases/{file}/commands", "POST", body])
    until(
        page,
        "async id => (await hall.ask(`/api/v1/recordings?case=${id}`)).rows[0].channels.every(c => c.pictures > 275)",
        subject,
    )
    page.click(".recording [data-act='stop']")
    page.wait_for_selector(".recording[data-state='ended'] [data-act='play-back']")
    return subject


@pytest.fixture
def player(page, recorded):
    page.click(".recording [data-act='play-back']")
    page.wait_for_function("() => hall.video.playing && hall.video.playing.player.playing && hall.video.playing.player.lead")
    yield page
    page.keyboard.press("Escape")
    page.wait_for_function("() => !hall.video.playing")


def test_the_row_says_since_when_how_large_and_what_was_kept_from_before(place, page, recorded):
    hall, _, subjects = place
    row = page.evaluate("id => hall.video.recordings.of(id)", recorded)[0]
    assert sorted(one["channel"] for one in row["channels"]) == sorted(subjects)
    facts = page.inner_text(".recording-facts")
    assert "zhang" in facts and "人工停止" in facts and ("KB" in facts or "MB" in facts)
    before = (row["started"] - min(one["start"] for one in row["channels"])) / 1000
    assert before > 0.05 and f"预录 {before:.1f}" in facts


def test_the_number_in_each_picture_is_that_of_the_sliders_moment_wherever_it_is_moved(player):
    player.keyboard.press(" ")
    span = player.evaluate("() => [hall.video.playing.player.from, hall.video.playing.player.to]")
    for part in (0.1, 0.85, 0.5, 0.52, 0.2):
        wanted = round(span[0] + part * (span[1] - span[0]))
        player.evaluate(
            "ms => { const range = hall.video.playing.axis.range; range.value = ms; range.dispatchEvent(new Event('input')); range.dispatchEvent(new Event('change')) }",
            wanted,
        )
        player.wait_for_function("() => settled()")
        for one in player.evaluate("() => shownNow()"):
            assert one["slider"] == wanted
            assert apart(one["number"], number_at(wanted)) <= 1.5, (part, one, number_at(wanted))


@pytest.mark.parametrize("rate", [1, 2, 4])
def test_channels_play_in_step_at_each_speed(player, rate):
    player.evaluate("() => hall.video.playing.player.pause()")
    for _ in range(4):
        found = player.evaluate(STEP_JS, rate)
        if found["looks"] > 30:  # fewer, in three seconds and more, tell of the machine alone
            break
    assert found["ended"], found
    assert found["apart"][len(found["apart"]) // 2] < 100 * rate, found  # a tenth of a second on the screen
    assert 0.6 * rate < found["speed"] < 1.3 * rate, found
    player.evaluate("() => hall.video.playing.player.rate = 1")


def test_a_line_of_the_history_jumps_to_the_picture_of_its_moment(player, recorded):
    player.keyboard.press(" ")
    file = recorded.partition("/")[2]
    entry = next(e for e in player.evaluate(ASK, [f"/api/v1/files/{file}", "GET", None])["entries"] if e["move"] == "note")
    player.click(".playback-entry[data-kind='note']")
    player.wait_for_function("ms => Math.abs(hall.video.playing.at - ms) < 1 && settled()", arg=entry["real"])
    for one in player.evaluate("() => shownNow()"):
        assert apart(one["number"], number_at(entry["real"])) <= 1.5
    assert player.locator(".playback-entry[aria-current]").get_attribute("data-kind") == "note"
    mark = player.locator(".playback-mark[data-kind='note']").bounding_box()
    head = player.locator(".playback-head").bounding_box()
    assert abs(mark["x"] + 12 - head["x"]) < 3


def test_why_there_are_no_pictures_stands_on_the_axis_where_it_was(player):
    found = player.evaluate(
        """() => {
          const axis = hall.video.axis({ seek() {} }), at = hall.video.playing.player.from;
          const gaps = [{ since: at + 1000, until: at + 3000, reason: 'unreachable' }, { since: at + 6000, until: null, reason: 'disk-slow' }];
          axis.take({ lanes: [{ channel: 'channel/f/a', spans: [], gaps }], marks: [], from: at, to: at + 8000 });
          const holes = [...axis.node.querySelectorAll('.playback-lane > s')].map(s => [s.style.left, s.style.width, s.title]);
          axis.close();
          return holes;
        }"""
    )
    assert [hole[:2] for hole in found] == [["12.5%", "25%"], ["75%", "25%"]]
    assert "摄像机连不上" in found[0][2] and "磁盘跟不上" in found[1][2]


def test_a_playback_is_never_taken_for_live(player):
    assert player.locator(".playback-tile .playback-mark-replay").all_inner_texts() == ["录像回放", "录像回放"]
    assert player.inner_text(".playback-banner .playback-mark-replay") == "录像回放"
    assert player.locator(".playback .video-tile").count() == 0


def test_a_camera_of_a_replayed_map_plays_its_recording_of_that_moment(page, recorded, place):
    """On the map's card: from the moment on, one camera alone, marked as a recording, and without stills: there is no case."""
    _, _, subjects = place
    at = page.evaluate("id => hall.video.recordings.of(id)", recorded)[0]["channels"][0]["end"] - 4000
    page.evaluate(
        """([subject, at]) => {
          hall.citymap.past = { now: at, extent: { since: at - 60000, until: at + 60000 } };
          window.offer = new hall.citymap.Recorded(subject);
          document.body.append(offer.node);
        }""",
        [subjects[0], at],
    )
    page.wait_for_function("() => !offer.button.hidden")
    page.evaluate("() => (hall.citymap.past = null, offer.button.click())")
    page.wait_for_function("() => hall.video.playing && hall.video.playing.player.lead")
    assert page.evaluate("() => hall.video.playing.films.map(film => film.lane.channel)") == [subjects[0]]
    assert page.evaluate("() => hall.video.playing.at") >= at
    page.evaluate("at => (hall.video.playing.player.pause(), hall.video.playing.jump(at))", at)
    page.wait_for_function("() => settled()")
    assert apart(page.evaluate("() => shownNow()[0].number"), number_at(at)) <= 1.5
    assert page.inner_text(".playback-banner .playback-mark-replay") == "录像回放"
    assert page.locator(".playback-shot, .playback-side").count() == 0
    page.keyboard.press("Escape")
    page.evaluate("() => offer.node.remove()")
    page.wait_for_function("() => !hall.video.playing")


def test_a_still_of_a_playback_is_a_photo_of_the_case_with_its_moment_in_the_history(place, player, recorded):
    player.keyboard.press(" ")
    player.evaluate("() => hall.video.playing.jump(hall.video.playing.player.from + 3000)")
    player.wait_for_function("() => settled()")
    shown = player.evaluate("() => shownNow()[0]")
    player.locator(".playback-shot").first.click()
    file = recorded.partition("/")[2]
    player.wait_for_function("() => document.querySelector('.playback-note').textContent.startsWith('●')")
    view = player.evaluate(ASK, [f"/api/v1/files/{file}", "GET", None])
    photo, entry = view["file"]["photos"][-1], view["entries"][-1]
    assert photo["who"] == entry["who"] == "zhang" and "录像回放截图" in entry["data"]["text"]
    row = player.evaluate("() => hall.video.playing.films[0].lane.segments[0]")
    assert row["sha256"] in entry["data"]["text"] and row["recording"] in entry["data"]["text"]
    body = player.evaluate(
        "async media => [...new Uint8Array(await (await fetch(`/api/v1/media/${media}`)).arrayBuffer())]", photo["media"]
    )
    picture = Image.open(io.BytesIO(bytes(body)))
    assert picture.size == (320, 180)
    assert read_number(np.asarray(picture.convert("L"))) == shown["number"]  # the hall's picture is the one on the glass


def test_a_still_of_a_live_camera_is_a_photo_of_the_case(page, recorded):
    before = page.evaluate("() => (hall.desk.current().file.photos || []).length")
    page.locator(".recording-camera [data-act='shot']").first.click()
    page.wait_for_function("n => (hall.desk.current().file.photos || []).length > n", arg=before)
    assert "实时画面截图" in page.evaluate("() => hall.desk.current().entries.at(-1).data.text")


def test_what_was_not_recorded_is_a_hole_and_is_passed_over(page, recorded, place):
    """A second recording of one camera, a while after the first: one axis, a hole, nothing shown in it."""
    _, _, subjects = place
    made = page.evaluate("wanted => hall.video.recordings.start(wanted)", {"channels": [subjects[0]], "case": recorded})
    until(page, "async id => (await hall.ask(`/api/v1/recordings/${id}`)).channels[0].pictures > 50", made["id"])
    page.evaluate("id => hall.video.recordings.stop(id)", made["id"])
    row = f".recording[data-recording='{made['id']}']"
    page.click(f"{row} [data-act='play-back']")
    page.wait_for_function("() => hall.video.playing && hall.video.playing.films.length === 2")
    page.wait_for_function("() => hall.video.playing.player.lead")
    page.keyboard.press(" ")
    first = page.evaluate("() => hall.video.playing.films.map(f => f.lane.spans)")
    double, single = sorted(first, key=len, reverse=True)
    assert len(double) == 2 and len(single) == 1 and double[1]["from"] > double[0]["to"] + 500
    hole = (double[0]["to"] + double[1]["from"]) / 2
    page.evaluate("ms => hall.video.playing.jump(ms)", hole)
    page.wait_for_function("() => [...document.querySelectorAll('.playback-tile')].every(t => t.dataset.state === 'gap')")
    # noted when it is said and shown: two seconds of footage later the end is told instead
    page.evaluate("""() => { const note = document.querySelector('.playback-note'), tiles = [...document.querySelectorAll('.playback-tile')];
      window.said = [], window.shown = [];
      new MutationObserver(() => said.push(note.textContent)).observe(note, {childList: true, characterData: true, subtree: true});
      const look = new MutationObserver(() => shown.push([hall.video.playing.at, tiles.map(t => t.dataset.state).sort().join()]));
      tiles.forEach(t => look.observe(t, {attributes: true, attributeFilter: ['data-state']}));
      hall.video.playing.player.play(); }""")
    page.wait_for_function("ms => shown.some(([at, states]) => at >= ms && states === 'gap,picture')", arg=double[1]["from"])
    assert "已跳过" in page.evaluate("() => said[0]")
    assert not page.evaluate("ms => shown.some(([at, states]) => at < ms && states.includes('picture'))", double[1]["from"])
    page.keyboard.press("Escape")


def test_an_export_comes_with_the_hash_that_the_screen_names(page, recorded):
    page.locator(".recording [data-act='export']").first.click()
    page.click("dialog .is-primary")
    page.wait_for_function("() => document.querySelector('.recording-status').textContent.includes('请写明原因')")
    page.locator(".recording [data-act='export']").first.click()
    page.fill("dialog .desk-input", "移交交警支队")
    with page.expect_download() as given:
        page.click("dialog .is-primary")
    digest = hashlib.sha256(given.value.path().read_bytes()).hexdigest()
    page.wait_for_function("hash => document.querySelector('.recording-status').textContent.includes(hash)", arg=digest)


def test_a_locked_console_lets_its_pictures_go_and_has_them_again_once_it_is_opened(page, desk, recorded):
    """The other console of the same hall stays as it is, and says what the relay counts."""
    other, page = page, desk("zhou", "operator")
    page.evaluate("subject => hall.desk.choose(subject)", recorded)
    page.wait_for_selector(".case-moves .move")
    page.click("#tab-recordings")
    live = "() => document.querySelectorAll('.recording-camera .video-tile[data-condition=live]').length === 2"
    page.wait_for_function(live)
    tiles = "n => (hall.store.docs('process').get('process/relay').data.counters || {}).tiles === n"
    shown = other.evaluate("() => hall.video.wire.watches()")
    other.wait_for_function(tiles, arg=shown + 2)
    page.evaluate("() => hall.desk.lock.shut()")  # as when another page of this person's was locked
    other.wait_for_function(tiles, arg=shown)
    page.evaluate("() => new BroadcastChannel('hall-lock-zhou').postMessage('open')")
    page.wait_for_function(live)


def test_evidence_cannot_be_deleted_what_is_none_can_by_a_shift_leader_with_a_reason(place, page, desk, recorded):
    hall, _, _ = place
    first = page.evaluate("id => hall.video.recordings.of(id)", recorded)[-1]["id"]
    row = f".recording[data-recording='{first}']"
    assert page.locator(f"{row} [data-act='remove']").count() == 0  # an operator deletes nothing
    page.click(f"{row} [data-act='lock']")
    page.wait_for_selector(f"{row}[data-locked='1']")
    leader = desk("wang", "supervisor")
    leader.evaluate("subject => hall.desk.choose(subject)", recorded)
    leader.wait_for_selector(".case-moves .move")
    leader.click("#tab-recordings")
    leader.wait_for_selector(f"{row} [data-act='remove']")

    def remove(why: str) -> None:
        leader.click(f"{row} [data-act='remove']")
        leader.fill("dialog .desk-input", why)
        leader.click("dialog .is-primary")

    remove("误录")
    leader.wait_for_function("() => /锁定为证据/.test(document.querySelector('.recording-status').textContent)")
    assert leader.evaluate("id => hall.ask(`/api/v1/recordings/${id}`)", first)["locked"]
    leader.click(f"{row} [data-act='unlock']")
    leader.wait_for_selector(f"{row}:not([data-locked])")
    remove("误录")
    leader.wait_for_selector(row, state="detached")
    page.wait_for_selector(row, state="detached")  # the other desk hears of it
    with sqlite3.connect(f"file:{hall.data_dir}/ledger.db?mode=ro", uri=True) as db:
        rows = [json.loads(one[0]) for one in db.execute("select data from entries where subject = 'audit/record-remove'")]
    assert [(one["recording"], one["reason"]) for one in rows] == [(first, "误录")]
