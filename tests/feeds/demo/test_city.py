"""The demo city as written to disk: read back as any city's files are."""

import json
import subprocess
import sys
from collections import Counter

import shapely
from shapely.geometry import shape

from feeds.demo import prepare
from feeds.demo.cameras import directory
from hall.core.config import load


def _features(path):
    return json.loads(path.read_text())["features"]


def test_the_written_configuration_is_valid_and_says_it_is_a_demo(tmp_path):
    config = load(prepare(tmp_path))
    assert config.city.demo
    assert {feed.url.partition("://")[0] for feed in config.feeds} == {"demo"}
    assert config.path(config.city.boundary).exists() and config.path(config.city.cells).exists()


def test_twelve_districts_tile_without_gaps_or_overlaps(tmp_path):
    folder = prepare(tmp_path).parent
    features = _features(folder / "districts.geojson")
    assert len({f["properties"]["name"] for f in features}) == 12
    assert all(f["properties"]["name_en"] for f in features)
    shapes = [shape(f["geometry"]) for f in features]
    assert all(s.is_valid for s in shapes)
    whole = shapely.union_all(shapes)
    assert abs(sum(s.area for s in shapes) - whole.area) < 1e-6 * whole.area
    assert whole.geom_type == "Polygon" and len(whole.interiors) == 0


def test_the_urban_area_has_about_a_thousand_cells_with_codes_of_fifteen_digits(tmp_path):
    folder = prepare(tmp_path).parent
    cells = _features(folder / "cells.geojson")
    codes = [c["properties"]["code"] for c in cells]
    assert 900 <= len(codes) <= 1100
    assert len(set(codes)) == len(codes)
    assert all(len(code) == 15 and code.isdigit() for code in codes)
    shapes = [shape(c["geometry"]) for c in cells]
    tree = shapely.STRtree(shapes)
    left, right = tree.query(shapes, predicate="overlaps")
    assert not [(a, b) for a, b in zip(left, right, strict=True) if shapes[a].intersection(shapes[b]).area > 1e-12]


def test_the_basemap_has_every_layer_and_its_arterials_have_names(tmp_path):
    features = _features(prepare(tmp_path).parent / "basemap.geojson")
    layers = Counter(f["properties"]["layer"] for f in features)
    assert set(layers) == {"water", "park", "road_major", "road_minor", "rail", "label"}
    names = {f["properties"].get("name") for f in features}
    assert {"卫河", "人民路", "滨河南路", "京广铁路"} <= names


def test_another_process_makes_the_same_city(tmp_path):
    here = prepare(tmp_path / "a").parent
    code = "import sys;from pathlib import Path;from feeds.demo import prepare;prepare(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "b")], check=True, timeout=60)
    for name in ("districts.geojson", "cells.geojson", "basemap.geojson", "hall.toml"):
        assert (here / name).read_bytes() == (tmp_path / "b" / "demo" / name).read_bytes()


def test_files_are_written_once_and_again_only_for_another_version(tmp_path):
    config = prepare(tmp_path)
    config.write_text("changed by hand")
    assert prepare(tmp_path).read_text() == "changed by hand"
    (config.parent / "version").write_text("0 0")
    assert prepare(tmp_path).read_text() != "changed by hand"


def test_there_are_the_gauges_and_cameras_that_the_city_is_known_for(world):
    kinds = Counter(site.kind for site in world.city.sites)
    assert kinds == {"road": 20, "underpass": 8, "rain": 6, "river": 3}
    cameras = directory(world.city)
    assert len(cameras) == 139
    assert len({c.id for c in cameras}) == 139
    assert all(len(c.id) == 20 and c.id.isdigit() and c.id[10:13] == "132" for c in cameras)
