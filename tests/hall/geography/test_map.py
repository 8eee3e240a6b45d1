"""The city's own map: built from an extract, read back by GDAL's readers, served tile by tile."""

from __future__ import annotations

import gzip
import json
import sqlite3

import httpx
import msgspec
import numpy as np
import pytest
import shapely
from fastapi import FastAPI
from pyproj import Transformer

from hall.app import tiles
from hall.cli import main
from hall.core import config, settings
from hall.core.errors import ConfigError, HallError
from hall.core.process import Process
from hall.map import mvt, outside
from hall.map.build import Order, build
from hall.map.check import check
from hall.map.extract import boundary
from hall.map.mbtiles import Tiles
from hall.map.report import Report
from hall.map.sea import sea

#: (id, lon, lat): a square of about 900 m, its middle, and a place outside
NODES = [
    (1, 113.90, 35.30),
    (2, 113.91, 35.30),
    (3, 113.91, 35.31),
    (4, 113.90, 35.31),
    (5, 113.905, 35.305),
    (6, 113.95, 35.305),
]
ROADS = ["residential", "unclassified", "living_street", "road", "service"]
ROADS += [kind + link for kind in ("primary", "secondary", "tertiary") for link in ("", "_link")]
WAYS = {
    10: ((5, 6), {"highway": "primary", "name": "Renmin Road", "name:zh": "人民路", "bridge": "yes"}),
    11: ((1, 2, 3, 4, 1), {"natural": "water", "name": "镜湖"}),
    12: ((1, 3, 2, 4, 1), {"landuse": "residential"}),  # crosses itself
    13: ((4, 99), {"highway": "residential"}),  # node 99 is not there
}


def osm(nodes=NODES, ways=WAYS, extra=""):
    def tags(found):
        return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in found.items())

    points = "".join(f'<node id="{i}" lon="{lon}" lat="{lat}" version="1"/>' for i, lon, lat in nodes)
    lines = "".join(
        f'<way id="{i}" version="1">{"".join(f"<nd ref={chr(34)}{n}{chr(34)}/>" for n in refs)}{tags(found)}</way>'
        for i, (refs, found) in ways.items()
    )
    return (
        f'<osm version="0.6"><bounds minlon="113.9" minlat="35.3" maxlon="113.95" maxlat="35.31"/>{points}{extra}{lines}</osm>'
    )


