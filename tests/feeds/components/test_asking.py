"""Reading components against plain loops over the same rows: pack, filters, grid, search, what a role may see."""

from __future__ import annotations

import random
import struct
import threading

import numpy as np
import pytest
import shapely

from feeds.components import finding, morton, versions
from feeds.components.asking import Inventory
from feeds.components.choosing import EVERYTHING
from feeds.components.frames import frame_of
from hall.core import coordinates
from hall.core.errors import Refused

BOX = (113.7, 35.25, 113.95, 35.38)


@pytest.fixture
def filled(city, table, row):
    """600 components in two districts and outside of both; returns the city and the records by number."""
    chance = random.Random(3)
    lines = [
        row(
            n,
            lon=f"{chance.uniform(113.6, 114.05):.6f}",
            lat=f"{chance.uniform(35.15, 35.4):.6f}",
            name=chance.choice(("路灯", "上水井盖", "Hydrant")),
            state=chance.choice(("完好", "破损", "丢失")),
            kind=chance.choice(("0104", "0101", "0301")),
            主管部门=chance.choice(("市政处", "园林处")),
            位置=f"平原路{chance.randrange(300)}号",
        )
        for n in range(600)
    ]
    assert city.imported(table(*lines)).taken == 600
    return city, city.records()


def unpack(body):
    """The pack read by hand: (lon, lat, class number) by row."""
    magic, n, k, cz = struct.unpack_from("<4I", body)
    assert magic == 0x31504348 and cz == 13
    chunks = np.frombuffer(body, "<u4", 3 * k, 16).reshape(k, 3).tolist()
    x, y = (np.frombuffer(body, "<u2", n, 16 + 12 * k + 2 * n * i).tolist() for i in (0, 1))
    kinds = np.frombuffer(body, "u1", n, 16 + 12 * k + 4 * n).tolist()
    assert len(body) == 16 + 12 * k + 5 * n
    found = []
    for i, (cx, cy, start) in enumerate(chunks):
        for row in range(start, chunks[i + 1][2] if i + 1 < k else n):
            side = 360 / 2**13
            lon = (cx + (x[row] + 0.5) / 65536) * side - 180
            north = np.pi * (1 - 2 * (cy + (y[row] + 0.5) / 65536) / 2**13)
            found.append((lon, float(np.degrees(np.arctan(np.sinh(north)))), kinds[row]))
    return found


def test_the_pack_holds_every_position_within_8_cm_in_the_order_of_rows(filled):
    city, records = filled
    view = city.view()
    points, about = unpack(bytes(view.pack())), view.about()
    codes = {kind["number"]: kind["code"] for kind in about["classes"]}
    assert len(points) == about["total"] == 600
    for row, (lon, lat, kind) in enumerate(points):
        record = view.at(row)
        assert record == records[record["component_id"]] | {"row": row, "imported_at": city.clock}
        assert abs(lon - record["lon"]) * 91_000 < 0.04 and abs(lat - record["lat"]) * 111_000 < 0.04
        assert codes[kind] == record["class_code"]


QUESTIONS = [
    ({"districts": ("红旗区",)}, lambda r: r.get("district") == "红旗区"),
    (
        {"departments": ("园林处",), "states": ("damaged", "lost")},
        lambda r: r["department"] == "园林处" and r["state"] != "intact",
    ),
    ({"kinds": ("01",)}, lambda r: r["class_code"].startswith("01")),
    ({"marks": ("outside-districts",)}, lambda r: not r.get("district")),
    ({"sources": ("nobody",)}, lambda r: False),
    ({"text": "HYDRANT 平原路1"}, lambda r: r["name"] == "Hydrant" and "平原路1" in r["address"]),
    ({"text": "000017"}, lambda r: "000017" in r["component_id"]),
    ({"text": "园林处"}, lambda r: r["department"] == "园林处"),
    ({"text": "公用设施", "districts": ("卫滨区", "红旗区")}, lambda r: r["class_name"] == "公用设施" and r.get("district")),
]


