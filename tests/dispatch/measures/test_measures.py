"""Measures of areas against plain loops over what was told."""

from __future__ import annotations

import json
import math
import random

import numpy as np
import pytest
import shapely

from dispatch.facts import Facts
from dispatch.measures.areas import Level, levels_of
from dispatch.measures.columns import NOWHERE, CaseColumns, Columns, Place
from dispatch.measures.part import HOUR, KEEP_MS, Tables, measures
from dispatch.measures.table import MOST_ROWS, breaks_of
from dispatch.measures.world import Kept
from dispatch.rain.totals import RainTotals
from dispatch.reader import Head
from hall.core import boundaries, config
from hall.core.areas import Areas, square_metres
from hall.core.boundaries import Area

NOW = 1_790_000_000_000
MINUTE = 60_000
SIDE = 4


def level_of(areas, name="cells"):
    shapes = [shape for _, shape in areas]
    made = [Area(code, code, shape, size) for (code, shape), size in zip(areas, square_metres(shapes), strict=True)]
    return Level(boundaries.Level(name, 12, {}, made, Areas(shapes), [], []))


def squares():
    """16 cells of 0.01 degrees."""
    return level_of(
        [
            (f"c{x}{y}", shapely.box(113.9 + x / 100, 35.3 + y / 100, 113.91 + x / 100, 35.31 + y / 100))
            for x in range(SIDE)
            for y in range(SIDE)
        ]
    )


def head(subject, data, time=NOW):
    return Head("e", "t", subject, time, time, json.dumps(data).encode())


def facts(reported, ended=None, due=None, lon=None, lat=None, cell=""):
    return Facts(reported, None, None, None, None, ended, due, "", "", "", cell, 0, lon, lat)


@pytest.fixture
def chance():
    return random.Random(17)


@pytest.fixture
def city():
    """`(cases, kept, tables)` over the squares."""
    cases, rain = CaseColumns(), RainTotals()
    kept = Kept(cases, rain)
    return cases, kept, Tables(kept, [squares()], measures())


def numbers(tables, key, now=NOW, at=0):
    """code -> value; codes that the table leaves out have what it says of them."""
    made = tables.make(key, now)
    codes = tables.levels[key.partition("/")[2]].codes
    return {
        code: (made["rows"][code] + [None] * 4)[at] if code in made["rows"] else made["absent"] if at == 0 else None
        for code in codes
    }


def cell_at(lon, lat):
    x, y = math.floor((lon - 113.9) * 100), math.floor((lat - 35.3) * 100)
    return f"c{x}{y}" if 0 <= x < SIDE and 0 <= y < SIDE else None


