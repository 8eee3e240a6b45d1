"""What is around a case: cases, crews, cameras and gauges near it, earlier cases there, reports of the same thing."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall.app.answers import json
from hall.app.channels import Channels, unseen_channel
from hall.app.commanding import Commands
from hall.app.dispatching import REFUSALS, CaseId, Feed
from hall.app.nearness import Spot, alike, metres, nearest
from hall.app.picture import Picture, Row
from hall.app.seeing import seen, unseen
from hall.app.visit import current_visit
from hall.core.errors import Refused

#: of each kind in one answer
MOST = 50
#: metres within which an earlier case counts as the same place
PREMISE_METRES = 40.0
Radius = Annotated[float, Query(ge=1, le=20_000, description="metres")]
Limit = Annotated[int, Query(ge=1, le=MOST)]


class Book(Protocol):
    """What is used of the casebook (the dispatch room's)."""

    def search(self, text: str, filters: dict, sort: str, offset: int, limit: int, now: int) -> Any: ...


class Near(BaseModel):
    """A thing near by; further fields by its kind."""

    model_config = ConfigDict(extra="allow")
    subject: str
    distance_m: float
    lon: float
    lat: float


class Around(BaseModel):
    """Nearest first, at most `limit` of each kind."""

    radius: float
    cases: list[Near]
    crews: list[Near]
    cameras: list[Near]
    sensors: list[Near]


class Earlier(BaseModel):
    """Earlier cases at the same address or within 40 m, newest first."""

    cases: list[dict[str, Any]]


class Duplicates(BaseModel):
    """Open cases that may be the same thing, most probable first; `score` from 0 to 1, `why` says from what."""

    cases: list[dict[str, Any]] = Field(description="near cases with `score` and `why: [{code: distance|class|time, ...}]`")


class Surroundings:
    """Handlers and their router."""

    def __init__(self, commands: Commands, picture: Picture, book: Book, clock: Any, channels: Channels) -> None:
        self.commands, self.picture, self.book, self.clock, self.channels = commands, picture, book, clock, channels
        self.router = APIRouter(prefix="/api/v1/files/{feed}/{case_id:path}", tags=["dispatch"], responses=REFUSALS)
        self.router.add_api_route("/around", self.around, methods=["GET"], response_model=Around)
        self.router.add_api_route("/premise", self.premise, methods=["GET"], response_model=Earlier)
        self.router.add_api_route("/duplicates", self.duplicates, methods=["GET"], response_model=Duplicates)

    async def around(self, feed: Feed, case_id: CaseId, radius: Radius = 500.0, limit: Limit = 20) -> Response:
        """Cases, crews, cameras and gauges within `radius` metres."""
        subject, case = await self._placed(feed, case_id)
        place = case["lon"], case["lat"], radius, limit
        kinds = {"cases": await self._cases(subject), "crews": await self._crews()}
        kinds |= {"sensors": await self.picture.spots("sensor")}
        found = {name: nearest(spots, *place) for name, spots in kinds.items()}
        return json({"radius": radius, **found, "cameras": await self._cameras(*place)})

    async def _cameras(self, lon: float, lat: float, radius: float, limit: int) -> list[dict[str, Any]]:
        return await cameras_around(self.channels, self.picture, lon, lat, radius, limit)

    async def premise(self, feed: Feed, case_id: CaseId, limit: Limit = 20) -> Response:
        """Earlier cases at this address or within 40 m of it, newest first, ended ones too."""
        subject, case = await self._seen(feed, case_id)
        address = case.get("address", "").strip()
        found: dict[str, dict[str, Any]] = {}
        if address:
            now = self.clock.now()
            page = await asyncio.to_thread(self.book.search, address[:200], {}, "reported desc", 0, MOST, now)
            found = {row["subject"]: _line(row) for row in page.rows if row.get("address", "").strip() == address}
        if case.get("lon") is not None:
            for row in nearest(await self._cases(subject), case["lon"], case["lat"], PREMISE_METRES, MOST):
                found[row["subject"]] = {**found.get(row["subject"], {}), **row}
        who = current_visit().identity
        rows = [row for row in found.values() if not unseen(who, row.get("district", ""), row.get("unit", ""))]
        rows = [_with_distance(row, case) for row in rows if row["subject"] != _case_of(subject)]
        return json({"cases": sorted(rows, key=lambda row: -(row.get("reported") or 0))[:limit]})

    async def duplicates(self, feed: Feed, case_id: CaseId, limit: Limit = 10) -> Response:
        """Open cases that are probably the same thing: near, of the same class, reported about the same time."""
        subject, case = await self._placed(feed, case_id)
        reported = (case.get("stages") or {}).get("reported") or self.clock.now()
        return json({"cases": alike(case, reported, await self._cases(subject), limit)})

    async def _seen(self, feed: str, case_id: str) -> tuple[str, dict[str, Any]]:
        subject = f"file/{feed}/{case_id}"
        return subject, (await self.commands.view(subject))["case"]

    async def _placed(self, feed: str, case_id: str) -> tuple[str, dict[str, Any]]:
        subject, case = await self._seen(feed, case_id)
        if case.get("lon") is None or case.get("lat") is None:
            raise Refused("place-unknown", "this case has no position", 409)
        return subject, case

    async def _cases(self, subject: str) -> list[Spot]:
        """Other open cases that the asker may see."""
        who, own = current_visit().identity, _case_of(subject)
        spots = await self.picture.spots("case")
        return [
            spot
            for spot in spots
            if spot.subject != own and not unseen(who, spot.shown.get("district", ""), spot.shown.get("unit", ""))
        ]

    async def _crews(self) -> list[Spot]:
        """Crews that the asker may see, where they are now, else at their base."""
        who = current_visit().identity
        crews = {name: crew for name, crew in (await self.commands.desk.states("crew")).items() if seen(who, crew)}
        return crew_spots(crews, await self.picture.rows("position"))


async def cameras_around(
    channels: Channels, picture: Picture, lon: float, lat: float, radius: float, limit: int
) -> list[dict[str, Any]]:
    """From the catalogue, which holds a hundred thousand; while the video process is away, from the bus."""
    who = current_visit().identity
    try:
        return await channels.around(lon, lat, radius, limit)
    except Refused:
        spots = [spot for spot in await picture.spots("channel") if not unseen_channel(who, spot.shown)]
        return nearest(spots, lon, lat, radius, limit)


def crew_spots(crews: dict[str, Any], fixes: list[Row]) -> list[Spot]:
    """Crews where they are now, else at their base."""
    positions, found = {row.subject: row for row in fixes}, []
    for subject, crew in crews.items():
        fix, base = positions.get(crew.position), crew.base
        data = fix.data if fix else {}
        lon, lat = (data["lon"], data["lat"]) if data.get("lon") is not None else (base.lon, base.lat)
        if lon is None or lat is None:
            continue
        shown = {"crew": crew.crew_id, "name": crew.name, "label": crew.label, "unit": crew.unit, "state": crew.state}
        shown["live"] = fix is not None and data.get("lon") is not None
        found.append(Spot(subject, lon, lat, fix.time if fix else 0, {**shown, "at": fix.time if fix else None}))
    return found


def vehicle_spots(crews: dict[str, Any], fixes: list[Row]) -> list[Spot]:
    """What reports a position and belongs to no crew of the roster (`crews`: all of them): buses, sweepers, patrols."""
    taken, found = {crew.position for crew in crews.values()}, []
    for subject, time, data in fixes:
        if subject in taken or data.get("lon") is None or data.get("lat") is None:
            continue
        shown = {name: data[name] for name in ("kind", "state", "district", "accuracy_m") if data.get(name) is not None}
        shown["name"] = data.get("name") or data.get("unit_id") or subject.rpartition("/")[2]
        found.append(Spot(subject, data["lon"], data["lat"], time, {"kind": "vehicle", **shown}))
    return found


def _case_of(subject: str) -> str:
    return "case/" + subject.partition("/")[2]


def _line(row: dict[str, Any]) -> dict[str, Any]:
    names = ("subject", "state", "class_name", "subclass_name", "address", "severity", "district", "unit", "lon", "lat")
    reported = (row.get("stages") or {}).get("reported") or row.get("time")
    shown = {name: row[name] for name in names if name in row}
    return {**shown, "description": row.get("description", "")[:200], "reported": reported}


def _with_distance(row: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    if "distance_m" in row or row.get("lon") is None or case.get("lon") is None:
        return row
    return {**row, "distance_m": round(metres(case["lon"], case["lat"], row["lon"], row["lat"]), 1)}
