"""The city map in a real Chromium: what is drawn, counted, pointed at and switched."""

from __future__ import annotations

import itertools
import math
from urllib.parse import parse_qs, urlsplit

import msgspec
import numpy as np
import pytest
from pyproj import Geod

from feeds.components import morton, pack
from hall.core import config
from hall.core.clock import real_ms
from hall.core.config import WallGeometry
from hall.core.model import Channel
from hall.core.raster import grid_over
from tests.browser.map import scenery
from tests.browser.map.heated import Heated, depths
from tests.browser.map.mappage import GO, PAINTED, go
from tests.browser.map.measured import Measured
from tests.video.catalogue.cameras import Told
from video.catalogue.grids import grid
from video.catalogue.index import Query
from video.catalogue.scope import ALL

pytestmark = pytest.mark.browser

#: the pixel of a sheet at a place, as [r, g, b, a]; `sheet` may be "all" for a hit anywhere within 12 px
PIXELS = """([sheet, lon, lat, reach]) => {
  const map = hall.maps['city-map'];
  const { canvas, frame } = [...hall.citymap.live][0].stage.on(sheet), { ratio } = frame;
  const at = map.latLngToLayerPoint([lat, lon]).subtract(frame.corner);
  const size = Math.ceil(2 * reach * ratio);
  const copy = new OffscreenCanvas(size, size).getContext('2d');
  copy.drawImage(canvas, -Math.floor((at.x - reach) * ratio), -Math.floor((at.y - reach) * ratio));
  const data = copy.getImageData(0, 0, size, size).data;
  const found = {};
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) {
    const key = [data[i], data[i + 1], data[i + 2]].join(',');
    found[key] = (found[key] || 0) + 1;
  }
  return found;
}"""
CLUSTERS = "() => [...hall.citymap.live][0].things.clusters.groups.map((group) => [group.lead.id, group.members.length])"
SCREEN = """([lon, lat]) => {
  const map = hall.maps['city-map'], box = map.getContainer().getBoundingClientRect();
  const at = map.latLngToContainerPoint([lat, lon]);
  return [box.left + at.x, box.top + at.y];
}"""


def colours(page, sheet, place, reach=14) -> dict:
    page.wait_for_function(PAINTED)
    return page.evaluate(PIXELS, [sheet, place["lon"], place["lat"], reach])


def rgb(page, severity) -> str:
    text = page.evaluate(
        "n => getComputedStyle(document.querySelector('.panel')).getPropertyValue('--severity-' + n).trim()", severity
    )
    return ",".join(str(int(text[i : i + 2], 16)) for i in (1, 3, 5))


def counted(page, name) -> int:
    return int(page.locator("[data-panel=city_map]").get_attribute(f"data-count-{name}"))


def wait_count(page, name, number):
    page.wait_for_function(f"document.querySelector('[data-panel=city_map]').getAttribute('data-count-{name}') === '{number}'")


def case(number, severity=3, **more):
    data = {"feed": "cases", "case_id": f"K{number}", "severity": severity, "lon": 113.92, "lat": 35.30}
    return (f"case/cases/{number}", data | more)


def test_the_legend_counts_what_an_independent_count_over_the_documents_gives(open_map, chance):
    rows = [*scenery.cases(chance, 120), *scenery.gauges(chance, 9), *scenery.units(chance, 31), *scenery.cameras(chance, 17)]
    page, gate = open_map(*rows, scenery.warning())
    closed = [(s, d | {"state": "closed"}) for s, d in (row[:2] for row in rows[:40])]
    gate.put(*closed)
    wait_count(page, "cases", 80)
    assert counted(page, "cases-unknown") == sum("lon" not in data for _, data in (row[:2] for row in rows[40:120]))
    assert [counted(page, n) for n in ("gauges", "vehicles", "cameras", "warnings")] == [9, 31, 17, 1]
    assert page.locator("[data-layer-count=cases]").inner_text() == "80"
    incident = {
        "incident_id": "i",
        "state": "open",
        "title": "下穿积水",
        "grade": "II",
        "commander": "李",
        "members": [rows[41][0]],
        "counts": {"file": 1},
    }
    gate.put(
        (rows[41][0], rows[41][1] | {"lon": 113.92, "lat": 35.30}),
        ("incident/i", incident),
        ("incident/m", {"state": "merged"}),
    )
    wait_count(page, "incidents", 1)  # without a place of its own it stands at its member's
    hit = "() => { const p = [...hall.citymap.live][0], h = p.things.hits.find((one) => one.what === 'incident'); p.card.show(h, {x: 300, y: 300, r: 9}, true); return p.card.node.innerText; }"
    page.wait_for_function("() => [...hall.citymap.live][0].things.hits.some((one) => one.what === 'incident')")
    said = page.evaluate(hit)
    assert all(word in said for word in ("下穿积水", "重大 II", "李", "处置中", "案卷 1"))
    gate.put(("incident/i", None))
    wait_count(page, "incidents", 0)
    gate.put(("position/crews/u3", None), ("channel/cameras/c1", None))
    wait_count(page, "vehicles", 30)
    assert counted(page, "cameras") == 16
    assert not page.faults


def test_a_case_is_painted_where_it_is_in_the_colour_of_its_severity_and_goes_when_it_is_closed(open_map):
    page, gate = open_map(case(1, severity=4))
    place = {"lon": 113.92, "lat": 35.30}
    wait_count(page, "cases", 1)
    assert rgb(page, 4) in colours(page, "things", place)
    gate.put(case(1, severity=4, state="closed"))
    wait_count(page, "cases", 0)
    assert not colours(page, "things", place)


