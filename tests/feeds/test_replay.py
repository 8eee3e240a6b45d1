"""Replays: original spacing on the city clock, history at the start, nothing lost or doubled, nothing after the stop."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import json
import os
import random
import signal
import zipfile
from collections import Counter

import pytest

from feeds.replay import Player
from hall.core.clock import ClockState, real_ms
from hall.core.errors import ConfigError
from tests.feeds.conftest import CITY, running
from tests.prefork import prefork

CLOCK = '[clock]\nstart = "2024-06-01T00:00:00"\nrate = 60\n'
READINGS = """
[[feeds]]
name = "g"
kind = "observation"
url = "replay://readings.csv"
{options}
[feeds.mapping]
sensor_id = "id"
quantity = {{const = "water_depth"}}
value = "v"
time = "t"
"""
BEGIN = datetime.datetime(2024, 6, 1, tzinfo=datetime.UTC)


def at(minute: float) -> int:
    return int(BEGIN.timestamp() * 1000 + minute * 60_000)


def lines(minutes: list[float]) -> str:
    rows = [f"s{n % 3},{n},{(BEGIN + datetime.timedelta(minutes=m)).isoformat()}" for n, m in enumerate(minutes)]
    return "id,v,t\n" + "\n".join(rows) + "\n"


async def until(condition, seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def started(bench, name: str = "g") -> Player:
    rim = await bench.rim(name)
    return Player(rim.feed, rim)


def told(events: list) -> list[tuple[int, float]]:
    return [(e.time, e.data.get("value", 0.0)) for e in events if e.subject.startswith("observation/")]


async def test_rows_are_told_when_city_time_reaches_them_and_not_before(bench):
    minutes = [5.0, 1.0, 3.0, 8.0, 60.0]
    (bench.folder / "readings.csv").write_text(lines(minutes))
    bench.configure(CITY + CLOCK + READINGS.format(options=""))
    bench.set_clock(at(0))
    player = await started(bench)
    async with running(player.run()):
        await until(lambda: player.cursor.ready)
        for now, expected in ((0, 0), (0.99, 0), (1, 1), (4.5, 2), (8, 4), (59.9, 4), (60, 5)):
            bench.set_clock(at(now))
            await until(lambda expected=expected: player.cursor.told >= expected)
            await asyncio.sleep(0)
            assert player.cursor.told == expected
        await player.rim.durable()
    assert told(await bench.events()) == [(at(m), float(minutes.index(m))) for m in sorted(minutes)]


async def test_nothing_after_the_clocks_stop_is_ever_told(bench):
    (bench.folder / "readings.csv").write_text(lines([1, 2, 3, 4]))
    bench.configure(CITY + CLOCK + READINGS.format(options=""))
    bench.set_clock(at(0))
    player = await started(bench)
    async with running(player.run()):
        await until(lambda: player.cursor.ready)
        bench.process.clock.state = ClockState(real_ms(), at(0), 1e9, at(2))
        await until(lambda: player.cursor.told == 2)
        with pytest.raises(TimeoutError):
            await until(lambda: player.cursor.told > 2, 0.3)


async def test_another_years_data_is_moved_into_this_day(bench):
    text = lines([1, 2]).replace("2024-06-01", "2019-03-09")
    (bench.folder / "readings.csv").write_text(text)
    options = 'options = {shift_from = "2019-03-09T00:00:00", shift_to = "2024-06-01T00:00:00"}'
    bench.configure(CITY + CLOCK + READINGS.format(options=options))
    bench.set_clock(at(0))
    player = await started(bench)
    async with running(player.run()):
        await until(lambda: player.cursor.ready)
        bench.set_clock(at(5))
        await until(lambda: player.cursor.told == 2)
        await player.rim.durable()
    assert [time for time, _ in told(await bench.events())] == [at(1), at(2)]


async def test_without_a_replay_clock_the_recording_moves_to_now_at_its_own_speed(bench):
    (bench.folder / "readings.csv").write_text(lines([0, 0.01, 1]))
    bench.configure(CITY + READINGS.format(options="").replace("readings.csv", "readings.csv?speed=600"))
    player = await started(bench)
    before = real_ms()
    await asyncio.wait_for(player.run(), 20)
    await player.rim.durable()
    times = [time for time, _ in told(await bench.events())]
    assert times[2] - times[0] == 100 and before <= times[0] <= real_ms()
    assert real_ms() >= times[2]


async def test_a_loop_tells_the_recording_again_at_later_times(bench):
    (bench.folder / "readings.csv").write_text(lines([0, 1]))
    bench.configure(CITY + READINGS.format(options="").replace("readings.csv", "readings.csv?speed=6000&loop=1"))
    player = await started(bench)
    async with running(player.run()):
        await until(lambda: player.cursor.lap >= 3)
    await player.rim.durable()
    values = [value for _, value in told(await bench.events())]
    assert values[:6] == [0.0, 1.0] * 3


CASES = """
[[feeds]]
name = "c"
kind = "case"
url = "replay://cases.json"
options = {preload_days = 30}
[feeds.mapping]
case_id = "id"
time = "o"
state = {path = "s", default = "reported"}
stages.reported = "o"
stages.closed = "c"
[feeds.mapping.unfold]
o = []
c = ["s"]
"""


def day(number: float) -> str:
    return (BEGIN + datetime.timedelta(days=number)).isoformat()


async def test_history_is_archived_or_told_at_once_as_it_stood_at_the_start(bench):
    rows = [
        {"id": "ended-long-ago", "o": day(-90), "c": day(-80), "s": "closed"},
        {"id": "archived", "o": day(-20), "c": day(-10), "s": "closed"},
        {"id": "closed-yesterday", "o": day(-20), "c": day(-0.5), "s": "closed"},
        {"id": "closes-tomorrow", "o": day(-40), "c": day(1), "s": "closed"},
        {"id": "never-closed", "o": day(-60), "c": None, "s": None},
        {"id": "later", "o": day(0.5), "c": None, "s": None},
    ]
    (bench.folder / "cases.json").write_text(json.dumps(rows))
    bench.configure(CITY + CLOCK + CASES)
    bench.set_clock(at(0))
    player = await started(bench, "c")
    async with running(player.run()):
        await until(lambda: player.cursor.ready)
        await player.rim.durable()
        states = {d["case_id"]: d.get("state", "reported") for d in (await bench.documents("case")).values()}
        assert states == {"closed-yesterday": "closed", "closes-tomorrow": "reported", "never-closed": "reported"}
        assert [d["case_id"] for d in (await bench.documents("archive")).values()] == ["archived"]
        assert "closed" not in (await bench.documents("case"))["case/c/closes-tomorrow"]["stages"]
        bench.set_clock(at(2 * 1440))
        await until(lambda: player.cursor.told == player.cursor.size)
        await player.rim.durable()
    states = {d["case_id"]: d.get("state", "reported") for d in (await bench.documents("case")).values()}
    assert states["closes-tomorrow"] == "closed" and states["later"] == "reported"


@pytest.mark.parametrize("form", ["csv", "zip", "gz", "jsonl", "json", "geojson", "parquet"])
async def test_every_kind_of_recording_gives_the_same_readings(bench, form):
    text = lines([1, 2, 3])
    rows = [dict(zip(("id", "v", "t"), line.split(","), strict=True)) for line in text.splitlines()[1:]]
    name = {"zip": "r.csv.zip", "gz": "r.csv.gz"}.get(form, f"r.{form}")
    path, prefix = bench.folder / name, ""
    if form == "csv":
        path.write_text(text)
    elif form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside/r.csv", text)
    elif form == "gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif form == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    elif form == "json":
        path.write_text(json.dumps(rows))
    elif form == "geojson":
        prefix = "properties."
        features = [
            {"type": "Feature", "properties": row, "geometry": {"type": "Point", "coordinates": [1, 2]}} for row in rows
        ]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    else:
        import pyarrow
        from pyarrow import parquet

        moments = [datetime.datetime.fromisoformat(row["t"]) for row in rows]
        parquet.write_table(
            pyarrow.table({"id": [r["id"] for r in rows], "v": [int(r["v"]) for r in rows], "t": moments}), path
        )
    mapping = READINGS.format(options="").replace("readings.csv", name)
    for field in ("id", "v", "t"):
        mapping = mapping.replace(f'= "{field}"\n', f'= "{prefix}{field}"\n')
    bench.configure(CITY + CLOCK + mapping)
    bench.set_clock(at(0))
    player = await started(bench)
    async with running(player.run()):
        await until(lambda: player.cursor.ready)
        bench.set_clock(at(10))
        await until(lambda: player.cursor.told == 3)
        await player.rim.durable()
    assert told(await bench.events()) == [(at(1), 0.0), (at(2), 1.0), (at(3), 2.0)]


async def test_broken_rows_of_a_recording_are_parked_once_also_after_a_restart(bench):
    (bench.folder / "readings.csv").write_text(lines([1, 2]) + "s9,1,never\ns9,1\n")
    bench.configure(CITY + CLOCK + READINGS.format(options=""))
    bench.set_clock(at(5))
    for _ in range(2):
        player = await started(bench)
        await asyncio.wait_for(player.run(), 20)
        await player.rim.durable()
    assert [entry["reason"] for entry in await bench.parked("g")] == ["time-unparsable", "csv-columns"]
    assert len(told(await bench.events())) == 2


async def test_a_missing_file_or_bad_option_names_file_line_and_key(bench):
    bench.configure(CITY + READINGS.format(options=""))
    with pytest.raises(ConfigError, match=r"hall.toml:\d+: feeds\[0\].url: there is no file readings.csv"):
        await (await started(bench)).run()
    bench.configure(CITY + READINGS.format(options='options = {shift_to = "tomorrow"}'), "b.toml")
    with pytest.raises(ConfigError, match=r"b.toml:\d+: feeds\[0\].options.shift_to"):
        await started(bench)


@pytest.mark.chaos
async def test_killed_again_and_again_a_replay_loses_nothing_and_tells_nothing_twice(bench, valkey, bus_prefix):
    chance, minutes = random.Random(5), []
    moment = 0.0
    for _ in range(4_000):
        moment += chance.choice([0.0, 0.02, 0.05])
        minutes.append(round(moment, 2))
    (bench.folder / "readings.csv").write_text(lines(minutes))
    # about 93 minutes of city time in ten seconds
    bench.configure(CITY + CLOCK.replace("rate = 60", "rate = 600") + READINGS.format(options=""))
    environment = {
        **os.environ,
        "HALL_CONFIG": str(bench.folder / "hall.toml"),
        "HALL_REDIS_URL": valkey,
        "HALL_BUS_PREFIX": bus_prefix,
        "HALL_DATA_DIR": str(bench.folder),
    }
    start = "import feeds; from hall.core.process import main; main('feeds', feeds.run)"
    bus = bench.process.bus

    async def position() -> int:
        stored = await bus.get("cursor", "g")
        return json.loads(stored)["told"] if stored else 0

    kills = 0
    while await position() < len(minutes):
        process = prefork().start(start, after=("feeds.runner", "hall.core.process", "uvloop"), env=environment)
        try:
            before = await position()
            # killed at a random moment after it told something, the last time left to finish
            least = before + chance.randrange(1, 800) if kills < 6 else len(minutes)
            async with asyncio.timeout(60):
                while await position() < min(least, len(minutes)):
                    assert process.poll() is None
                    await asyncio.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    expected = Counter((at(minute), float(number)) for number, minute in enumerate(minutes))
    assert Counter(told(await bench.events())) == expected
    assert kills >= 3
