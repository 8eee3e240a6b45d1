"""The configurations under examples/ on the real input, compared with pandas, shapely and lxml over the same files."""

from __future__ import annotations

import asyncio
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from shapely.geometry import Point, shape

from feeds.decoding import Decoding
from feeds.replay import Player
from hall.core import config as configuration
from hall.core.process import parse_moment
from tests.feeds.conftest import running

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/hall.toml"))
pytestmark = pytest.mark.realdata


@pytest.fixture(autouse=True)
def real(real_data, monkeypatch):
    monkeypatch.setenv("HALL_REAL_DATA", str(real_data))


async def until(condition, seconds: float = 100.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def play_to(bench, name: str, moments: list[str], zone: str, look) -> None:
    """Plays a feed of the loaded example, stops the city clock at each moment and calls `look(moment in ms)`."""
    rim = await bench.rim(name)
    player = Player(rim.feed, rim)
    bench.set_clock(bench.process.config.clock.start, zone=zone)
    async with running(bench.process.bulk.run()), running(player.run()) as task:
        for moment in moments:
            bench.set_clock(moment, zone=zone)
            now = parse_moment(moment, zone)
            await until(
                lambda now=now: (
                    player.cursor.ready
                    and (player.cursor.told == player.cursor.size or player._due(player.cursor.told) > now)
                    or task.done()
                )
            )
            if task.done():
                task.result()
            await rim.durable()
            await look(now)
    assert rim.total.parked == 0, rim.total


def load(bench, name: str):
    bench.start(configuration.load(EXAMPLES / name / "hall.toml"))
    return bench.process.config


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_in_order(name):
    config = configuration.load(EXAMPLES / name / "hall.toml")
    for feed in config.feeds:
        assert Decoding(feed, config).mapping is not None


def boston(real_data) -> pd.DataFrame:
    frame = pd.read_csv(real_data / "cases/boston_311_service_requests_2011.zip", dtype=str, keep_default_na=False)
    for column in ("open_dt", "closed_dt", "target_dt"):
        local = pd.to_datetime(frame[column].replace("", None), format="%Y-%m-%d %H:%M:%S")
        zoned = local.dt.tz_localize("America/New_York", ambiguous=True, nonexistent="shift_forward")
        frame[column] = (zoned - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(milliseconds=1)
    return frame


async def test_bostons_cases_stand_as_they_stood_at_three_moments_of_the_hurricane(bench, real_data):
    load(bench, "boston-irene")
    frame, zone = boston(real_data), "America/New_York"
    start, day_ms = parse_moment("2011-08-28T00:00:00", zone), 86_400_000

    async def look(now: int) -> None:
        known = frame[frame.open_dt <= now]
        closed = known[known.closed_dt <= now]
        shown = {d["case_id"]: d for d in (await bench.documents("case")).values()}
        still_open = {i: d for i, d in shown.items() if d.get("state", "reported") == "reported"}
        expected_open = known[~(known.closed_dt <= now)]
        assert set(still_open) == set(expected_open.case_enquiry_id)
        assert set(shown) - set(still_open) == set(closed[closed.closed_dt >= start - day_ms].case_enquiry_id)
        placed = expected_open[~((expected_open.latitude == "42.3594") & (expected_open.longitude == "-71.0587"))]
        assert sum("lon" in d for d in still_open.values()) == len(placed)
        districts = pd.Series([d.get("district", "") for d in still_open.values()]).value_counts().to_dict()
        assert districts == expected_open.neighborhood.str.strip().value_counts().to_dict()
        due = {i: d["due"] for i, d in still_open.items() if "due" in d}
        limit = parse_moment("2050-01-01T00:00:00", zone)
        expected_due = expected_open[expected_open.target_dt < limit].set_index("case_enquiry_id").target_dt
        assert due == {i: int(t) for i, t in expected_due.items()}
        assert not any("closed" in d["stages"] or d.get("closing_note") for d in still_open.values())

    moments = ["2011-08-28T06:00:00", "2011-08-28T15:30:00", "2011-08-29T12:00:00"]
    await play_to(bench, "boston311", moments, zone, look)
    archived = {d["case_id"] for d in (await bench.documents("archive")).values()}
    before = frame[(frame.closed_dt < start - day_ms) & (frame.closed_dt >= start - 60 * day_ms)]
    assert archived == set(before.case_enquiry_id)


async def test_floodnets_gauges_tell_each_sample_in_metres_at_its_time(bench, real_data):
    load(bench, "floodnet-nyc")
    events = pd.read_csv(real_data / "sensors/floodnet_nyc_flood-events.csv")
    begin, end = (
        parse_moment("2023-09-29T06:00:00", "America/New_York"),
        parse_moment("2023-09-30T00:00:00", "America/New_York"),
    )
    samples = {}
    for row in events.itertuples():
        start = int(pd.Timestamp(row.flood_start_time, tz="UTC").timestamp() * 1000)
        depths, seconds = json.loads(row.flood_profile_depth_inches), json.loads(row.flood_profile_time_secs)
        for depth, after in zip(depths, seconds, strict=True):
            if begin < start + after * 1000 <= end:
                samples.setdefault(row.sensor_id, {})[start + after * 1000] = depth

    async def look(now: int) -> None:
        told = {}
        for event in await bench.events():
            if event.subject.startswith("observation/floodnet/") and event.time > begin:
                told.setdefault(event.data["sensor_id"], {})[event.time] = event.data["value"]
        assert {s: set(t) for s, t in told.items()} == {s: set(t) for s, t in samples.items()}
        for sensor, readings in told.items():
            for time, value in readings.items():
                assert value == pytest.approx(samples[sensor][time] * 0.0254, abs=1e-9)

    await play_to(bench, "floodnet", ["2023-09-30T00:00:00"], "America/New_York", look)
    rim = await bench.rim("floodnet-gauges")
    await bench.play(rim)
    sensors = await bench.documents("sensor")
    frame = pd.read_csv(real_data / "sensors/floodnet_nyc_sensor-metadata.csv")
    assert {d["sensor_id"]: (d["lon"], d["lat"]) for d in sensors.values()} == {
        row.sensor_id: (row.longitude, row.latitude) for row in frame.itertuples()
    }


async def test_georgias_cameras_are_all_there_with_their_streams_kept_apart(bench, real_data):
    load(bench, "georgia-cameras")
    rim = await bench.rim("georgia-cameras")
    await bench.play(rim)
    features = json.loads((real_data / "cameras/gdot_live_traffic_cameras.geojson").read_text())["features"]
    shown = {d["channel_id"]: d for d in (await bench.documents("channel")).values()}
    assert len(shown) == len(features) == 3216
    for feature in features:
        doc, properties = shown[feature["properties"]["cctv_id"]], feature["properties"]
        place = feature["geometry"]["coordinates"]
        if place == [0, 0]:
            assert "lon" not in doc and "lat" not in doc, "nobody's camera stands in the Gulf of Guinea"
        else:
            assert [doc["lon"], doc["lat"]] == pytest.approx(place, abs=1e-6)
        assert doc.get("has_stream", False) == bool(properties["HLS"])
    addresses = await bench.process.bus.hash_all("channel-url")
    assert len(addresses) == sum(bool(f["properties"]["HLS"]) for f in features)
    assert not any("playlist.m3u8" in json.dumps(d) for d in shown.values())


async def test_beijings_walkers_are_where_their_last_fix_was(bench, real_data):
    load(bench, "beijing-tracks")
    frame = pd.read_csv(real_data / "tracks/geolife_sample.txt.gz", dtype={"uid": str})
    times = (pd.to_datetime(frame.datetime).dt.tz_localize("UTC") - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(milliseconds=1)
    frame["ms"] = times
    start = parse_moment("2008-10-25T00:00:00", "Asia/Shanghai")

    async def look(now: int) -> None:
        known = frame[(frame.ms <= now) & (frame.ms > start - 3_600_000)].sort_values("ms", kind="stable")
        expected = {row.uid: (row.lng, row.lat) for row in known.groupby("uid").tail(1).itertuples()}
        shown = await bench.documents("position")
        assert {d["unit_id"]: (d["lon"], d["lat"]) for d in shown.values()} == {
            uid: (pytest.approx(lon, abs=1e-6), pytest.approx(lat, abs=1e-6)) for uid, (lon, lat) in expected.items()
        }

    await play_to(bench, "geolife", ["2008-10-25T12:00:00", "2008-10-26T09:30:00"], "Asia/Shanghai", look)


async def test_xinxiangs_districts_contain_what_was_reported_in_them(bench, real_data):
    load(bench, "xinxiang")
    features = json.loads((real_data / "map/cn_410700.json").read_text())["features"]
    rim, rows = await bench.rim("cases"), []
    for number, feature in enumerate(features):
        outline = shape(feature["geometry"]).buffer(0)
        west, south, east, north = outline.bounds
        steps = [(west + (east - west) * i / 12, south + (north - south) * j / 12) for i in range(13) for j in range(13)]
        # a little inside, in the publisher's own coordinates: no need to know the shift here
        inside = [p for p in steps if outline.contains(Point(p)) and outline.boundary.distance(Point(p)) > 1e-4]
        assert inside
        name = feature["properties"]["name"]
        rows += [
            {
                "taskNum": f"{name}|{number}-{k}",
                "coordinateX": str(x),
                "coordinateY": str(y),
                "createTime": "2024年07月21日 08:30",
            }
            for k, (x, y) in enumerate(inside)
        ]
    outcome = await rim.rows(rows)
    await rim.durable()
    assert outcome.accepted == len(rows)
    for doc in (await bench.documents("case")).values():
        assert doc["district"] == doc["case_id"].partition("|")[0]


async def test_germanys_warnings_replace_each_other_as_they_were_issued(bench, real_data):
    from lxml import etree

    load(bench, "dwd-cap")
    issued = {}
    with zipfile.ZipFile(real_data / "cap/dwd_cap_20230623_MUL.zip") as archive:
        for name in archive.namelist():
            alert = etree.fromstring(archive.read(name))
            text = {child.tag.rpartition("}")[2]: child.text for child in alert if child.text}
            issued[text["identifier"]] = parse_moment(text["sent"], "UTC")

    async def look(now: int) -> None:
        shown = {d["warning_id"]: d for d in (await bench.documents("warning")).values()}
        assert set(shown) == {identity for identity, sent in issued.items() if sent <= now}
        assert all(d["areas"] and {"de-DE", "en"} <= set(d["headline"]) for d in shown.values())

    await play_to(bench, "dwd", ["2023-06-23T11:00:00", "2023-06-23T11:30:00", "2023-06-23T18:00:00"], "Europe/Berlin", look)
