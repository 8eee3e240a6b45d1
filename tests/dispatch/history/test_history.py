"""What the map showed: any moment can be asked for, a plain dict that hears the same events agrees; bounded; over a kill."""

from __future__ import annotations

import random
import sqlite3
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from dispatch.history import part as part_module
from dispatch.history.past import Past
from dispatch.history.settings import FILE, SEGMENT_MS, TOPICS, settings_of
from dispatch.history.store import Store
from dispatch.history.thinning import METRES, keep_places, keep_values
from dispatch.history.tracks import Tracks, at, pack, unpack
from dispatch.reader import Head
from hall.core.clock import LIVE
from hall.core.config import parse
from hall.core.errors import ConfigError
from tests.dispatch.readings.test_readings import CITY, run

NOW = 1_700_000_400_000 - 1_700_000_400_000 % SEGMENT_MS
HOURS = 72 * 3_600_000
ALL = frozenset(TOPICS)


def head(subject: str, moment: int, data, happened: int | None = None) -> Head:
    raw = msgspec.Raw(msgspec.json.encode(data))
    return Head(f"e{moment}", "t", subject, moment if happened is None else happened, moment, raw)


def case(n: int, moment: int, state: str | None) -> Head:
    return head(f"case/t/{n}", moment, None if state is None else {"feed": "t", "case_id": str(n), "state": state})


def unit(n: int, moment: int, lon: float, lat: float = 35.0, **more) -> Head:
    data = {"feed": "v", "unit_id": str(n), "name": f"Unit {n}", "state": "available", "lon": lon, "lat": lat, **more}
    return head(f"position/v/{n}", moment, data)


def store(folder, keep: int = HOURS, most: int = 10**9) -> Store:
    return Store(folder / FILE, keep, most)


def known(past: Past, moment: int) -> dict[str, dict]:
    events = [msgspec.json.decode(raw) for raw in past.state(moment, ALL - {"position", "observation"})]
    return {e["subject"]: e["data"] for e in [*events, *past.told(moment, ALL)]}


def test_any_moment_and_the_changes_to_any_other_are_what_a_plain_dict_that_heard_the_same_holds(tmp_path):
    dice, kept, snapshots, told = random.Random(6), store(tmp_path), {}, {}
    now, keys = NOW, {}
    for step in range(90):
        batch = []
        for _ in range(12):
            now += dice.randrange(500, 4_000)
            n, late = dice.randrange(8), dice.choice([0, 0, 0, 30_000])
            kind = dice.randrange(3)
            if kind == 0:
                batch.append(case(n, now, dice.choice(["reported", "handling", "closed", None])))
            elif kind == 1:
                batch.append(unit(n, now, round(113 + dice.random(), 5), speed_mps=dice.randrange(9), heading_deg=90.0))
            else:
                value = dice.choice([0.1, 0.1, 0.1, 0.25, None])
                data = {"feed": "g", "sensor_id": str(n), "quantity": "water_depth", "value": value, "unit": "m"}
                batch.append(head(f"observation/g/{n}/water_depth", now, data, now - late))
        for one in batch:  # the oracle: newest wins, as on the board
            if one.time >= keys.get(one.subject, 0):
                keys[one.subject] = one.time
                told[one.subject] = msgspec.json.decode(one.data)
        kept.write(batch, {"bulk": (step, 0)})
        snapshots[now] = {s: {k: v for k, v in d.items() if v is not None} for s, d in told.items() if d is not None}
    past = Past(tmp_path)
    assert len(past.extent()["segments"]) > 2
    for moment, expected in snapshots.items():
        assert {s: {k: v for k, v in d.items() if v is not None} for s, d in known(past, moment).items()} == expected
    moments = sorted(snapshots)
    first, last = moments[7], moments[40]
    docs = ALL - {"position", "observation"}
    state = {msgspec.json.decode(raw)["subject"]: raw for raw in past.state(first, docs)}
    skip, more = 0, True
    while more:
        found, more = past.changes(first, last, docs, skip, 10)
        skip += len(found)
        for _, subject, raw in found:
            state.pop(subject, None)
            if raw is not None:
                state[subject] = raw
    assert sorted(state.values()) == sorted(past.state(last, docs))


