"""Live pictures beside cases, alarms and places: the nearest cameras, the map's sector and its player."""

from __future__ import annotations

import pytest

from tests.browser.video.test_tiles import FLUID, camera, showing
from tests.browser.walls import scenery

pytestmark = pytest.mark.browser
PLAYING = "name => [...document.querySelectorAll(`${name} .video-tile`)].every(t => t.dataset.condition === 'live')"
#: moves the map to a camera and presses it
PRESS = """place => new Promise(done => { const map = Object.values(hall.maps)[0];
  hall.map.focus(place.lon, place.lat, 19);
  requestAnimationFrame(() => { const box = map.getContainer().getBoundingClientRect(), at = map.latLngToContainerPoint([place.lat, place.lon]);
    const where = {bubbles: true, clientX: box.left + at.x, clientY: box.top + at.y, view: window};
    for (const kind of place.kinds) document.elementFromPoint(where.clientX, where.clientY).dispatchEvent(new MouseEvent(kind, where));
    done(true) }) })"""
LEFT = ["mousemove", "mousedown", "mouseup", "click"]


def test_the_card_of_a_case_shows_the_nearest_cameras_moving(stage, open_page):
    stage.gate.put(*scenery.feeds())
    for number, name in enumerate("abc"):
        camera(stage, name, lon=113.9 + 0.004 * number)
    stage.gate.put(("case/c/1", {"feed": "c", "case_id": "1", "state": "handling", "lon": 113.9, "lat": 35.3}))
    page = open_page(stage.url("video"))
    page.evaluate("() => hall.card.open('case/c/1')")
    page.wait_for_function("() => document.querySelectorAll('.card-cameras .video-tile').length === 2")
    page.wait_for_function(PLAYING, arg=".card-cameras")
    told = page.locator(".card-cameras .video-distance").all_inner_texts()
    assert [text.split()[0] for text in told] == [
        "0",
        "445",
    ]  # 0.004 degrees of longitude, as the scripted directory counts them
    assert any(view["why"] == "case/c/1" for view in stage.views)
    page.evaluate("() => hall.card.close()")
    stage.relay.wait_for(lambda: len(stage.relay.watches) <= 4)


def test_an_alarm_that_rises_brings_up_the_cameras_around_it_and_one_that_was_there_does_not(stage, open_page):
    alarm = {
        "alarm_id": "x",
        "rule": "level",
        "cause": "x",
        "label": "洪门桥积水",
        "severity": 4,
        "lon": 113.9,
        "lat": 35.3,
        "since": 1,
    }
    old = stage.gate.event("alarm/g/old", alarm)
    stage.gate.send_events([old | {"recordedtime": old["recordedtime"] - 10_000}])
    page, subjects = showing(stage, open_page, "ab")
    page.wait_for_function(FLUID, arg=2)
    assert page.locator(".video-around").count() == 0
    stage.gate.put(("alarm/g/new", alarm))
    page.wait_for_selector(".video-around .video-tile")
    page.wait_for_function(PLAYING, arg=".video-around")
    assert page.inner_text(".video-around-head b") == "洪门桥积水"
    assert {view["why"] for view in stage.views if set(view["channels"]) <= set(subjects)} >= {"alarm/g/new"}
    stage.gate.put(("alarm/g/worse", alarm | {"alarm_id": "w", "label": "更急", "severity": 5}))
    stage.gate.put(("alarm/g/third", alarm | {"alarm_id": "t", "label": "第三"}))
    page.wait_for_function("() => hall.store.get('alarm/g/third')")
    page.click(".video-around-head b")  # somebody looks at it: it stays, however many rise
    page.wait_for_selector(".video-around-next:text('更急')")
    assert page.inner_text(".video-around-head b") == "洪门桥积水"
    page.click("[data-what='around'] .card-close")
    assert page.locator(".video-around").count() == 0


def test_an_alarm_without_a_camera_near_it_covers_nothing_and_of_several_the_most_severe_comes_next(stage, open_page):
    page, _ = showing(stage, open_page, "ab")
    alarm = {"alarm_id": "x", "rule": "level", "cause": "x", "severity": 4, "lon": 113.9, "lat": 35.3, "since": 1}
    with page.expect_response(lambda answer: "/channels/near" in answer.url):
        stage.gate.put(("alarm/g/far", alarm | {"label": "远处", "lon": 115.0}))
    stage.gate.put(("alarm/g/one", alarm | {"label": "甲"}))
    page.wait_for_selector(".video-around-head b:text('甲')")
    for name, label, severity in (("two", "乙", 4), ("three", "丙", 5), ("four", "丁", 4)):
        with page.expect_response(lambda answer: "/channels/near" in answer.url):
            stage.gate.put((f"alarm/g/{name}", alarm | {"label": label, "severity": severity}))
    assert page.inner_text(".video-around-head b") == "甲"  # not taken away at once
    page.click(".video-around-next:text('丙')")
    page.wait_for_selector(".video-around-head b:text('丙')")
    page.click("[data-what='around'] .card-close")


