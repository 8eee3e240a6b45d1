"""The engine in a real process: killed in mid-flood, with its kept state and without it, the alarms are those of an unkilled run."""

import asyncio
import json
import random
import signal
import sqlite3

import pytest

from dispatch.alarming import Engine
from dispatch.alarming.checkpoint import Checkpoint, Kept
from dispatch.alarming.inputs import Reading, SensorSeen
from dispatch.alarming.rulebook import compile_rules
from hall.core.config import load
from hall.core.model import Sensor
from tests.dispatch.alarming.told import rules
from tests.dispatch.conftest import data_of
from tests.dispatch.test_process import HOUR, NOW, START

GAUGES, MINUTES = 60, 50


def _flood():
    """Each gauge's water rises over both lines and falls again, at its own pace; some are still wet at the end."""
    generator, found = random.Random(4), []
    waves = [(generator.uniform(2, 20), generator.uniform(0.2, 0.5), generator.uniform(10, 60)) for _ in range(GAUGES)]
    for minute in range(MINUTES):
        for n, (start, peak, length) in enumerate(waves):
            share = (minute - start) / length
            value = max(0.0, peak * 4 * share * (1 - share)) if 0 < share < 1 else 0.0
            found.append((f"s{n}", NOW - HOUR + minute * 60_000 + n, round(value, 3)))
    return found


def _sensors():
    return [
        Sensor(feed="g", sensor_id=f"s{n}", kind="road", lon=1 + n / 1000, lat=2.0, district=f"d{n % 3}") for n in range(GAUGES)
    ]


def _unkilled(folder):
    """What the engine alone makes of it: per site the moves with their moments, severities and events."""
    engine = Engine(compile_rules(load(folder / "hall.toml")))
    inputs = [SensorSeen(sensor=sensor, time=NOW - 2 * HOUR) for sensor in _sensors()]
    inputs += [
        Reading(feed="g", sensor=name, quantity="water_depth", value=value, time=at, unit="m") for name, at, value in _flood()
    ]
    made = {}
    for edge in engine.take(inputs):
        made.setdefault(edge.site, []).append((edge.move, edge.time, edge.data.get("severity"), edge.data.get("group")))
    return made


def _ledger(folder):
    with sqlite3.connect(f"file:{folder / 'ledger.db'}?mode=ro", uri=True) as ledger:
        rows = ledger.execute(
            "SELECT subject, move, time, data FROM entries WHERE subject LIKE 'alarm/%' ORDER BY seq"
        ).fetchall()
    made = {}
    for subject, move, time, data in rows:
        if move in ("raise", "change", "return"):
            said = json.loads(data)
            made.setdefault(subject.partition("/")[2], []).append((move, time, said.get("severity"), said.get("group")))
    return made


@pytest.mark.chaos
async def test_killed_in_mid_flood_every_edge_is_in_the_ledger_once_and_at_its_moment(hall):
    hall.configure(START)
    generator = random.Random(9)
    for sensor in _sensors():
        await hall.publish(hall.event(f"sensor/g/{sensor.sensor_id}", NOW - 2 * HOUR, sensor))
    readings = [
        hall.event(f"observation/g/{name}/water_depth", at, {"feed": "g", "sensor_id": name, "quantity": "water_depth", "value": value, "unit": "m"})
        for name, at, value in _flood()
    ]  # fmt: skip

    async def feed():
        for start in range(0, len(readings), 100):
            await hall.publish(*readings[start : start + 100])
            await asyncio.sleep(0.1)  # a flood takes its time

    feeding = asyncio.create_task(feed())
    for _ in range(2):
        await hall.start()
        await asyncio.sleep(generator.uniform(1.0, 2.0))  # the random moment of the kill is what is tested
        await hall.stop(signal.SIGKILL)
    await hall.start()
    await feeding
    expected = _unkilled(hall.folder)
    last = {site: moves[-1] for site, moves in expected.items()}

    def there(board):
        found = {site: data_of(board, f"alarm/{site}") for site in expected}
        return all(data and data.get("active", True) == (last[site][0] != "return") for site, data in found.items())

    await hall.until(there)
    async with asyncio.timeout(20):
        while _ledger(hall.folder) != expected:
            await asyncio.sleep(0.2)
    assert sum(map(len, expected.values())) > 2 * GAUGES


async def test_without_its_kept_state_it_goes_on_from_the_ledgers_alarms(hall):
    hall.configure(START)
    reading = lambda n, value: hall.event(  # noqa: E731
        "observation/g/s1/water_depth", NOW - HOUR + n * 60_000,
        {"feed": "g", "sensor_id": "s1", "quantity": "water_depth", "value": value, "unit": "m"},
    )  # fmt: skip
    await hall.start()
    await hall.publish(*(reading(n, 0.2) for n in range(3)))
    await hall.until(lambda board: data_of(board, "alarm/g/s1") is not None)
    await hall.stop(signal.SIGKILL)
    for file in hall.folder.glob("alarms.db*"):
        file.unlink()
    killed = hall.process.pid
    await hall.start()
    await hall.until(lambda board: data_of(board, "process/dispatch")["pid"] != killed)
    await hall.publish(*(reading(n, 0.0) for n in (5, 6, 7)))
    board = await hall.until(lambda board: not data_of(board, "alarm/g/s1").get("active", True))
    assert data_of(board, "alarm/g/s1")["since"] == NOW - HOUR + 60_000
    assert [move for move, *_ in _ledger(hall.folder)["g/s1"]] == ["raise", "return"]


def test_a_state_is_kept_whole_or_not_at_all(tmp_path):
    file = Checkpoint(tmp_path / "alarms.db")
    assert file.read() is None
    file.write(Kept({"bulk": (5, 1)}, b"one"))
    file.write(Kept({"bulk": (6, 0), "fast": (1, 2)}, b"two"))
    file.close()
    assert Checkpoint(tmp_path / "alarms.db").read() == Kept({"bulk": (6, 0), "fast": (1, 2)}, b"two")


def test_a_file_that_is_none_and_a_state_of_another_version_are_no_states(tmp_path):
    (tmp_path / "alarms.db").write_bytes(b"no database" * 1000)
    with pytest.raises(sqlite3.Error):
        Checkpoint(tmp_path / "alarms.db").read()

    for junk in (b"", b"\x00", b"\x81\xa7version\x63"):
        with pytest.raises(ValueError):
            Engine(rules()).restore(junk)