def test_a_thinned_track_lies_within_its_error_of_every_report_and_tells_silence_from_going_on():
    dice = np.random.default_rng(6)
    times = np.cumsum(np.full(120, 10_000.0)) + NOW
    times[60:] += 300_000  # silent for five minutes
    lon = 113.9 + np.cumsum(np.where(np.arange(120) % 30 < 20, 12e-5, 0.0))
    lat = 35.3 + np.cumsum(dice.normal(0, 0.4e-5, 120))
    kept = keep_places(times, lon, lat)
    assert kept.sum() < 40 and kept[59] and kept[60]
    tracks = Tracks()
    for row in zip(times, np.zeros(120), lon, lat, np.full(120, 90.0), np.full(120, 12.0), np.full(120, 5.0), strict=True):
        tracks.add("position", "position/v/1", row)
    made = pack(tracks, NOW, NOW + SEGMENT_MS, {})
    track = unpack(made.body).topics["position"]["position/v/1"]
    assert made.points == kept.sum() and len(made.body) < 40 * 120
    for moment, x, y in zip(times, lon, lat, strict=True):
        found = at(track, "position", int(moment))[1]
        east = (found["lon"] - x) * 111_195 * np.cos(np.radians(35.3))
        assert np.hypot(east, (found["lat"] - y) * 111_195) <= METRES + 0.1
    when, place = at(track, "position", int(times[59]) + 200_000)
    assert when == int(times[59]) and place["lon"] == pytest.approx(lon[59], abs=1e-6)
    assert keep_values(np.arange(6) * 1e4, np.array([1, 1, 1, 1, 2, 2.0])).tolist() == [True, False, False, True, True, True]
    assert keep_values(np.array([0, 1e4, 2e4, 9e5]), np.ones(4)).all() is np.False_


def test_hours_and_bytes_bound_what_is_kept_and_a_gap_is_told(tmp_path):
    kept = store(tmp_path, keep=3_600_000)
    for minute in range(0, 200):
        if 100 <= minute < 120:
            continue  # the hall is down
        moment = NOW + minute * 60_000
        kept.write([head("process/feeds", moment + s * 1000, {}) for s in range(0, 60, 20)], {})
        kept.write([case(minute, moment, "reported"), case(minute - 3, moment, None), unit(1, moment, 113 + minute / 1e3)], {})
    past = Past(tmp_path)
    extent = past.extent()
    assert extent["segments"][0][1] > extent["until"] - 3_600_000 - SEGMENT_MS
    assert extent["since"] > extent["until"] - 3_600_000 - SEGMENT_MS
    kept.close()
    small = store(tmp_path, most=1)
    small.write([unit(1, NOW + 260 * 60_000, 114.0), unit(1, NOW + 290 * 60_000, 114.0)], {})
    assert len(Past(tmp_path).extent()["segments"]) <= 2
    assert Past(tmp_path).extent()["covered"] == [[NOW + 290 * 60_000] * 2]
    wide = store(tmp_path)
    wide.write([head("process/web", NOW + (291 + n) * 60_000, {}) for n in (0, 0.5, 20, 20.5)], {})
    assert [(b - a) / 60_000 for a, b in Past(tmp_path).extent()["covered"]] == [0, 0.5, 0.5]


def test_an_archive_handed_over_at_once_is_no_new_case_on_the_slider(tmp_path):
    kept = store(tmp_path)
    for n, reported in enumerate([NOW - 3_600_000, NOW - 30 * 86_400_000, None]):
        known_of = {"feed": "t", "case_id": str(n), "state": "reported", "stages": {"reported": reported}}
        kept.write([head(f"case/t/{n}", NOW, known_of), head(f"case/t/{n}", NOW + 1, {**known_of, "state": "handling"})], {})
    assert sum(count for _, count in Past(tmp_path).marks(0)["cases"]) == 2


def test_killed_at_any_moment_it_goes_on_where_it_was(tmp_path):
    first = store(tmp_path)
    first.write([case(1, NOW, "reported"), unit(1, NOW + 1000, 113.1)], {"bulk": (1, 0)})
    first.write([unit(1, NOW + 11_000, 113.2)], {"bulk": (2, 0)})
    with pytest.raises(sqlite3.OperationalError), first._db:  # the disk is full in the middle
        first._db.execute("BEGIN IMMEDIATE")
        first._take(case(1, NOW + 12_000, "handling"), Tracks())
        raise sqlite3.OperationalError("disk full")
    again = store(tmp_path)  # the other one is simply gone
    assert again.reached() == {"bulk": (2, 0)}
    again.write([case(1, NOW + 12_000, "handling"), unit(1, NOW + SEGMENT_MS, 113.3)], {"bulk": (3, 0)})
    past = Past(tmp_path)
    assert known(past, NOW + 11_000)["case/t/1"]["state"] == "reported"
    assert known(past, NOW + SEGMENT_MS)["case/t/1"]["state"] == "handling"
    assert [lon for _, lon, _ in past.trail("position/v/1", NOW, NOW + HOURS)] == [113.1, 113.2, 113.3]
    store(tmp_path).settle([unit(1, NOW + SEGMENT_MS, 113.3)], NOW + SEGMENT_MS + 1)  # the case went while nobody listened
    assert set(known(past, NOW + SEGMENT_MS + 1)) == {"position/v/1"}


