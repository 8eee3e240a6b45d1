"""Flood depths as areas, ASCII grids and GeoTIFF on the city's grid; what is refused and why."""

from __future__ import annotations

import io
import json
import zipfile

import numpy
import pytest
import shapely
from PIL import Image, TiffImagePlugin

from feeds.formats.depth import FORMAT
from feeds.rasters.depth import About, frames
from feeds.rasters.settings import settings_of
from feeds.rasters.worker import Job, Made, Refused, work
from hall.core import config
from hall.core.errors import BadInput
from hall.core.raster import DEPTH_STEP, grid_over, rate_of

BOUNDS = (113.90, 35.28, 113.94, 35.31)
EIGHT = 1_626_739_200_000  # 2021-07-20 08:00 in China
CHINA = About(zone="Asia/Shanghai")
POND = shapely.box(113.910, 35.290, 113.920, 35.300)
DEEP = shapely.box(113.912, 35.292, 113.914, 35.294)


@pytest.fixture(scope="module")
def grid():
    return grid_over(BOUNDS, 20, 2048)


def collection(*areas, **more):
    features = [
        {"type": "Feature", "properties": own, "geometry": json.loads(shapely.to_geojson(geometry))} for geometry, own in areas
    ]
    return json.dumps({"type": "FeatureCollection", "features": features, **more}).encode()


def depth_at(read, grid, lon, lat):
    return rate_of(read.codes[grid.index(lon, lat)], DEPTH_STEP)


def test_areas_are_as_deep_as_they_say_dry_between_and_the_deepest_counts_where_they_overlap(grid):
    body = collection((DEEP, {"depth_m": 0.6}), (POND, {"depth_m": 0.2}), time="2021-07-20T08:00:00+08:00")
    (read,) = frames(body, "", grid, CHINA)
    assert (read.time, read.run, read.most, read.covered) == (EIGHT, EIGHT, 0.6, 1.0)
    assert depth_at(read, grid, 113.913, 35.293) == pytest.approx(0.6, abs=0.01)
    assert depth_at(read, grid, 113.918, 35.298) == pytest.approx(0.2, abs=0.005)
    assert depth_at(read, grid, 113.93, 35.305) == 0
    wet = sum(code > 1 for code in read.codes) * 20.0**2
    assert wet == pytest.approx(0.01 * 111_195 * 0.01 * 90_770, rel=0.03)


def test_each_moment_is_a_frame_and_one_after_its_run_is_a_forecast(grid):
    body = collection(
        (POND, {"depth_m": 0.2, "time": "2021-07-20 08:00"}),
        (POND, {"depth_m": 0.5, "time": "2021-07-20 10:00"}),
        run="2021-07-20 08:00",
    )
    first, last = frames(body, "", grid, CHINA)
    assert (first.time, first.run, first.most) == (EIGHT, EIGHT, 0.2)
    assert (last.time, last.run, last.most) == (EIGHT + 7_200_000, EIGHT, 0.5)


def test_nothing_under_water_is_a_frame_too(grid):
    (read,) = frames(collection(time="2021-07-20T00:00Z"), "", grid, CHINA)
    assert read.time == EIGHT and set(read.codes) == {1}


def ascii_grid(values, west=113.905, south=35.285, cell=0.0005, **head):
    known = {"ncols": values.shape[1], "nrows": values.shape[0], "xllcorner": west, "yllcorner": south, "cellsize": cell}
    lines = [f"{key} {value}" for key, value in (known | {"NODATA_value": -9999} | head).items()]
    return "\n".join([*lines, *(" ".join(map(str, row)) for row in values)]).encode()


def geotiff(values, west=113.905, north=35.305, cell=0.0005, epsg=4326):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, kind, value in (
        (33550, 12, (cell, cell, 0.0)), (33922, 12, (0.0, 0.0, 0.0, west, north, 0.0)), (34735, 3, (1, 1, 0, 1, 2048, 0, 1, epsg)),
        (42113, 2, "-9999"),
    ):  # fmt: skip
        tags.tagtype[tag] = kind
        tags[tag] = value
    body = io.BytesIO()
    Image.fromarray(values.astype(numpy.float32)).save(body, "TIFF", tiffinfo=tags, compression="tiff_deflate")
    return body.getvalue()


