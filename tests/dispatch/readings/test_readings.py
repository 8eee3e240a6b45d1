"""What the engine heard is kept for a trial: bounded, once, over a kill, and the same engine makes the same of it."""

from __future__ import annotations

import asyncio
import sqlite3
from types import SimpleNamespace

import msgspec
import pytest

from dispatch.alarming import Engine
from dispatch.alarming.hearing import Hearing
from dispatch.reader import Head
from dispatch.readings import part as part_module
from dispatch.readings.part import ReadingsPart
from dispatch.readings.ring import Past, Ring
from dispatch.readings.settings import FILE, settings_of
from hall.core.config import parse
from hall.core.errors import ConfigError
from hall.core.model import Observation, Sensor
from tests.dispatch.alarming.told import GAUGES, rules
from tests.tasks import ended

CITY = '[city]\nname = {en = "T"}\ncentre = [0, 0]\n'
NOW = 1_700_000_000_000
TOPICS = frozenset({"observation", "sensor"})


def head(subject: str, moment: int, doc) -> Head:
    return Head(
        id=f"{moment}",
        source="g",
        subject=subject,
        time=moment,
        recordedtime=moment,
        data=msgspec.Raw(msgspec.json.encode(doc)),
    )


def reading(n: int, value: float = 0.1, sensor: str = "s1") -> Head:
    doc = Observation(feed="g", sensor_id=sensor, quantity="water_depth", value=value, unit="m")
    return head(f"observation/g/{sensor}/water_depth", NOW + n * 60_000, doc)


def point(sensor: str = "s1") -> Head:
    return head(f"sensor/g/{sensor}", NOW, Sensor(feed="g", sensor_id=sensor, kind="road"))


def test_the_oldest_make_room_by_size_and_by_age(tmp_path):
    ring = Ring(tmp_path / FILE, 20_000, 10 * 60_000)
    for n in range(40):
        ring.write([reading(n * 10, value) for value in range(200)], {}, {"bulk": (n, 0)})
    kept = Past(tmp_path / FILE).extent()
    assert kept.bytes <= 20_000 and kept.until == NOW + 390 * 60_000
    assert kept.since >= kept.until - 10 * 60_000 and ring.reached() == {"bulk": (39, 0)}
    ring.forget_after(NOW)
    assert Past(tmp_path / FILE).extent().count == 0


def test_a_stretch_of_time_is_read_with_the_points_first_while_it_is_written(tmp_path):
    ring = Ring(tmp_path / FILE, 10**7, 10**12)
    ring.write([reading(n) for n in range(10)], {"sensor/g/s1": point(), "sensor/g/s2": point("s2")}, {})
    past = Past(tmp_path / FILE)
    found = past.heads(NOW + 2 * 60_000, NOW + 13 * 60_000)
    first = next(found)
    ring.write([reading(n) for n in range(10, 20)], {"sensor/g/s2": None}, {})
    assert (first.subject, first.recordedtime) == ("sensor/g/s1", NOW + 2 * 60_000)
    assert [one.time for one in found][1:] == [NOW + n * 60_000 for n in range(2, 13)]
    assert [one.subject for one in past.points()] == ["sensor/g/s1"]
    with pytest.raises(FileNotFoundError):
        Past(tmp_path / "none.db")


class Process:
    def __init__(self, folder, table: str = "") -> None:
        self.config = parse(CITY + table, "hall.toml")
        self.settings = SimpleNamespace(data_dir=folder)
        self.clock = SimpleNamespace(now=lambda: NOW + 86_400_000)
        self.counters: dict[str, int] = {}


def made(folder, table: str = "") -> ReadingsPart:
    return ReadingsPart(Process(folder, table), TOPICS)


async def run(part: ReadingsPart, monkeypatch, until) -> None:
    monkeypatch.setattr(part_module, "LOOK_SECONDS", 0.005)
    task = asyncio.ensure_future(part.run())
    async with asyncio.timeout(20):
        while not until():
            await asyncio.sleep(0.005)
    await ended(task)


async def test_what_was_kept_is_not_kept_again_after_a_kill_and_the_engine_makes_the_same_of_it(tmp_path, monkeypatch):
    values = [0.0, 0.1, 0.2, 0.2, 0.3, 0.3, 0.1, 0.0, 0.0]
    heads = [reading(n, value) for n, value in enumerate(values)]
    first = made(tmp_path)
    first.hear(point())
    first.hear(reading(0))  # the board's: kept when it came
    await first.start()
    for n, one in enumerate(heads[:5]):
        first.hear(one)
        first.reached("bulk", (n + 1, 0))
    await run(first, monkeypatch, lambda: first.process.counters["readings_kept"] == 5)
    again = made(tmp_path)
    assert again.position("bulk") == (5, 0) and again.position("fast") is None
    again.reached("bulk", (3, 0))  # the process goes on from where another part has to
    await again.start()
    for n, one in enumerate(heads[3:], 4):
        again.hear(one)
        again.reached("bulk", (n, 0))
    await run(again, monkeypatch, lambda: again.process.counters["readings_kept"] == 4)
    book = rules(gauges=GAUGES)
    live, later, hearing = Engine(book), Engine(book), Hearing(book)
    told = live.take(one for whole in (point(), *heads) for one in hearing.inputs(whole))
    kept = list(Past(tmp_path / FILE).heads())
    assert [one.time for one in kept[1:]] == [one.time for one in heads]
    assert [edge.id for edge in later.take(one for whole in kept for one in hearing.inputs(whole))] == [
        edge.id for edge in told
    ]
    assert [edge.move for edge in told] == ["raise", "change", "return"]


async def test_what_finds_no_room_or_no_disk_is_counted_and_harms_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(part_module, "QUEUE", 10)
    part = made(tmp_path)
    await part.start()
    for n in range(25):
        part.hear(reading(n))
    part.reached("bulk", (1, 0))
    assert part.process.counters["readings_lost"] == 15
    monkeypatch.setattr(part._ring, "write", lambda *args: (_ for _ in ()).throw(sqlite3.OperationalError("disk is full")))
    await run(part, monkeypatch, lambda: part.process.counters["readings_lost"] == 25)
    assert part.position("bulk") is None  # read again after a restart


async def test_a_city_may_keep_none_and_a_mistake_is_named(tmp_path):
    part = made(tmp_path, "[dispatch.readings]\nkeep = false\n")
    assert part.topics == frozenset() and not (tmp_path / FILE).exists()
    await part.run()
    with pytest.raises(ConfigError, match=r"hall.toml:5: dispatch.readings.days"):
        settings_of(parse(CITY + "[dispatch.readings]\ndays = 0\n", "hall.toml"))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / FILE).write_bytes(b"no database at all" * 100)
    assert made(tmp_path / "broken")._ring is None
