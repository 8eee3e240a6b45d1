"""Components out of other containers than CSV, and out of real input. Each answer is compared with what was written."""

from __future__ import annotations

import gzip
import itertools
import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pyogrio.raw
import pytest
import shapely

from feeds.components.reading import Unreadable
from hall.core.errors import ConfigError
from tests.feeds.components.conftest import STANDARD

#: 113.92 E, 35.30 N and 113.93 E in CGCS2000 / 3-degree Gauss-Krüger CM 114E, metres, by the series of the textbook (Snyder 8-9 ff.)
GAUSS = [(492723.700, 3907878.834), (493633.238, 3907878.146)]
VECTOR = """
id_structure = "free"
%s
[components.parts.mapping]
component_id = "code"
name = "name"
geometry = "geometry"
"""


def shapefile(path, points, crs, encoding="GBK", **how):
    names, codes = np.array(["路灯", "上水井盖"], object)[: len(points)], np.array(["a", "b"], object)[: len(points)]
    wkb = shapely.to_wkb(shapely.points(points))
    pyogrio.raw.write(path, wkb, [codes, names], ["code", "name"], geometry_type="Point", crs=crs, encoding=encoding, **how)


@pytest.mark.parametrize(
    ("name", "driver", "encoding"),
    [("parts.shp", "ESRI Shapefile", "GBK"), ("parts.gpkg", "GPKG", None)],
)
def test_a_vector_file_brings_its_letters_and_its_crs(city, name, driver, encoding):
    shapefile(city.home / name, GAUSS, "EPSG:4547", encoding, driver=driver)
    city.configure(VECTOR % "")
    city.imported(None, str(city.home / name))
    found = city.records()
    assert city.report.crs == "EPSG:4547" and found["b"]["name"] == "上水井盖" and found["a"]["crs"] == "EPSG:4547"
    assert abs(found["a"]["lon"] - 113.92) < 1e-6 and abs(found["a"]["lat"] - 35.30) < 1e-6 and found["a"]["x"] == GAUSS[0][0]


def test_northing_first_as_surveyors_write_it_is_put_right_and_a_wrong_zone_is_outside(city):
    shapefile(city.home / "parts.shp", [(y, x) for x, y in GAUSS], "EPSG:4547")
    city.configure(VECTOR % "")
    city.imported(None, str(city.home / "parts.shp"))
    assert city.records()["a"]["marks"] == ["swapped"] and abs(city.records()["a"]["lon"] - 113.92) < 1e-6
    city.configure(VECTOR % 'crs = "EPSG:4548"')
    report = city.imported(None, str(city.home / "parts.shp"))
    assert {reason: one.count for reason, one in report.parked.items()} == {"position-outside": 2}
    assert "EPSG:4548 is taken as configured" in report.notes[0] and report.kept_as_was == 2


@pytest.mark.parametrize("crs", ["GCJ-02", "BD-09"])
def test_shifted_coordinates_are_shifted_back(city, table, row, crs):
    from hall.core import coordinates

    x, y = coordinates.wgs84_to_gcj02(113.92, 35.3)
    x, y = coordinates.gcj02_to_bd09(x, y) if crs == "BD-09" else (x, y)
    city.configure(STANDARD.replace("WGS-84", crs))
    city.imported(table(row(1, lon=repr(x), lat=repr(y))))
    found = city.records()["4107020104000001"]
    assert (found["lon"], found["lat"], found["crs"]) == (113.92, 35.3, crs) and found["x"] == x


def test_parquet_comes_in_by_columns_or_by_its_geometry(city):
    columns = {"code": ["a", "b"], "name": ["路灯", None], "x": [113.912345, 113.9], "y": [35.312345, float("nan")]}
    pyarrow.parquet.write_table(pyarrow.table(columns), city.home / "parts.parquet")
    city.configure('crs = "WGS-84"\n' + (VECTOR % "").replace('geometry = "geometry"', 'lon = "x"\nlat = "y"'))
    report = city.imported(None, str(city.home / "parts.parquet"))
    assert list(city.records()) == ["a"] and report.parked["number-not-finite"].examples[0].startswith("parts.parquet: row 2")
    geo = {"primary_column": "geom", "columns": {"geom": {"encoding": "WKB"}}}
    made = pyarrow.table({"code": ["a"], "name": ["灯"], "geom": [shapely.to_wkb(shapely.Point(113.912345, 35.312345))]})
    made = made.replace_schema_metadata({"geo": json.dumps(geo)})
    pyarrow.parquet.write_table(made, city.home / "geo.parquet")
    city.configure(VECTOR % "")
    assert city.imported(None, str(city.home / "geo.parquet")).updated == 1 and city.records()["a"]["name"] == "灯"


