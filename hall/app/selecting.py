"""What lies in an area: counted and listed by kind, exported, all of it cut down to what the asker may see.

Cases come from the casebook and components from the inventory, so nothing depends on what a browser holds.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import shapely
from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall.access import Identity
from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.channels import Channels, unseen_channel
from hall.app.components import Asked as Filter
from hall.app.components import question_of
from hall.app.discretion import redacted
from hall.app.filehead import Head, Mark, collection, head
from hall.app.picture import Picture
from hall.app.seeing import CALLING, seen, told_of, unseen
from hall.app.selection import KINDS, area_of, as_csv, as_features, line_of
from hall.app.surroundings import crew_spots, vehicle_spots
from hall.app.visit import current_visit
from hall.core.errors import BusLost, HallError, Refused
from hall.core.process import Process

#: of one kind listed in an answer, and in a file
LISTED, EXPORTED = 200, 20_000
#: kinds in the counts of one kind; selections worked on at once
GROUPS, AT_ONCE = 12, 2
_CASE = ("state", "class_name", "subclass_name", "address", "severity", "district", "unit", "due", "lon", "lat")
_LINE = 200


class Area(BaseModel):
    """`geometry`: GeoJSON, a Polygon or a Point with `radius_m`; WGS-84 degrees. `ended`: closed cases, too."""

    model_config = ConfigDict(extra="forbid")
    geometry: dict[str, Any]
    radius_m: float | None = None
    kinds: Annotated[
        list[Literal["cases", "crews", "vehicles", "cameras", "gauges", "components", "shapes"]], Field(max_length=10)
    ] = []
    ended: bool = False


class Order(Area):
    """`title`: what the file is about, kept in the record."""

    format: Literal["csv", "geojson"]
    title: Annotated[str, Field(max_length=200)] = ""
    marks: Annotated[list[Mark], Field(max_length=3)] = []


class Found(NamedTuple):
    """`rows`: at most as many as asked for, of `total`; `groups`: how many by what it is."""

    total: int
    groups: list[dict[str, Any]]
    rows: list[dict[str, Any]]


class Desk(Protocol):
    """What is used of dispatch.desk.Desk."""

    async def states(self, topic: str, *, ended: bool = False) -> dict[str, Any]: ...


class Sources(NamedTuple):
    """Where kinds are looked for: the casebook, the inventory, the picture, the catalogue of channels."""

    book: Any
    inventory: Any
    desk: Desk
    picture: Picture
    channels: Channels


class Selecting:
    """Handlers and their router. `geometry_of`: dispatch.shapes.outline; `note` writes an audit line."""

    def __init__(
        self, process: Process, sources: Sources, geometry_of: Callable[..., Any], note: Callable[..., Awaitable[None]]
    ) -> None:
        self.process, self.sources, self._geometry_of, self._note = process, sources, geometry_of, note
        self._turn = asyncio.Semaphore(AT_ONCE)
        self.router = APIRouter(prefix="/api/v1/map/selection", tags=["map"])
        self.router.add_api_route("", self.select, methods=["POST"], response_class=Response)
        self.router.add_api_route("/cases", self.cases, methods=["POST"], response_class=Response)
        self.router.add_api_route("/export", self.export, methods=["POST"], response_class=Response)

    async def select(self, asked: Area) -> Response:
        """`{now, kinds: {kind: {total, groups: [{name, count}], rows}}, missing: {kind: why}}`; at most 200 rows of a kind."""
        found, missing = await self._all(asked, LISTED)
        kinds = {kind: one._asdict() for kind, one in found.items()}
        return json({"now": self.process.clock.now(), "kinds": kinds, "missing": missing, "listed": LISTED})

    async def cases(self, asked: Area) -> Response:
        """Open cases to act on, most severe first, at most 20,000: `{total, rows: [[subject, class, severity, district]]}`."""
        area = area_of(self._geometry_of, asked.geometry, asked.radius_m)
        async with self._turn:
            placed = await asyncio.to_thread(self._placed, area, False)
        rows = [[one.subject, one.class_name, one.severity, one.district] for one in placed[:EXPORTED]]
        return json({"total": len(placed), "rows": rows})

    async def export(self, order: Order) -> Response:
        """The same as a file, at most 20,000 of a kind; leaves a line in the record of who took it."""
        found, missing = await self._all(order, EXPORTED)
        visit, zone = current_visit(), self.process.config.city.timezone
        calling = visit.identity.role in CALLING
        rows = [(line_of(kind, row, calling), row.get("geometry")) for kind, one in found.items() for row in one.rows]
        cut = {kind: one.total for kind, one in found.items() if one.total > len(one.rows)}
        told = {"what": "selection", "kind": order.format, "title": order.title, "rows": len(rows)}
        counts = {kind: one.total for kind, one in found.items()}
        await self._note(
            "export", current_actor(), told | {"counts": counts, "missing": sorted(missing), "area": order.geometry}
        )
        headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="selection.{order.format}"'}
        if order.format == "csv":
            return Response(as_csv([line for line, _ in rows], zone), media_type="text/csv; charset=utf-8", headers=headers)
        begun = head(Head(order.title, visit.identity.name, self.process.clock.now(), order.marks), zone)
        area = order.geometry if order.radius_m is None else {**order.geometry, "radius_m": order.radius_m}
        more = {"area": area, "not_all": cut, "missing": missing}
        return _file(await asyncio.to_thread(lambda: collection(begun, as_features(rows, zone), **more)), headers)

    # -- looking -------------------------------------------------------------------------------------------------------

    async def _all(self, asked: Area, limit: int) -> tuple[dict[str, Found], dict[str, str]]:
        area = area_of(self._geometry_of, asked.geometry, asked.radius_m)
        found, missing = {}, {}
        async with self._turn:
            for kind in asked.kinds or KINDS:
                try:
                    found[kind] = await self.look(kind, area, asked, limit)
                except (Refused, BusLost, HallError, OSError, sqlite3.Error) as error:
                    if getattr(error, "reason", "") != "components-none":
                        missing[kind] = getattr(error, "detail", "") or str(error)
        return found, missing

    async def look(self, kind: str, area: Any, asked: Area, limit: int) -> Found:
        """One kind in `area` (a shapely polygon), at most `limit` rows; raises Refused, BusLost and what the stores raise."""
        return await _LOOK[kind](self, area, asked, limit)

    def _placed(self, area: Any, ended: bool) -> list[Any]:
        """Cases in an area that the asker may see, open and most severe ones first; blocking."""
        who = current_visit().identity
        placed = [one for one in self.sources.book.inside(area, ended) if unseen(who, one.district, one.unit) is None]
        return sorted(placed, key=lambda one: (one.ended, -one.severity, one.subject))

    async def _cases(self, area: Any, asked: Area, limit: int) -> Found:
        who, book = current_visit().identity, self.sources.book

        def look() -> Found:
            placed = self._placed(area, asked.ended)
            rows = [case for one in placed[:limit] if (case := book.get(one.subject)) is not None]
            return Found(len(placed), _groups(one.class_name for one in placed), [_case(case, who) for case in rows])

        return await asyncio.to_thread(look)

    async def _components(self, area: Any, asked: Area, limit: int) -> Found:
        return await self.components_in(area, Filter(), limit)

    async def components_in(self, area: Any, filtered: Filter, limit: int) -> Found:
        """Components in `area` that answer a filter."""
        who = current_visit().identity
        view = self.sources.inventory.view(tuple(who.districts) or None, who.unit if who.role == "department" else None)
        if view is None:
            raise Refused("components-none", "no components were imported yet", 404)
        made = await asyncio.to_thread(view.inside, question_of(self.sources.inventory, filtered), area, limit)
        groups = [{"name": kind["sub"] or kind["main"] or kind["code"], "count": kind["count"]} for kind in made["classes"]]
        rows = [row | {"time": row.get("updated") or row.get("imported_at")} for row in made["rows"]]
        return Found(made["total"], groups[:GROUPS], rows)

    async def _crews(self, area: Any, asked: Area, limit: int) -> Found:
        who = current_visit().identity
        crews = {subject: crew for subject, crew in (await self.sources.desk.states("crew")).items() if seen(who, crew)}
        return _spots(area, crew_spots(crews, await self.sources.picture.rows("position")), limit, "state")

    async def _vehicles(self, area: Any, asked: Area, limit: int) -> Found:
        """Positions that no crew claims, for whoever is told of positions (hall/roles.py)."""
        if not told_of(current_visit().identity, "position"):
            return Found(0, [], [])
        crews = await self.sources.desk.states("crew")
        return _spots(area, vehicle_spots(crews, await self.sources.picture.rows("position")), limit, "kind")

    async def _gauges(self, area: Any, asked: Area, limit: int) -> Found:
        return _spots(area, await self.sources.picture.spots("sensor"), limit, "quantity")

    async def _cameras(self, area: Any, asked: Area, limit: int) -> Found:
        """From the catalogue; while the video process is away, those that the bus has."""
        who = current_visit().identity
        try:
            rows = await self.sources.channels.inside(area.bounds, EXPORTED)
        except Refused:
            spots = await self.sources.picture.spots("channel")
            return _spots(area, [spot for spot in spots if not unseen_channel(who, spot.shown)], limit, "state")
        rows = [row for row in rows if area.intersects(shapely.Point(row["lon"], row["lat"]))]
        names = ("subject", "name", "state", "kind", "owner", "district", "address", "has_stream", "lon", "lat")
        shown = [{name: row[name] for name in names if name in row} for row in rows[:limit]]
        return Found(len(rows), _groups(row.get("state", "") for row in rows), shown)

    async def cameras_in(self, box: tuple[float, float, float, float], limit: int) -> Found:
        """Cameras in a box (west, south, east, north in degrees), by name, and how many there are."""
        try:
            total, rows = await self.sources.channels.first_in(box, limit)
        except Refused:
            return await self._cameras(shapely.box(*box), Area(geometry={}), limit)
        return Found(total, [], [row | {"time": row.get("told_at") or None} for row in rows])

    async def _shapes(self, area: Any, asked: Area, limit: int) -> Found:
        who = current_visit().identity
        states = {subject: state for subject, state in (await self.sources.desk.states("shape")).items()}
        rows = []
        for subject, state in states.items():
            if told_of(who, "shape", state) and _drawn(state).intersects(area):
                at = _drawn(state).representative_point()
                row = {"subject": subject, "title": state.title, "note": state.note, "kind": state.kind, "time": state.changed}
                row |= {"unit": state.owner, "geometry": state.geometry, "lon": round(at.x, 6), "lat": round(at.y, 6)}
                rows.append(row | {"colour": state.colour, "radius_m": state.radius_m})
        return Found(len(rows), _groups(row["kind"] for row in rows), rows[:limit])


_LOOK = {
    "cases": Selecting._cases,
    "crews": Selecting._crews,
    "vehicles": Selecting._vehicles,
    "cameras": Selecting._cameras,
    "gauges": Selecting._gauges,
    "components": Selecting._components,
    "shapes": Selecting._shapes,
}


def _drawn(state: Any) -> Any:
    made = shapely.geometry.shape(state.geometry)
    return made.buffer(state.radius_m / 111_195) if state.radius_m else made


def _spots(area: Any, spots: list[Any], limit: int, by: str) -> Found:
    inside = [spot for spot in spots if area.intersects(shapely.Point(spot.lon, spot.lat))]
    rows = [{"subject": s.subject, "lon": s.lon, "lat": s.lat, "time": s.time or None, **s.shown} for s in inside[:limit]]
    return Found(len(inside), _groups(spot.shown.get(by, "") for spot in inside), rows)


def _groups(names: Any) -> list[dict[str, Any]]:
    return [{"name": name, "count": count} for name, count in Counter(names).most_common(GROUPS)]


def _case(case: dict[str, Any], who: Identity) -> dict[str, Any]:
    text = case.get("description", "")[:_LINE]
    shown = {name: case[name] for name in _CASE if name in case}
    named = {"subject": case["subject"], "time": case["time"], "name": case.get("case_id", "")}
    shown.setdefault("state", "reported")
    return named | shown | {"description": text if who.role in CALLING else redacted(text)}


def _file(made: dict[str, Any], headers: dict[str, str]) -> Response:
    found = json(made)
    found.headers.update(headers | {"content-type": "application/geo+json"})
    return found