def polygon(*rings, name="区"):
    geometry = {"type": "Polygon", "coordinates": [list(ring) for ring in rings]}
    return {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": name}, "geometry": geometry}]}


@pytest.fixture
def made(tmp_path):
    """`build(osm text, clip=GeoJSON) -> (path, Report)`, the Python way."""

    def make(text=None, clip=None, **more):
        source = tmp_path / "town.osm"
        source.write_text(text if text is not None else osm(), "utf-8")
        if clip is not None:
            (tmp_path / "clip.json").write_text(json.dumps(clip), "utf-8")
            more["clip"] = tmp_path / "clip.json"
        out = tmp_path / "var" / "maps" / "town.mbtiles"
        return out, build(Order(source, out, way="python", **more), lambda what, part: None)

    return make


def read(path, layer, zoom=14):
    """(geometries in EPSG:3857, fields by name) of a layer, as GDAL's MBTiles and MVT readers see it."""
    import pyogrio

    meta, _, shapes, fields = pyogrio.raw.read(path, layer=layer, ZOOM_LEVEL=str(zoom))
    return shapely.from_wkb(shapes), dict(zip(meta["fields"], fields, strict=True))


def test_a_tile_reads_back_as_it_was_written():
    square = shapely.Polygon([(0, 0), (0, 100), (100, 100), (100, 0)], [[(10, 10), (20, 10), (20, 20), (10, 20)]])
    given = {
        "a": [mvt.Feature(square, {"class": "湖", "n": -3, "big": 1 << 40, "share": 0.5, "yes": True})],
        "b": [
            mvt.Feature(shapely.MultiLineString([[(-64, 5), (4160, 7)], [(1, 1), (2, 2), (2, 1)]]), {}),
            mvt.Feature(shapely.MultiPoint([(1, 2), (3, 4)]), {"n": 1}),
        ],
    }
    found = {layer.name: layer.features for layer in mvt.decode(mvt.encode(given))}
    for name, features in given.items():
        for before, after in zip(features, found[name], strict=True):
            assert shapely.equals(before.geometry, after.geometry) and before.fields == after.fields
    with pytest.raises(ValueError):
        mvt.decode(mvt.encode(given)[:-7])


def test_an_extract_becomes_a_map_that_others_read(made):
    path, report = made()
    roads, fields = read(path, "transportation")
    assert set(fields["class"]) == {"primary"} and set(fields["brunnel"]) == {"bridge"}
    _, names = read(path, "transportation_name")
    assert set(names["name"]) == {"人民路"}  # what people here read comes first
    lake, _ = read(path, "water")
    metres = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    given = shapely.box(*metres.transform(113.90, 35.30), *metres.transform(113.91, 35.31))
    assert shapely.union_all(lake).symmetric_difference(given).area < 0.005 * given.area  # tiles, their edges, whole units
    assert report.parked == {"node-missing": 1, "geometry-broken": 1} and "way/13" in report.examples["node-missing"]
    assert sum(report.tiles.values()) > 10 and report.bytes == path.stat().st_size
    found = check(path)
    assert not found.problems and found.features["water"] and not found.invalid
    again, _ = made()
    assert again.read_bytes() == path.read_bytes()  # the same input is the same map


def test_nothing_outside_of_the_boundary_is_kept_and_an_invalid_one_is_repaired(made):
    bow_tie = [[113.89, 35.29], [113.92, 35.32], [113.92, 35.29], [113.89, 35.32], [113.89, 35.29]]
    path, report = made(clip=polygon(bow_tie))
    assert report.repaired["boundary"] == 1 and "区" in report.examples["repaired-boundary"] and report.cut == 3
    metres = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    allowed = shapely.transform(
        shapely.make_valid(shapely.Polygon(bow_tie)), lambda p: np.stack(metres.transform(*p.T), axis=1)
    )
    for layer in ("water", "transportation"):
        shapes, _ = read(path, layer)
        assert len(shapes) and shapely.difference(shapely.union_all(shapes), allowed.buffer(1.5)).is_empty
    with pytest.raises(HallError, match="outside of the boundary.*--clip-crs"):
        made(clip=polygon([[10, 10], [11, 10], [11, 11], [10, 10]]))


def test_a_failed_build_leaves_the_map_that_was_there_and_says_what_is_wrong(made, tmp_path):
    path, _ = made()
    before = path.read_bytes()
    for text, said in (("<osm><node", "town.osm"), ("<osm version='0.6'></osm>", "nothing in it")):
        with pytest.raises(HallError, match=said):
            made(text)
    with pytest.raises(HallError, match="clip.json: feature 0"):
        made(clip={"type": "FeatureCollection", "features": [{"geometry": {"type": "Polygon", "coordinates": "x"}}]})
    assert path.read_bytes() == before and [one.name for one in path.parent.iterdir()] == [path.name]


def test_the_halls_own_geojson_basemap_is_built_too_and_what_it_cannot_draw_is_parked(tmp_path):
    def feature(kind, points, **properties):
        return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": points}}

    line = [[113.9, 35.3], [113.95, 35.31]]
    features = [
        feature("LineString", line, layer="road_major", name="平原路"),
        feature("Point", line[0], layer="label", name="红旗区"),
        feature("LineString", line, layer="lava"),
        {"type": "Feature", "properties": {"layer": "park"}, "geometry": {"type": "Polygon", "coordinates": [1]}},
    ]
    (tmp_path / "city.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    report = build(Order(tmp_path / "city.geojson", tmp_path / "city.mbtiles"), lambda what, part: None)
    assert report.parked == {"layer-unknown": 1, "feature-malformed": 1} and report.way == "python"
    assert set(read(tmp_path / "city.mbtiles", "transportation_name")[1]["name"]) == {"平原路"}
    assert set(read(tmp_path / "city.mbtiles", "place", 12)[1]["name"]) == {"红旗区"}


def test_the_sea_is_on_the_right_of_the_coast_and_a_coast_cut_off_floods_nothing():
    box = (0.0, 0.0, 4.0, 4.0)
    coast = shapely.LineString([(-1, 1), (5, 1)])  # eastwards: the water is south of it
    island = shapely.LineString([(1, 0.2), (2, 0.2), (2, 0.6), (1, 0.6), (1, 0.2)])  # land on its left
    found = sea([coast, island], box)
    assert found.equals(shapely.box(0, 0, 4, 1).difference(shapely.Polygon(island)))
    assert sea([shapely.LineString([(1, 2), (3, 2)])], box).is_empty


def test_a_damaged_map_is_told_with_the_tile(made, capsys):
    path, _ = made()
    base = sqlite3.connect(path)
    base.execute("UPDATE tiles SET tile_data = ? WHERE zoom_level = 9", (gzip.compress(b"\x1a\xff"),))
    base.commit()
    base.close()
    with pytest.raises(SystemExit) as left:
        main(["map", "check", str(path)])
    said = capsys.readouterr().out
    assert left.value.code == 1 and "wrong: 9/" in said and "cut off" in said


@pytest.fixture
async def client(tmp_path, monkeypatch):
    """`open(lines of hall.toml) -> httpx client` over the router as the web process mounts it."""
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path / "var"))
    opened = []

    def open_(lines=""):
        (tmp_path / "hall.toml").write_text(f'[city]\nname = {{en = "X"}}\ncentre = [113.9, 35.3]\n{lines}\n', "utf-8")
        app = FastAPI()
        app.include_router(tiles.router(Process("web", settings.read(), config.load(tmp_path / "hall.toml"))))
        opened.append(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hall", verify=False))
        return opened[-1]

    yield open_
    for one in opened:
        await one.aclose()


async def test_tiles_are_served_as_they_are_stored_and_asked_for_once(made, client):
    path, _ = made()
    hall = client()
    told = (await hall.get("/tiles/town.json")).json()
    assert (await hall.get("/tiles")).json() == {"maps": ["town"], "basemap": "town", "tilejson": told}
    assert (told["minzoom"], told["maxzoom"], told["tilejson"]) == (5, 14, "3.0.0") and "OpenStreetMap" in told["attribution"]
    stored = Tiles(path)
    zoom, x, y, body = next(one for one in stored.walk() if one[0] == 14)
    address = told["tiles"][0].format(z=zoom, x=x, y=y)
    answer = await hall.get(address)
    assert answer.content == gzip.decompress(body) and answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"] and answer.headers["content-type"].endswith("vector-tile")
    plain = await hall.get(f"/tiles/town/{zoom}/{x}/{y}.mvt", headers={"accept-encoding": "identity"})
    assert plain.content == answer.content and plain.headers["cache-control"] == "private, no-cache"
    held = await hall.get(address, headers={"if-none-match": answer.headers["etag"]})
    assert (held.status_code, held.content) == (304, b"")
    assert (await hall.get(f"/tiles/town/{zoom}/0/0")).status_code == 204
    made(osm(ways={10: WAYS[10]}))  # replaced while it is open
    assert (await hall.get("/tiles/town.json")).json()["tiles"] != told["tiles"]
    assert "no-cache" in (await hall.get(address)).headers["cache-control"]  # an older version's address is not held


async def test_what_is_no_tile_is_refused_with_its_reason(made, client, tmp_path):
    made()
    (tmp_path / "bad.mbtiles").write_bytes(b"not a database" * 100)
    hall = client('[map.tiles]\nbad = "bad.mbtiles"\ngone = "gone.mbtiles"')
    for address, status, reason in (
        ("town/5/32/0", 404, "tile-outside"),
        ("town/23/0/0", 404, "tile-outside"),
        ("town/5/-1/0", 422, "bad-request"),
        ("town/5/٣/0", 422, "bad-request"),
        ("town/5/0/0.exe", 422, "bad-request"),
        ("other/5/0/0", 404, "map-unknown"),
        ("..%2ftown/5/0/0", 404, ""),
        ("bad/5/0/0", 503, "map-unreadable"),
        ("gone/5/0/0", 503, "map-unreadable"),
    ):
        answer = await hall.get(f"/tiles/{address}")
        assert answer.status_code == status, address
        assert not reason or answer.json()["reason"] == reason
    with pytest.raises(ConfigError, match="small letters"):
        client('[map.tiles]\n"Bad Name" = "x"')


def test_the_way_with_tools_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(outside.shutil, "which", lambda program: None)
    (tmp_path / "town.osm").write_text(osm(), "utf-8")
    with pytest.raises(HallError, match="osmium-tool and tilemaker"):
        build(Order(tmp_path / "town.osm", tmp_path / "x.mbtiles", way="tools"), lambda what, part: None)


@pytest.mark.realdata
@pytest.mark.parametrize("file", ["helsinki_centre.osm.pbf", "monaco.osm.gz"])
def test_streets_of_a_real_extract_lie_within_a_metre(real_data, tmp_path, file):
    import pyogrio

    path, out = real_data / "map" / file, tmp_path / "city.mbtiles"
    report = build(Order(path, out, way="python"), lambda what, part: None)
    source = tmp_path / "city.osm"
    if file.endswith(".gz"):
        source.write_bytes(gzip.decompress(path.read_bytes()))
    meta, _, shapes, fields = pyogrio.raw.read(source if file.endswith(".gz") else path, layer="lines", columns=["highway"])
    streets = shapely.from_wkb(shapes)[np.isin(fields[0], ROADS)]
    metres = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    streets = shapely.transform(streets, lambda points: np.stack(metres.transform(*points.T), axis=1))
    drawn, kinds = read(out, "transportation")
    drawn = drawn[np.isin(kinds["class"], ["primary", "secondary", "tertiary", "minor", "service"])]
    shrink = np.cos(np.radians(shapely.get_coordinates(shapely.from_wkb(shapes[:1]))[0, 1]))
    for of, on in ((streets, drawn), (drawn, streets)):
        corners = shapely.points(shapely.get_coordinates(of))
        if of is drawn:
            corners = corners[::3]
        _, far = shapely.STRtree(on).query_nearest(corners, return_distance=True, all_matches=False)
        assert len(far) == len(corners) > 500 and far.max() * shrink < 1.0
    assert not check(out).problems and not check(out).invalid
    assert msgspec.json.encode(report) and report.taken["building"] > 400


@pytest.mark.realdata
def test_the_provinces_three_invalid_boundaries_are_repaired_and_counted(real_data):
    report = Report()
    area = boundary(real_data / "map" / "cn_410000.json", "GCJ-02", report)
    assert report.repaired == {"boundary": 3} and area.is_valid and 15 < area.area < 17  # 167,000 km² in square degrees


@pytest.mark.realdata
@pytest.mark.skipif(bool(outside.missing()), reason="osmium-tool and tilemaker are not installed")
def test_both_ways_make_the_same_streets_and_houses(real_data, tmp_path):
    clip = [[7.415, 43.73], [7.43, 43.73], [7.425, 43.745], [7.412, 43.742], [7.415, 43.73]]
    (tmp_path / "clip.json").write_text(json.dumps(polygon(clip)), "utf-8")
    made = {}
    for way in ("tools", "python"):
        order = Order(real_data / "map" / "monaco.osm.gz", tmp_path / f"{way}.mbtiles", tmp_path / "clip.json", way=way)
        build(order, lambda what, part: None)
        found = [shapely.union_all(shapely.make_valid(read(order.out, layer)[0])) for layer in ("transportation", "building")]
        made[way] = (found[0].length, found[1].area)
        assert not check(order.out).problems
    assert made["tools"] == pytest.approx(made["python"], rel=0.005)