def test_among_close_cases_the_most_severe_is_the_one_that_is_seen(open_map):
    mild = [case(n, severity=1, lon=113.92 + n * 1e-5) for n in range(30)]
    page, gate = open_map(*mild, case(99, severity=4))
    wait_count(page, "cases", 31)
    place = {"lon": 113.92, "lat": 35.30}
    found = colours(page, "things", place, 5)
    assert found.get(rgb(page, 4), 0) > 5
    assert rgb(page, 1) not in found
    plate = colours(page, "things", place, 16)
    assert plate.get(rgb(page, 1), 0) > 5, "the plate's bar says that milder ones are there"
    page.mouse.move(*page.evaluate(SCREEN, [113.92, 35.30]))
    said = page.locator(".map-card").inner_text()
    assert all(words in said for words in ("案件 31 件", "■ 红 1", "● 蓝 30", "另有 26 件")), said
    gate.put(case(50, severity=2, lon=113.9201))
    wait_count(page, "cases", 32)
    page.wait_for_function(
        f"JSON.stringify(({CLUSTERS})()) === '[[\"case/cases/99\",32]]'"
    )  # one that comes leads it in no way
    page.locator("#city-map").focus()
    page.keyboard.press("n")
    zoom = page.evaluate("hall.maps['city-map'].getZoom()")
    page.keyboard.press("Enter")  # comes closer until they stand apart
    page.wait_for_function("zoom => hall.maps['city-map'].getZoom() > zoom && !hall.maps['city-map']._animatingZoom", arg=zoom)
    page.wait_for_function(f"({CLUSTERS})().length > 1")


def test_cases_that_no_zoom_can_part_are_a_list_each_of_which_opens(open_map):
    page, _ = open_map(*[case(n, severity=n % 3, class_name=f"大类{n}") for n in range(12)])
    wait_count(page, "cases", 12)
    go(page, 113.92, 35.30, 19)
    page.mouse.click(*page.evaluate(SCREEN, [113.92, 35.30]))
    listed = page.locator(".map-cluster-one")
    listed.nth(11).wait_for()
    assert [text[0] for text in listed.all_inner_texts()] == ["▲"] * 4 + ["●"] * 4 + ["○"] * 4
    assert "大类" in listed.first.inner_text()
    page.keyboard.press("Enter")  # the first has the focus; on a wall a case is shown large
    page.wait_for_function("hall.card.shown() === [...hall.citymap.live][0].things.clusters.groups[0].lead.id")
    assert not page.faults


def test_a_gauge_is_judged_by_its_own_lines_and_says_its_reading(open_map):
    place = {"feed": "g", "sensor_id": "a", "lon": 113.92, "lat": 35.30}
    lines = [{"value": 0.15, "severity": 2}, {"value": 0.27, "severity": 4}]
    sensor = ("sensor/g/a", place | {"name": "平原路下穿", "quantity": "water_depth", "thresholds": lines})
    reading = (
        "observation/g/a/water_depth",
        {"feed": "g", "sensor_id": "a", "quantity": "water_depth", "value": 0.1, "unit": "m"},
    )
    page, gate = open_map(sensor, reading)
    wait_count(page, "gauges", 1)
    assert rgb(page, 4) not in colours(page, "things", place)
    gate.put((reading[0], reading[1] | {"value": 0.31}, real_ms() + 1))
    page.wait_for_function("hall.store.get('observation/g/a/water_depth').data.value > 0.3")
    # the map rests between two pictures: the next one has it
    page.wait_for_function(
        f"([args, red]) => ({PIXELS})(args)[red]", arg=[["things", place["lon"], place["lat"], 30], rgb(page, 4)]
    )
    page.mouse.move(*page.evaluate(SCREEN, [113.92, 35.30]))
    card = page.locator(".map-card")
    assert "平原路下穿" in card.inner_text() and "0.31 m" in card.inner_text()


def test_a_red_gauge_is_not_hidden_by_a_yellow_case_at_the_same_place(open_map):
    reading = {"feed": "g", "sensor_id": "a", "quantity": "water_depth", "value": 0.5, "unit": "m", "severity": 4}
    place = {"lon": 113.92, "lat": 35.30}
    page, _ = open_map(("observation/g/a/water_depth", reading | place), *[case(n, severity=2) for n in range(3)])
    wait_count(page, "gauges", 1)
    found = colours(page, "things", place, 6)
    assert found.get(rgb(page, 4), 0) > found.get(rgb(page, 2), 0)


def test_one_screen_of_a_wall_of_two_paints_its_own_half_at_the_same_scale(open_map, city):
    both = msgspec.structs.replace(
        city, wall=WallGeometry(columns=2, screen=(900, 700), pixel_pitch_mm=1.25, viewing_distance_m=2)
    )
    left, right = {"lon": 113.90, "lat": 35.30}, {"lon": 113.945, "lat": 35.30}
    rows = [case(1, severity=4, **left), case(2, severity=4, **right)]
    page, _ = open_map(*rows, size=(900, 700), found=both, query="?part=1,0")
    wait_count(page, "cases", 2)
    width, held = page.evaluate("[...document.querySelectorAll('canvas.hall-sheet')].map(c => [c.width, c.offsetLeft])[0]")
    assert width <= 900
    assert page.evaluate("hall.maps['city-map'].getSize().x") > 1700  # the map is laid out for the whole wall
    assert page.evaluate(SCREEN, list(left.values()))[0] < 0 < page.evaluate(SCREEN, list(right.values()))[0] < 900
    assert rgb(page, 4) in colours(page, "things", right)
    assert not page.faults


def test_a_city_without_any_ground_is_shown_where_its_cases_are(open_map, chance):
    bare = config.parse('[city]\nname = {en = "Bare"}\ncentre = [114.9, 36.3]\n')
    rows = scenery.cases(chance, 100)
    page, _ = open_map(*rows, found=bare)
    wait_count(page, "cases", 100)
    page.wait_for_function("hall.citymap.geography('cells').then(() => true)")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    within = "([lon, lat]) => hall.maps['city-map'].getBounds().contains([lat, lon])"
    places = [[data["lon"], data["lat"]] for _, data in rows if "lon" in data]
    assert sum(page.evaluate(within, place) for place in places) >= 0.9 * len(places)
    assert counted(page, "cells") == 0
    assert not page.faults


def test_a_layer_is_switched_off_and_on_by_keyboard(open_map):
    page, _ = open_map(case(1))
    place = {"lon": 113.92, "lat": 35.30}
    wait_count(page, "cases", 1)
    button = page.locator("button[data-layer=cases]")
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    assert not colours(page, "things", place)
    page.keyboard.press("Space")
    assert button.get_attribute("aria-pressed") == "true"
    assert colours(page, "things", place)