def test_grids_lie_where_they_say_and_what_they_do_not_know_is_not_dry(grid):
    values = numpy.random.default_rng(3).uniform(0, 1, (40, 40)).round(3)
    values[5, :] = -9999
    named = "depth_20210720T0800_run20210720T0600.asc"
    (text,), (tiff,) = frames(ascii_grid(values), named, grid, CHINA), frames(geotiff(values), named, grid, CHINA)
    assert text.codes == tiff.codes, "35.285 + 40 * 0.0005 = 35.305"
    assert (text.time, text.run) == (EIGHT, EIGHT - 7_200_000)
    for row in range(0, 40, 3):
        for column in range(1, 40, 4):
            lon, lat = 113.905 + (column + 0.5) * 0.0005, 35.305 - (row + 0.5) * 0.0005
            assert depth_at(text, grid, lon, lat) == pytest.approx(values[row, column], abs=0.011)
    assert depth_at(text, grid, 113.91, 35.305 - 5.5 * 0.0005) is None, "NODATA"
    assert depth_at(text, grid, 113.901, 35.29) is None, "outside"
    (cm,) = frames(ascii_grid(values * 100), named, grid, About(unit="cm", zone="Asia/Shanghai"))
    assert cm.most == pytest.approx(text.most, abs=0.001)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"hello", "depth-unreadable"),
        (collection((POND, {"depth": 0.2}), time="2021-07-20T08:00"), "depth-missing"),
        (collection((POND, {"depth_m": "deep"}), time="2021-07-20T08:00"), "depth-missing"),
        (collection((POND, {"depth_m": 0.2})), "depth-time"),
        (collection((POND, {"depth_m": 120}), time="2021-07-20T08:00"), "depth-unit"),
        (collection((shapely.Point(1, 1), {"depth_m": 1}), time="2021-07-20T08:00"), "not-an-area"),
        (collection((shapely.box(113, 35, 114, 95), {"depth_m": 1}), time="2021-07-20T08:00"), "geometry-broken"),
        (ascii_grid(numpy.ones((2, 2))), "depth-time"),
        (b"ncols 2\nnrows 2\ncellsize 1\n1 2 3 4", "depth-header"),
        (ascii_grid(numpy.ones((2, 2)), nrows=3), "depth-data"),
        (ascii_grid(numpy.ones((2, 2)), west=10), "raster-elsewhere"),
        (b"II*\x00" + b"\x00" * 40, "tiff-broken"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(body, reason, grid):
    name = "" if reason == "depth-time" else "d_20210720T0800"
    with pytest.raises(BadInput) as refused:
        list(frames(body, name, grid, CHINA))
    assert refused.value.reason == reason and refused.value.detail


def test_files_of_a_pack_are_read_one_by_one_and_a_broken_one_costs_only_itself(grid):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("d_20210720T0800.asc", ascii_grid(numpy.full((9, 9), 0.3)))
        archive.writestr("broken.asc", b"ncols x")
        archive.writestr("d_20210720T0900.asc", ascii_grid(numpy.full((9, 9), 0.4)))
    first, broken, last = work(Job(packed.getvalue(), grid, depth={"zone": "Asia/Shanghai"})).found
    assert isinstance(first, Made) and isinstance(last, Made) and last.time - first.time == 3_600_000
    assert isinstance(broken, Refused) and "broken.asc" in broken.detail


def test_a_feed_of_depths_has_its_own_defaults_and_settings_are_checked(tmp_path):
    text = """
    [city]
    name = {{en = "X"}}
    centre = [113.9, 35.3]
    [[feeds]]
    name = "model"
    kind = "raster"
    format = "depth"
    url = "push://model"
    options = {{{}}}
    """

    def settings(options):
        (tmp_path / "hall.toml").write_text(text.format(options))
        found = config.load(tmp_path / "hall.toml")
        return settings_of(found.feeds[0], found)

    assert FORMAT.name == "depth" and settings("").product == "depth" and settings("").pixel_metres == 20
    with pytest.raises(config.ConfigError, match="unit"):
        settings('unit = "feet"')
