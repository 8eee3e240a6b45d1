"""kill -9 at every step between a command and the bus: nothing lost, nothing doubled, order kept."""

from __future__ import annotations

import signal

import msgspec
import pytest

from dispatch.ledger import STEPS
from dispatch.ledger.relay import RELAY_STEPS
from hall.core.event import unpack
from tests.dispatch.ledger.conftest import IMPORTED, MORTAL
from tests.dispatch.ledger.counters import NOW, PETER, REAL, add, tap
from tests.prefork import prefork

pytestmark = pytest.mark.chaos


def child(*arguments):
    code, said, faults = prefork().run(MORTAL, *arguments, after=IMPORTED)
    assert code in (0, -signal.SIGKILL), faults
    return code, [line.split()[1] for line in said.splitlines()]


async def told(bus):
    """Every event on the bus, in order."""
    found = []
    for _, fields in await bus.queue_read("fast", count=100_000):
        found += [msgspec.json.decode(raw) for raw in unpack(fields["p"])]
    return found


def expected(count):
    """What `count` taps make of seven counters, worked out with plain numbers."""
    totals = {}
    for n in range(count):
        totals[f"counter/p{n % 7}"] = totals.get(f"counter/p{n % 7}", 0) + 2
        totals[f"counter/p{(n + 1) % 7}"] = totals.get(f"counter/p{(n + 1) % 7}", 0) + 10
    return totals


@pytest.mark.parametrize("step", STEPS)
async def test_a_writer_killed_at_any_step_loses_nothing_acknowledged(ledger, url, step, bus):
    code, acknowledged = child("write", url, "p", 6, step, 4)
    assert (code, acknowledged) == (-signal.SIGKILL, ["p-0", "p-1", "p-2"])
    kept = {entry.command for entry in ledger.entries(0, 100)}
    assert kept == {"p-0", "p-1", "p-2"} | ({"p-3"} if step == "committed" else set())
    assert ledger.verify().ok
    assert child("relay", url, bus.url, bus.prefix)[0] == 0
    code, acknowledged = child("write", url, "p", 6)  # who got no answer asks again
    assert (code, acknowledged) == (0, [f"p-{n}" for n in range(6)])
    assert {subject: state.total for subject, state in ledger.states("counter")} == expected(6)
    assert child("relay", url, bus.url, bus.prefix)[0] == 0
    log = [event["data"]["seq"] for event in await told(bus) if event["subject"].startswith("log/")]
    assert log == list(range(1, 19)) and ledger.verify().lines == 18


@pytest.mark.parametrize("step", RELAY_STEPS)
async def test_a_relay_killed_at_any_step_tells_every_line_once_and_in_order(ledger, url, step, bus):
    ledger.execute_many([(tap("p", n), PETER) for n in range(240)], NOW, REAL)
    code, _ = child("relay", url, bus.url, bus.prefix, step, 1 if step == "marked" else 2)
    assert code == -signal.SIGKILL
    child("relay", url, bus.url, bus.prefix)
    events = await told(bus)
    assert [e["id"] for e in events] == [f"ledger-{n // 2:016d}" for n in range(2, 2 * 720 + 2)]
    entries = ledger.entries(0, 1_000)
    assert [e["subject"] for e in events[::2]] == [entry.subject for entry in entries]
    assert [e["data"]["seq"] for e in events[1::2]] == [entry.seq for entry in entries]
    newest = {e["subject"]: e["data"]["total"] for e in events[::2]}
    assert newest == expected(240)


@pytest.mark.parametrize("step", [step for step in RELAY_STEPS if step != "marked"])
async def test_a_relay_killed_while_it_fills_a_new_bus_tells_every_document_once(ledger, url, step, bus):
    ledger.execute_many([(add(f"x{n}", f"c{n}", 0, by=n), PETER) for n in range(1_200)], NOW, REAL)
    ledger.mark_relayed(1_200)  # to a bus that is gone
    ledger.execute_many([(add(f"x{n}", f"d{n}", 1, by=n), PETER) for n in range(100)], NOW, REAL)
    assert child("relay", url, bus.url, bus.prefix, step, 2)[0] == -signal.SIGKILL
    child("relay", url, bus.url, bus.prefix)
    events = await told(bus)
    documents = [(e["subject"], e["data"]["total"]) for e in events if e["subject"].startswith("counter/")]
    assert documents == [(f"counter/x{n}", n) for n in range(100, 1_200)] + [(f"counter/x{n}", 2 * n) for n in range(100)]
    assert [e["data"]["seq"] for e in events if e["subject"].startswith("log/")] == list(range(1_201, 1_301))