@pytest.mark.parametrize(("fields", "wanted"), QUESTIONS)
def test_a_question_finds_what_a_loop_finds_as_bits_and_as_records(filled, fields, wanted):
    city, records = filled
    view, question = city.view(), Inventory.question(**fields)
    expected = {number for number, record in records.items() if wanted(record)}
    magic, n, count = struct.unpack_from("<3I", view.bits(question))
    bits = np.unpackbits(np.frombuffer(view.bits(question), "u1", offset=12), bitorder="little")[:n]
    assert (magic, n, count) == (0x31464348, 600, len(expected))
    assert {view.at(row)["component_id"] for row in np.flatnonzero(bits).tolist()} == expected
    found = view.search(question, 0, 1000)
    assert found["total"] == len(expected) and {r["component_id"] for r in found["rows"]} == expected


def inside(record, box=BOX):
    return box[0] <= record["lon"] <= box[2] and box[1] <= record["lat"] <= box[3]


def test_a_viewport_of_few_shows_each_of_many_how_many_and_never_loses_one(filled):
    city, records = filled
    view = city.view()
    expected = {number for number, record in records.items() if inside(record)}
    shown = view.grid(EVERYTHING, BOX, 12)
    assert {view.at(f[3])["component_id"] for f in shown["features"]} == expected and shown["total"] == len(expected)
    world = view.grid(EVERYTHING, (-179, -80, 179, 80), 9, 50)
    assert world["total"] == sum(f[2] for f in world["features"]) == 600 and len(world["features"]) <= 50
    places = {(r["lon"], r["lat"]) for r in records.values()}
    assert all((f[0], f[1]) in places for f in world["features"]), "a feature stands where a component does"


def test_what_lies_in_an_area_is_what_a_loop_over_the_records_finds(filled):
    city, records = filled
    area = shapely.Polygon([(113.7, 35.2), (113.95, 35.25), (113.9, 35.38), (113.82, 35.24), (113.75, 35.39)])
    for question, wanted in (
        (EVERYTHING, lambda r: True),
        (Inventory.question(states=("lost",)), lambda r: r["state"] == "lost"),
    ):
        mine = [r for r in records.values() if wanted(r) and shapely.Point(r["lon"], r["lat"]).within(area)]
        found = city.view().inside(question, area, 1000)
        assert {r["component_id"] for r in found["rows"]} == {r["component_id"] for r in mine}
        assert found["total"] == len(mine) == sum(kind["count"] for kind in found["classes"]) > 20
        assert len(city.view().inside(question, area, 7)["rows"]) == 7
    assert city.view(("红旗区",)).inside(EVERYTHING, area, 0)["total"] < found["total"] * 10, "cut down to who asks"


def test_people_of_a_district_see_it_and_what_lies_in_none_and_a_department_its_own(filled):
    city, records = filled
    for scope, wanted in (
        ((("卫滨区",), None), lambda r: r.get("district", "") in ("卫滨区", "")),
        ((None, "园林处"), lambda r: r["department"] == "园林处"),
        ((None, ""), lambda r: False),
    ):
        view, whole = city.view(*scope), city.view()
        expected = {number for number, record in records.items() if wanted(record)}
        rows = {view.at(row)["component_id"] for row in range(view.total)}
        assert rows == expected and view.version != whole.version
        assert len(unpack(bytes(view.pack()))) == len(expected)
        assert {view.at(f[3])["component_id"] for f in view.grid(EVERYTHING, BOX, 12)["features"]} == {
            n for n in expected if inside(records[n])
        }
        other = next((n for n in records if n not in expected), None)
        with pytest.raises(Refused, match="wrong-component"):
            view.one(other)
        assert sum(kind["count"] for kind in view.about()["classes"]) == len(expected)
    with pytest.raises(Refused, match="unknown-component"):
        city.view().one("4107020104999999")
    with pytest.raises(ValueError, match="none of intact"):
        Inventory.question(states=("rusty",))


