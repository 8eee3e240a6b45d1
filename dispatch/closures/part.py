"""What the dispatch process does for closures by itself: proposes, drafts the reports, links alarms, tells `kpi/closures`.

It never orders a closing or a reopening: those moves are not the hall's. Every command's id is made of the state it was made
on, so that a restart, or two looks at once, do nothing twice.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

import msgspec

from dispatch.closures.advice import Advice, Advisor
from dispatch.closures.model import OVER, SHUT, Closure
from dispatch.closures.reports import drafts_for, notices_for
from dispatch.closures.settings import ClosureRules, plain
from dispatch.desk import Desk
from dispatch.part import Part
from dispatch.reader import Head
from dispatch.waiting import Waiting, ask
from hall.core.clock import monotonic
from hall.core.command import Command, Entry
from hall.core.errors import Refused
from hall.core.event import topic_of
from hall.core.process import Process

_LOOK_SECONDS = 0.5
_TELL_SECONDS = 1.5  # kpi/closures is told again after this, changed or not
_PLACES_SECONDS = 60.0  # the city's list never changes while it runs; a bus begun anew has to hear it
#: commands that were given, so that a refusal is not asked for again with every look
_REMEMBERED = 20_000


class ClosurePart(Part):
    """`hear` notes, `run` looks twice a second at what that means."""

    topics = frozenset({"alarm", "observation", "crew", "request"})

    def __init__(self, process: Process, desk: Desk, rules: ClosureRules) -> None:
        self.process, self.desk, self.rules = process, desk, rules
        self.advisor = Advisor(rules)
        self._later: list[Command] = []  # notices of new lines, given with the next look
        self._given: OrderedDict[str, None] = OrderedDict()
        self._told: tuple[float, dict[str, Any]] = (float("-inf"), {})
        self._places_told = float("-inf")
        self._waiting = Waiting(process, "closures")
        process.counters |= {"closures_proposed": 0, "closure_drafts": 0, **self.advisor.counters}

    def hear(self, head: Head) -> None:
        """Readings of watched gauges only: of the others not even the document is decoded."""
        topic = topic_of(head.subject)
        if topic == "observation":
            if self.advisor.watches(head.subject) and (reading := _plain(head)) is not None:
                self.advisor.reading(head.subject, reading.get("value"), head.time, self.process.clock.now())
        elif topic == "alarm":
            self.advisor.alarm(head.subject.partition("/")[2], _plain(head))
        elif topic == "crew":
            self.advisor.crew(head.subject, _plain(head))
        else:
            self.advisor.request(head.subject, _plain(head))

    async def start(self) -> None:
        """Also the ended ones: which number a place's closing has, and what was said to it last, is known from them."""
        for subject, state in (await self.desk.states("closure", ended=True)).items():
            self.advisor.closure(self._named(subject, state))

    async def take(self, entries: list[Entry]) -> None:
        concerned = [entry for entry in entries if topic_of(entry.subject) == "closure"]
        found = await self.desk.many(sorted({entry.subject for entry in concerned})) if concerned else {}
        for subject, state in found.items():
            self.advisor.closure(self._named(subject, state))
        told = [one for entry in concerned for one in notices_for(entry, found.get(entry.subject), self.rules)]
        self._later = (self._later + told)[-_REMEMBERED:]

    async def run(self) -> None:
        await self._waiting.looking(self.look, _LOOK_SECONDS)

    async def look(self) -> None:
        """Gives every command that is due now and was not given yet; tells the figures."""
        now = self.process.clock.now()
        due = [_command(advice) for advice in self.advisor.advise(now)]
        for state in self.advisor.closures.values():
            due += self._follows(state)
        due = [command for command in self._later + due if command.id not in self._given]
        await self._give(due)
        self._later = [command for command in self._later if command.id not in self._given]
        self.process.counters |= self.advisor.counters
        self._tell(now)

    def _follows(self, state: Closure) -> list[Command]:
        """What a closure's state means for other things: its reports, the link in its alarm."""
        if state.ended:
            return []
        found = drafts_for(state, self.rules)
        of = f"closure/{state.closure_id}"
        known = {one["crew"] for one in state.crews}
        for crew in self.advisor.crews_of(state) if state.state not in OVER else ():
            if crew not in known:  # whoever works on the case of the place is there to close it
                name = _id("send", of, str(state.number), crew)
                found.append(Command(id=name, subject=of, move="send", data={"crew": crew}))
        alarm = self.advisor.alarms.get(state.alarm.partition("/")[2])
        if alarm is not None and state.state not in OVER and alarm.get("closure") != of:
            name = _id("link", state.alarm, of, str(state.number), str(alarm.get("alarm_id", "")))
            found.append(Command(id=name, subject=state.alarm, move="link_closure", data={"closure": of}))
        return found

    async def _give(self, commands: list[Command]) -> None:
        for command, result in await ask(self.desk, commands):
            self._given[command.id] = None
            if isinstance(result, Refused) or result.repeated:
                continue
            self.process.counters["closures_proposed"] += command.move == "propose"
            self.process.counters["closure_drafts"] += command.move == "draft"
        while len(self._given) > _REMEMBERED:
            self._given.popitem(last=False)

    def _named(self, subject: str, state: Closure) -> Closure:
        return state if state.closure_id else msgspec.structs.replace(state, closure_id=subject.partition("/")[2])

    # -- telling -----------------------------------------------------------------------------------------------------------

    def _tell(self, now: int) -> None:
        real, (told_at, told) = monotonic(), self._told
        found = self.figures(now)
        if found != told or real - told_at >= _TELL_SECONDS:
            self._told = (real, found)
            self.process.bulk.put(self.process.event("kpi/closures", {"as_of": now, **found}))
        if real - self._places_told >= _PLACES_SECONDS:
            self._places_told = real
            self.process.bulk.put(self.process.event("kpi/places", {"as_of": now, "places": self._places()}))

    def figures(self, now: int) -> dict[str, Any]:
        """`kpi/closures` without `as_of`: `counts` by state, `shut` places kept closed, `unconfirmed`, `waiting` why reopening
        is not proposed yet (by closure id)."""
        counts: dict[str, int] = {}
        waiting, unconfirmed = {}, 0
        for state in self.advisor.closures.values():
            if state.ended:
                continue
            counts[state.state] = counts.get(state.state, 0) + 1
            unconfirmed += state.state in SHUT and bool(state.missing)
            if state.state in ("ordered", "confirmed"):
                waiting[state.closure_id] = self.advisor.waiting(state, now)
        shut = sum(counts.get(name, 0) for name in SHUT)
        return {"counts": counts, "shut": shut, "unconfirmed": unconfirmed, "waiting": waiting}

    def _places(self) -> list[dict[str, Any]]:
        """The city's list, each with its lines: `kpi/places`."""
        found = []
        for place in self.rules.places:
            lines = self.rules.lines_of(place.kind, place)
            lined = {"lines": msgspec.to_builtins(lines)} if lines is not None else {}
            found.append({"id": place.id, **plain(self.rules, place), **lined})
        return found


def _plain(head: Head) -> dict[str, Any] | None:
    """The event's document; None when it is gone, or is none."""
    found = None if head.gone else msgspec.json.decode(head.data)
    return found if isinstance(found, dict) else None


def _command(advice: Advice) -> Command:
    """One closing or reopening is advised once per state of the closure, whatever the reading says meanwhile."""
    subject = f"closure/{advice.closure_id}"
    name = _id(advice.move, subject, str(advice.revision))
    return Command(id=name, subject=subject, move=advice.move, revision=advice.revision, data=advice.data)


def _id(*cause: str) -> str:
    return f"closure-{hashlib.sha256('|'.join(cause).encode()).hexdigest()[:32]}"
