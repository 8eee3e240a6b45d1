"""The running process on a real bus: what it publishes, and that kill -9 at any moment changes nothing."""

import asyncio
import random
import signal
import sqlite3

import pytest

from dispatch.casebook import Casebook
from hall.core.process import parse_moment
from tests.dispatch import oracle
from tests.dispatch.conftest import cards, data_of

ZONE = "America/New_York"
START = "2011-08-28T12:00:00"
NOW = parse_moment(START, ZONE)
HOUR = 3_600_000
CASE_STAGES = ("reported", "accepted", "dispatched", "handled", "closed")


def _life(n, generator):
    """The versions of one case: `(time, data)` per stage reached before NOW."""
    time, stages, found = NOW - generator.randrange(60 * HOUR), {}, []
    states = ("reported", "pending_dispatch", "handling", "pending_check", "closed")
    for stage, state in zip(CASE_STAGES, states, strict=True):
        if time > NOW:
            break
        stages = stages | {stage: time}
        data = {"feed": "f", "case_id": str(n), "state": state, "stages": stages, "cell": f"c{n % 7}"}
        data |= {"class_name": f"k{n % 5}", "district": f"d{n % 3}", "severity": n % 5, "due": NOW - 30 * HOUR + n * 100_000}
        found.append((time, data))
        time += generator.randrange(1, 12 * HOUR)
    return found


def _settled(hall, events):
    """A test for `until`: the numbers are the oracle's."""
    cases = oracle.newest([(e.subject, e.time, e.recordedtime, e.id, e.data) for e in events])
    expected = oracle.today(cases, NOW, ZONE)
    cells = oracle.cells(cases, NOW)
    return lambda board: cards(board) == expected and data_of(board, "kpi/cells")["rows"] == cells


async def test_numbers_are_right_after_a_history_in_any_order(hall):
    hall.configure(START)
    generator = random.Random(1)
    events = [hall.event(f"case/f/{n}", t, d) for n in range(200) for t, d in _life(n, generator)]
    generator.shuffle(events)
    await hall.publish(*events[:100])
    await hall.start()
    for start in range(100, len(events), 50):
        await hall.publish(*events[start : start + 50])
    board = await hall.until(_settled(hall, events))
    assert data_of(board, "kpi/today")["as_of"] == NOW
    assert data_of(board, "kpi/today")["since"] == NOW - 12 * HOUR
    trend = data_of(board, "kpi/trend")
    assert trend["reference_day"] == "2011-08-21"
    assert sum(n or 0 for n in trend["today"]) == cards(board)["reported"][0]


async def test_a_replay_that_crosses_midnight_is_exact_when_its_clock_stops(hall):
    stop = "2011-08-29T01:30:00"
    hall.configure("2011-08-28T22:00:00", stop, rate=5_000)
    end, generator = parse_moment(stop, ZONE), random.Random(2)
    events = [hall.event(f"case/f/{n}", t, d) for n in range(100) for t, d in _life(n, generator)]
    for n in range(60):  # reported before midnight, at it and after it; due before and after the end
        time = end - 3 * HOUR + n * 3 * 60_000
        data = {"feed": "f", "case_id": f"x{n}", "stages": {"reported": time}, "due": end + (n - 30) * 60_000}
        events.append(hall.event(f"case/f/x{n}", time, data))
    await hall.publish(*events)
    await hall.start()
    board = await hall.until(lambda b: (data_of(b, "kpi/today") or {}).get("as_of") == end)
    cases = _newest(events)
    assert cards(board) == oracle.today(cases, end, ZONE)
    assert data_of(board, "kpi/trend")["today"] == [*oracle.hours(cases, end, ZONE)[:2], *[None] * 22]
    assert data_of(board, "kpi/trend")["reference"] == oracle.hours(cases, end, ZONE, 7)


