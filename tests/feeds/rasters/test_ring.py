"""Which frames a field keeps, and what a feed makes of bodies on a real bus."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import httpx
import msgspec
import numpy
import pytest
from fastapi import FastAPI

from feeds.decoding import Decoding
from feeds.rasters.ring import MINUTE, placed
from feeds.rasters.settings import grid_of
from hall.app import rasters
from hall.core.config import parse
from hall.core.errors import ConfigError
from hall.core.raster import Frame, Raster, current, frame_at, newest_observed, rate_of
from tests.feeds.rasters.odimfile import composite, place_of
from tests.feeds.rasters.test_odim import NOON, SHAPE, packed

KEEP = 120 * MINUTE
RASTER_NOW = Path(__file__).parent.parent.parent / "core" / "raster_now.json"
TOML = """
[[feeds]]
name = "rv"
kind = "raster"
url = "push://"
expected_seconds = 300
options = {bounds = [113.75, 34.9, 114.25, 35.3], keep_minutes = 30%s}
"""


def frame(minute: int, lead: int = 0, version: str = "") -> Frame:
    run = minute * MINUTE
    return Frame(time=run + lead * MINUTE, start=run, run=run, version=version or f"{minute}+{lead}")


def names(frames) -> list[str]:
    return [one.version for one in frames]


def test_what_was_measured_stays_for_its_time_and_replaces_what_was_foretold():
    ring = []
    for one in (frame(0), frame(0, 5), frame(0, 10), frame(5)):
        ring = placed(ring, one, KEEP)
    assert names(ring) == ["0+0", "5+0", "0+10"]
    assert placed(ring, frame(0, 5), KEEP) == "late"
    assert placed(ring, frame(5), KEEP) == "duplicate"
    assert names(placed(ring, frame(125), KEEP)) == ["5+0", "125+0"]
    assert placed(placed(ring, frame(126), KEEP), frame(5, version="again"), KEEP) == "late"


def test_a_newer_run_replaces_an_older_one_and_never_the_other_way():
    ring = placed(placed([], frame(0), KEEP), frame(0, 10), KEEP)
    newer = placed(ring, frame(5, 5), KEEP)
    assert names(newer) == ["0+0", "5+5"]
    assert placed(newer, frame(0, 10, "old"), KEEP) == "late"
    assert names(placed(newer, frame(40, 20), KEEP)) == ["0+0", "40+20"]  # no mixture of runs far apart


def test_the_ring_is_the_same_in_whatever_order_measured_frames_come():
    frames = [frame(minute) for minute in range(0, 240, 5)]
    wanted = names(frame for frame in frames if frame.time >= 235 * MINUTE - KEEP)
    chance = random.Random(3)
    for _ in range(5):
        chance.shuffle(frames)
        ring = []
        for one in frames:
            found = placed(ring, one, KEEP)
            ring = ring if isinstance(found, str) else found
        assert names(ring) == wanted


def test_which_frame_answers_for_a_moment():
    ring = [frame(0), frame(5), frame(5, 10)]
    raster = Raster(feed="f", product="p", grid=grid(), bounds=(0, 0, 1, 1), step=0.004, frames=ring, stale_seconds=600)
    assert newest_observed(raster).version == "5+0"
    assert frame_at(raster, 13 * MINUTE).version == "5+10"
    assert frame_at(raster, 26 * MINUTE) is None
    assert current(raster, 13 * MINUTE).version == "5+0"


def test_where_nothing_was_measured_the_forecast_of_the_moment_stands_until_its_step_is_over():
    hours = [frame(360, lead) for lead in (60, 120, 180, 240)]
    raster = Raster(feed="f", product="p", grid=grid(), bounds=(0, 0, 1, 1), step=0.004, frames=hours, stale_seconds=600)
    shown = {at: found and found.version for at in (365, 449, 451, 571, 659, 661) for found in [current(raster, at * MINUTE)]}
    assert shown == {365: "360+60", 449: "360+60", 451: "360+120", 571: "360+240", 659: "360+240", 661: None}


@pytest.mark.parametrize("case", msgspec.json.decode(RASTER_NOW.read_bytes()), ids=lambda case: case["case"])
def test_the_hall_answers_with_the_frame_that_screens_show(case):
    """The same cases run on the page: tests/browser/map/test_fields.py."""
    ring = [Frame(start=0, **one) for one in case["frames"]]
    stale = case["stale_seconds"]
    raster = Raster(feed="f", product="p", grid=grid(), bounds=(0, 0, 1, 1), step=0.004, frames=ring, stale_seconds=stale)
    found = current(raster, case["at"])
    assert (found and found.version) == case["shown"]


def config(text: str):
    return parse('[city]\nname = {en = "T"}\ncentre = [114.0, 35.1]\n' + text)


def grid(more: str = ""):
    found = config(TOML % more)
    return grid_of(found.feeds[0], found)


@pytest.mark.parametrize(("more", "key"), [
    (', pixel_metres = 1', "pixel_metres"), (', z_r = [0.0, 1.6]', "z_r"), (', breaks = [2.0, 1.0]', "breaks"),
    (', quantity = "VRAD"', "quantity"), (', product = "a/b"', "product"), (', walls = "yes"', "walls"),
    (', palette = "x"', "palette"),
])  # fmt: skip
def test_an_option_that_cannot_be_is_named(more, key):
    found = config(TOML % more)
    with pytest.raises(ConfigError, match=rf"feeds\[0\]\.options\.{key}"):
        Decoding(found.feeds[0], found)


def test_a_raster_feed_takes_no_mapping_no_other_format_and_no_transport_of_rows():
    for changed, key in ((('url = "push://"', 'url = "replay://x"'), "url"), (("kind =", 'format = "csv"\nkind ='), "format")):
        found = config((TOML % "").replace(*changed))
        with pytest.raises(ConfigError, match=rf"feeds\[0\]\.{key}"):
            Decoding(found.feeds[0], found)


def test_a_grid_is_never_larger_than_its_bound():
    assert max(grid(", pixel_metres = 10").width, grid(", pixel_metres = 10").height) == 1024


async def test_a_body_becomes_a_document_and_pixels_and_the_next_start_goes_on(bench):
    bench.configure(TOML % "")
    bench.set_clock(NOON + 2 * MINUTE)
    rim = await bench.rim("rv")
    field = numpy.full(SHAPE, 1_200, numpy.uint16)
    field[20, 40] = 65_535
    good = composite(field)
    outcome = await rim.bytes(packed(good, b"no file of this kind", composite(field, run="114500")))
    assert (outcome.accepted, outcome.late, outcome.parked) == (1, 1, 1)  # foretold and measured: the measured one
    await rim.durable()
    document = (await bench.documents("raster"))["raster/rv/rain"]
    assert [(one["time"], one["run"]) for one in document["frames"]] == [(NOON, NOON)]
    assert document["breaks"][0] == 0.1
    bus = bench.process.bus
    codes = gzip.decompress(await bus.hash_get(document["frames"][0]["version"], "raster", "rv"))
    raster = msgspec.convert(document, Raster)
    assert rate_of(codes[raster.grid.index(*place_of(10, 40))]) == pytest.approx(12.0, abs=0.3)
    assert codes[raster.grid.index(*place_of(20, 40))] == 0
    assert [row["reason"] for row in await bench.parked("rv")] == ["hdf5-broken"]
    again = await bench.rim("rv")  # a new process knows the ring
    bench.set_clock(NOON + 7 * MINUTE)
    outcome = await again.bytes(packed(good, composite(field, run="120500", start="120000", end="120500")))
    assert (outcome.duplicates, outcome.accepted) == (1, 1)
    bench.set_clock(NOON + 60 * MINUTE)
    for minute in ("4000", "4500"):  # more than half an hour later: the first ones go, and their pixels with the telling after
        await again.bytes(composite(field, run=f"12{minute}", start="120500", end=f"12{minute}"))
    await again.durable()
    document = (await bench.documents("raster"))["raster/rv/rain"]
    assert len(document["frames"]) == 2
    assert set(await bus.hash_names("raster", "rv")) == {one["version"] for one in document["frames"]}


async def test_a_clock_ahead_is_parked_and_holds_nothing_up(bench):
    bench.configure(TOML % "")
    bench.set_clock(NOON - 3_600_000)
    rim = await bench.rim("rv")
    outcome = await rim.bytes(composite(numpy.full(SHAPE, 5, numpy.uint16)))
    assert (outcome.accepted, outcome.parked, outcome.reasons) == (0, 1, ["time-future: 60 min ahead"])


async def test_screens_get_pixels_with_an_etag_and_anybody_the_rain_at_a_place(bench):
    bench.configure(TOML % "")
    bench.set_clock(NOON + 2 * MINUTE)
    rim = await bench.rim("rv")
    field = numpy.full(SHAPE, 1_200, numpy.uint16)
    field[20, 40], field[22, 44] = 65_535, 5_000
    foretold = composite(field // 2, end="123000", start="122500")
    await rim.bytes(foretold)
    app = FastAPI()
    app.include_router(rasters.router(bench.process))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hall", verify=False) as client:
        lon, lat = place_of(22, 44)
        only = (await client.get("/api/v1/rasters/rv/rain/at", params={"lon": lon, "lat": lat})).json()
        assert (only["value"], only["forecast"], only["age_seconds"]) == (pytest.approx(25.0, rel=0.01), True, 120)
        await rim.bytes(packed(composite(field), foretold))
        (found,) = (await client.get("/api/v1/rasters")).json()["rasters"]
        path = f"/api/v1/rasters/rv/rain/{found['frames'][0]['version']}"
        whole, plain = await client.get(path), await client.get(path, headers={"accept-encoding": "identity"})
        assert whole.content == plain.content
        assert len(plain.content) == found["grid"]["width"] * found["grid"]["height"]
        assert (await client.get(path, headers={"if-none-match": whole.headers["etag"]})).status_code == 304
        assert (await client.get(path[:-1] + "x")).status_code == 404

        async def at(row: int, column: int, **more):
            lon, lat = place_of(row, column)
            answer = await client.get("/api/v1/rasters/rv/rain/at", params={"lon": lon, "lat": lat} | more)
            return answer.json()

        here = await at(22, 44)
        assert (here["value"], here["forecast"], here["age_seconds"], here["stale"]) == (
            pytest.approx(50.0, rel=0.01),
            False,
            120,
            False,
        )
        assert (await at(20, 40))["value"] is None
        later = await at(22, 44, time=NOON + 29 * MINUTE)
        assert (later["value"], later["forecast"], later["time"]) == (pytest.approx(25.0, rel=0.01), True, NOON + 30 * MINUTE)
        assert (await at(22, 44, time=NOON + 90 * MINUTE))["reason"] == "frame-unknown"
        assert (await at(22, -400))["reason"] == "outside"
        bench.set_clock(NOON + 60 * MINUTE)
        assert (await at(22, 44))["stale"] is True
