"""The city map in a real Chromium: what is drawn, counted, pointed at and switched."""

from __future__ import annotations

import msgspec
import pytest

from hall.core import config
from hall.core.clock import real_ms
from hall.core.config import WallGeometry
from tests.browser.map import scenery
from tests.browser.map.looked import PIXELS, SCREEN, carded, case, colours, counted, rgb, wait_count
from tests.browser.map.mappage import GO, go

pytestmark = pytest.mark.browser


CLUSTERS = "() => [...hall.citymap.live][0].things.clusters.groups.map((group) => [group.lead.id, group.members.length])"


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
    carded(page, "案件 31 件", "■ 红 1", "● 蓝 30", "另有 26 件")
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
    carded(page, "平原路下穿", "0.31 m")


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
    metres, said = page.evaluate("""() => {
      const bar = document.querySelector('.map-scale i'), map = hall.maps['city-map'], y = map.getSize().y / 2;
      return [map.containerPointToLatLng([0, y]).distanceTo(map.containerPointToLatLng([bar.offsetWidth, y])),
        document.querySelector('.map-scale span:not(.map-owed)').innerText];
    }""")
    number, unit = said.split()
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
    # land, roads, water, names: not one flat colour, once the map has rested from the picture before
    page.wait_for_function(f"args => Object.keys(({PIXELS})(args)).length > 20", arg=["ground", 113.92, 35.30, 200])
    assert not page.faults


# -- more cameras than a stream carries --------------------------------------------------------------------------------------


def test_a_wall_shows_from_its_start_what_its_city_wants_on_it(open_map, city):
    wanted = msgspec.structs.replace(city, map=msgspec.structs.replace(city.map, walls_show=["components", "heat"]))
    page, _ = open_map(found=wanted)
    on = "[...document.querySelectorAll('.map-legend-row')].filter(row => row.ariaPressed === 'true').map(row => row.dataset.layer)"
    assert {"components", "heat"} <= set(page.evaluate(on)) and "measures" not in page.evaluate(on)
    page.wait_for_function("(map => map.components.shown && map.layers.get('heat').shown)([...hall.citymap.live][0])")
