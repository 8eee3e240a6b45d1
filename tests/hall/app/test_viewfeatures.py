"""What a map's file says of fields, heat and warnings, held to the pixels and documents it is made from."""

import random
from types import SimpleNamespace

import numpy as np
import shapely

from hall.app import filehead
from hall.app import viewfeatures as features
from hall.core.raster import Frame, Grid, Raster, frame_at, rate_of

GRID = Grid(west=12_680_000.0, north=4_200_000.0, pixel=500.0, width=23, height=17)
DEEP = Raster(
    feed="f", product="depth", quantity="water_depth", unit="m", grid=GRID, bounds=GRID.bounds(), step=0.0001, source="模型",
    breaks=[0.03, 0.15, 0.5], frames=[Frame(time=5_000, start=0, run=5_000, version="v1")],
)  # fmt: skip


def test_a_field_becomes_one_area_a_class_in_which_each_pixels_middle_lies_where_its_depth_says():
    chance = random.Random(4)
    codes = bytes(chance.choice((0, 1, 10, 30, 45, 90)) for _ in range(GRID.width * GRID.height))
    west, south, east, north = GRID.bounds()
    made = features.field("depth", DEEP, frame_at(DEEP, 5_000), codes, (west, south, east, north))
    areas = {one["properties"]["at_least"]: shapely.geometry.shape(one["geometry"]) for one in made.features}
    for lon, lat in ((chance.uniform(west, east), chance.uniform(south, north)) for _ in range(400)):
        depth = rate_of(codes[GRID.index(lon, lat)], DEEP.step) or 0.0
        found = {least for least, area in areas.items() if area.contains(shapely.Point(lon, lat))}
        assert found == {max((least for least in DEEP.breaks if depth >= least), default=None)} - {None}, (lon, lat, depth)
    half = features.field("depth", DEEP, frame_at(DEEP, 5_000), codes, (west, south, (west + east) / 2, north))
    bounds = shapely.union_all([shapely.geometry.shape(one["geometry"]) for one in half.features]).bounds
    assert bounds[2] <= (west + east) / 2 + 1e-6 and half.total < made.total, "nothing beyond the view"
    assert {(one["properties"]["time"], one["properties"]["source"]) for one in made.features} == {(5_000, "模型")}


def test_heat_keeps_the_densest_cells_and_says_how_many_there_are():
    counts = np.zeros((4, 5), np.uint16)
    counts[0, 0], counts[2, 3], counts[3, 4] = 7, 1, 30
    grid = SimpleNamespace(level=10, x=836, y=402, width=5, height=4, counts=counts.reshape(-1))
    made = features.heat(grid, 0, 1_000, ["积水"], most=2)
    assert made.total == 3 and [one["properties"]["reported"] for one in made.features] == [30, 7]
    west, _, _, north = shapely.geometry.shape(made.features[1]["geometry"]).bounds
    scale = 2**10  # of the world: the north-west corner of cell (836, 402), by the definition of Mercator
    assert abs((west + 180) / 360 * scale - 836) < 1e-4
    assert abs((1 - np.arcsinh(np.tan(np.radians(north))) / np.pi) / 2 * scale - 402) < 1e-4


def test_a_warning_is_in_the_file_while_it_is_in_force_and_its_area_meets_the_view():
    ring = [[113.0, 35.0], [114.0, 35.0], [114.0, 36.0], [113.0, 36.0], [113.0, 35.0]]

    def warning(name, **more):
        return features.Told(
            f"warning/f/{name}", 9, {"warning_id": name, "areas": [{"polygons": [ring]}], "headline": {"en": name}, **more}
        )

    rows = [
        warning("a"), warning("old", expires=50), warning("early", onset=200), warning("b"), warning("c", references=["b"]),
        warning("gone", message_type="Cancel"), warning("nowhere", areas=[]),
    ]  # fmt: skip
    found = features.warnings(rows, 100, shapely.box(113.5, 35.5, 120, 40))
    assert [one["properties"]["name"] for one in found] == ["a", "c"]
    assert features.warnings(rows, 100, shapely.box(115, 35, 116, 36)) == []


def test_every_file_says_by_whom_and_when_it_was_made_of_which_view_and_how_old_its_data_is():
    told = filehead.Head("防汛", "qi", 1_790_000_000_000, ["demo"], [113.0, -0.5, 114.0, 0.5], 12)
    begun = filehead.head(told, "Asia/Shanghai")
    assert (begun["made_at"], begun["made_by"], begun["marks"]) == ("2026-09-21T22:13:20+08:00", "qi", ["demo"])
    assert begun["coordinates"] == "WGS 84 (RFC 7946)" and "crs" not in begun
    assert begun["view"] == {"box": told.box, "zoom": 12, "scale": "1:136000"}  # OGC's 559,082,264 at zoom 0, on the equator
    two = shapely.GeometryCollection([shapely.Point(3, 4), shapely.box(5, -2, 6, 7)])
    rows = [(shapely.Point(9, 1), "2026-10-25T02:30:00+02:00"), (two, "2026-10-25T02:10:00+01:00"), (None, None)]
    made = filehead.collection(begun, [features.feature(at, kind="cases", time=time) for at, time in rows], missing={})
    assert made["bbox"] == [3, -2, 9, 7] and list(made)[-1] == "features" and made["missing"] == {}
    assert made["as_of"] == {"cases": {"oldest": rows[0][1], "newest": rows[1][1]}}, "by the moment, not by the letters"
    empty = filehead.collection(filehead.head(told._replace(box=None), "UTC"), [])
    assert "bbox" not in empty and "view" not in empty and empty["as_of"] == {}