def test_features_one_a_line_and_a_collection_that_breaks_off(city):
    features = [
        {
            "type": "Feature",
            "properties": {"code": f"n{n}"},
            "geometry": {"type": "Point", "coordinates": [113.9 + n / 1e3, 35.30001]},
        }
        for n in range(5)
    ]
    city.configure((VECTOR % "").replace('name = "name"\n', ""))
    report = city.imported("\n".join([*map(json.dumps, features), "{broken"]) + "\n", "parts.geojsonl")
    assert report.taken == 5 and report.parked["feature-malformed"].examples[0].startswith("parts.geojsonl:6")
    whole = json.dumps({"type": "FeatureCollection", "features": features})
    assert city.imported(whole, "parts.geojson").unchanged == 5
    with pytest.raises(Unreadable, match="after feature 3"):
        city.imported(whole[: whole.index('"n3"')], "parts.geojson")
    assert len(city.store) == 5


def test_what_names_no_crs_or_cannot_be_told_by_its_name_is_refused(city, table, row):
    city.configure(STANDARD.replace('crs = "WGS-84"', ""))
    with pytest.raises(ConfigError, match="crs: say which"):
        city.imported(table(row(1)))
    with pytest.raises(Unreadable, match="say format ="):
        city.imported("x", "parts.dwg")
    with pytest.raises(Unreadable, match="there is no"):
        city.imported(None, str(city.home / "nothing.csv"))


@pytest.mark.parametrize(
    ("encoding", "excel"),
    [
        ("utf-8-sig", lambda lines: ["sep=;", *(line.replace(",", ";") for line in lines)]),
        ("gb18030", lambda lines: ["", "  ", *lines]),
        ("utf-8", lambda lines: [",,,", *(line + ",," for line in lines), ",,,,,", ",,"]),
        ("utf-16", lambda lines: ["", '"sep=\t"', "", *(line.replace(",", "\t") for line in lines)]),
        ("gb18030", lambda lines: [lines[0].replace("位置", "").replace("网格", ""), *lines[1:], lines[1] + ",,"]),
    ],
)
def test_what_excel_writes_around_a_table_is_no_part_of_it(city, table, row, encoding, excel):
    lines = excel(table(row(1), row(2)).splitlines())
    report = city.imported("\r\n".join(lines).encode(encoding))
    assert report.taken == 2 and not report.parked and city.records()["4107020104000002"]["extra"] == {"材质": "钢"}


def test_a_row_longer_than_its_table_says_so_with_its_line_and_an_empty_file_is_refused(city, table, row):
    header, *rows = table(row(1), row(2) + ",,more").splitlines()
    report = city.imported("\n".join(["sep=,", "", header + ",", *rows]))
    assert report.parked["csv-columns"].examples == ["parts.csv:5: 13 cells, 11 columns"] and report.taken == 1
    for body in ("", "\n\n", "sep=;\n;;;\n"):
        with pytest.raises(Unreadable, match="there is no header, the file is empty"):
            city.imported(body)
    assert len(city.store) == 1


def gauss(*before, after="", name="路灯"):
    feature = {"type": "Feature", "properties": {"code": "a", "name": name, "tags": ["x"], "crs": {"name": "no"}}}
    feature["geometry"] = {"type": "Point", "coordinates": GAUSS[0]}
    members = [*before, '"features": [' + json.dumps(feature, ensure_ascii=False) + "]"]
    return '{"type": "FeatureCollection", ' + ", ".join(members) + after + "}"


NAMED = '"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}}'
CODED = '"crs": {"type": "EPSG", "properties": {"code": 4547}}'


