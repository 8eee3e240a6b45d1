"""The city's geography as screens fetch it."""

from __future__ import annotations

import gzip
import json
import shutil

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from hall.app import basemap, geography
from hall.core import config, coordinates, settings
from hall.core.errors import ConfigError
from hall.core.process import Process

SQUARE = [[[113.0, 35.0], [113.2, 35.0], [113.2, 35.2], [113.0, 35.2], [113.0, 35.0]]]
BOW_TIE = [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]


def collection(*features):
    made = [{"type": "Feature", "properties": p, "geometry": {"type": t, "coordinates": c}} for t, c, p in features]
    return {"type": "FeatureCollection", "features": made}


@pytest.fixture
def city(tmp_path):
    """Writes files and a configuration that names them; returns `make(settings text, files) -> HallConfig`."""

    def make(lines: str, **files):
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / f"{name}.geojson").write_text(text, "utf-8")
        path = tmp_path / "hall.toml"
        path.write_text(f'[city]\nname = {{en = "X"}}\ncentre = [113.9, 35.3]\n{lines}\n', "utf-8")
        return config.load(path)

    return make


@pytest.fixture
async def client(tmp_path, monkeypatch):
    """`open(config) -> httpx client` over the router as the web process mounts it."""
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path / "var"))
    opened = []

    def open_(found):
        app = FastAPI()
        app.include_router(geography.router(Process("web", settings.read(), found)))
        opened.append(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hall", verify=False))
        return opened[-1]

    yield open_
    for one in opened:
        await one.aclose()


async def test_districts_come_with_their_name_and_a_place_for_it_inside(city, client):
    found = city('boundary = "d.geojson"\nboundary_name = "mc"', d=collection(("Polygon", SQUARE, {"mc": "红旗区"})))
    data = (await client(found).get("/api/v1/geography/districts.json")).json()
    [feature] = data["features"]
    assert feature["properties"]["name"] == "红旗区"
    lon, lat = feature["properties"]["label"]
    assert 113.05 < lon < 113.15 and 35.05 < lat < 35.15
    assert data["bbox"] == [113.0, 35.0, 113.2, 35.2]


async def test_a_boundary_in_gcj02_is_moved_to_wgs84(city, client):
    moved = [[list(coordinates.wgs84_to_gcj02(*point)) for point in SQUARE[0]]]
    found = city('boundary = "d.geojson"\nboundary_crs = "GCJ-02"', d=collection(("Polygon", moved, {"name": "a"})))
    data = (await client(found).get("/api/v1/geography/districts.json")).json()
    assert data["features"][0]["geometry"]["coordinates"] == SQUARE


async def test_a_polygon_that_crosses_itself_is_repaired_and_keeps_its_area(city, client):
    found = city('cells = "c.geojson"', c=collection(("Polygon", BOW_TIE, {"code": "410702001001001"})))
    data = (await client(found).get("/api/v1/geography/cells.json")).json()
    geometry = data["features"][0]["geometry"]
    assert geometry["type"] == "MultiPolygon"  # two triangles of area 1 each, by hand
    corners = [sorted(map(tuple, part[0][:-1])) for part in geometry["coordinates"]]
    assert sorted(corners) == [[(0, 0), (0, 2), (1, 1)], [(1, 1), (2, 0), (2, 2)]]


async def test_basemap_layers_are_in_drawing_order_whatever_the_files_order(city, client):
    line = [[113, 35], [113.1, 35.1]]
    files = {
        "a": collection(
            ("LineString", line, {"layer": "road_major", "name": "平原路"}), ("Polygon", SQUARE, {"layer": "park"})
        ),
        "b": collection(("Polygon", SQUARE, {"layer": "river", "name": "卫河"}), ("Point", [113, 35], {"layer": "label"})),
    }
    found = city('basemap = ["a.geojson", "b.geojson"]', **files)
    data = (await client(found).get("/api/v1/geography/basemap.json")).json()
    assert [f["properties"]["layer"] for f in data["features"]] == ["water", "park", "road_major", "label"]
    assert [f["properties"].get("name") for f in data["features"]] == ["卫河", None, "平原路", None]


async def test_a_city_without_files_gets_empty_collections(city, client):
    http = client(city(""))
    for name in geography.NAMES:
        assert (await http.get(f"/api/v1/geography/{name}.json")).json()["features"] == []
    assert (await http.get("/api/v1/geography/secrets.json")).status_code == 404


async def test_an_answer_is_gzipped_and_not_sent_again_to_who_has_it(city, client):
    http = client(city('boundary = "d.geojson"', d=collection(("Polygon", SQUARE, {"name": "a"}))))
    first = await http.get("/api/v1/geography/districts.json")
    assert first.headers["content-encoding"] == "gzip"
    plain = await http.get("/api/v1/geography/districts.json", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.json() == first.json()
    again = await http.get("/api/v1/geography/districts.json", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content


def test_what_was_made_is_kept_until_a_file_changes(city, tmp_path):
    found = city('boundary = "d.geojson"', d=collection(("Polygon", SQUARE, {"name": "a"})))
    first = geography.make(found, "districts", tmp_path / "kept")
    [file] = (tmp_path / "kept").iterdir()
    assert gzip.decompress(file.read_bytes()) == gzip.decompress(first.body)
    file.write_bytes(gzip.compress(b'{"kept":1}'))
    assert gzip.decompress(geography.make(found, "districts", tmp_path / "kept").body) == b'{"kept":1}'
    changed = city('boundary = "d.geojson"', d=collection(("Polygon", SQUARE, {"name": "another name"})))
    second = geography.make(changed, "districts", tmp_path / "kept")
    assert second.etag != first.etag and b"another name" in gzip.decompress(second.body)
    assert len(list((tmp_path / "kept").iterdir())) == 1


@pytest.mark.parametrize(
    ("lines", "files", "said"),
    [
        ('boundary = "missing.geojson"', {}, "missing.geojson"),
        ('boundary = "d.geojson"', {"d": "{not json"}, "d.geojson"),
        ('boundary = "d.geojson"\nboundary_crs = "Mars"', {"d": collection(("Polygon", SQUARE, {}))}, "Mars"),
        ('boundary = "d.geojson"', {"d": collection(("Polygon", "x", {}))}, "feature 0"),
        ('basemap = ["d.geojson"]', {"d": collection(("Polygon", SQUARE, {"layer": "lava"}))}, "lava"),
    ],
)
async def test_a_file_that_cannot_be_read_is_named_with_its_key_and_line(city, client, lines, files, said):
    found = city(lines, **files)
    name = "basemap" if "basemap" in lines else "districts"
    with pytest.raises(ConfigError, match=said) as caught:
        basemap.collection(found, name)
    assert caught.value.line in (4, 5) and caught.value.key.startswith("city.")
    answer = await client(found).get(f"/api/v1/geography/{name}.json")
    assert answer.status_code == 503 and said in answer.json()["detail"]


@pytest.mark.realdata
@pytest.mark.parametrize("file", ["helsinki_centre.osm.pbf", "monaco.osm.gz"])
def test_an_osm_extract_becomes_roads_water_parks_and_buildings(city, real_data, tmp_path, file):
    shutil.copy(real_data / "map" / file, tmp_path / file)
    made = basemap.collection(city(f'osm = "{file}"'), "basemap")
    features = made["features"]
    assert "OpenStreetMap" in made["attribution"]  # the data's licence asks for it on the map
    counts: dict[str, int] = {}
    for feature in features:
        counts[feature["properties"]["layer"]] = counts.get(feature["properties"]["layer"], 0) + 1
    buildings = {"helsinki_centre.osm.pbf": 433, "monaco.osm.gz": 962}[file]  # ways tagged building, counted by others
    assert 0.9 * buildings < counts["building"] < 1.2 * buildings
    assert counts["road_minor"] > 100 and counts["road_medium"] > 10 and counts["park"] > 3
    assert {f["geometry"]["type"] for f in features if f["properties"]["layer"] == "building"} <= {"Polygon", "MultiPolygon"}


@pytest.mark.realdata
@pytest.mark.parametrize(("file", "count"), [("cn_410700.json", 12), ("cn_370200.json", 10), ("cn_410000.json", 18)])
def test_the_atlas_boundaries_are_all_there_and_valid(city, real_data, tmp_path, file, count):
    from shapely.geometry import shape

    shutil.copy(real_data / "map" / file, tmp_path / file)
    features = basemap.districts(city(f'boundary = "{file}"\nboundary_crs = "GCJ-02"'))
    assert len(features) == count and all(f["properties"]["name"] for f in features)
    polygons = [shape(f["geometry"]) for f in features]
    assert all(p.is_valid and p.area > 0 for p in polygons)
    given = msgspec.json.decode((tmp_path / file).read_bytes())["features"]
    for feature, before in zip(features, given, strict=True):
        assert feature["properties"]["name"] == before["properties"]["name"]
        east = shape(feature["geometry"]).bounds[0] - shape(before["geometry"]).bounds[0]
        assert -0.0075 < east < -0.003  # a few hundred metres to the west
