"""Vehicles and crews on the city map: where they are, where they were."""

from __future__ import annotations

import itertools
from urllib.parse import parse_qs, urlsplit

import pytest

from hall.core.clock import real_ms
from tests.browser.map.looked import PIXELS, SCREEN, colours, wait_count
from tests.browser.map.mappage import go

pytestmark = pytest.mark.browser


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
