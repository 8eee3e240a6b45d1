"""Who can be sent: crews with states and positions, crews ranked for a case, units with their load, limits to choose from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall.app.answers import json
from hall.app.commanding import Commands
from hall.app.dispatching import REFUSALS, CaseId, Feed
from hall.app.overriding import Recommendations
from hall.app.picture import Picture, Row
from hall.app.seeing import CALLING, seen, unseen
from hall.app.users import Users
from hall.app.visit import current_visit
from hall.core.model import CASE_ENDED


class Rules(BaseModel):
    """What a case may be handled under: one line per filing condition 立案条件 of its class."""

    conditions: list[dict[str, Any]] = Field(description="`{id, condition, label, kind, unit, department, closing}`")


class Ranked(BaseModel):
    """Crews for a case, best first, each with why; and those left out, each with the reason. One beyond the `first` of them
    is sent with a reason only."""

    model_config = ConfigDict(extra="allow")


class CrewList(BaseModel):
    """Every crew: its roster row, what it does now, and `fix {lon, lat, time}` where it is known."""

    crews: list[dict[str, Any]]


class UnitList(BaseModel):
    """Departments known, with what they have open now."""

    units: list[dict[str, Any]] = Field(description="`{unit, open, overdue, near, crews, available}`")


class Roster:
    """Handlers and their router. `conditions(case)` lists the rules of a case's class; it is the dispatch room's and quick."""

    def __init__(
        self,
        commands: Commands,
        picture: Picture,
        users: Users,
        clock: Any,
        conditions: Callable[[dict[str, Any]], list[dict[str, Any]]],
        recommendations: Recommendations,
    ) -> None:
        self.commands, self.picture, self.users, self.clock = commands, picture, users, clock
        self._conditions, self._recommendations = conditions, recommendations
        self.router = APIRouter(prefix="/api/v1", responses=REFUSALS)
        file = "/files/{feed}/{case_id:path}"
        add = self.router.add_api_route
        add(f"{file}/conditions", self.conditions, methods=["GET"], tags=["dispatch"], response_model=Rules)
        add(f"{file}/crews", self.ranked, methods=["GET"], tags=["crews"], response_model=Ranked)
        add("/crews", self.crews, methods=["GET"], tags=["crews"], response_model=CrewList)
        add("/units", self.units, methods=["GET"], tags=["crews"], response_model=UnitList)

    async def conditions(self, feed: Feed, case_id: CaseId) -> Response:
        """Limits offered for the case's class; the one chosen goes into `data.condition` of register or dispatch."""
        view = await self.commands.view(f"file/{feed}/{case_id}")
        return json({"conditions": self._conditions(view["case"])})

    async def ranked(self, feed: Feed, case_id: CaseId) -> Response:
        """Crews ranked for the case by travel time, load, skills and duty, with why."""
        view = await self.commands.view(f"file/{feed}/{case_id}")
        return json(await self._recommendations.rank(view["case"], current_visit().identity))

    async def crews(self) -> Response:
        """The roster with states and positions; a department sees its own crews."""
        who = current_visit().identity
        positions = {row.subject: row for row in await self.picture.rows("position")}
        states = (await self.commands.desk.states("crew")).values()
        rows = [shown(crew, positions.get(crew.position), who.role in CALLING) for crew in states if seen(who, crew)]
        return json({"crews": sorted(rows, key=lambda row: row["crew_id"])})

    async def units(self) -> Response:
        """Departments that hold cases, have crews, or have a seat in the hall."""
        who, now = current_visit().identity, self.clock.now()
        found: dict[str, dict[str, Any]] = {}

        def of(unit: str) -> dict[str, Any]:
            return found.setdefault(unit, {"unit": unit, "open": 0, "overdue": 0, "near": 0, "crews": 0, "available": 0})

        for user in await asyncio.to_thread(self.users.all):
            if user.unit:
                of(user.unit)
        for crew in (await self.commands.desk.states("crew")).values():
            if crew.unit:
                of(crew.unit)["crews"] += 1
                of(crew.unit)["available"] += crew.state == "available"
        for row in await self.picture.rows("file"):
            file = row.data
            unit = file.get("unit", "")
            if unit and file.get("state") not in CASE_ENDED and not unseen(who, file.get("district", ""), unit):
                _count(of(unit), file.get("clock") or {}, now)
        rows = [row for row in found.values() if who.role != "department" or row["unit"] == who.unit]
        return json({"units": sorted(rows, key=lambda row: (-row["open"], row["unit"])), "as_of": now})


def _count(row: dict[str, Any], clock: dict[str, Any], now: int) -> None:
    row["open"] += 1
    if clock.get("due") is not None and clock.get("stopped_at") is None:
        overdue = now >= clock["due"]
        row["overdue"] += overdue
        row["near"] += not overdue and now >= clock.get("near", clock["due"])


def shown(crew: Any, fix: Row | None, calling: bool) -> dict[str, Any]:
    made = {**msgspec.to_builtins(crew), "state": crew.state, "revision": crew.revision}
    if not calling:
        for field in ("members", "present"):
            if field in made:
                made[field] = [{key: value for key, value in member.items() if key != "phone"} for member in made[field]]
    known = fix is not None and fix.data.get("lon") is not None
    return {**made, "fix": {"lon": fix.data["lon"], "lat": fix.data["lat"], "time": fix.time} if fix and known else None}
