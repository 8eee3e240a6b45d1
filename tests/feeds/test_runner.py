"""Feeds as a whole: one that fails does not disturb the others, silence and loss are states, counters survive."""

from __future__ import annotations

import asyncio

import pytest

from feeds import decoding, runner
from feeds.runner import Runner
from feeds.source import Transport
from feeds.status import state_of
from hall.core.clock import real_ms
from hall.core.errors import BusLost
from tests.feeds.conftest import CITY, running

FEEDS = """
[[feeds]]
name = "a"
kind = "case"
url = "script://a"
expected_seconds = 10
[feeds.mapping]
case_id = "id"

[[feeds]]
name = "b"
kind = "case"
url = "script://b"
[feeds.mapping]
case_id = "id"

[[feeds]]
name = "broken"
kind = "case"
url = "script://c"
mapping = {nonsense = "x"}

[[feeds]]
name = "silent"
kind = "case"
url = "script://d"
enabled = false
"""


@pytest.fixture
def script(monkeypatch):
    """Sources played by coroutines of the test, by feed name, under the scheme `script`."""
    plays = {}

    async def run(feed, rim) -> None:
        await plays[feed.name](rim)

    known = {**decoding.transports(), "script": Transport("script", ("script",), run)}
    monkeypatch.setattr(decoding, "transports", lambda: known)
    monkeypatch.setattr(runner, "LEAST_PAUSE", 0.01)
    return plays


async def forever(rim) -> None:
    rim.connected()
    await asyncio.Event().wait()


async def made(bench) -> Runner:
    bench.configure(CITY + FEEDS)
    found = Runner(bench.process)
    await found.start()
    return found


async def statuses(bench, found: Runner) -> dict[str, dict]:
    found.publish()
    await bench.process.bulk.flush()
    return {name.removeprefix("feed/"): data for name, data in (await bench.documents("feed")).items()}


def stop(found: Runner) -> None:
    for each in found.running.values():
        each.task.cancel()


async def test_a_source_that_fails_is_tried_again_and_the_others_go_on(bench, script):
    attempts, back = [], asyncio.Event()

    async def fails_twice(rim) -> None:
        attempts.append(rim.life.lost)
        if len(attempts) < 3:
            raise ConnectionError("no route to the supplier")
        rim.connected()
        await rim.row({"id": "1"})
        back.set()
        await asyncio.Event().wait()

    script["a"], script["b"] = fails_twice, forever
    found = await made(bench)
    await asyncio.wait_for(back.wait(), 10)
    assert attempts == ["", "no route to the supplier", "no route to the supplier"]
    shown = await statuses(bench, found)
    assert {name: s["state"] for name, s in shown.items() if s.get("state")} == {"a": "live", "broken": "lost", "silent": "off"}
    assert "state" not in shown["b"], "waiting is the default"
    assert "feeds[2].mapping.nonsense" in shown["broken"]["error"]
    stop(found)


async def test_a_lost_source_says_why_until_it_is_back(bench, script):
    script["a"], script["b"] = forever, forever
    found = await made(bench)
    rim = found.running["a"].rim
    rim.lost("connection refused")
    assert (await statuses(bench, found))["a"]["error"] == "connection refused"
    rim.connected()
    assert "error" not in (await statuses(bench, found))["a"]
    stop(found)


async def test_silence_becomes_stale_after_the_expected_time_and_sooner_in_a_replay(bench, script, monkeypatch):
    script["a"], script["b"] = forever, forever
    found = await made(bench)
    rim = found.running["a"].rim
    assert state_of(rim, 1.0) == "waiting"
    await rim.row({"id": "1"})
    seen = rim.life.seen_at
    # expected every 10 s: stale after one and a half times that and a second
    for age, rate, expected in (
        (0, 1, "live"),
        (15_900, 1, "live"),
        (16_100, 1, "stale"),
        (1_200, 60, "live"),
        (1_300, 60, "stale"),
    ):
        monkeypatch.setattr("feeds.status.monotonic", lambda age=age: seen + age / 1000)
        assert state_of(rim, rate) == expected, (age, rate)
    for jump_ms in (3_600_000, -3_600_000, -86_400_000):  # what the machine's clock says has no part in it
        rim.clock.real = lambda jump_ms=jump_ms: real_ms() + jump_ms
        monkeypatch.setattr("feeds.status.monotonic", lambda: seen + 15.9)
        assert state_of(rim, 1) == "live"
        monkeypatch.setattr("feeds.status.monotonic", lambda: seen + 16.1)
        assert state_of(rim, 1) == "stale"
    rim.seen()
    monkeypatch.undo()
    assert state_of(rim, 60.0) == "live"
    stop(found)


async def test_a_source_that_has_given_all_has_ended(bench, script):
    async def once(rim) -> None:
        await rim.row({"id": "1"})

    script["a"], script["b"] = once, forever
    found = await made(bench)
    await asyncio.wait_for(asyncio.shield(found.running["a"].task), 10)
    assert (await statuses(bench, found))["a"]["state"] == "ended"
    stop(found)


async def test_counters_go_on_after_a_restart(bench, script):
    script["a"], script["b"] = forever, forever
    for _ in range(2):
        found = await made(bench)
        rim = found.running["a"].rim
        await rim.rows([{"id": "1"}, {"id": "1"}, {"id": ""}])
        await rim.durable()
        shown = await statuses(bench, found)
        stop(found)
    # the second run knows the case from the first
    counts = {name: shown["a"].get(name, 0) for name in ("received", "accepted", "duplicates", "parked")}
    assert counts == {"received": 6, "accepted": 1, "duplicates": 3, "parked": 2}


async def test_a_reload_starts_what_is_new_stops_what_is_gone_and_leaves_the_rest(bench, script):
    script.update(a=forever, b=forever, new=forever)
    found = await made(bench)
    kept = found.running["b"].rim
    text = CITY + FEEDS.replace('name = "a"', 'name = "new"').replace(
        'mapping = {nonsense = "x"}', 'mapping = {case_id = "id"}'
    )
    script["broken"] = forever
    (bench.folder / "hall.toml").write_text(text)
    await found.reload()
    assert set(found.running) == {"new", "b", "broken"}
    assert found.running["b"].rim is kept
    stop(found)


async def test_status_is_told_every_second_while_the_process_lives(bench, script):
    script["a"], script["b"] = forever, forever
    found = await made(bench)
    async with running(found.tell()):
        async with asyncio.timeout(10):
            while bench.process.bulk.waiting < 8:  # two rounds of four feeds
                await asyncio.sleep(0.05)
    stop(found)


async def test_while_the_bus_is_away_a_source_stops_reading_and_nothing_is_lost(bench, script, valkey):
    script["a"], script["b"] = forever, forever
    found = await made(bench)
    process, rim = bench.process, found.running["a"].rim
    good = process.bus.publish

    async def away(*parts, **named):
        raise BusLost("away")

    process.bus.publish = away
    async with running(process.bulk.run()):
        task = asyncio.create_task(rim.rows({"id": str(n)} for n in range(40_000)))
        async with asyncio.timeout(60):
            while process.bulk.waiting < 20_000:
                await asyncio.sleep(0.01)
        done, _ = await asyncio.wait({task}, timeout=0.2)
        assert not done and process.bulk.waiting < 21_000
        process.bus.publish = good
        outcome = await asyncio.wait_for(task, 60)
        await rim.durable()
    assert outcome.accepted == 40_000
    assert len(await bench.documents("case")) == 40_000
    stop(found)
