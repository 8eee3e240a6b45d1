"""Streams in memory by the hall's real aggregates, written as the ledger does it, and people to move them."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec

from dispatch.policy import compile_policy
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.config import parse
from hall.core.errors import Refused

NOW = 1_800_000_000_000
MINUTE = 60_000

SYSTEM = Actor(name="system", role="system", kind="system")
OPERATOR = Actor(name="坐席", role="operator")
DISPATCHER = Actor(name="派遣", role="dispatcher")
SUPERVISOR = Actor(name="值班长", role="supervisor")
LEADER = Actor(name="领导", role="leader")
ADMIN = Actor(name="管理员", role="admin")
VIEWER = Actor(name="看", role="viewer")
DRAINAGE = Actor(name="排水坐席", role="department", unit="市排水设施管理处")
POLICE = Actor(name="交警坐席", role="department", unit="市公安局交警支队")
PEOPLE = (OPERATOR, DISPATCHER, SUPERVISOR, LEADER, ADMIN, VIEWER, DRAINAGE, POLICE)

CITY = """
[city]
name = { "zh-CN" = "试验市" }
centre = [113.9, 35.3]
[walls.east]
layout = "routine"
[dispatch.plans.flood.levels.III]
scenes = { east = "flood" }
[dispatch.plans.flood.levels.II]
scenes = { east = "flood" }
[dispatch.plans.flood.spots.X01]
name = { "zh-CN" = "胜利路下穿" }
lon = 113.91
lat = 35.31
district = "红旗区"
site = "gauges/X01"
[dispatch.plans.flood.spots.X02]
name = { "zh-CN" = "平原路下穿" }
lon = 113.93
lat = 35.32
level = "II"
unit = "市政养护所"
"""


class World:
    """`do` makes a move as somebody; refusals are raised. `real` is the machine's ms."""

    def __init__(self, more: str = "") -> None:
        self.policy = compile_policy(parse(CITY + more))
        self.aggregates = self.policy.aggregates()
        self.states: dict[str, Any] = {}
        self.entries: list[Entry] = []
        self.now = self.real = NOW
        self._ids = itertools.count()

    def get(self, subject: str) -> Any | None:
        return self.states.get(subject)

    def history(self, subject: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.subject == subject]

    def names(self, topic: str) -> list[str]:
        return [name for name, state in self.states.items() if name.startswith(f"{topic}/") and not state.ended]

    def do(self, subject: str, move: str, actor: Actor, reason: str = "", /, **data: Any) -> list[Draft]:
        aggregate = self.aggregates[subject.partition("/")[0]]
        state = self.get(subject)
        command = Command(
            id=f"t{next(self._ids)}",
            subject=subject,
            move=move,
            revision=state.revision if state else 0,
            reason=reason,
            data=data,
        )
        drafts = aggregate.decide(self, command, actor)
        for draft in drafts:
            self.write(draft, actor)
        return drafts

    def write(self, draft: Draft, actor: Actor) -> None:
        state = self.get(draft.subject)
        data = msgspec.json.decode(msgspec.json.encode(draft.data))
        entry = Entry(
            seq=len(self.entries) + 1, subject=draft.subject, revision=state.revision + 1 if state else 1, move=draft.move,
            time=self.now, recorded=self.now, real=self.real, who=actor.name, role=actor.role, kind=actor.kind, unit=actor.unit,
            reason=draft.reason, data=data,
        )  # fmt: skip
        self.entries.append(entry)
        made = self.aggregates[draft.subject.partition("/")[0]].evolve(state, entry)
        # what the ledger stores is what is read back
        self.states[draft.subject] = msgspec.json.decode(msgspec.json.encode(made), type=type(made))

    def refused(self, subject: str, move: str, actor: Actor, reason: str = "", /, **data: Any) -> str:
        """The reason of the refusal, empty when it was not refused."""
        try:
            self.do(subject, move, actor, reason, **data)
        except Refused as refusal:
            return refusal.reason
        return ""

    def tasks(self, *states: str) -> dict[str, Any]:
        """Tasks by id, in these states."""
        found = {name[5:]: task for name, task in self.states.items() if name.startswith("task/")}
        return {name: task for name, task in found.items() if not states or task.state in states}

    @property
    def response(self) -> Any:
        return self.states["response/flood"]

    def enrolled(self) -> World:
        for name, plan in self.aggregates["response"].plans.by_name.items():
            self.do(f"response/{name}", "enrol", SYSTEM, **plan.facts())
        return self