def test_a_reader_sees_a_new_version_with_its_next_question_and_goes_on_with_the_old_one(filled, table, row):
    city, _ = filled
    inventory = Inventory(city.root)
    before = inventory.view(None, None)
    assert before.search(Inventory.question(text="hydrant"), 0, 1)["total"] > 0
    wrong, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            view = inventory.view(None, None)
            if view.total != len(unpack(bytes(view.pack()))):
                wrong.append(view.version)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        for n in range(4):
            city.imported(table(row(700 + n, lon=f"113.9{n}111")), whole=False)
    finally:
        stop.set()
        thread.join()
    assert not wrong and inventory.view(None, None).total == 604 and before.total == 600
    assert before.at(0) and before.search(Inventory.question(text="井盖"), 0, 1)["total"] > 0
    assert len(versions.names(city.root)) <= 3


def test_numbers_along_the_curve_come_back():
    chance = np.random.default_rng(1)
    x, y = chance.integers(0, 1 << 29, (2, 500), dtype=np.uint32)
    key = morton.key_of(x, y)
    assert (morton.gather(key) == x).all() and (morton.gather(key >> np.uint64(1)) == y).all()
    lon, lat = morton.degrees_of(x, y)
    assert all((a == b).all() for a, b in zip(morton.steps_of(lon, lat), (x, y), strict=True))


@pytest.mark.parametrize("crs", ["GCJ-02", "BD-09", "CGCS2000", "EPSG:4547", "EPSG:27700", "WGS-84"])
def test_many_coordinates_are_converted_as_one_is(crs):
    points = {"EPSG:4547": [(478_000.0, 3_909_000.0)], "EPSG:27700": [(394_251.0, 806_376.0)]}.get(
        crs, [(113.92, 35.3), (116.4, 39.9), (-0.12, 51.5), (105.0, 35.0)]
    )
    frame, one = frame_of(crs), coordinates.to_wgs84(crs)
    lon, lat = frame.to_wgs84(*np.array(points).T.copy())
    assert np.allclose(np.column_stack((lon, lat)), [one(*point) for point in points], atol=1e-9, rtol=0)
    assert frame.degrees == (not crs.startswith("EPSG"))


def test_the_first_that_answer_words_are_right_nearest_first_and_none_of_others(filled, monkeypatch):
    monkeypatch.setattr(finding, "SECONDS", 60.0)  # all of it, however slow the machine
    city, records = filled
    view, place = city.view(), (113.9, 35.3)

    def away(record):
        return np.hypot((record["lon"] - place[0]) * np.cos(np.radians(place[1])), record["lat"] - place[1])

    for text, wanted in (
        ("平原路1", lambda r: "平原路1" in r["address"]),
        ("hydrant 园林处", lambda r: r["name"] == "Hydrant" and r["department"] == "园林处"),
        ("井盖", lambda r: "井盖" in r["name"] or "井盖" in r.get("subclass_name", "")),
        ("没有的路", lambda r: False),
    ):
        right = sorted((r for r in records.values() if wanted(r)), key=away)[:8]
        assert [r["component_id"] for r in view.first(text, 8, place)["rows"]] == [r["component_id"] for r in right], text
    number = min(records)
    assert view.first(number[:13], 3)["rows"][0]["component_id"] == number
    red = city.view(("红旗区",))
    assert all(r.get("district") in (None, "", "红旗区") for r in red.first("平原路", 50)["rows"])


@pytest.mark.parametrize("many", [20_000, 10])
def test_around_a_place_counts_by_class_and_gives_the_nearest(filled, many, monkeypatch):
    monkeypatch.setattr(finding, "_MANY", many)  # from which cells that lie all inside are not looked at one by one
    city, records = filled
    lon, lat, metres = 113.85, 35.28, 8_000.0
    found = city.view().around(lon, lat, metres, 5)
    away = {
        number: np.hypot((r["lon"] - lon) * np.cos(np.radians(lat)), r["lat"] - lat) * 111_195 for number, r in records.items()
    }
    inside = sorted((number for number in records if away[number] <= metres), key=away.get)
    assert found["total"] == len(inside) == sum(kind["count"] for kind in found["classes"]) > 20
    assert [row["component_id"] for row in found["rows"]] == inside[:5]
    assert found["rows"][0]["distance_m"] == pytest.approx(away[inside[0]], abs=0.1)