def test_a_moved_vehicle_is_painted_at_its_new_place_only(open_map):
    there, here = {"lon": 113.90, "lat": 35.31}, {"lon": 113.94, "lat": 35.29}
    unit = {"feed": "crews", "unit_id": "u", "name": "排水 1 车", "heading_deg": 90}
    page, gate = open_map(("position/crews/u", unit | there, real_ms() - 5000))
    wait_count(page, "vehicles", 1)
    assert colours(page, "movers", there)
    gate.put(("position/crews/u", unit | here))
    # the map rests between two pictures: the next one has it
    page.wait_for_function(f"args => Object.keys(({PIXELS})(args)).length > 0", arg=["movers", here["lon"], here["lat"], 14])
    assert not colours(page, "movers", there)


def test_a_trail_shows_where_a_mover_was_and_nothing_that_nobody_knows(open_map):
    """Each leg is 300 m east of the one before; between the second and third nothing was heard, the fourth is a jump."""
    now, asked = real_ms(), []
    places = [(113.900, -500), (113.903, -470), (113.906, -200), (113.909, -160), (113.936, -150), (113.939, -110)]
    page, gate = open_map()

    def history(route):
        asked.append(parse_qs(urlsplit(route.request.url).query)["subject"][0])
        rows = [[now + seconds * 1000, lon, 35.31] for lon, seconds in places]
        route.fulfill(json={"subject": asked[-1], "rows": rows, "error_metres": 5})

    page.route("**/api/v1/history/positions?*", history)
    unit = {"feed": "crews", "unit_id": "u", "name": "排水 1 车", "heading_deg": 90, "lat": 35.31, "lon": 113.942}
    gate.put(("position/crews/u", unit, now))
    leg = {n: {"lon": (a[0] + b[0]) / 2, "lat": 35.31} for n, (a, b) in enumerate(itertools.pairwise(places))}
    go(page, 113.92, 35.31, 14)
    page.wait_for_function(f"args => Object.keys(({PIXELS})(args)).length > 0", arg=["movers", leg[0]["lon"], 35.31, 4])
    drawn = [bool(colours(page, "movers", leg[n], 4)) for n in sorted(leg)]
    assert drawn == [True, False, True, False, True] and asked == ["position/crews/u"]
    page.mouse.move(*page.evaluate(SCREEN, [unit["lon"], unit["lat"]]))
    page.wait_for_function("document.querySelector('.map-card').textContent.includes('最近')")
    assert "本屏听到" not in page.locator(".map-card").inner_text() and not page.faults


def test_a_long_trail_keeps_its_whole_time_and_what_nobody_knows(open_map):
    """A position each second for twenty minutes, once with a jump of 200 m: thinned it would be a leg that a car can drive."""
    page, _ = open_map()
    found = page.evaluate("""() => { const trails = new hall.citymap.Trails(10), from = Date.now() - 1200000, end = from + 1200000;
      for (let i = 0; i <= 1200; i += 1) trails.add("u", 0.8 + i * 4e-7 + (i > 800 ? 6e-6 : 0), 0.4, from + 1000 * i);
      const {movers, points} = trails.counts(), list = trails.trails.get("u").points.list();
      const broken = list.slice(1).filter((one, i) => hall.citymap.trailBroken(list[i], one, 180000)).map(({time}) => (time - from) / 1000);
      return {movers, points, first: (list[0].time - from) / 1000, last: (end - list.at(-1).time) / 1000, broken,
        rising: list.slice(1).every((one, i) => one.time > list[i].time && one.x > list[i].x), words: trails.words("u", end)}; }""")
    assert found["movers"] == 1 and found["points"] <= 128 and found["broken"] == [801] and found["rising"]
    assert 540 <= found["first"] <= 605 and found["last"] == 0 and "10 分" in found["words"], found


def test_symbols_stay_on_their_place_through_zoom_and_pan(open_map):
    place = {"lon": 113.905, "lat": 35.312}
    page, _ = open_map(case(1, severity=4, **place))
    wait_count(page, "cases", 1)
    for zoom in (12, 14.3, 17):
        page.evaluate(GO, [113.88, 35.29, zoom - 1.5])
        go(page, 113.9055, 35.3122, zoom)  # also while the zoom to another place is still under way
        assert abs(page.evaluate("hall.maps['city-map'].getZoom()") - zoom) < 1
        assert rgb(page, 4) in colours(page, "things", place, 4), zoom
    box = page.evaluate(SCREEN, [113.9055, 35.3122])
    page.mouse.move(*box)
    page.mouse.down()
    page.mouse.move(box[0] + 260, box[1] + 120, steps=8)
    page.mouse.up()
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert rgb(page, 4) in colours(page, "things", place, 4)


def test_a_warning_that_is_an_exercise_says_so_and_every_text_switches_language_in_place(open_map):
    page, _ = open_map(case(1), scenery.warning(status="Exercise"))
    wait_count(page, "warnings", 1)
    text = "() => [...document.querySelectorAll('.map-legend-name')].map(n => n.textContent).join()"
    assert "未结案件" in page.evaluate(text)
    page.evaluate("hall.setLocale('en')")
    assert "Open cases" in page.evaluate(text)
    said = page.evaluate("(() => { const m = new Map(); hall.citymap.takeWarning(m, hall.store.get('warning/warnings/w1'));"
                         " return [...m.values()][0].text(); })()")  # fmt: skip
    assert said == "◆ EXERCISE · Orange rainstorm warning"


def test_a_warning_counts_while_it_is_in_force_only(open_map):
    subject, data = scenery.warning()
    ended = ("warning/warnings/w0", data | {"warning_id": "w0", "expires": real_ms() - 1000})
    page, gate = open_map((subject, data), ended)
    wait_count(page, "warnings", 1)
    gate.put((subject, data | {"message_type": "Cancel"}, real_ms() + 1))
    wait_count(page, "warnings", 0)
    assert not page.faults


def test_a_new_case_is_marked_for_a_moment_and_those_of_the_snapshot_are_not(open_map):
    page, gate = open_map(*[case(n, lon=113.9 + n / 1000) for n in range(20)])
    wait_count(page, "cases", 20)
    assert page.locator(".map-pulse").count() == 0
    # noted when it comes: a page that could not run meanwhile sees it no more
    page.evaluate("""() => { window.came = 0; const pulses = (nodes) => [...nodes].filter((node) => node.matches?.('.map-pulse')).length;
      new MutationObserver((changes) => changes.forEach(({ addedNodes }) => (came += pulses(addedNodes))))
        .observe(document.body, {childList: true, subtree: true}); }""")
    gate.put(case(99))
    page.wait_for_function("came === 1 && document.querySelectorAll('.map-pulse').length === 0")
    assert not page.faults


