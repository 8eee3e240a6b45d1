"""The slider of the last hours in a real Chromium: what a map shows of the past is the past, and nothing of it is live."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from dispatch.history.past import Past
from dispatch.history.settings import FILE, TOPICS
from dispatch.history.store import Store
from hall.app.history import History
from hall.core.clock import real_ms
from tests.browser.map import scenery
from tests.browser.map.heated import Heated
from tests.dispatch.history.test_history import HOURS, head

pytestmark = pytest.mark.browser
MINUTE = 60_000
BAR = "window.view = [...hall.citymap.live][0], window.bar = view.layers.get('time').bar()"
COUNTS = "['cases', 'vehicles', 'gauges'].map(n => Number(view.element.getAttribute(`data-count-${n}`)))"
LON = "view.movers.units.get('position/crews/u1').event.data.lon"


def drawn(title: str, changed: int) -> dict:
    place = {"type": "Point", "coordinates": [113.9, 35.3]}
    told = {"kind": "point", "title": title, "geometry": place, "share": "walls", "to": "walls", "owner": "zhang"}
    return told | {"colour": "aqua", "note": "", "changed": changed, "changed_by": "zhang", "revision": 1, "expires": None}


@pytest.fixture
def past(tmp_path, chance):
    """Two hours, the hall down for ten minutes of them: a case that is closed after an hour, a car that drives east, a gauge."""
    now = real_ms()
    begun = now - 120 * MINUTE
    case = scenery.cases(chance, 2)[1][1] | {"severity": 3}
    rows = [(0, "case/cases/1", case), (60, "case/cases/1", None), (62, "case/cases/2", case | {"case_id": "2"})]
    rows += [(0, "sensor/gauges/g1", {"feed": "gauges", "sensor_id": "g1", "lon": 113.9, "lat": 35.3, "name": "1"})]
    for minute in range(120):
        if 80 < minute < 90:
            continue
        rows += [(minute + s / 60, "process/web", {}) for s in range(0, 60, 20)]
        unit = {"feed": "crews", "unit_id": "u1", "name": "1 车", "kind": "vehicle", "lon": 113.9 + minute / 1e4, "lat": 35.3}
        rows.append((minute, "position/crews/u1", unit))
        reading = {"feed": "gauges", "sensor_id": "g1", "quantity": "water_depth", "value": minute / 100, "unit": "m"}
        rows.append((minute, "observation/gauges/g1/water_depth", reading))
    rows += [(0, "shape/s1", drawn("旧", begun)), (50, "shape/s1", drawn("新", begun + 50 * MINUTE))]
    rows.sort(key=lambda row: row[0])
    store = Store(tmp_path / FILE, HOURS, 10**9)
    store.write([head(subject, begun + int(minute * MINUTE), data) for minute, subject, data in rows], {})
    store.close()
    part = History(lambda: Past(tmp_path), TOPICS - {"process"}, HOURS)
    yield part.router, begun
    part.close()


def test_a_map_that_shows_the_past_shows_nothing_live_and_gives_no_orders(past, open_map, chance):
    router, begun = past
    page, gate = open_map(*scenery.cases(chance, 5), *scenery.units(chance, 3), routers=(router,))
    page.evaluate(f"hall.page.wall = null, {BAR}, bar.toggle(true), 0")
    page.wait_for_function("bar.replay.past.extent")
    assert page.evaluate(COUNTS)[:2] == [5, 3]
    page.evaluate("t => bar.replay.setTime(t)", begun + int(30.5 * MINUTE))
    assert page.evaluate(COUNTS) == [1, 1, 1]
    assert page.evaluate(LON) == pytest.approx(113.903, abs=6e-5)  # on the line to the next report, or where the last one was
    assert page.evaluate("view.now()") == begun + int(30.5 * MINUTE)
    gate.put(*scenery.cases(chance, 9))  # goes on coming in, is not shown
    page.wait_for_function("hall.store.docs('case').size === 9")
    assert page.evaluate(COUNTS)[0] == 1
    track = page.locator(".map-time-track")
    for key, minute in (("ArrowRight", 31.5), ("Shift+ArrowRight", 41.5), ("Control+ArrowLeft", 0), ("Shift+ArrowRight", 10)):
        track.press(key)
        page.wait_for_function(
            "t => !bar.replay.loading && Math.abs(bar.replay.getTime() - t) < 1000", arg=begun + int(minute * MINUTE)
        )
    page.evaluate("t => bar.replay.setTime(t)", begun + 85 * MINUTE)
    assert page.locator(".map-time-note").inner_text().endswith("图上是此前最后已知的情况")
    assert page.locator("[data-panel=city_map].is-past").count() == 1
    # playing: every minute of the drive is passed, the ten without the hall are not waited out
    page.evaluate("t => bar.replay.setTime(t)", begun + 70 * MINUTE)
    page.evaluate("window.seen = [], bar.replay.onTime(r => seen.push(r.getTime())), bar.replay.play(600)")
    page.wait_for_function("t => bar.replay.getTime() > t", arg=begun + 95 * MINUTE)
    page.evaluate("bar.replay.pause()")
    assert not [t for t in page.evaluate("seen") if begun + 81 * MINUTE < t < begun + 89 * MINUTE]
    page.evaluate("hall.citymap.page = {root: document.body, refresh() {}}")
    track.press("Escape")
    page.wait_for_function("!bar.replay.active")
    assert page.evaluate(COUNTS)[:2] == [9, 3]
    page.evaluate("t => bar.replay.setTime(t)", begun + 5 * MINUTE)
    assert_lists_are_of_now(page, gate, begun + 5 * MINUTE)
    asked = "fetch('/api/v1/cases/cases/1/commands', {method: 'POST', body: '{}'}).then(a => a.json()).then(a => a.reason)"
    assert page.evaluate(asked) == "replay"
    assert page.evaluate("hall.citymap.now()") == begun + 5 * MINUTE  # for what its tools ask and print
    page.evaluate("bar.replay.setTime(null)")
    assert page.evaluate(asked) != "replay"
    page.evaluate("hall.citymap.page = null")
    assert page.evaluate("[hall.store.faults, hall.citymap.past, view.past]") == [0, None, None]


def assert_lists_are_of_now(page, gate, moment):
    """What is around and what is found, in a replay: said to be of now, its readings too, without a way to order anything."""
    row = {"distance_m": 10, "bearing": 0, "lon": 113.9, "lat": 35.3}
    groups = {"case": {"subject": "case/cases/1", "state": "reported"}, "crew": {"subject": "crew/c1", "crew": "c1"},
              "gauge": {"subject": "sensor/gauges/g1", "quantity": "water_depth"}}  # fmt: skip
    kinds = [{"kind": kind, "total": 1, "rows": [row | more]} for kind, more in groups.items()]
    page.route("**/api/v1/around?**", lambda route: route.fulfill(json={"as_of": real_ms(), "kinds": kinds}))
    reading = {"feed": "gauges", "sensor_id": "g1", "quantity": "water_depth", "value": 7.5, "unit": "m"}
    gate.put(("sensor/gauges/g1", {"feed": "gauges", "sensor_id": "g1", "lon": 113.9, "lat": 35.3, "quantity": "water_depth"}))
    gate.put(("observation/gauges/g1/water_depth", reading))
    page.wait_for_function("hall.store.get('observation/gauges/g1/water_depth')")
    case = row | {"subject": "case/cases/1", "title": "K1", "state": "reported", "time": real_ms()}
    found = {"as_of": real_ms(), "late": [], "groups": [{"kind": "case", "rows": [case]}]}
    page.route("**/api/v1/find?**", lambda route: route.fulfill(json=found))
    page.evaluate("""hall.page.may = ['command', 'tell-crews'], window.drawers = [], hall.citymap.page = {root: document.body, view, refresh() {},
        side: {open(drawer) { document.body.append(drawer.node), drawers.push(drawer); }}},
        view.map.fire('contextmenu', {latlng: L.latLng(35.3, 113.9)}),
        hall.citymap.tools.find(({ name }) => name === 'search').act(view, hall.citymap.page), 0""")
    box, orders = page.locator(".map-around"), page.locator(".map-around :is(a, [data-act=message])")
    finder, links = page.locator(".map-finder"), page.locator(".map-finder a")
    box.locator(".map-found").nth(2).wait_for(state="attached")
    finder.locator("input").fill("K1")
    finder.locator(".map-found[data-subject='case/cases/1']").wait_for(state="attached")
    moment_text = page.evaluate("`${hall.format.day(hall.citymap.past.now)} ${hall.format.time(hall.citymap.past.now)}`")
    for drawer, acts in ((box, orders), (finder, links)):
        said = drawer.locator(".map-select-present").inner_text()
        assert "不是回放时刻" in said and moment_text in said and acts.count() == 0
    assert "7.50 m" in box.locator("[data-kind=gauge]").first.text_content()
    chosen = {"kinds": {"cases": {"total": 1, "groups": [], "rows": [case]}}, "missing": {}, "listed": 200}
    page.route("**/api/v1/map/selection", lambda route: route.fulfill(json=chosen))
    page.evaluate("""hall.citymap.selectShape(view, {kind: 'circle', radius_m: 500,
        geometry: {type: 'Point', coordinates: [113.9, 35.3]}}), 0""")
    for name in ("csv", "geojson"):  # of what the hall knows now: closed, and says why
        file = page.locator(f".map-acts [data-act={name}]")
        assert file.get_attribute("aria-disabled") == "true" and "回放时不能导出数据" in file.get_attribute("title")
    file = page.evaluate("""hall.citymap.featureFile({title: 't', ...hall.citymap.fileView(view)}, 'shapes',
        [[[3, 4], [1, 9]], [2, -5]].map(coordinates => ({geometry: {coordinates}})), [86400000, 1000])""")
    ages = {"oldest": "1970-01-01T00:00:01.000Z", "newest": "1970-01-02T00:00:00.000Z"}
    assert (file["bbox"], file["marks"][-1], file["as_of"]) == ([1, -5, 3, 9], "replay", {"shapes": ages}) and file["moment"]
    page.evaluate("bar.replay.setTime(null)")
    assert box.locator(".map-select-present").is_hidden() and orders.count() == 3
    assert finder.locator(".map-select-present").is_hidden() and links.count() == 1
    page.evaluate("drawers.forEach((drawer) => (drawer.onClose(), drawer.node.remove()))")
    page.evaluate("t => bar.replay.setTime(t)", moment)


def test_drawings_and_heat_are_of_the_moment(past, open_map, chance):
    router, begun = past
    page, _ = open_map(("shape/s1", drawn("今", begun + 119 * MINUTE)), routers=(router,))
    heated, asked = Heated(2_000), []
    page.route("**/api/v1/heat**", lambda route: (asked.append(route.request.url), heated.answer(route)))
    page.evaluate(
        f"hall.page.wall = null, {BAR}, window.heat = view.layers.get('heat'), heat.set({{period: 'day'}}), bar.toggle(true), 0"
    )
    titles = "view.layers.get('shapes').all().map(one => one.data.title)"
    page.wait_for_function("heat.field && bar.replay.past.extent")
    live = page.evaluate("heat.field.inside")
    for minute, title in ((30, "旧"), (70, "新")):
        moment = begun + minute * MINUTE
        page.evaluate("t => bar.replay.setTime(t)", moment)
        assert page.evaluate(titles) == [title]
        page.wait_for_function("t => heat.tick() || Math.abs(heat.field.span[1] - t) <= 60000", arg=moment)
        span = [int(parse_qs(urlsplit(asked[-1]).query)[name][0]) for name in ("from", "to")]
        assert span[1] - span[0] == 24 * 60 * MINUTE and span[1] <= moment
        of_span = [row for row in heated.rows if row.lon is not None and span[0] <= row.reported < span[1]]
        assert page.evaluate("heat.field.placed") == len(of_span)
    page.evaluate("bar.replay.setTime(null)")
    assert page.evaluate(titles) == ["今"]
    page.wait_for_function("t => heat.tick() || heat.field.span[1] > t", arg=begun + 119 * MINUTE)
    assert abs(page.evaluate("heat.field.inside") - live) <= 1


def test_a_cameras_card_offers_its_recording_of_the_moment_or_says_why_there_is_none(past, open_map, chance):
    router, begun = past
    ((subject, camera),) = scenery.cameras(chance, 1)
    page, _ = open_map((subject, camera), routers=(router,))
    hour = begun + 60 * MINUTE
    row = {"id": "r1", "started": begun, "ended": hour, "channels": [{"channel": subject, "start": begun, "end": hour}]}
    told = {"rows": [row], "as_of": begun + 120 * MINUTE, "days": 90 / 1440}
    answers = [{"status": 503, "json": {"reason": "relay-down", "detail": "视频服务没有应答"}}, {"json": told}]
    page.route("**/api/v1/recordings?**", lambda route: route.fulfill(**answers[0]))
    page.evaluate(f"hall.page.wall = null, {BAR}, bar.toggle(true), 0")
    page.wait_for_function("bar.replay.past.extent")
    page.evaluate("t => bar.replay.setTime(t)", begun + 40 * MINUTE)
    show = "subject => view.card.show({{what: 'camera', entry: view.things.cameras.get(subject), x: 300, y: 300, r: 9}}, {{x: 300, y: 300, r: 9}}, {})"
    page.wait_for_function("subject => view.things.cameras.get(subject)?.event", arg=subject)
    words, button = page.locator(".map-recorded-words"), page.locator(".map-recorded-play")
    page.evaluate(show.format("false"), subject)
    assert words.inner_text() == "您的角色无权查看录像" and not button.is_visible()
    page.evaluate("hall.page.may = ['see-recordings'], view.card.tick()")
    words.filter(has_text="视频服务无应答").wait_for()
    answers.pop(0)
    page.evaluate("view.card.recorded.asked = -Infinity, view.card.tick()")
    button.filter(has_text="▶ 录像 ").wait_for()
    assert words.is_hidden() and "视频为实时画面" in page.locator(".map-card").inner_text()
    for minute, why in ((61, "没有"), (20, "")):
        page.evaluate("t => bar.replay.setTime(t).then(() => view.card.tick())", begun + minute * MINUTE)
        assert button.is_visible() == (not why) and why in words.inner_text()
    row["channels"][0]["start"] = begun + 30 * MINUTE  # what lay before is gone
    page.evaluate("view.card.recorded.asked = -Infinity, view.card.tick()")
    words.filter(has_text="录像只保存").wait_for()
    page.evaluate("bar.replay.setTime(null)")
    page.evaluate(show.format("false"), subject)
    assert page.locator(".map-recorded").count() == 0
