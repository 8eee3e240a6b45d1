"""ODIM_H5 composites on the city's grid: what a pixel holds, where it lies, and what is refused why."""

from __future__ import annotations

import io
import tarfile
import zipfile

import h5py
import numpy
import pyproj
import pytest

from feeds.rasters.odim import frames
from feeds.rasters.worker import Job, Made, Refused, ask, work
from hall.core.errors import BadInput
from hall.core.raster import Grid, grid_over, latitude, longitude, rate_of
from tests.feeds.rasters.odimfile import composite, place_of

SHAPE = (60, 80)
BOUNDS = (113.75, 34.9, 114.25, 35.3)
NOON = 1_784_635_200_000  # 2026-07-21 12:00 UTC


@pytest.fixture(scope="module")
def grid() -> Grid:
    return grid_over(BOUNDS, 250, 1024)


def read(body: bytes, grid: Grid, quantity: str = "", z_r=(200.0, 1.6)):
    (found,) = frames(body, grid, quantity, z_r)
    return found


def at(found, grid: Grid, row: int, column: int) -> float | None:
    return rate_of(found.codes[grid.index(*place_of(row, column))])


@pytest.fixture(scope="module")
def raw(grid) -> numpy.ndarray:
    return numpy.random.default_rng(7).integers(0, 9_000, SHAPE).astype(numpy.uint16)


def inner(grid: Grid):
    """Rows and columns of the file whose middle lies in the grid."""
    for row in range(0, SHAPE[0], 3):
        for column in range(0, SHAPE[1], 5):
            if grid.index(*place_of(row, column)) is not None:
                yield row, column


def test_every_pixel_holds_its_rate_and_lies_where_the_projection_puts_it(grid, raw):
    found = read(composite(raw), grid)
    places = list(inner(grid))
    assert len(places) > 70
    for row, column in places:
        wanted = float(raw[row, column]) * 0.01
        assert at(found, grid, row, column) == pytest.approx(wanted, abs=0.004 * ((wanted / 0.004) ** 0.5 + 0.51))
    assert (found.time, found.start, found.run) == (NOON, NOON - 300_000, NOON)


def test_an_accumulation_is_divided_by_its_time_and_a_forecast_knows_its_run(grid):
    field = numpy.full(SHAPE, 2_001, numpy.uint32)  # 2 mm in 5 minutes, as DWD writes it
    found = read(composite(field, quantity="ACRR", gain=0.001, offset=-0.001, run="113000"), grid)
    assert at(found, grid, 20, 40) == pytest.approx(24.0, rel=0.02)
    assert found.time - found.run == 30 * 60_000


def test_reflectivity_becomes_rain_by_the_configured_relation(grid):
    field = numpy.full(SHAPE, 144, numpy.uint8)  # 0.5 * 144 - 32 = 40 dBZ
    body = composite(field, quantity="DBZH", gain=0.5, offset=-32.0, nodata=255.0)
    assert at(read(body, grid), grid, 20, 40) == pytest.approx((10_000 / 200) ** (1 / 1.6), rel=0.02)
    chinese = read(body, grid, z_r=(300.0, 1.4))
    assert at(chinese, grid, 20, 40) == pytest.approx((10_000 / 300) ** (1 / 1.4), rel=0.02)
    assert chinese.estimated == "z-r"


def test_what_the_radar_does_not_see_is_not_dry(grid, raw):
    field = raw.copy()
    field[20, 40], field[20, 41] = 65_535, 0
    found = read(composite(field), grid)
    assert at(found, grid, 20, 40) is None
    assert at(found, grid, 20, 41) == 0.0
    assert found.covered < 1.0


@pytest.mark.parametrize(("reason", "changed"), [
    ("odim-object", {"kind": "PVOL"}),
    ("odim-quantity", {"quantity": "VRAD"}),
    ("odim-time", {"end": "1200xx"}),
    ("odim-time", {"end": "110000"}),
    ("odim-time", {"quantity": "ACRR", "start": "120000"}),
    ("odim-size", {"xsize": 81}),
    ("odim-corners", {"UR_lon": 116.0}),
    ("odim-corners", {"xscale": 1_100.0}),
    ("odim-corners", {"xscale": -1_000.0}),
    ("odim-projection", {"proj": "+proj=stere +nadgrids=/etc/passwd"}),
    ("odim-projection", {"proj": "EPSG:3857"}),
    ("odim-incomplete", {"leave": ("nodata",)}),
    ("odim-incomplete", {"leave": ("time",)}),
    ("odim-data", {"offset": -50.0}),
])  # fmt: skip
def test_a_file_that_cannot_be_right_is_refused_with_its_reason(grid, raw, reason, changed):
    with pytest.raises(BadInput) as refusal:
        read(composite(raw, **changed), grid)
    assert refusal.value.reason == reason
    assert refusal.value.detail


def test_a_city_elsewhere_is_refused(raw):
    with pytest.raises(BadInput, match="raster-elsewhere"):
        read(composite(raw), grid_over((8.0, 50.0, 8.2, 50.2), 250, 1024))