def test_the_scale_bar_is_as_long_as_it_says(open_map):
    page, _ = open_map(case(1))
    metres = page.evaluate("""() => {
      const bar = document.querySelector('.map-scale i'), map = hall.maps['city-map'], y = map.getSize().y / 2;
      return map.containerPointToLatLng([0, y]).distanceTo(map.containerPointToLatLng([bar.offsetWidth, y]));
    }""")
    number, unit = page.locator(".map-scale span:not(.map-owed)").inner_text().split()
    assert metres == pytest.approx(float(number) * {"m": 1, "km": 1000}[unit], rel=0.05)


def test_a_panel_that_is_taken_away_leaves_nothing_running(open_map):
    page, gate = open_map(case(1))
    wait_count(page, "cases", 1)
    page.evaluate("""() => {
      window.sheets = [...document.querySelectorAll('canvas.hall-sheet')];
      document.querySelector('[data-panel=city_map]').remove();
    }""")
    page.wait_for_function("hall.panels.size === 0")
    assert page.evaluate("sheets.every(sheet => sheet.width === 0)")
    gate.put(case(2))
    page.wait_for_function("hall.store.docs('case').size === 2")
    assert not page.faults


def test_the_districts_of_the_configuration_are_drawn(open_map):
    page, _ = open_map(case(1))
    page.wait_for_function("hall.citymap && hall.citymap.geography('districts').then(found => found.length > 5)")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found = page.evaluate(PIXELS, ["ground", 113.92, 35.30, 200])
    assert len(found) > 20  # land, roads, water, names: not one flat colour
    assert not page.faults


# -- more cameras than a stream carries --------------------------------------------------------------------------------------

VIEW = (
    "(() => { const b = hall.maps['city-map'].getBounds(); return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]; })()"
)


class Asked:
    """The real catalogue behind the page's address of channels; `questions`: the queries it was asked."""

    def __init__(self, page) -> None:
        self.told, self.questions = Told(), []
        page.route("**/api/v1/channels?*", self.answer)
        page.route("**/api/v1/channels/grid?*", self.count)
        page.route("**/api/v1/channels/one/**", lambda route: self.one(route, urlsplit(route.request.url).path))
        page.route(
            "**/api/v1/channels/tree?*", lambda route: route.fulfill(json=self.told.catalogue.trees.children("owner", ALL))
        )

    def put(self, number: int, lon: float, lat: float, state: str = "online") -> str:
        return self.told.tell(Channel(feed="c", channel_id=str(number), name=f"cam {number}", lon=lon, lat=lat, state=state))

    def answer(self, route) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
        self.questions.append(asked)
        box = tuple(map(float, asked["box"].split(","))) if "box" in asked else None
        states = (asked["state"],) if "state" in asked else ()
        query = Query(box=box, state=states)
        args = asked.get("cursor", ""), int(asked["limit"]), asked.get("since", "")
        route.fulfill(json=self.told.catalogue.search(query, ALL, *args))

    def count(self, route) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
        query = Query(box=tuple(map(float, asked["box"].split(","))))
        route.fulfill(json=grid(self.told.catalogue.index, query, ALL, int(asked["level"])) | {"as_of": real_ms()})

    def one(self, route, path) -> None:
        route.fulfill(json=self.told.catalogue.one(path.removeprefix("/api/v1/channels/one/"), ALL))

    def within(self, west, south, east, north) -> int:
        return sum(west <= ch.lon <= east and south <= ch.lat <= north for ch in self.told.channels.values())


def say_left_out(gate, topics) -> None:
    gate.loop.call_soon_threadsafe(gate._send, {"op": "told", "kind": "left-out", "topics": topics})


#: the seconds between two questions for news of the view are over; the first time they are waited out
DUE = "[...hall.citymap.live].forEach((map) => (map.cameras.asked = -Infinity))"


def test_cameras_that_the_stream_leaves_out_are_asked_for_by_the_view_and_it_is_said(open_map, chance):
    page, gate = open_map()
    asked = Asked(page)
    for number in range(900):
        asked.put(number, 113.92 + chance.uniform(-0.3, 0.3), 35.30 + chance.uniform(-0.3, 0.3))
    assert counted(page, "cameras") == 0 and not asked.questions
    say_left_out(gate, {"channel": 10_000})
    page.evaluate("hall.map.focus(113.92, 35.30, 13)")
    page.wait_for_function("document.querySelector('[data-panel=city_map]').getAttribute('data-count-cameras') !== '0'")
    wait_count(page, "cameras", asked.within(*page.evaluate(VIEW)))
    note = f"只显示视野内 {asked.within(*page.evaluate(VIEW))} 路"
    page.wait_for_function("text => document.querySelector('.map-note').textContent.includes(text)", arg=note)
    here = asked.put(5000, 113.92, 35.30)
    wait_count(page, "cameras", asked.within(*page.evaluate(VIEW)))
    assert asked.questions[-1].get("since"), "only what came since is asked for"
    assert page.evaluate("name => hall.video.channelOf(name).state", here) == "online"
    asked.put(5000, 113.92, 35.30, "offline")
    page.evaluate(DUE)
    page.wait_for_function("name => hall.video.channelOf(name).state === 'offline'", arg=here)
    asked.told.gone(here)
    page.evaluate(DUE)
    wait_count(page, "cameras", asked.within(*page.evaluate(VIEW)))
    page.wait_for_function(
        "hall.cameras.totals() && hall.cameras.totals().total === 900 && hall.cameras.totals().offline === 0"
    )
    page.wait_for_function(
        "hall.cameras.list(5) && hall.cameras.list(5).rows.length === 5 && hall.cameras.list(5).owners[0].total === 900"
    )
    far = asked.put(6000, 120.0, 30.0)
    page.wait_for_function("name => hall.video.nameOf(name) === 'cam 6000'", arg=far)
    page.evaluate("hall.map.focus(114.05, 35.40, 14)")
    wait_count(page, "cameras", asked.within(*page.evaluate(VIEW)))
    for number in range(2_100):
        asked.put(10_000 + number, 114.05, 35.40)
    page.evaluate(DUE)
    page.wait_for_function("document.querySelector('.map-note').textContent.includes('放大后逐一显示')")
    wait_count(page, "cameras", asked.within(*page.evaluate(VIEW)))
    drawn = "[...hall.citymap.live][0].things.cameraClusters.groups.map((group) => group.count).sort((a, b) => b - a)"
    page.wait_for_function(f"{drawn}[0] >= 2100")
    assert sum(page.evaluate(drawn)) == asked.within(*page.evaluate(VIEW)), "each is counted in one symbol"
    say_left_out(gate, {})
    gate.put(*scenery.cameras(chance, 3))
    wait_count(page, "cameras", 3)
    page.wait_for_function("document.querySelector('.map-note').textContent === ''")
    assert not page.faults


