"""What the bus is told of the ledger, through a real Valkey."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from dispatch.ledger import Ledger
from dispatch.ledger import ledger as ledger_module
from dispatch.ledger.relay import CURSOR, PACK_EVENTS, Relay
from hall.core.bus import Bus
from hall.core.command import Command, Draft
from hall.core.embedded import server_command
from hall.core.event import unpack
from tests.dispatch.ledger.counters import AGGREGATES, MARY, NOW, PETER, REAL, add, tap


async def packs(bus):
    return [
        [msgspec.json.decode(raw) for raw in unpack(fields["p"])] for _, fields in await bus.queue_read("fast", count=100_000)
    ]


async def seqs(bus):
    return [e["data"]["seq"] for pack in await packs(bus) for e in pack if e["subject"].startswith("log/")]


def relay_of(ledger, bus):
    return Relay(ledger, bus, SimpleNamespace(counters={}))


async def tell(ledger, bus):
    relay = relay_of(ledger, bus)
    while await relay.step():
        pass
    return relay


async def test_a_line_becomes_the_thing_s_document_and_a_line_of_the_log(ledger, bus):
    ledger.execute(add("a", "c1", 0, by=3, reason="rain", time=NOW - 60_000), PETER, NOW, REAL)
    ledger.execute(Command(id="c2", subject="counter/a", move="end", revision=1), MARY, NOW + 7, REAL)
    await tell(ledger, bus)
    ((document, line, gone, end),) = await packs(bus)
    assert (document["id"], document["subject"], document["data"]) == ("ledger-0000000000000001", "counter/a", {"total": 3})
    assert (document["time"], document["recordedtime"], document["type"]) == (NOW, NOW, "added")
    assert (line["id"], line["subject"]) == ("ledger-0000000000000001", "log/1")
    assert line["data"] == {
        "seq": 1, "subject": "counter/a", "revision": 1, "move": "added", "who": "peter", "role": "operator", "desk": "desk-3",
        "time": NOW - 60_000, "recorded": NOW, "reason": "rain",
    }  # fmt: skip
    assert "data" not in gone and gone["subject"] == "counter/a" and end["data"]["who"] == "mary"


async def test_a_note_goes_to_the_audit_topic_only(ledger, bus):
    ledger.note(Draft(subject="audit/refused", move="refused", data={"code": "stale"}), MARY, NOW, REAL)
    await tell(ledger, bus)
    (((event),),) = await packs(bus)
    assert event["subject"] == "audit/refused" and event["data"]["data"] == {"code": "stale"} and event["data"]["who"] == "mary"


async def test_a_pack_is_bounded(ledger, bus):
    ledger.execute_many([(tap("p", n), PETER) for n in range(300)], NOW, REAL)
    await tell(ledger, bus)
    sizes = [len(pack) for pack in await packs(bus)]
    assert max(sizes) <= PACK_EVENTS and sum(sizes) == 2 * 900


async def test_large_documents_make_smaller_packs(ledger, bus, monkeypatch):
    monkeypatch.setattr("dispatch.ledger.relay.PACK_BYTES", 5_000)
    ledger.execute_many([(tap("p", n), PETER) for n in range(10)], NOW, REAL)
    await tell(ledger, bus)
    assert [len(pack) for pack in await packs(bus)] == [20, 20, 20]


async def test_two_relays_at_once_double_nothing(ledger, bus):
    ledger.execute_many([(tap("p", n), PETER) for n in range(400)], NOW, REAL)
    await asyncio.gather(*(tell(ledger, bus) for _ in range(3)))
    assert await seqs(bus) == list(range(1, 1_201))


async def test_an_answer_that_got_lost_is_not_told_again(ledger, bus, monkeypatch):
    ledger.execute(add("a", "c1", 0), PETER, NOW, REAL)
    relay, publish = relay_of(ledger, bus), bus.publish_once

    async def deaf(events, *rest):
        await publish(events, *rest)
        raise ConnectionError

    monkeypatch.setattr(bus, "publish_once", deaf)
    for _ in range(2):  # the cursor of a new bus, then the line
        with pytest.raises(ConnectionError):
            await relay.step()
        relay._cursor = None
    monkeypatch.undo()
    while await relay.step():
        pass
    assert await seqs(bus) == [1]


async def test_a_bus_told_by_another_ledger_gets_the_documents_of_this_one(ledger, bus):
    await bus.set("999", CURSOR)
    ledger.execute(add("a", "c1", 0), PETER, NOW, REAL)
    await tell(ledger, bus)
    assert await seqs(bus) == [1] and await bus.get(CURSOR) == b"1"


async def test_a_bus_from_an_old_copy_is_told_all_documents(ledger, bus, monkeypatch):
    monkeypatch.setattr(ledger_module, "OUTBOX_KEPT", 10)
    ledger.execute_many([(add(f"x{n}", f"c{n}", 0, by=n), PETER) for n in range(100)], NOW, REAL)
    ledger.mark_relayed(100)
    assert [row.seq for row in ledger.outbox(0, 1)] == [90]
    await bus.set("5", CURSOR)
    await tell(ledger, bus)
    assert {e["subject"]: e["data"]["total"] for pack in await packs(bus) for e in pack} == {
        f"counter/x{n}": n for n in range(100)
    }


async def test_a_new_bus_is_not_told_what_ended_long_ago(ledger, bus):
    ledger.execute(add("old", "c1", 0), PETER, NOW, REAL)
    ledger.execute(Command(id="c2", subject="counter/old", move="end", revision=1), PETER, NOW, REAL)
    ledger.execute(add("new", "c3", 0), PETER, NOW + 3 * 86_400_000, REAL)
    ledger.mark_relayed(3)
    await tell(ledger, bus)
    assert [e["subject"] for pack in await packs(bus) for e in pack] == ["counter/new"]


async def test_a_nudge_wakes_the_relay_and_the_line_is_on_the_bus_at_once(ledger, bus, monkeypatch):
    monkeypatch.setattr("dispatch.ledger.relay.LOOK_MS", 9_000)  # only the nudge can be in time
    running = asyncio.create_task(relay_of(ledger, bus).run())
    last = (0, 0)
    try:
        for n in range(5):
            await asyncio.to_thread(ledger.execute, add("a", f"c{n}", n), PETER, NOW, REAL)
            await bus.nudge()
            async with asyncio.timeout(5):
                found = await bus.queue_read("fast", after=last, block_ms=5_000)
            last = found[-1][0]
    finally:
        running.cancel()
    assert await seqs(bus) == [1, 2, 3, 4, 5]


@pytest.mark.chaos
async def test_a_bus_that_is_killed_and_comes_back_is_told_everything_once(url):
    home = Path(tempfile.mkdtemp(prefix="v"))

    async def start():
        server = subprocess.Popen(server_command(home, home / "s"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (home / "s").exists():
            await asyncio.sleep(0.02)
        return server

    server, ledger, bus = await start(), Ledger(url, AGGREGATES), Bus(f"unix://{home}/s", "{k}")
    running = asyncio.create_task(relay_of(ledger, bus).run())
    try:
        for n in range(60):
            await asyncio.to_thread(ledger.execute_many, [(tap("p", n * 10 + i), PETER) for i in range(10)], NOW, REAL)
            if n in (20, 40):
                server.kill()
                server.wait()
                (home / "s").unlink(missing_ok=True)
                server = await start()
        async with asyncio.timeout(30):
            while len(await seqs(bus)) < 1_800:
                await asyncio.sleep(0.05)
        assert await seqs(bus) == list(range(1, 1_801))
        assert not running.done()
    finally:
        running.cancel()
        await bus.close()
        ledger.close()
        server.kill()
        server.wait()