def test_links_out_of_the_file_are_not_followed(grid, raw, tmp_path):
    (tmp_path / "other.h5").write_bytes(composite(raw))
    body = io.BytesIO(composite(raw))
    with h5py.File(body, "r+") as file:
        del file["dataset1/data1/data"]
        file["dataset1/data1/data"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/dataset1/data1/data")
    with pytest.raises(BadInput, match="odim-data"):
        read(body.getvalue(), grid)


def packed(*bodies: bytes, form: str = "tar") -> bytes:
    made = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(made, "w") as archive:
            for number, body in enumerate(bodies):
                archive.writestr(f"{number}.h5", body)
        return made.getvalue()
    with tarfile.open(fileobj=made, mode="w:gz" if form == "tar.gz" else "w") as archive:
        for number, body in enumerate(bodies):
            member = tarfile.TarInfo(f"{number}-hd5")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return made.getvalue()


@pytest.mark.parametrize("form", ["tar", "tar.gz", "zip"])
def test_of_a_pack_the_broken_file_alone_is_refused(grid, raw, form):
    good = composite(raw)
    done = work(Job(packed(good, good[: len(good) // 2], composite(raw, kind="PVOL"), good, form=form), grid))
    assert [type(one) for one in done.found] == [Made, Refused, Refused, Made]
    assert [one.reason for one in done.found if isinstance(one, Refused)] == ["hdf5-broken", "odim-object"]
    assert done.reason == ""


def test_any_cut_or_changed_byte_is_an_answer_and_never_an_error(grid, raw):
    good = composite(raw)
    chance = numpy.random.default_rng(11)
    for _ in range(60):
        body = bytearray(good)
        for place in chance.integers(0, len(body), 4):
            body[place] = int(chance.integers(0, 256))
        work(Job(bytes(body), grid))
        work(Job(good[: int(chance.integers(0, len(good)))], grid))


def test_a_pack_that_unpacks_without_end_is_refused(grid, monkeypatch):
    monkeypatch.setattr("feeds.rasters.packs.MOST_BYTES", 1_000_000)
    done = work(Job(packed(bytes(3_000_000), form="tar.gz"), grid))
    assert (done.found, done.reason) == ([], "too-large")
    done = work(Job(packed(bytes(3_000_000), form="zip"), grid))
    assert (done.found, done.reason) == ([], "too-large")


def test_the_reader_apart_gives_what_the_reader_here_gives_and_a_hang_is_ended(grid, raw, monkeypatch):
    job = Job(composite(raw), grid)
    assert ask(job) == work(job)
    monkeypatch.setattr("feeds.rasters.worker.LIMIT_SECONDS", 0.01)
    with pytest.raises(BadInput, match="raster-too-slow"):
        ask(job)


@pytest.mark.realdata
def test_dwd_radar_read_by_hand(real_data):
    """Berlin on 23 September 2025 and where it rained most, against h5py and pyproj alone."""
    pack = real_data / "sensors" / "dwd_radar_rv_20250923_0855.tar"
    with tarfile.open(pack) as archive:
        bodies = [archive.extractfile(member).read() for member in archive]
    with h5py.File(io.BytesIO(bodies[0])) as file:
        table = file["dataset1/data1/data"][:].astype(float)
        about, where = dict(file["dataset1/data1/what"].attrs), dict(file["where"].attrs)
    project = pyproj.Proj(where["projdef"].decode())
    table[table == about["nodata"]] = numpy.nan
    wettest = numpy.unravel_index(numpy.nanargmax(table), table.shape)
    left, top = project(where["UL_lon"], where["UL_lat"])
    lon, lat = project(left + (wettest[1] + 0.5) * 1000, top - (wettest[0] + 0.5) * 1000, inverse=True)
    grid = grid_over((lon - 0.4, lat - 0.25, lon + 0.4, lat + 0.25), 250, 1024)
    done = work(Job(pack.read_bytes(), grid))
    assert [(one.time - one.run) // 60_000 for one in done.found] == [0, 50]
    made, wet = done.found[0], 0
    assert made.run == 1_758_617_700_000  # 2025-09-23 08:55 UTC
    for row in range(0, grid.height, 7):
        for column in range(0, grid.width, 7):
            here = (longitude(grid.west + (column + 0.5) * grid.pixel), latitude(grid.north - (row + 0.5) * grid.pixel))
            x, y = project(*here)
            raw = table[int((top - y) // 1000), int((x - left) // 1000)]
            code = made.codes[row * grid.width + column]
            if numpy.isnan(raw):
                assert code == 0
                continue
            rate = 0.0 if raw == about["undetect"] else (raw * about["gain"] + about["offset"]) * 12  # mm in 5 minutes
            assert rate_of(code) == pytest.approx(rate, abs=0.004 * ((rate / 0.004) ** 0.5 + 0.51))
            wet += rate > 0.5
    assert wet > 50
    # the wettest pixel of the country, within one pixel of where pyproj puts it
    peak = made.codes.index(max(made.codes))
    found = (
        longitude(grid.west + (peak % grid.width + 0.5) * grid.pixel),
        latitude(grid.north - (peak // grid.width + 0.5) * grid.pixel),
    )
    x, y = project(*found)
    assert abs(x - project(lon, lat)[0]) < 1000 and abs(y - project(lon, lat)[1]) < 1000
    assert rate_of(max(made.codes)) == pytest.approx((numpy.nanmax(table) * about["gain"] + about["offset"]) * 12, rel=0.02)