class Process:
    def __init__(self, folder, table: str = "") -> None:
        self.config = parse(CITY + table, "hall.toml")
        self.settings = SimpleNamespace(data_dir=folder)
        self.clock = SimpleNamespace(now=lambda: NOW + 20_000, state=LIVE)
        self.counters: dict[str, int] = {}


async def test_the_part_hears_the_bus_again_after_a_restart_and_takes_the_board_in_last(tmp_path, monkeypatch):
    monkeypatch.setattr(part_module, "WRITE_SECONDS", 0.01)
    monkeypatch.setattr(part_module, "SETTLE_SECONDS", 0.0)
    first = part_module.HistoryPart(Process(tmp_path))
    await first.start()
    for n, one in enumerate([case(1, NOW, "reported"), case(2, NOW + 1, "reported")], 1):
        first.hear(one)
        first.reached("bulk", (n, 0))
    await run(first, monkeypatch, lambda: first._board is None)
    monkeypatch.setattr(part_module, "SETTLE_SECONDS", 60.0)
    again = part_module.HistoryPart(Process(tmp_path))
    assert again.position("bulk") == (2, 0)
    again.hear(case(1, NOW + 9_000, "closed"))  # the board: it is at the end of what the bus has
    await again.start()
    for n, one in enumerate(
        [case(2, NOW + 1, "reported"), case(1, NOW + 5_000, "handling"), head("process/web", NOW + 18_000, {})], 2
    ):
        again.hear(one)
        again.reached("bulk", (n, 0))
    await run(again, monkeypatch, lambda: again._board is None)
    past = Past(tmp_path)
    states = [known(past, NOW + at).get("case/t/1", {}).get("state") for at in (0, 5_000, 9_000)]
    assert states == ["reported", "handling", "closed"]
    assert set(known(past, NOW + 20_000)) == {"case/t/1"} and again.process.counters["history_lost"] == 0


def test_a_mistake_in_the_configuration_is_named_and_a_city_may_keep_nothing(tmp_path):
    part = part_module.HistoryPart(Process(tmp_path, '[map]\nhistory = "0 h"\n'))
    assert not part.topics and not (tmp_path / FILE).exists()
    assert settings_of(parse(CITY + '[map]\nhistory = "3 d"\n', "hall.toml")).keep_ms == HOURS
    with pytest.raises(ConfigError, match="72 h"):
        settings_of(parse(CITY + '[map]\nhistory = "long"\n', "hall.toml"))


async def test_what_the_radar_measured_is_kept_once_and_goes_with_its_hour(tmp_path, monkeypatch):
    monkeypatch.setattr(part_module, "WRITE_SECONDS", 0.01)
    process, asked = Process(tmp_path), []

    async def hash_get(version, *key):
        asked.append((version, *key))
        return None if version == "gone" else version.encode()

    process.bus = SimpleNamespace(hash_get=hash_get)
    part = part_module.HistoryPart(process)
    await part.start()
    frames = [{"time": NOW - n, "start": NOW, "run": NOW, "version": v} for n, v in ((2, "gone"), (1, "a"), (-1, "forecast"))]
    grid = {"west": 0, "north": 0, "pixel": 1, "width": 1, "height": 1}
    field = {"feed": "r", "product": "p", "grid": grid, "bounds": [0, 0, 1, 1], "frames": frames}
    for data in ({"frames": 7}, field, field):
        part.hear(head("raster/r/p", NOW, data))
    part.reached("bulk", (1, 0))
    await run(part, monkeypatch, lambda: not part._rasters)
    assert asked == [("gone", "raster", "r"), ("a", "raster", "r"), ("gone", "raster", "r")]
    assert [Past(tmp_path).raster(version) for version in ("a", "gone", "forecast")] == [b"a", None, None]
    kept = store(tmp_path, keep=3_600_000)
    kept.write([unit(1, NOW, 113.0), unit(1, NOW + 2 * 3_600_000, 113.0)], {})
    assert Past(tmp_path).raster("a") is None
