"""Parts of the dispatch process: one that fails harms no other, and what the ledger cannot take now is taken later."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import msgspec

from dispatch import emergency
from dispatch.emergency import Parts
from dispatch.part import Part
from dispatch.reader import Head
from hall.core.errors import LedgerFault, Refused


def head(subject: str) -> Head:
    return Head(id="1", source="t", subject=subject, time=0, recordedtime=0, data=msgspec.Raw(b"{}"))


class Noting(Part):
    topics = frozenset({"alarm", "case"})

    def __init__(self):
        self.heard, self.taken, self.started, self.runs = [], [], 0, 0

    def hear(self, head):
        self.heard.append(head.subject)

    async def start(self):
        self.started += 1

    async def take(self, entries):
        self.taken.append(entries)

    async def run(self):
        self.runs += 1


class Failing(Noting):
    def hear(self, head):
        raise ZeroDivisionError

    async def take(self, entries):
        raise ZeroDivisionError

    async def run(self):
        self.runs += 1
        if self.runs == 1:
            raise ZeroDivisionError


class Waiting(Noting):
    """The ledger cannot be used, then the desk is too busy."""

    def __init__(self):
        super().__init__()
        self.refusals = [LedgerFault("disk full"), Refused("busy", "too many commands at once; try again", 503)]

    async def take(self, entries):
        if self.refusals:
            raise self.refusals.pop(0)
        await super().take(entries)


async def test_a_part_that_fails_is_counted_and_harms_no_other(monkeypatch, caplog):
    monkeypatch.setattr(emergency, "RETRY_SECONDS", 0.0)
    process = SimpleNamespace(counters={})
    bad, good = Failing(), Noting()
    parts = Parts(process, [bad, good])
    assert set(parts.topics) == {"alarm", "case"}
    for subject in ("alarm/a", "case/f/1", "sensor/f/1"):
        parts.hear(head(subject))
    await parts.start()
    await parts.take(["line"])
    await asyncio.gather(*parts.works())
    assert good.heard == ["alarm/a", "case/f/1"] and good.taken == [["line"]] and good.started == good.runs == 1
    assert bad.runs == 2, "it works on"
    assert process.counters["parts_faulty"] == 4
    assert sum("Failing" in record.message for record in caplog.records) == 1, "told once, counted after"


async def test_lines_wait_for_the_ledger_and_for_a_busy_desk(monkeypatch):
    monkeypatch.setattr(emergency, "RETRY_SECONDS", 0.0)
    process, part = SimpleNamespace(counters={}), Waiting()
    await Parts(process, [part]).take(["line"])
    assert part.taken == [["line"]] and process.counters["parts_faulty"] == 0
