"""A city in memory: case files and crews by their real aggregates, written as the ledger does it; clocks one can count by hand."""

from __future__ import annotations

import functools
import itertools

import msgspec

from dispatch.casefile import CaseFiles, CaseRules
from dispatch.crews.aggregate import Crews
from hall.core.command import Actor, Command, Draft, Entry

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_800_000_000_000

SYSTEM = Actor(name="system", role="system", kind="system")
OPERATOR = Actor(name="受理甲", role="operator")
OPERATOR_2 = Actor(name="受理乙", role="operator")
DISPATCHER = Actor(name="派遣甲", role="dispatcher")
DISPATCHER_2 = Actor(name="派遣乙", role="dispatcher")
SUPERVISOR = Actor(name="值班长甲", role="supervisor")
SUPERVISOR_2 = Actor(name="值班长乙", role="supervisor")
LEADER = Actor(name="领导", role="leader")
ADMIN = Actor(name="管理员", role="admin")
ROADS = Actor(name="市政坐席", role="department", unit="roads")
WATER = Actor(name="排水坐席", role="department", unit="water")
CREW = Actor(name="crew:c1", role="crew", kind="crew", crew="c1")
INSPECTOR = Actor(name="监督员", role="inspector")
VIEWER = Actor(name="看", role="viewer")
PEOPLE = (
    OPERATOR, OPERATOR_2, DISPATCHER, DISPATCHER_2, SUPERVISOR, SUPERVISOR_2, LEADER, ADMIN, ROADS, WATER, CREW, INSPECTOR, VIEWER,
)  # fmt: skip


class PlainClocks:
    """Limits that never stop: 4 h for a routine case, 2 h for an emergency; 15 min and 1 min for the desk."""

    def handling(self, report, condition, emergency, start):
        amount = 2 if emergency else 4
        limit = amount * HOUR
        made = {"kind": "emergency", "amount": amount, "label": f"{amount} h", "started": start, "condition": condition}
        return made | {
            "due": start + limit,
            "near": start + limit // 2,
            "twice": start + 2 * limit,
            "first_due": start + limit,
            "limit_ms": limit,
        }

    def stage_due(self, state, start, emergency):
        if state not in ("reported", "pending_dispatch", "returned"):
            return None
        return start + (60_000 if emergency else 900_000)

    def extended(self, clock, amount):
        return {name: clock[name] + int(amount * HOUR) for name in ("due", "near", "twice")}

    def paused(self, clock, now):
        return clock["due"] - now

    def resumed(self, clock, now):
        due = now + clock["remaining"]
        return {"due": due, "near": due - clock["limit_ms"] // 2, "twice": due + clock["limit_ms"]}


class World:
    """A View and the writer in one. States live as JSON between commands, as in the database."""

    def __init__(self, rules: CaseRules | None = None, crews: tuple[str, ...] = ("c1", "c2", "c3")) -> None:
        self.rules = rules or CaseRules()
        self.files, self.crews = CaseFiles(self.rules, PlainClocks()), Crews()
        self.now, self.entries, self.stored = START, [], {}
        self._ids = itertools.count(1)
        for crew in crews:
            self.write("enrol", SYSTEM, [Draft(subject=f"crew/{crew}", move="enrol", data={"crew_id": crew, "unit": "roads"})])

    # -- View

    def get(self, subject):
        found = self.stored.get(subject)
        return None if found is None else msgspec.json.decode(found, type=self._aggregate(subject).State)

    def history(self, subject):
        return [entry for entry in self.entries if entry.subject == subject]

    def names(self, topic):
        return [name for name in self.stored if name.startswith(f"{topic}/") and not self.get(name).ended]

    # -- doing

    def do(self, move, actor, subject="file/f/1", /, *, reason="因为", at=None, wait=1_000, **data):
        """One command decided and written `wait` ms later; the file as it is then."""
        self.now += wait
        command = Command(id=f"c{next(self._ids)}", subject=subject, move=move, reason=reason, data=data, time=at)
        drafts = self._aggregate(subject).decide(self, command, actor)
        self.write(command.id, actor, drafts, self.now if at is None else min(at, self.now))
        return self.get(subject)

    def write(self, command, actor, drafts, time=None):
        for draft in drafts:
            before, aggregate = self.get(draft.subject), self._aggregate(draft.subject)
            entry = Entry(
                seq=len(self.entries) + 1,
                subject=draft.subject,
                revision=(before.revision if before else 0) + 1,
                move=draft.move,
                time=self.now if time is None else time,
                recorded=self.now,
                real=0,
                who=actor.name,
                role=actor.role,
                kind=actor.kind,
                unit=actor.unit,
                reason=draft.reason,
                data=msgspec.json.decode(msgspec.json.encode(draft.data)),
                command=command,
            )
            after = aggregate.evolve(before, entry)
            self.stored[draft.subject] = msgspec.json.encode(after)
            self.entries.append(entry)

    def file(self, subject="file/f/1"):
        return self.get(subject)

    def crew(self, crew):
        return self.get(f"crew/{crew}")

    def folded(self, subject):
        """The state from all entries alone."""
        return functools.reduce(self._aggregate(subject).evolve, self.history(subject), None)

    def can(self, actor, subject="file/f/1"):
        return {made["move"] for made in self.files.allowed(self.file(subject), actor, self.now)}

    def _aggregate(self, subject):
        return self.crews if subject.startswith("crew/") else self.files

    # -- cases part of the way

    def supplied(self, subject="file/f/1", **case):
        _, feed, case_id = subject.split("/")
        told = {"feed": feed, "case_id": case_id, "district": "东区", "description": "积水"} | case
        return self.do("supplied", SYSTEM, subject, reason="", case=told)

    def registered(self, subject="file/f/1"):
        self.supplied(subject)
        return self.do("register", OPERATOR, subject)

    def dispatched(self, subject="file/f/1", crews=("c1",)):
        self.registered(subject)
        more = {"crews": list(crews)} if crews else {}
        return self.do("dispatch", DISPATCHER, subject, unit="roads", **more)

    def fed_back(self, subject="file/f/1", crews=("c1",)):
        self.dispatched(subject, crews)
        return self.do("feed_back", ROADS, subject, opinion="已排除")

    def checked(self, subject="file/f/1", crews=("c1",)):
        self.fed_back(subject, crews)
        self.do("request_check", OPERATOR, subject)
        return self.do("report_check", INSPECTOR, subject, passed=True)

    def closed(self, subject="file/f/1", crews=("c1",)):
        self.checked(subject, crews)
        return self.do("close", OPERATOR, subject)
