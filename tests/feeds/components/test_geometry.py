"""Geometry as suppliers send it: arcs, numbers that are none, axes exchanged. Every row is taken or parked with its reason."""

from __future__ import annotations

import json
import math
import struct

import numpy as np
import pytest
import shapely

from hall.core.geometries import geometry_of

TABLE = """
%s
id_structure = "free"
[components.parts.mapping]
component_id = "id"
name = "name"
geometry = "geometry"
"""
#: a half circle through these: middle 113.91, 35.30, radius 0.01 degrees
ARC = [(113.90, 35.30), (113.91, 35.31), (113.92, 35.30)]
ARC_TEXT = ",".join(f"{x} {y}" for x, y in ARC)
NOWHERE = struct.pack("<BII4d", 1, 2, 2, math.nan, math.nan, 1, 1)


def arc(srid=0, order="<"):
    head = struct.pack(order + "BI", order == "<", 8 | (0x20000000 if srid else 0))
    head += struct.pack(order + "I", srid) if srid else b""
    return head + struct.pack(order + "I6d", 3, *(number for place in ARC for number in place))


def reasons(report):
    return {reason: counted.count for reason, counted in report.parked.items()}


def csv_of(*geometries):
    return "id,geometry\n" + "".join(f'{number},"{text}"\n' for number, text in enumerate(geometries))


@pytest.mark.parametrize(
    ("given", "srid"),
    [
        (f"CIRCULARSTRING({ARC_TEXT})", 0),
        (f"SRID=4490;COMPOUNDCURVE(CIRCULARSTRING({ARC_TEXT}))", 4490),
        (arc(), 0),
        (arc(4490), 4490),
        (arc(4490, ">").hex(), 4490),
    ],
)
def test_an_arc_becomes_a_line_that_lies_on_it(given, srid):
    found = geometry_of(given)
    x, y = shapely.get_coordinates(found).T
    assert found.geom_type == "LineString" and shapely.get_srid(found) == srid and len(x) >= 45
    assert np.allclose(np.hypot(x - 113.91, y - 35.30), 0.01, rtol=0, atol=1e-9) and (x[0], y[-1]) == (113.90, 35.30)


def test_a_disc_has_the_area_of_one_and_what_is_no_curve_says_so():
    disc = geometry_of("CURVEPOLYGON(CIRCULARSTRING(0 0,1 1,2 0,1 -1,0 0))")
    assert disc.geom_type == "Polygon" and abs(disc.area / math.pi - 1) < 2e-3
    for text in ("CIRCULARSTRING(0 0,1 1)", "TIN(((0 0,1 1,2 0,0 0)))", "CIRCULARSTRING(", 'CIRCULARSTRING("', b"\x01\x08"):
        with pytest.raises(ValueError, match=r"\w"):
            geometry_of(text)


def test_a_row_whose_geometry_cannot_be_used_costs_that_row(city):
    city.configure(TABLE % 'crs = "WGS-84"')
    report = city.imported(
        csv_of(
            "POINT(113.9123456 35.3123456)", "LINESTRING(nan nan,1 1)", "LINESTRING(inf 1,113.9 35.3)", "POINT(nan 1)",
            f"CIRCULARSTRING({ARC_TEXT})", "CIRCULARSTRING(0 0,1 1)", "GEOMETRYCOLLECTION(CIRCULARSTRING(0 0,1 1,2 0))",
            NOWHERE.hex(), arc().hex(), "POINT EMPTY",
        )
    )  # fmt: skip
    assert set(city.records()) == {"0", "4", "8"} and abs(city.records()["8"]["lat"] - 35.31) < 1e-5
    assert reasons(report) == {"geometry-unreadable": 6, "geometry-missing": 1}
    assert "no numbers (NaN, infinity)" in report.parked["geometry-unreadable"].examples[0]


def test_in_a_geojson_numbers_that_no_json_has_and_a_line_that_leaves_its_grid_cost_their_row(city):
    def feature(number, coordinates, **properties):
        geometry = {"type": "LineString", "coordinates": coordinates}
        return {"type": "Feature", "id": number, "properties": properties, "geometry": geometry}

    city.configure(TABLE % 'crs = "EPSG:4547"')
    line = [[492723.7, 3907878.8], [493633.2, 3907878.1]]
    features = [
        feature("a", line),
        feature("b", [[math.nan, math.nan], [1, 1]]),
        feature("c", [[490000, 3907878], [492723, 3907878], [1e15, 3907878]]),
        feature("d", line, name="灯\ud800", note="\ud800", many=10**30),
        feature("\ud800", line),
    ]
    report = city.imported(json.dumps({"type": "FeatureCollection", "features": features}), "parts.geojson")
    assert set(city.records()) == {"a", "d"} and city.records()["d"]["name"] == "灯?" and report.parked_rows() == 3


def test_an_outline_is_put_right_with_its_point(city):
    wanted = shapely.LineString([(113.92, 35.30), (113.93, 35.30)])
    for crs, text in (
        ("WGS-84", "LINESTRING(35.30 113.92,35.30 113.93)"),
        ("EPSG:4547", "LINESTRING(3907878.834 492723.700,3907878.146 493633.238)"),
    ):
        city.configure(TABLE % f'crs = "{crs}"')
        city.imported(csv_of(text))
        found = city.records()["0"]
        assert found["marks"] == ["swapped"] and abs(found["lon"] - 113.925) < 1e-6
        assert shapely.hausdorff_distance(shapely.from_geojson(json.dumps(found["geometry"])), wanted) < 1e-7