@pytest.mark.chaos
async def test_killed_at_random_it_comes_back_to_the_same_numbers(hall):
    hall.configure(START)
    generator = random.Random(7)
    events = [hall.event(f"case/f/{n}", t, d) for n in range(3_000) for t, d in _life(n, generator)]
    generator.shuffle(events)
    archived = [hall.event(f"archive/f/a{n}", NOW - 7 * 24 * HOUR, _archived(n)) for n in range(100)]

    async def feed():
        for start in range(0, len(events), 250):
            await hall.publish(*events[start : start + 250], *archived[start // 100 : start // 100 + 3])
            await asyncio.sleep(0.05)

    feeding = asyncio.create_task(feed())
    for _ in range(3):
        await hall.start()
        await asyncio.sleep(generator.uniform(0.5, 1.2))  # the random moment of the kill is what is tested
        await hall.stop(signal.SIGKILL)
    await hall.start()
    await feeding
    await hall.publish(*archived)
    await hall.until(_settled(hall, events))
    board = await hall.until(lambda b: sum(data_of(b, "kpi/trend")["reference"]) >= 100)
    book = Casebook.open_reader(hall.folder / "cases.db")
    assert book.search(limit=1).total == 3_100

    def versions():
        return sum(len(book.history(f"case/f/{n}")) for n in range(3_000))

    # the board tells the newest at once; older versions come from the stream after it
    await hall.until(lambda b: versions() == len(events))
    week_ago = oracle.hours(_newest(events), NOW, ZONE, 7)
    assert sum(data_of(board, "kpi/trend")["reference"]) == sum(week_ago) + 100


def _newest(events):
    return oracle.newest([(e.subject, e.time, e.recordedtime, e.id, e.data) for e in events])


def _archived(n):
    stages = {"reported": NOW - 7 * 24 * HOUR + n, "closed": NOW - 6 * 24 * HOUR}
    return {"feed": "f", "case_id": f"a{n}", "state": "closed", "stages": stages}


async def test_a_case_ended_a_day_ago_leaves_the_board_and_stays_in_the_casebook(hall):
    hall.configure(START)
    await hall.start()
    for name, ended in (("old", NOW - 25 * HOUR), ("new", NOW - 23 * HOUR)):
        data = {"feed": "f", "case_id": name, "state": "closed", "stages": {"reported": ended - HOUR, "closed": ended}}
        await hall.publish(hall.event(f"case/f/{name}", ended, data))
    await hall.until(lambda board: board.get("case/f/old") is None and board.get("case/f/new") is not None)
    await hall.until(lambda board: (cards(board) or {}).get("closed") == (0, 0))
    book = Casebook.open_reader(hall.folder / "cases.db")
    assert book.get("case/f/old")["state"] == "closed"
    assert len(book.history("case/f/old")) == 1


async def test_a_case_taken_back_by_its_supplier_counts_nowhere_and_is_remembered(hall):
    hall.configure(START)
    await hall.start()
    data = {"feed": "f", "case_id": "1", "stages": {"reported": NOW - HOUR}}
    await hall.publish(hall.event("case/f/1", NOW - HOUR, data))
    await hall.until(lambda board: (cards(board) or {}).get("open") == (1, None))
    await hall.publish(hall.event("case/f/1", NOW - HOUR + 1, None))
    await hall.until(lambda board: cards(board)["reported"] == (0, None))
    versions = Casebook.open_reader(hall.folder / "cases.db").history("case/f/1")
    assert [version["case"].get("state", "reported") for version in versions] == ["reported", "withdrawn"]


def _reading(hall, n, value):
    data = {"feed": "g", "sensor_id": "s1", "quantity": "water_depth", "value": value, "unit": "m"}
    return hall.event("observation/g/s1/water_depth", NOW - HOUR + n * 60_000, data)


async def test_an_alarm_travels_on_the_fast_lane_and_outlives_a_kill(hall):
    hall.configure(START)
    await hall.start()
    sensor = {"feed": "g", "sensor_id": "s1", "name": "Underpass", "lon": 1.0, "lat": 2.0, "district": "North"}
    await hall.publish(hall.event("sensor/g/s1", NOW - 2 * HOUR, sensor))
    await hall.publish(*[_reading(hall, n, value) for n, value in enumerate([0.0, 0.2, 0.21])])
    board = await hall.until(lambda b: b.get("alarm/g/s1") is not None)
    assert board.get("alarm/g/s1").lane == "fast"
    alarm = data_of(board, "alarm/g/s1")
    assert (alarm["severity"], alarm["threshold"], alarm["since"]) == (2, 0.15, NOW - HOUR + 2 * 60_000)
    assert alarm["label"] == "Underpass · pass with care"
    await hall.until(lambda b: b.get("series/g/s1/water_depth") is not None)
    await hall.stop(signal.SIGKILL)
    await hall.publish(*[_reading(hall, n, 0.3) for n in (3, 4)])
    await hall.start()
    board = await hall.until(lambda b: data_of(b, "alarm/g/s1")["severity"] == 4)
    assert data_of(board, "alarm/g/s1")["since"] == alarm["since"]
    await hall.publish(*[_reading(hall, n, 0.0) for n in (5, 6)])
    board = await hall.until(lambda b: "active" in data_of(b, "alarm/g/s1"))
    assert data_of(board, "alarm/g/s1")["returned"] == NOW - HOUR + 6 * 60_000
    values = [0.0, 0.2, 0.21, 0.3, 0.3, 0.0, 0.0]
    board = await hall.until(lambda b: data_of(b, "series/g/s1/water_depth")["values"] == values)
    assert data_of(board, "series/g/s1/water_depth")["start"] == NOW - HOUR


async def test_indicators_are_told_again_while_nothing_happens(hall):
    hall.configure(START)
    await hall.start()
    first = await hall.until(lambda board: board.get("kpi/today") is not None)
    at = first.get("kpi/today").at
    again = await hall.until(lambda board: board.get("kpi/today").at > at, seconds=10)
    assert again.get("kpi/today").at[0] - at[0] < 2_000


async def test_unreadable_events_are_counted_and_the_rest_is_taken(hall):
    hall.configure(START)
    await hall.start()
    await hall.until(lambda board: board.get("kpi/today") is not None)
    good = hall.event("case/f/1", NOW - HOUR, {"feed": "f", "case_id": "1", "stages": {"reported": NOW - HOUR}})
    bad = hall.event("case/f/2", NOW - HOUR, {"feed": "f", "case_id": 7})
    absurd = hall.event("case/f/3", NOW - HOUR, {"feed": "f", "case_id": "3", "due": 2**60, "severity": 9})
    await hall.publish(bad, absurd, good)
    await hall.bus.call("XADD", hall.bus.key("bulk"), "*", "p", b'[{"id": 1}, {"not": "an event"}]')
    await hall.bus.call("XADD", hall.bus.key("bulk"), "*", "p", b"not a pack")
    await hall.until(lambda board: (cards(board) or {}).get("open") == (1, None))
    beat = lambda board: (data_of(board, "process/dispatch") or {}).get("counters", {})  # noqa: E731
    await hall.until(lambda board: beat(board).get("malformed") == 5)


async def test_while_the_casebook_cannot_be_written_dispatch_waits_and_then_loses_nothing(hall):
    hall.configure(START)
    await hall.start()
    await hall.until(lambda board: board.get("kpi/today") is not None)
    other = sqlite3.connect(hall.folder / "cases.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for n in range(5):
        data = {"feed": "f", "case_id": str(n), "stages": {"reported": NOW - n}}
        await hall.publish(hall.event(f"case/f/{n}", NOW - n, data))
    faults = lambda board: (data_of(board, "process/dispatch") or {}).get("counters", {}).get("casebook_faults")  # noqa: E731
    board = await hall.until(faults)
    assert cards(board)["open"] == (0, None)
    other.execute("ROLLBACK")
    await hall.until(lambda board: cards(board)["open"] == (5, None))


async def test_the_position_is_saved_with_the_case_it_covers(hall):
    hall.configure(START)
    await hall.start()
    at = await hall.publish(hall.event("case/f/1", NOW, {"feed": "f", "case_id": "1", "stages": {"reported": NOW}}))
    await hall.until(lambda board: (cards(board) or {}).get("open") == (1, None))
    assert Casebook.open_reader(hall.folder / "cases.db").positions()["bulk"] >= at