def radar_rows(age_minutes=1, **more):
    """A field of 60 x 60 pixels about the centre: 30 mm/h west of it, dry east of it; one forecast the other way round."""
    now = real_ms() - age_minutes * 60_000
    grid = grid_over((113.82, 35.22, 114.02, 35.38), 300, 60)
    west = bytes(88 if i % grid.width < grid.width // 2 else 1 for i in range(grid.width * grid.height))
    frames = [{"time": now + lead * 60_000, "start": now, "run": now + min(lead, 0) * 60_000, "version": f"v{lead}", "most": 30.0,
               "covered": 1.0} for lead in (-5, 0, 10)]  # fmt: skip
    data = {"feed": "rv", "product": "rain", "grid": msgspec.to_builtins(grid), "bounds": grid.bounds(), "step": 0.004,
            "breaks": [0.1, 1.6, 7.0, 15.0, 40.0, 50.0], "frames": frames, "stale_seconds": 600, "label": {"zh-CN": "雷达"}} | more  # fmt: skip
    return ("raster/rv/rain", data), {"v-5": west, "v0": west, "v10": west[::-1]}


WEST, EAST = ({"lon": lon, "lat": 35.3333} for lon in (113.8633, 113.9833))


def mostly(page, place) -> str:
    """The commonest colour of the ground at a place."""
    found = colours(page, "ground", place, 3)
    return max(found, key=found.get)


def test_the_radar_lies_on_the_ground_says_its_age_and_marks_a_forecast(open_map):
    row, pixels = radar_rows()
    page, gate = open_map()
    asked = []

    def answer(route):
        asked.append(route.request.url.rpartition("/")[2])
        route.fulfill(body=pixels[asked[-1]], content_type="application/octet-stream")

    page.route("**/api/v1/rasters/**", answer)
    box, layer = page.locator(".map-radar"), page.locator("[data-layer=radar]")
    assert not layer.is_visible()
    bare = [mostly(page, place) for place in (WEST, EAST)]
    gate.put(row)
    page.wait_for_function("hall.citymap.radarText({lon: 113.86, lat: 35.33}) !== ''")
    assert asked == ["v0"]  # the rest when it is to be played
    assert box.get_attribute("data-state") == "live"
    assert page.evaluate("hall.citymap.radarText({lon: 113.86, lat: 35.33})").startswith("30.3 mm/h")
    assert page.evaluate("hall.citymap.radarText({lon: 113.98, lat: 35.33})").startswith("0.0 mm/h")
    assert page.evaluate("hall.citymap.radarText({lon: 115, lat: 35.33})") == ""
    wet, dry = (mostly(page, place) for place in (WEST, EAST))
    assert wet != bare[0]
    assert dry == bare[1]
    page.locator(".map-radar-play").press("Enter")
    page.wait_for_selector(".map-radar[data-state=forecast] .map-radar-forecast")  # in one look: it stands for a second
    assert sorted(asked) == ["v-5", "v0", "v10"]
    page.locator(".map-radar-play").press("Enter")
    page.locator(".map-radar-forecast").wait_for(state="hidden")
    old, _ = radar_rows(age_minutes=30)
    gate.put(old)
    page.locator(".map-radar[data-state=stale]").wait_for()
    assert "已过时 30 分" in box.inner_text()
    layer.press("Enter")
    box.wait_for(state="hidden")
    assert layer.get_attribute("aria-pressed") == "false"
    assert not page.faults


def components_route(chance, asked):
    """2,000 components about the centre as the hall answers for them (docs/COMPONENTS.md): `(answer, lon, lat, damaged)`."""
    lon, lat = (np.array([chance.gauss(middle, 0.02) for _ in range(2_000)]) for middle in (113.92, 35.30))
    lon[:2], lat[:2] = (113.9, 113.94), 35.33
    order = np.argsort(morton.key_of(*morton.steps_of(lon, lat)))
    lon, lat = lon[order], lat[order]
    first = int(np.flatnonzero((lon == 113.9) & (lat == 35.33))[0])
    damaged = np.arange(2_000) % 7 == first % 7
    body = pack.pack(morton.key_of(*morton.steps_of(lon, lat)), np.where(damaged, 2, 1))
    kinds = [{"number": 1, "code": "0103", "main": "公用设施", "sub": "井盖", "count": int((~damaged).sum())},
             {"number": 2, "code": "0402", "main": "园林绿化", "sub": "行道树", "count": int(damaged.sum())}]  # fmt: skip
    states = [{"name": "intact", "count": int((~damaged).sum())}, {"name": "damaged", "count": int(damaged.sum())}]
    about = {"version": "v1", "total": 2_000, "made_at": real_ms() - 3 * 86_400_000, "classes": kinds, "states": states,
             "districts": [], "departments": [], "marks": [], "sources": []}  # fmt: skip
    case = {
        "subject": "case/c/9",
        "case_id": "K9",
        "time": real_ms(),
        "state": "closed",
        "names": True,
        "subclass_name": "井盖破损",
    }
    record = {"component_id": "4107020402000001", "name": "<b>银杏</b>", "state": "damaged", "source": "trees", "lon": 113.9,
              "lat": 35.33, "crs": "EPSG:4547", "x": 1.5, "y": 2.5, "row": first, "imported_at": real_ms(), "extra": {"树高": 9}}  # fmt: skip

    def answer(route):
        found = urlsplit(route.request.url)
        asked.append(found.path.removeprefix("/api/v1/components"))
        headers = {"etag": '"v1"'}
        if len(asked) == 1:
            route.fulfill(status=503, json={"reason": "components-unreadable", "detail": "disk gone"})
        elif asked[-1] == "":
            route.fulfill(json=about)
        elif asked[-1] == "/pack":
            route.fulfill(body=body, headers=headers)
        elif asked[-1] == "/filter":
            assert parse_qs(found.query) == {"state": ["damaged"]}
            route.fulfill(body=pack.bits(damaged), headers=headers)
        else:
            assert asked[-1] == f"/at/{first}" and found.query == "version=v1"
            route.fulfill(json={"component": record, "cases": [case], "place_metres": 15.0})

    return answer, lon, lat, damaged


def test_components_come_when_they_are_switched_on_are_filtered_and_each_has_its_record(open_map, chance):
    page, _ = open_map()
    asked = []
    answer, lon, lat, damaged = components_route(chance, asked)
    page.route("**/api/v1/components**", answer)
    page.evaluate("hall.page.who = {name: 'o', role: 'operator'}; hall.page.csrf = 'x'")  # a person's own session: filters
    go(page, 113.92, 35.32, 14)
    layer, box = page.locator("[data-layer=components]"), page.locator(".map-components")
    assert not asked and not page.evaluate("[...hall.citymap.live][0].stage.sheets.has('components')")
    assert not layer.is_visible(), "on a wall what is off is folded away"
    page.locator(".map-legend-more").press("Enter")
    layer.press("Enter")
    page.wait_for_function("document.querySelector('.map-component-said').textContent.includes('disk gone')")
    page.faults.clear()  # the browser's own word about 503
    page.evaluate("[...hall.citymap.live][0].components.load()")
    wait_count(page, "components", 2000)
    tree, cover = ({"lon": x, "lat": 35.33} for x in (113.9, 113.94))
    assert "227,155,198" not in colours(page, "components", tree, 5), "no more colours than main classes"
    assert "183,156,242" in colours(page, "components", tree, 5) and "79,195,217" in colours(page, "components", cover, 5)
    rows, frame = chance.sample(range(2_000), 30), "[...hall.citymap.live][0].stage.frame"
    found = page.evaluate(
        f"""places => places.map(([lon, lat]) => {{ const f = {frame}, one = [...hall.citymap.live][0].components.pack.nearest(
        f, f.px(hall.citymap.projectX(lon)), f.py(hall.citymap.projectY(lat)), 3, null); return one && one.row; }})""",
        [[lon[row], lat[row]] for row in rows],
    )
    assert found == rows
    page.locator(".map-components select[name=state]").select_option(label=f"破损 · {int(damaged.sum())}")
    wait_count(page, "components", int(damaged.sum()))
    assert f"{int(damaged.sum())} / 共 2,000" in box.inner_text() and "3 天前入库" in box.inner_text()
    assert not {"79,195,217", "183,156,242"} & set(colours(page, "components", cover, 3))
    page.mouse.click(*page.evaluate(SCREEN, [tree["lon"], tree["lat"]]))
    page.wait_for_function("document.querySelector('.map-card').textContent.includes('4107020402000001')")
    said = page.locator(".map-card").inner_text()
    assert all(word in said for word in ("<b>银杏</b>", "破损", "树高", "案件记录 1 件", "K9", "已结案", "指明此部件")), said
    page.locator(".map-components [data-act=clear]").press("Enter")
    wait_count(page, "components", 2000)
    layer.press("Enter")
    box.wait_for(state="hidden")
    assert not page.evaluate("[...hall.citymap.live][0].stage.sheets.has('components')")
    assert asked.count("/pack") == 2 and not page.faults  # with each try, beside the names: the first failed


def test_areas_are_coloured_by_a_measure_and_gone_into_by_keys_alone_then_heat_then_depth(open_map, city, chance):
    rows = [(subject, {**data, "district": ""}) for subject, data in scenery.cases(chance, 200)]
    measured = Measured(city, rows)
    page, gate = open_map(*rows)
    page.route("**/api/v1/measures**", measured.answer)
    page.evaluate("delete hall.page.wall; window.part = [...hall.citymap.live][0].layers.get('measures')")
    page.route("**/api/v1/measures", lambda route: route.fulfill(body='{"measures": [', content_type="application/json"))
    told = page.evaluate("part.fetch('').then(() => 'taken', (error) => error.name)")
    assert told == "SyntaxError", "an answer that breaks off is no catalogue"
    page.unroute("**/api/v1/measures")
    page.locator(".map-legend-more").press("Enter")
    page.locator("[data-layer=measures]").press("Enter")
    page.locator(".map-measures select[name=level]").select_option("districts")
    page.wait_for_function("part.table && part.level === 'districts'")
    assert page.locator("[data-layer=cells]").get_attribute("aria-pressed") == "false", "one colouring at a time"
    wanted = {code: row[0] for code, row in measured.table("open_cases/districts")["rows"].items()}
    found = page.evaluate("Object.fromEntries(part.areas.map((area) => [area.code, part.row(area)[0]]))")
    assert {code: n for code, n in found.items() if n} == wanted and sum(wanted.values()) > 100

    most = max(wanted, key=wanted.get)
    page.evaluate("code => part.into(part.areas.find((area) => area.code === code))", most)
    page.wait_for_function("part.level === 'cells' && part.table")
    inside = page.evaluate("part.within().map((area) => part.row(area)[0])")
    assert 0 < len(inside) < len(page.evaluate("part.areas.map(() => 0)")) and sum(inside) <= wanted[most]
    assert page.locator(".map-key-crumbs").inner_text().split(" › ")[-1] == most
    page.locator(".map-measures select[name=level]").press("Escape")
    page.wait_for_function("part.level === 'districts' && !part.path.length && part.table")

    told = "code => hall.citymap.areaCard(part.entry(part.areas.find((area) => area.code === code))).rows.map((row) => row.join('='))"
    card = page.evaluate(told, most)
    assert f"value={wanted[most]} 件" in card and "rank=第 1，共 12 个" in card
    page.locator("[data-layer=cells]").click()
    assert page.locator("[data-layer=measures]").get_attribute("aria-pressed") == "false"
    assert page.locator(".map-measures").is_hidden()

    heated = Heated(4_000)
    page.route("**/api/v1/heat**", heated.answer)
    page.evaluate("window.heat = [...hall.citymap.live][0].layers.get('heat')")
    page.locator("[data-layer=heat]").press("Enter")
    page.wait_for_function("heat.field && heat.about")
    assert page.locator("[data-layer=cells]").get_attribute("aria-pressed") == "false", "one colouring at a time"
    before = page.evaluate("heat.field.inside")
    page.locator(".map-heat select[name=class]").select_option("市容环境")
    page.locator(".map-heat [data-period=month]").press("Enter")
    page.wait_for_function("heat.asked.period === 'month' && heat.mark.includes('class=') && !heat.asking")
    since, until = page.evaluate("heat.field.span")
    chosen = [row for row in heated.rows if row.class_name == "市容环境" and since <= row.reported < until]
    field = page.evaluate("heat.field")
    assert (field["placed"], field["unplaced"]) == (
        sum(row.lon is not None for row in chosen), sum(row.lon is None for row in chosen),
    )  # fmt: skip
    assert field["breaks"] == sorted(set(field["breaks"])) and len(field["breaks"]) == 5 and before > 0
    words = page.locator(".map-heat .map-key-said").inner_text()
    assert f"{field['placed']:,} 件有位置" in words and f"{field['unplaced']:,} 件无位置" in words
    page.evaluate("heat.pick({period: 'own', from: 1000, to: 2000})")
    page.wait_for_function("heat.field.span[0] === 1000 && !heat.asking")
    assert page.evaluate("[heat.fault, heat.field.placed]") == ["", 0], "a period without a case"
    smooth = """() => { const c = new Uint16Array(60 * 40); c[20 * 60 + 30] = 900;
      const found = hall.citymap.heat.smooth(c, 60, 40, 4); let x = 0, y = 0, n = 0, spread = 0;
      found.forEach((v, i) => { n += v; x += v * (i % 60); y += v * Math.floor(i / 60); });
      found.forEach((v, i) => { spread += v * ((i % 60) - 30) ** 2; });
      return [n, x / n, y / n, Math.sqrt(spread / n)]; }"""
    n, x, y, spread = page.evaluate(smooth)
    assert n == pytest.approx(900, rel=1e-3) and (x, y) == pytest.approx((30, 20), abs=1e-3) and 1.5 < spread < 4.5

    document, pixels = depths(ahead_minutes=30)
    page.route("**/api/v1/rasters/**", lambda route: route.fulfill(body=pixels, content_type="application/octet-stream"))
    assert page.locator("[data-layer=depth]").is_hidden(), "no such field yet"
    gate.put(document)
    page.wait_for_function("[...hall.citymap.live][0].layers.get('depth').field.codes.size")
    assert page.locator(".map-depth .map-key-mark").inner_text() == "预报"
    assert page.evaluate("hall.citymap.radarText({ lon: 113.92, lat: 35.3 })") == "", "a depth is no rain"
    at = """([lon, lat]) => { const depth = [...hall.citymap.live][0].layers.get('depth'), { frame } = depth.host.stage;
      const hit = depth.under(frame.px(hall.citymap.projectX(lon)), frame.py(hall.citymap.projectY(lat)));
      return hit && hit.entry.found.rate; }"""
    assert page.evaluate(at, list(scenery.CENTRE)) == pytest.approx(0.8, abs=0.02)
    assert page.evaluate(at, [scenery.CENTRE[0] + 0.039, scenery.CENTRE[1]]) is None, "dry"


def test_lengths_bearings_and_areas_are_those_of_the_ellipsoid_and_are_measured_by_keys_alone(open_map, chance):
    page, _ = open_map()
    earth, rings = Geod(ellps="WGS84"), []
    for _ in range(300):
        lon, lat, size = chance.uniform(-180, 180), chance.uniform(-70, 70), 10 ** chance.uniform(-3, 0)
        ways = sorted(chance.uniform(0, 2 * math.pi) for _ in range(chance.randint(3, 8)))
        rings.append([[(lon + size * math.cos(way) + 180) % 360 - 180, lat + size * 0.6 * math.sin(way)] for way in ways])
    asked = """rings => rings.map((ring) => { const g = hall.citymap.geodesic;
        return [g.inverse(ring[0], ring[1]), g.length(ring, true), g.area(ring), g.direct(ring[0], 37, 12345.6)]; })"""
    for ring, (side, around, area, ahead) in zip(rings, page.evaluate(asked, rings), strict=True):
        bearing, _, metres = earth.inv(*ring[0], *ring[1])
        square, perimeter = earth.polygon_area_perimeter(*zip(*ring, strict=True))
        assert side["metres"] == pytest.approx(metres, rel=1e-6, abs=1e-3) and around == pytest.approx(perimeter, rel=1e-6)
        assert abs((side["bearing"] - bearing + 180) % 360 - 180) < 0.01 or metres < 1
        assert (
            area == pytest.approx(abs(square), rel=1e-3, abs=1)
            and earth.inv(*earth.fwd(*ring[0], 37, 12345.6)[:2], *ahead)[2] < 0.01
        )

    page.evaluate("""() => { const { map } = [...hall.citymap.live][0];
        window.sketch = new hall.citymap.Sketch(map, {most: 5}); sketch.start('line'); }""")
    for key in ("Space", "Shift+ArrowRight", "Space", "Shift+ArrowDown", "Space", "Enter"):
        page.keyboard.press(key)
    (line,) = page.evaluate("sketch.shapes")
    shown = page.evaluate("hall.citymap.sizesOf('line', sketch.last().points).map(({ key, text }) => [key, text])")
    metres = earth.line_length(*zip(*line["points"], strict=True))
    assert [key for key, _ in shown] == ["distance", "side", "bearing"] and len(line["points"]) == 3
    assert shown[0][1] == (f"{metres:.1f} m" if metres < 1000 else f"{metres / 1000:.3f} km")
    page.evaluate("sketch.start('circle')")
    for key in ("Space", "Shift+ArrowRight", "Space"):
        page.keyboard.press(key)
    made = page.evaluate("hall.citymap.sketched('circle', sketch.last().points)")
    assert made["geometry"]["type"] == "Point" and made["radius_m"] > 10
    page.evaluate("sketch.remove()")
    assert page.locator(".map-draw-shape").count() == 0


def drawn(name, share="walls", colour="violet", **more):
    ring = [[113.91, 35.29], [113.93, 35.29], [113.93, 35.31], [113.91, 35.31], [113.91, 35.29]]
    data = {"shape_id": name, "kind": "polygon", "title": f"<img src=x onerror=window.hacked=1> {name}", "owner": "li", "share": share,
            "colour": colour, "geometry": {"type": "Polygon", "coordinates": [ring]}, "changed": real_ms(), "revision": 1}  # fmt: skip
    return (f"shape/{name}", data | more)


def test_drawn_shapes_are_shown_to_walls_as_shared_and_a_view_becomes_a_sheet_with_the_age_of_its_layers(open_map):
    over = drawn("over", expires=real_ms() - 1000)
    page, gate = open_map(drawn("one"), drawn("room", share="room"), over, case(1, severity=4, lon=113.95))
    page.evaluate("hall.maps['city-map'].setView([35.30, 113.92], 13, {animate: false})")
    wait_count(page, "shapes", 1)  # a wall, also where it would be told more: what is shared with walls, and not what is over
    edge = {"lon": 113.91, "lat": 35.30}
    inks = [tuple(map(int, key.split(","))) for key in colours(page, "ground", edge, 4)]
    assert any(red > 140 and blue > 200 and green < red for red, green, blue in inks), "violet"
    page.mouse.click(*page.evaluate(SCREEN, [edge["lon"], edge["lat"]]))
    card = page.locator(".map-card")
    assert "<img" in card.inner_text() and "li" in card.inner_text() and not page.evaluate("window.hacked")
    layers = page.evaluate("""hall.citymap.layersShown([...hall.citymap.live][0])
        .map(({ name, count, time }) => [name, count, time === null ? null : hall.citymap.now() - time])""")
    found = {name: (count, age) for name, count, age in layers}
    assert found["cases"][0] == "1" and 0 <= found["cases"][1] < 60_000 and found["closures"][1] is None
    sheet = """(light) => { const made = hall.citymap.sheet([...hall.citymap.live][0], { title: 't', width: 1169, height: 827, light });
        const { data } = made.getContext('2d').getImageData(484, 250, 200, 100);
        return [made.width, made.height, data.reduce((sum, value, i) => (i % 4 === 3 ? sum : sum + value), 0) / 60000]; }"""
    dark, light = page.evaluate(sheet, False), page.evaluate(sheet, True)
    assert dark[:2] == light[:2] == [1169, 827] and dark[2] < 80 < 160 < light[2], "a light ground saves ink"
    gate.put(("shape/one", None))
    wait_count(page, "shapes", 0)


def test_a_drag_leaves_no_ground_bare_and_ends_in_the_picture_of_a_map_opened_there(open_map, chance):
    page, _ = open_map(*scenery.cases(chance, 150), *scenery.units(chance, 400), scenery.warning())
    wait_count(page, "cases", 150)
    stage = "[...hall.citymap.live][0].stage"
    tiled = "(({ ground }) => ground.tiled && ground.tiles.store.whole)([...hall.citymap.live][0])"
    page.wait_for_function(tiled)  # the demo's own map is built meanwhile, and is another ground than before
    page.evaluate("(now => { hall.citymap.now = () => now; })(hall.citymap.now())")  # nothing becomes old between two pictures
    page.evaluate(
        f"() => {{ const stage = {stage}; stage.rests = stage.settle; stage.settle = () => {{}}; }}"
    )  # no hand that rests
    page.mouse.move(1000, 600)
    page.mouse.down()
    for step in range(1, 13):
        page.mouse.move(1000 - 60 * step, 600 - 30 * step)
    page.wait_for_function(f"() => {{ const {{pieces, pending}} = {stage}; return !pending && pieces.step > 0; }}")
    drawn = f"""() => {{ const stage = {stage}, {{map}} = stage, seen = stage.seen(), found = [];
      const boxes = [stage.lower.frame, ...[...stage.pieces.all.values()].map(p => p.frame)].map(f => [map.layerPointToContainerPoint(f.corner), f]);
      for (let x = seen.left + 1; x < seen.right; x += 20) for (let y = seen.top + 1; y < seen.bottom; y += 20)
        if (!boxes.some(([c, f]) => x >= c.x && y >= c.y && x < c.x + f.width && y < c.y + f.height)) found.push([x, y]);
      return found; }}"""
    assert page.evaluate(drawn) == [], "every place of the view is drawn while the hand still holds the map"
    page.evaluate(f"() => {{ const stage = {stage}; stage.settle = stage.rests; }}")
    page.mouse.up()
    page.wait_for_function(f"{PAINTED} && {tiled} && {stage}.lower.frame === {stage}.upper.frame")
    page.evaluate("""() => { const view = [...hall.citymap.live][0], {stage} = view;
      window.picture = ({canvas}) => { const {width, height} = canvas, copy = new OffscreenCanvas(width, height).getContext('2d');
        copy.drawImage(canvas, 0, 0); return copy.getImageData(0, 0, width, height).data; };
      window.before = stage.glasses().map(picture); view.ground.renew(null); stage.redraw(); }""")
    page.wait_for_function(PAINTED)  # units' names are written again once it is known what stands there
    other = page.evaluate(
        f"{stage}.glasses().map((glass, i) => picture(glass).reduce((n, value, at) => n + (value !== before[i][at]), 0))"
    )
    assert other == [0, 0] and not page.faults


def test_a_wall_shows_from_its_start_what_its_city_wants_on_it(open_map, city):
    wanted = msgspec.structs.replace(city, map=msgspec.structs.replace(city.map, walls_show=["components", "heat"]))
    page, _ = open_map(found=wanted)
    on = "[...document.querySelectorAll('.map-legend-row')].filter(row => row.ariaPressed === 'true').map(row => row.dataset.layer)"
    assert {"components", "heat"} <= set(page.evaluate(on)) and "measures" not in page.evaluate(on)
    page.wait_for_function("(map => map.components.shown && map.layers.get('heat').shown)([...hall.citymap.live][0])")