def test_cases_are_counted_where_they_lie_now_and_an_hour_ago_through_changes_and_withdrawals(city, chance):
    cases, _, tables = city
    told = {}
    for step in range(900):
        subject = f"case/f/{chance.randrange(300)}"
        lon, lat = chance.uniform(113.89, 113.95), chance.uniform(35.29, 35.35)
        named = chance.choice(("", "", "c11", "gone"))
        reported = NOW - chance.randrange(40) * HOUR // 2
        ended = chance.choice((None, None, reported + chance.randrange(1, 10) * HOUR // 3))
        told[subject] = chance.choice((None, *[facts(reported, ended, reported + 5 * HOUR, lon, lat, named)] * 4))
        cases.case(subject, told[subject])
        if step == 400:
            tables.make("open_cases/cells", NOW)  # what was found in between must not stay
    there = [(fact.cell if fact.cell == "c11" else cell_at(fact.lon, fact.lat), fact) for fact in told.values() if fact]

    def counted(holds):
        return {code: sum(1 for cell, fact in there if cell == code and holds(fact)) for code in tables.levels["cells"].codes}

    def is_open(fact, now):
        return fact.reported <= now and not (fact.ended_at is not None and fact.ended_at <= now)

    assert numbers(tables, "open_cases/cells") == counted(lambda fact: is_open(fact, NOW))
    before = numbers(tables, "open_cases/cells", at=1)
    assert {code: n or 0 for code, n in before.items()} == counted(lambda fact: is_open(fact, NOW - HOUR))
    late = counted(lambda fact: is_open(fact, NOW) and fact.due < NOW)
    assert numbers(tables, "overdue_cases/cells") == late
    assert numbers(tables, "new_cases/cells") == counted(lambda fact: NOW - 24 * HOUR < fact.reported <= NOW)
    share = numbers(tables, "overdue_share/cells")
    for code, there_open in counted(lambda fact: is_open(fact, NOW)).items():
        assert share[code] == (None if not there_open else round(100 * late[code] / there_open)), code
    km2 = (0.01 * 111.195) ** 2 * math.cos(math.radians(35.32))
    assert numbers(tables, "case_density/cells")["c11"] == pytest.approx(
        numbers(tables, "open_cases/cells")["c11"] / km2, rel=0.01
    )


def test_rain_is_the_mean_of_the_gauges_in_an_area_else_of_the_nearest_within_reach_else_unknown(city):
    _, kept, tables = city
    rain = kept._rain
    places = {"a": (113.905, 35.305), "b": (113.908, 35.308), "far": (113.9, 35.9)}
    for name, (lon, lat) in places.items():
        rain.named(f"g/{name}", {"name": f"gauge {name}", "lon": lon, "lat": lat})
        rain.reading(f"g/{name}", "rain_1h", {"a": 10.0, "b": 20.0, "far": 99.0}[name], NOW)
    while rain.step(NOW):
        pass
    rows = tables.make("rain_hour/cells", NOW)["rows"]
    assert rows["c00"][0] == 15 and rows["c00"][2] == 2 and len(rows["c00"]) == 3
    value, _, n, near = rows["c30"]
    assert n == 0 and (value, near[0]) == (20, "gauge b") and near[1] == pytest.approx(2_470, rel=0.1)
    assert set(rows) == set(tables.levels["cells"].codes), "all within 5 km"
    assert all(row[0] is not None for row in rows.values())
    nothing = tables.make("rain_hour/cells", NOW + 2 * HOUR)
    assert nothing["rows"] == {} and nothing["absent"] is None and nothing["known"] == 0


def test_depth_cameras_alarms_and_crews(city):
    _, kept, tables = city
    here, there = {"lon": 113.905, "lat": 35.305}, {"lon": 113.935, "lat": 35.335}
    reading = {"feed": "w", "quantity": "water_depth", "unit": "m"}
    kept.hear(head("observation/w/1/water_depth", reading | {"sensor_id": "1", "value": 0.31}))  # before its sensor
    kept.hear(head("sensor/w/1", here | {"quantity": "water_depth", "kind": "underpass"}))
    kept.hear(head("sensor/w/2", here))  # what is at its default is not sent
    kept.hear(head("observation/w/2/water_depth", reading | {"value": 0.12}))
    kept.hear(head("sensor/w/3", there | {"quantity": "water_depth"}))
    kept.hear(head("observation/w/3/water_depth", reading | {"value": 2.0}, NOW - HOUR))  # too old to say anything
    kept.hear(head("sensor/w/4", there | {"quantity": "water_depth", "kind": "river"}))
    kept.hear(head("observation/w/4/water_depth", reading | {"value": 4.0}))
    depth = tables.make("water_depth/cells", NOW)
    assert depth["rows"] == {"c00": [31, None, 2]} and depth["absent"] is None and depth["breaks_by"] == "fixed"

    for number, state in enumerate(("online", "offline", "offline")):
        kept.hear(head(f"channel/c/{number}", here | {"state": state}))
    kept.hear(head("channel/c/9", there | {"state": "online"}))
    assert tables.make("cameras_offline/cells", NOW)["rows"] == {"c00": [2, None, 3], "c33": [0, None, 1]}

    kept.hear(head("alarm/w/1", here | {"active": True}))
    kept.hear(head("alarm/w/2", here | {"active": True, "hidden_by": "w/1"}))
    kept.hear(head("alarm/w/3", here | {"active": False}))
    (row,) = tables.make("alarm_density/cells", NOW)["rows"].values()
    assert row[2] == 1
    kept.hear(head("alarm/w/1", here | {"active": False}))
    assert tables.make("alarm_density/cells", NOW)["rows"] == {}

    kept.hear(head("position/g/1", here))  # nobody's yet
    kept.hear(head("crew/k1", {"state": "available", "position": "position/g/1"}))
    kept.hear(head("position/g/1", there))
    assert numbers(tables, "crews_present/cells")["c33"] == 1
    assert numbers(tables, "crews_present/cells", NOW + 20 * MINUTE)["c33"] == 0
    kept.hear(head("crew/k1", {"state": "out_of_service", "position": "position/g/1"}))
    assert numbers(tables, "crews_present/cells")["c33"] == 0
    for subject in ("channel/c/0", "sensor/w/1"):
        kept.hear(Head("e", "t", subject, NOW, NOW))  # gone
    assert tables.make("cameras_offline/cells", NOW)["rows"]["c00"] == [2, None, 2]
    assert tables.make("water_depth/cells", NOW)["rows"] == {"c00": [12, None, 1]}


def test_what_cannot_be_asked_for_the_past_is_remembered_for_an_hour(city):
    _, kept, tables = city
    kept.hear(head("channel/c/1", {"lon": 113.905, "lat": 35.305, "state": "offline"}))
    tables.keep(NOW)
    kept.hear(head("channel/c/1", {"lon": 113.905, "lat": 35.305, "state": "online"}))
    assert numbers(tables, "cameras_offline/cells", NOW + 10 * MINUTE, at=1)["c00"] is None, "not yet an hour"
    for minutes in range(5, 61, 5):
        tables.keep(NOW + minutes * MINUTE)
    made = tables.make("cameras_offline/cells", NOW + HOUR)["rows"]["c00"]
    assert made[:2] == [0, 1]
    assert all(len(rows) <= HOUR / KEEP_MS + 2 for rows in tables._before.values())


def test_classes_by_quantiles_rise_and_cover_what_there_is(chance):
    known = {measure.name: measure for measure in measures()}
    for _ in range(200):
        decimals = chance.choice(("open_cases", "case_density"))
        top = chance.choice((1, 3, 9, 40, 900, 20_000))
        value = np.array(
            [chance.choice((0, float("nan"), chance.uniform(0.1, top), chance.uniform(0.1, 1))) for _ in range(60)]
        )
        value = value if decimals == "case_density" else np.round(value)
        found = breaks_of(known[decimals], value)
        some = value[np.isfinite(value) & (value > 0)]
        assert 1 <= len(found) <= 5 and found == sorted(set(found)) and found[0] > 0
        if len(some):
            assert found[0] <= some.min() and found[-1] <= some.max()


def test_a_table_has_a_bound_and_says_what_it_left_out():
    cases = CaseColumns()
    level = level_of([(f"k{n}", shapely.box(n / 1000, 0, (n + 1) / 1000, 0.001)) for n in range(6_000)])
    tables = Tables(Kept(cases, RainTotals()), [level], measures())
    for n in range(6_000):
        for again in range(1 + (n % 2)):
            cases.case(f"case/f/{n}-{again}", facts(NOW - HOUR, lon=(n + 0.5) / 1000, lat=0.0005))
    made = tables.make("open_cases/cells", NOW)
    assert len(made["rows"]) == MOST_ROWS and made["left_out"] == 1_000
    assert sum(row[0] == 2 for row in made["rows"].values()) == 3_000, "the highest are there"


def test_columns_have_room_for_so_many_and_take_back_rooms(chance):
    columns, level, kept = Columns(("n",), bound=600), squares(), {}
    for _ in range(4_000):
        key = str(chance.randrange(700))
        place = Place(chance.uniform(113.9, 113.94), chance.uniform(35.3, 35.34))
        if chance.random() < 0.3:
            columns.drop(key)
            kept.pop(key, None)
        elif columns.put(key, place, n=float(len(kept))):
            kept[key] = place
        if chance.random() < 0.02:
            columns.areas(level)
    found = columns.areas(level)
    assert len(columns) == len(kept) <= 600 and int((found != NOWHERE).sum()) == len(kept)
    by_code = {code: 0 for code in level.codes}
    for place in kept.values():
        by_code[cell_at(place.lon, place.lat)] += 1
    assert np.bincount(found[found >= 0], minlength=len(level)).tolist() == [by_code[code] for code in level.codes]


def test_levels_are_the_citys_boundaries_and_one_that_cannot_be_read_costs_only_itself(tmp_path, caplog):
    (tmp_path / "districts.json").write_text("{")
    ring = [[113.9, 35.3], [113.92, 35.3], [113.92, 35.32], [113.9, 35.32], [113.9, 35.3]]
    area = {"type": "Feature", "properties": {"id": "A1"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (tmp_path / "cells.json").write_text(json.dumps({"type": "FeatureCollection", "features": [area]}))
    text = '[city]\nname={en="X"}\ncentre=[113.9,35.3]\ncells="cells.json"\ncells_code="id"\nboundary="districts.json"\n'
    (tmp_path / "hall.toml").write_text(text)
    (level,) = levels_of(config.load(tmp_path / "hall.toml"))
    assert level.name == "cells" and level.codes == ["A1"] and level.label["zh-CN"]
    assert level.km2[0] == pytest.approx((0.02 * 111.195) ** 2 * math.cos(math.radians(35.31)), rel=0.01)
    nan = float("nan")
    places = [
        Place(113.91, 35.31),
        Place(113.95, 35.31),
        Place(nan, nan, "A1"),
        Place(nan, nan, "A2"),
        Place(113.91, 35.31, "A2"),
    ]
    lons, lats = np.array([place[:2] for place in places]).T
    assert level.find(lons, lats, places).tolist() == [0, NOWHERE, 0, NOWHERE, 0]
    assert "city.boundary" in caplog.text