def test_a_camera_pressed_on_the_map_plays_there_shows_its_sector_and_can_be_dragged_into_a_tile(stage, open_page):
    page, subjects = showing(stage, open_page, "ab")
    stage.gate.put(
        (
            subjects[1],
            {
                "feed": "v",
                "channel_id": "b",
                "name": "路口 b",
                "state": "online",
                "lon": 113.95,
                "lat": 35.3,
                "bearing_deg": 90.0,
            },
        )
    )
    # the map hears of it some frames after the store: who presses before that presses nothing
    page.wait_for_function("() => [...hall.citymap.live][0].things.cameras.get('channel/v/b')?.lon === 113.95")
    page.evaluate(
        "() => { window.drawn = []; const draw = hall.citymap.drawSector; hall.citymap.drawSector = (...all) => { const made = draw(...all); if (made) drawn.push([all[2].subject, !!all[5]]); return made } }"
    )
    page.evaluate(PRESS, {"lon": 113.95, "lat": 35.3, "kinds": LEFT})
    page.wait_for_selector(".map-card-player .video-tile[data-condition='live']")
    page.wait_for_function("() => drawn.some(([subject, strong]) => subject === 'channel/v/b' && strong)")
    page.drag_and_drop(".map-card-player", ".video-tile[data-index='0']")
    page.wait_for_function("() => hall.video.grid.cells[0] === 'channel/v/b'")
    assert page.faults == []


def test_the_second_button_on_a_place_of_the_map_brings_up_the_cameras_around_it_and_turns_those_that_turn(stage, open_page):
    page, _ = showing(stage, open_page, "ab")
    turning = camera(stage, "c", ptz=True)
    page.wait_for_function("name => hall.store.get(name)", arg=turning)
    page.evaluate(PRESS, {"lon": 113.901, "lat": 35.301, "kinds": ["mousemove", "contextmenu"]})
    page.wait_for_selector(".video-around .video-tile")
    page.wait_for_function(PLAYING, arg=".video-around")
    assert any(view["why"].startswith("map 35.30") for view in stage.views)
    page.click(".video-pointing >> text=转向此处")
    status = page.wait_for_selector(".video-pointing-status:has-text('已转动 1 路')")
    assert "路口 a 未转（该摄像机不能转动）" in status.inner_text()
    (asked,) = stage.pointed
    assert asked["channels"] == [turning] and asked["lon"] == pytest.approx(113.901, abs=1e-4)
    page.click(".video-pointing >> text=转回原位")
    page.wait_for_selector(".video-pointing-status:has-text('已转回 1 路')")
    assert stage.steered == [(turning, {"do": "recall", "before": {"pan": 0.25}})]


def test_a_camera_pushed_to_the_wall_moves_there_and_the_push_is_told_as_shown(stage, open_page):
    page, (subject, _) = showing(stage, open_page, "ab")
    push = {
        "number": 1,
        "what": "camera",
        "content": {"subject": subject},
        "priority": 2,
        "since": 1,
        "until": None,
        "who": "王",
        "role": "dispatcher",
        "desk": "",
        "reason": "",
    }
    stage.gate.put(("show/video/all", {"pushes": [push]}))
    page.wait_for_selector(".show-frame .video-tile[data-condition='live'][data-large='1']")
    stage.gate.wait_for(lambda: any((report.get("shows") or {}).get("since") for report in stage.gate.reports))


def test_a_picture_that_left_the_page_is_let_go(stage, open_page):
    page, (subject, _) = showing(stage, open_page, "ab")
    page.evaluate(
        "s => { const live = hall.video.live(s, {why: 'case/c/9', passing: true}); window.holder = document.createElement('div'); holder.append(live.node); document.body.append(holder) }",
        subject,
    )
    page.wait_for_function("() => holder.querySelector('.video-tile').dataset.condition === 'live'")
    page.evaluate("() => holder.replaceChildren()")
    page.wait_for_function("() => !hall.video.tiles().some(t => t.why === 'case/c/9')")
