"""A real ledger on SQLite with the hall's real aggregates and a Desk over it, for tests of what works on the ledger."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

from dispatch.casefile import CaseFiles, CaseRules
from dispatch.clocks.city import CityClocks
from dispatch.crews.aggregate import Crews
from dispatch.desk import Desk
from dispatch.ledger import Ledger
from dispatch.notices import Notices
from hall.core.clock import CityClock, ClockState
from hall.core.command import Actor, Command
from hall.core.config import CityConfig, HallConfig

SYSTEM = Actor(name="system", role="system", kind="system")
OPERATOR = Actor(name="zhang", role="operator", desk="d1")
DISPATCHER = Actor(name="li", role="dispatcher", desk="d2")
SUPERVISOR = Actor(name="wang", role="supervisor", desk="d3")
UNIT = Actor(name="pai", role="department", unit="排水所")
CREW = Actor(name="crew:c1", role="crew", kind="crew", crew="c1")


class Standing:
    """What a Desk needs of a process: a city clock that stands where the test puts it, a bus to nudge, counters."""

    def __init__(self, home: Path, bus, now: int = 1_800_000_000_000, dispatch: dict | None = None) -> None:
        self.bus, self.counters, self.settings = bus, {}, SimpleNamespace(data_dir=home)
        self.clock = CityClock()
        self.config = HallConfig(
            city=CityConfig(name={"en": "T"}, centre=(113.9, 35.3), code="410700"), dispatch=dispatch or {}
        )
        self.set(now)

    def set(self, now: int) -> None:
        self.clock.state = ClockState(anchor_real=0, anchor_city=now, rate=0.0)


class Town:
    """Cases and crews in a ledger, and `more` aggregates; `do` makes a move as somebody and returns its outcome."""

    def __init__(self, home: Path, bus, dispatch: dict | None = None, more: tuple = ()) -> None:
        self.process = Standing(home, bus, dispatch=dispatch)
        clocks = CityClocks.from_table({}, "Asia/Shanghai", lambda name: home / name)
        files = CaseFiles(CaseRules(), clocks)
        aggregates = {made.topic: made for made in (files, Crews(), Notices(), *more)}
        self.ledger = Ledger(f"sqlite:///{home / 'ledger.db'}", aggregates)
        self.desk = Desk(self.process, self.ledger, files, lambda subject: None)
        self._ids = itertools.count()

    async def do(self, subject: str, move: str, actor: Actor, reason: str = "", /, **data):
        state = await self.desk.state(subject)
        revision = state.revision if state else None
        command = Command(id=f"t{next(self._ids)}", subject=subject, move=move, revision=revision, reason=reason, data=data)
        return await self.desk.execute(command, actor)

    async def case(self, name: str, severity: int = 2, **more) -> str:
        """A reported case of its own; returns its file's subject."""
        stages = {"reported": self.process.clock.now()}
        report = {"feed": "t", "case_id": name, "class_name": "市政设施", "subclass_name": "道路积水", "severity": severity,
                  "address": "新中大道 12 号", "district": "红旗区", "lon": 113.9, "lat": 35.3, "stages": stages, **more}  # fmt: skip
        await self.do(f"file/t/{name}", "open", SYSTEM, case=report)
        return f"file/t/{name}"

    async def crew(self, name: str, unit: str = "排水所") -> str:
        await self.do(f"crew/{name}", "enrol", SYSTEM, crew_id=name, name=f"{name}班", unit=unit)
        return f"crew/{name}"

    async def dispatched(self, name: str, *crews: str, **more) -> str:
        """A case in the hands of 排水所 with crews on it."""
        subject = await self.case(name, **more)
        await self.do(subject, "accept", OPERATOR)
        await self.do(subject, "register", OPERATOR)
        await self.do(subject, "dispatch", DISPATCHER, unit="排水所", **({"crews": list(crews)} if crews else {}))
        return subject

    def close(self) -> None:
        self.desk.close()