@pytest.mark.parametrize(
    ("text", "encoding", "packed"),
    [
        (gauss(NAMED), "utf-8-sig", bytes),
        (gauss(CODED), "gb18030", gzip.compress),
        (gauss(after=", " + NAMED), "gb18030", bytes),
        (gauss(after=f', "bbox": [1, 2], "about": {{"a": []}}, {CODED}\n'), "utf-8", gzip.compress),
    ],
)
def test_a_geojson_says_its_crs_before_its_features_or_behind_them_in_utf8_or_gbk(city, text, encoding, packed):
    city.configure(VECTOR % "")
    report = city.imported(packed(text.encode(encoding)), "parts.geojson" + (".gz" if packed is gzip.compress else ""))
    found = city.records()["a"]
    assert report.crs == "EPSG:4547" and found["name"] == "路灯" and abs(found["lon"] - 113.92) < 1e-6
    assert ("gb18030" in "".join(report.notes)) == (encoding == "gb18030")


def test_what_a_geojson_says_and_nobody_can_follow_is_refused(city):
    city.configure(VECTOR % "")
    with pytest.raises(Unreadable, match="its crs stands too far behind the features"):
        city.imported(gauss(after=f', {NAMED}, "note": "{"x" * 70_000}"'), "parts.geojson")
    with pytest.raises(ConfigError, match="crs: say which"):
        city.imported(gauss('"crs": {"type": "link", "properties": {"href": "x"}}'), "parts.geojson")
    with pytest.raises(Unreadable, match="neither utf-8 nor gb18030"):
        city.imported(gauss(NAMED, name="Ⓔ").encode("utf-8").replace("Ⓔ".encode(), b"\xff\xff"), "parts.geojson")
    with pytest.raises(Unreadable, match="after feature 0: nested too deeply"):
        city.imported(gauss(NAMED).replace('["x"]', "[" * 9_000 + "]" * 9_000), "parts.geojson")
    city.configure(VECTOR % 'crs = "EPSG:4547"\nencoding = "big5"')
    assert (
        city.imported(gauss(name="路燈").encode("big5"), "parts.geojson").taken == 1 and city.records()["a"]["name"] == "路燈"
    )


CODEPOINT = """
header = ["postcode", "quality", "e", "n", "country", "rha", "ha", "county", "district", "ward"]
crs = "EPSG:27700"
id_structure = "free"
extent = [-9, 49.5, 2.5, 61.5]
[components.parts.mapping]
component_id = "postcode"
class_code = "quality"
lon = "e"
lat = "n"
"""


@pytest.mark.realdata
def test_real_rows_on_the_british_grid_and_real_street_lights_without_a_number(city, real_data):
    with gzip.open(real_data / "components/os_codepoint_open_2014-08_areas_A-L.csv.gz", "rt") as file:
        lines = list(itertools.islice(file, 110_300, 112_300))
    city.configure(CODEPOINT)
    report = city.imported("".join(lines))
    zero = sum(",0,0," in line for line in lines)
    assert zero > 5 and report.parked["position-placeholder"].count == zero and report.taken == 2_000 - zero
    city.configure(
        'crs = "WGS-84"\nid_structure = "free"\nid_from = ["위도", "경도"]\nextent = [126, 36, 128, 38]\n'
        '[components.parts.mapping]\nlon = "경도"\nlat = "위도"\nsubclass_name = {const = "路灯"}\n'
    )
    with gzip.open(real_data / "components/korea_hwaseong_streetlights.csv.gz", "rb") as file:
        body = b"".join(itertools.islice(file, 1_001))
    report = city.imported(body, force=True)
    assert report.taken + report.repeated + report.parked_rows() == 1_000 and report.taken > 990


@pytest.mark.realdata
def test_real_boundaries_that_cross_themselves_are_repaired_and_say_so(city, real_data):
    city.configure(
        'crs = "GCJ-02"\nid_structure = "free"\nextent = [110, 31, 117, 37]\n'
        '[components.parts.mapping]\ncomponent_id = "adcode"\nname = "name"\ngeometry = "geometry"\n'
    )
    report = city.imported(None, str(real_data / "map/cn_410000.json"))
    broken = {number for number, found in city.records().items() if "geometry-repaired" in found.get("marks", ())}
    assert report.taken == 18 and broken == {"411000", "411200", "411500"}
    assert all(shapely.from_geojson(json.dumps(found["geometry"])).is_valid for found in city.records().values())
