"""Boundaries of administrative levels, and which area a position lies in."""

from __future__ import annotations

import json
import math
import os
import random
from pathlib import Path

import numpy as np
import pytest
import shapely

from hall.core import boundaries, config, coordinatearrays, coordinates
from hall.core.areas import Areas, square_metres
from hall.core.errors import ConfigError

REAL = Path(os.environ.get("HALL_REAL_DATA", "../shared/data")) / "map"


def square(x: float, y: float, side: float = 1.0) -> list:
    return [[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]]


def feature(name: str, rings: list, **properties) -> dict:
    return {
        "type": "Feature",
        "properties": {"name": name, **properties},
        "geometry": {"type": "Polygon", "coordinates": rings},
    }


@pytest.fixture
def city(tmp_path):
    """`make(table of [map.boundaries.streets], features or None)` -> HallConfig."""

    def make(table: str, features: list | None = None, city: str = ""):
        if features is not None:
            (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
        path = tmp_path / "hall.toml"
        head = f'[city]\nname = {{en = "X"}}\ncentre = [113.9, 35.3]\n{city}\n[map.boundaries.streets]\n'
        path.write_text(head + table, "utf-8")
        return config.load(path)

    return make


@pytest.mark.parametrize("crs", ["GCJ-02", "BD-09", "EPSG:4547"])
def test_many_positions_are_converted_as_each_alone_is(crs):
    chance = random.Random(7)
    wgs = [(chance.uniform(100, 125), chance.uniform(20, 45)) for _ in range(50)] + [(2.35, 48.85)]
    there = coordinatearrays.from_wgs84_many(crs)(np.array(wgs))
    alone = coordinates.to_wgs84(crs)
    again = [alone(x, y) for x, y in there.tolist()]
    assert np.allclose(again, wgs, rtol=0, atol=2e-9)
    assert np.allclose(coordinatearrays.to_wgs84_many(crs)(there), wgs, rtol=0, atol=2e-9)


def test_every_position_has_the_answer_of_looking_at_each_area_in_turn():
    chance = random.Random(3)
    shapes = [shapely.Polygon(square(i % 6, i // 6)[0]) for i in range(36)]  # shared borders
    shapes += [shapely.Point(chance.uniform(0, 6), chance.uniform(0, 6)).buffer(chance.uniform(0.3, 1.4)) for _ in range(12)]
    areas = Areas(shapes)
    places = [(chance.uniform(-0.5, 6.5), chance.uniform(-0.5, 6.5)) for _ in range(400)]
    places += [(i / 2, j / 2) for i in range(13) for j in range(13)]  # on borders and corners

    def in_turn(lon, lat):
        hit = [(shape.area, i) for i, shape in enumerate(shapes) if shape.covers(shapely.Point(lon, lat))]
        return min(hit)[1] if hit else -1

    expected = [in_turn(*place) for place in places]
    assert areas.numbers(*zip(*places, strict=True)).tolist() == expected
    assert [areas.number(*place) for place in places[:60]] == expected[:60]
    assert areas.numbers(*zip(*places[:90], strict=True)).tolist() == expected[:90], "few, by the tree"
    unknown = areas.numbers(*zip(*places, (math.nan, 1.0), (1.0, math.inf), strict=True)).tolist()
    assert unknown == [*expected, -1, -1]
    over = Areas([*shapes, *(shapely.box(-1 - i, -1, 9, 9) for i in range(600))])  # too many over one another for a table
    assert over.numbers(*zip(*places, strict=True)).tolist() == [36 + 12 if found < 0 else found for found in expected]
    assert Areas([]).numbers([1.0], [1.0]).tolist() == [-1] and Areas([]).number(1, 1) == -1


def test_an_area_of_one_degree_on_the_equator_has_its_square_kilometres():
    assert square_metres([shapely.box(0, 0, 1, 1)])[0] == pytest.approx(12_363e6, rel=0.005)


def test_broken_areas_are_repaired_or_left_out_with_the_reason(city):
    spike = [[[0, 0], [1, 0], [1, 1], [1.5, 1.5], [1, 1], [0, 1], [0, 0]]]
    bow_tie = [[[0, 0], [2, 2], [2, 0], [0, 2.2], [0, 0]]]
    rows = [
        feature("spike", spike, code=1), feature("bow tie", bow_tie, code=2), feature("east", square(5, 5), code=3),
        feature("east", square(7, 7), code=3), feature("west", square(9, 9), code=3), feature("", square(2, 8)),
        {"type": "Feature", "properties": {"name": "point", "code": 9}, "geometry": {"type": "Point", "coordinates": [1, 1]}},
        {"type": "Feature", "properties": {"name": "none", "code": 8}, "geometry": None},
        {"type": "Feature", "properties": {"name": "text", "code": 7}, "geometry": {"type": "Polygon", "coordinates": "x"}},
    ]  # fmt: skip
    level = boundaries.load(city('file = "a.geojson"\nlevel = 8\ncode = "code"\n', rows), "streets")
    assert [(area.code, area.name) for area in level.areas] == [("1", "spike"), ("3", "east")]
    assert [(note.number, note.reason) for note in level.repaired] == [(0, "geometry-repaired")]
    assert [(note.number, note.reason) for note in level.left_out] == [
        (1, "geometry-broken"), (4, "code-duplicate"), (5, "code-missing"), (6, "not-an-area"), (7, "geometry-missing"),
        (8, "geometry-missing"),
    ]  # fmt: skip
    assert level.codes([0.5, 7.5, 5.5, 9.5], [0.5, 7.5, 5.5, 9.5]) == ["1", "3", "3", ""]


def test_a_shapefile_with_chinese_names_in_gbk_is_read_in_its_own_grid(city, tmp_path):
    from pyogrio.raw import write

    shape = shapely.transform(shapely.box(113.9, 35.3, 113.95, 35.35), coordinatearrays.from_wgs84_many("EPSG:4547"))
    columns = [np.array(["红旗街道"], dtype=object), np.array([410702001.0])]
    target = tmp_path / "streets.shp"
    geometry = np.array([shapely.to_wkb(shape)], dtype=object)
    write(
        target,
        geometry,
        columns,
        ["JDMC", "DM"],
        geometry_type="Polygon",
        crs="EPSG:4547",
        driver="ESRI Shapefile",
        encoding="GBK",
    )
    target.with_suffix(".cpg").unlink(missing_ok=True)
    table = 'file = "streets.shp"\nlevel = 8\nname = "JDMC"\ncode = "DM"\n'
    level = boundaries.load(city(table + 'encoding = "GB18030"\n'), "streets")
    dbf = bytearray(target.with_suffix(".dbf").read_bytes())
    dbf[29] = 0x57
    target.with_suffix(".dbf").write_bytes(dbf)
    found = boundaries.load(city(table), "streets")
    assert [area.name for area in found.areas] == ["红旗街道"] and "gb18030" in found.note
    assert [(area.code, area.name) for area in level.areas] == [("410702001", "红旗街道")]
    assert level.codes([113.925, 113.89], [35.325, 35.325]) == ["410702001", ""]


def test_a_geojson_of_areas_in_gbk_with_its_crs_behind_them_and_a_number_that_is_none(city, tmp_path):
    made = shapely.transform(shapely.box(113.9, 35.3, 113.95, 35.35), coordinatearrays.from_wgs84_many("EPSG:4547"))
    rows = [feature("和平街道", shapely.geometry.mapping(made)["coordinates"]), feature("无", square(math.nan, 1))]
    text = json.dumps(
        {"type": "FeatureCollection", "features": rows, "crs": {"properties": {"name": "EPSG:4547"}}}, ensure_ascii=False
    )
    (tmp_path / "b.geojson").write_bytes(text.encode("gb18030"))
    level = boundaries.load(city('file = "b.geojson"\nlevel = 8\n'), "streets")
    assert level.codes([113.925], [35.325]) == ["和平街道"] and [note.name for note in level.left_out] == ["无"]


def test_an_area_bounded_by_arcs_is_one_and_a_corner_without_a_number_costs_its_area(city, tmp_path):
    disc = "CURVEPOLYGON(CIRCULARSTRING(113.9 35.3,113.91 35.31,113.92 35.3,113.91 35.29,113.9 35.3))"
    nowhere = "POLYGON((113.9 35.3,nan 35.31,113.92 35.3,113.9 35.3))"
    (tmp_path / "a.csv").write_text(f'WKT,name\n"{disc}",disc\n"{nowhere}",nowhere\n', "utf-8")
    level = boundaries.load(city('file = "a.csv"\nlevel = 8\ncrs = "WGS-84"\n'), "streets")
    assert [area.code for area in level.areas] == ["disc"] and [note.name for note in level.left_out] == ["nowhere"]
    assert "NaN" in level.left_out[0].detail and level.codes([113.91, 113.9], [35.305, 35.309]) == ["disc", ""]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ('file = "none.geojson"\nlevel = 8', "file"), ('file = "a.geojson"\nlevel = 8\nname = "nix"', "name"),
        ('file = "a.geojson"\nlevel = 8\ncrs = "EPSG:1"', "crs"), ('file = "a.geojson"\nlevel = 99', "level"),
        ('file = "a.geojson"\nlevel = 8\ncolour = "red"', "colour"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_line_and_key(city, table, key):
    with pytest.raises(ConfigError) as error:
        boundaries.load(city(table, [feature("a", square(113, 35))]), "streets")
    assert error.value.key == f"map.boundaries.streets.{key}"
    assert error.value.line is not None


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not here")
def test_henans_three_broken_cities_are_repaired_and_xinxiangs_districts_lie_in_their_city(city):
    real = REAL.resolve()
    lines = f'boundary = "{real}/cn_410700.json"\nboundary_crs = "GCJ-02"'
    found = city(f'file = "{real}/cn_410000.json"\nlevel = 5\ncrs = "GCJ-02"\ncode = "adcode"\n', city=lines)
    assert list(boundaries.settings(found)) == ["streets", "districts"]
    cities, districts = boundaries.load(found, "streets"), boundaries.load(found, "districts")
    assert {note.name for note in cities.repaired} == {"许昌市", "三门峡市", "信阳市"}
    assert max(note.change for note in cities.repaired) < 1e-12 and not cities.left_out
    assert (len(cities.areas), len(districts.areas)) == (18, 12)
    assert set(boundaries.parents(districts, cities)) == {"410700"}
    assert sum(area.square_metres for area in cities.areas) == pytest.approx(167_000e6, rel=0.02)
