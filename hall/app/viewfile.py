"""What a map's view shows, as a GeoJSON file: every layer that is data, cut down to what the asker may see, with what was cut.

The hall makes it from what it knows now, not from what a browser holds; a replayed view has no such file.
"""

from __future__ import annotations

import asyncio
import gzip
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import shapely
from fastapi import APIRouter
from fastapi.responses import Response

from hall.app import viewfeatures as features
from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.boundaries import Boundaries
from hall.app.filehead import Head, collection, head, moment
from hall.app.heat import Heat
from hall.app.seeing import CALLING, told_of
from hall.app.selecting import EXPORTED, Area, Selecting
from hall.app.selection import KINDS as SELECTED
from hall.app.selection import as_features, discreet, line_of
from hall.app.viewasked import AskedField, View
from hall.app.viewfeatures import Made, Table, Told
from hall.app.visit import current_visit
from hall.core.clock import real_ms
from hall.core.errors import ConfigError, HallError, Refused
from hall.core.model import Sensor
from hall.core.process import Process
from hall.core.raster import Raster

_QUANTITY = Sensor(feed="", sensor_id="").quantity  # of a gauge whose document does not name it
_MORE = ("value", "quantity", "unit_of_value", "accuracy_m", "radius_m")


class ViewFile:
    """Handlers and their router; `note` writes an audit line."""

    def __init__(
        self, process: Process, selecting: Selecting, heat: Heat, note: Callable[..., Awaitable[None]], most: int = EXPORTED
    ) -> None:
        self.process, self.selecting, self._heat, self._note, self._most = process, selecting, heat, note, most
        self._boundaries = Boundaries(process.config, process.settings.data_dir / "geography")
        self._levels: dict[str, tuple[str, list[dict[str, Any]], Any]] = {}
        self._turn = asyncio.Semaphore(1)
        self.router = APIRouter(prefix="/api/v1/map/exports", tags=["map"])
        self.router.add_api_route("/view", self.count, methods=["POST"], response_class=Response)
        self.router.add_api_route("/geojson", self.file, methods=["POST"], response_class=Response)

    async def count(self, view: View) -> Response:
        """What the file would hold: `{most, kinds: {kind: {total, taken}}, missing: {kind: why}}`."""
        made, missing = await self._made(view)
        kinds = {kind: {"total": one.total, "taken": len(one.features)} for kind, one in made.items()}
        for kind in ("depth", "rain"):  # areas of classes: runs of pixels say what was cut
            if kind in made:
                kinds[kind]["taken"] = min(made[kind].total, features.MOST_RUNS)
        return json({"most": self._most, "kinds": kinds, "missing": missing})

    async def file(self, view: View) -> Response:
        """The file; a line `audit/export` says who took what."""
        made, missing = await self._made(view)
        found = [one for kind in made for one in made[kind].features]
        counts = {kind: one.total for kind, one in made.items()}
        cut = {kind: {"total": one.total, "taken": len(one.features)} for kind, one in made.items() if self._cut(kind, one)}
        told = {"what": "map", "kind": "geojson", "title": view.title, "box": view.box, "rows": len(found)}
        await self._note("export", current_actor(), told | {"counts": counts, "cut": sorted(cut), "missing": sorted(missing)})
        who = current_visit().identity
        told = Head(view.title, who.name, self.process.clock.now(), view.marks, view.box, view.zoom)
        begun, more = head(told, self.process.config.city.timezone), {"counts": counts, "most_of_a_kind": self._most}
        more |= {"not_all": cut, "missing": missing}
        body = await asyncio.to_thread(lambda: msgspec.json.encode(collection(begun, found, **more)))
        headers = {"cache-control": "no-store", "content-disposition": 'attachment; filename="view.geojson"'}
        return Response(body, headers=headers, media_type="application/geo+json")

    def _cut(self, kind: str, one: Made) -> bool:
        return one.total > features.MOST_RUNS if kind in ("depth", "rain") else one.total > len(one.features)

    def _said(self, ms: int) -> str | None:
        return moment(ms, ZoneInfo(self.process.config.city.timezone))

    # -- looking -------------------------------------------------------------------------------------------------------

    async def _made(self, view: View) -> tuple[dict[str, Made], dict[str, str]]:
        west, south, east, north = view.box
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise Refused("bad-request", "box: west before east, south before north, within ±180 and ±90", 422)
        area = shapely.box(west, south, east, north)
        made: dict[str, Made] = {}
        missing: dict[str, str] = {}
        async with self._turn:
            for kind in dict.fromkeys(view.kinds):
                try:
                    look = self._selected if kind in SELECTED else _LOOK[kind]
                    found = await look(view, area, kind) if kind in SELECTED else await look(self, view, area)
                    made[kind] = self._finished(found)
                except (HallError, OSError, sqlite3.Error) as error:
                    if getattr(error, "reason", "") != "components-none":
                        missing[kind] = getattr(error, "detail", "") or str(error)
        return made, missing

    def _finished(self, made: Made) -> Made:
        """Moments by the city's clock, personal numbers out for who does not call, no more than the bound."""
        calling = current_visit().identity.role in CALLING
        for one in made.features[: self._most]:
            own = one["properties"]
            for name in ("time", "onset", "expires", "run", "period_from", "period_to", "counted_at"):
                if isinstance(own.get(name), int):
                    own[name] = self._said(own[name])
            if not calling:
                own.update(discreet(own))
        return Made(made.total, made.features[: self._most])

    async def _selected(self, view: View, area: Any, kind: str) -> Made:
        asked = Area(geometry={}, kinds=[kind])
        if kind == "cameras":
            found = await self.selecting.cameras_in(tuple(view.box), self._most)
        elif kind == "components":
            found = await self.selecting.components_in(area, view.components, self._most)
        else:
            found = await self.selecting.look(kind, area, asked, self._most)
        rows = await self._read(found.rows) if kind == "gauges" else found.rows
        calling, zone = current_visit().identity.role in CALLING, self.process.config.city.timezone
        made = as_features([(line_of(kind, row, calling), row.get("geometry")) for row in rows], zone)
        for one, row in zip(made, rows, strict=True):
            one["properties"]["source"] = _source(kind, row)
            one["properties"].update({name: row[name] for name in _MORE if row.get(name) is not None})
        return Made(found.total, made)

    async def _read(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Gauges with their newest reading, whose time is theirs then."""
        newest: dict[str, Any] = {}
        for _, time, data in await self.selecting.sources.picture.rows("observation"):
            key = f"sensor/{data.get('feed')}/{data.get('sensor_id')}", data.get("quantity")
            if key not in newest or newest[key][0] < time:
                newest[key] = time, data
        found = []
        for row in rows:
            time, data = newest.get((row["subject"], row.get("quantity") or _QUANTITY), (row.get("time"), {}))
            read = {"value": data.get("value"), "unit_of_value": data.get("unit") or row.get("unit"), "time": time}
            found.append({**row, "unit": "", "severity": data.get("severity") or "", **read})
        return found

    async def _rows(self, topic: str) -> list[Told]:
        who = current_visit().identity
        if not told_of(who, topic):
            return []
        return [Told(*row) for row in await self.selecting.sources.picture.rows(topic)]

    async def _warnings(self, view: View, area: Any) -> Made:
        found = features.warnings(await self._rows("warning"), self.process.clock.now(), area)
        return Made(len(found), found)

    async def _places(self, kind: str, topic: str, area: Any) -> Made:
        rows = await self._rows(topic)
        if topic == "incident":
            rows = [await asyncio.to_thread(self._placed, row) for row in rows]
        found = features.places(kind, rows, area)
        return Made(len(found), found)

    def _placed(self, row: Told) -> Told:
        """An incident without a place stands at the first of its cases that has one, as on the map."""
        if row.data.get("lon") is not None:
            return row
        for member in row.data.get("members") or ():
            case = self.selecting.sources.book.get("case/" + member.partition("/")[2]) if member.startswith("file/") else None
            if case is not None and case.get("lon") is not None:
                return row._replace(data={**row.data, "lon": case["lon"], "lat": case["lat"]})
        return row

    async def _areas(self, name: str, area: Any) -> list[dict[str, Any]]:
        try:
            made = await self._boundaries.made(name)
        except KeyError:
            raise Refused("boundary-unknown", f"there is no level {name!r}", 404) from None
        except ConfigError as error:
            raise Refused("boundary-unreadable", f"{error.key}: {error.problem}", 503) from None

        def read() -> tuple[str, list[dict[str, Any]], Any]:
            found = msgspec.json.decode(gzip.decompress(made.body))["features"]
            return made.etag, found, shapely.from_geojson([msgspec.json.encode(one["geometry"]) for one in found])

        if self._levels.get(name, ("",))[0] != made.etag:
            self._levels[name] = await asyncio.to_thread(read)
        _, found, shapes = self._levels[name]
        return [one for one, held in zip(found, shapely.intersects(shapes, area), strict=True) if held]

    async def _measures(self, view: View, area: Any) -> Made:
        if (asked := view.measures) is None:
            raise Refused("bad-request", "measures: name the measure and the level", 422)
        bus = self.process.bus
        key = f"{asked.measure}/{asked.level}"
        known, body = await bus.hash_get("", "measures"), await bus.hash_get(key, "measures")
        await bus.hash_set({key: str(real_ms())}, "measures-asked")
        about = {one["name"]: one for one in msgspec.json.decode(known)["measures"]} if known else {}
        if asked.measure not in about or body is None:
            raise Refused("measures-none", "this measure is not worked out yet; ask again", 503)
        areas = await self._areas(asked.level, area)
        within = [one for one in areas if one["properties"].get("parent") == asked.parent]
        table = msgspec.json.decode(gzip.decompress(body))
        found = features.measured(within if asked.parent and within else areas, Table(about[asked.measure], table))
        return Made(len(found), found)

    async def _cells(self, view: View, area: Any) -> Made:
        told = next((row for row in await self._rows("kpi") if row.subject == "kpi/cells"), None)
        if told is None:
            raise Refused("measures-none", "the hall has not counted its cells yet", 503)
        rows, as_of = told.data.get("rows") or {}, told.data.get("as_of")
        found = features.cells(await self._areas("cells", area), rows, as_of)
        return Made(len(found), found)

    async def _heat_cells(self, view: View, area: Any) -> Made:
        if (asked := view.heat) is None:
            raise Refused("bad-request", "heat: name the period", 422)
        grid, _ = await self._heat.counted(asked.since, asked.until, tuple(view.box), asked.zoom, asked.classes)
        until = min(asked.until, self.process.clock.now())
        return await asyncio.to_thread(features.heat, grid, asked.since, until, asked.classes, self._most)

    async def _field(self, kind: str, asked: AskedField | None, view: View) -> Made:
        if asked is None or not told_of(current_visit().identity, "raster"):
            raise Refused("frame-unknown", "no field is shown", 422)
        index = await self.process.bus.hash_get(asked.feed, "rasters")
        try:
            raster = msgspec.json.decode(index or b"{}", type=dict[str, Raster]).get(asked.product)
        except msgspec.MsgspecError:
            raster = None
        frame = next((one for one in raster.frames if one.version == asked.version), None) if raster else None
        body = await self.process.bus.hash_get(asked.version, "raster", asked.feed) if frame else None
        if raster is None or frame is None or body is None:
            raise Refused("frame-unknown", "this frame is not kept any more", 404)
        return await asyncio.to_thread(features.field, kind, raster, frame, gzip.decompress(body), tuple(view.box))


_LOOK: dict[str, Callable[[ViewFile, View, Any], Awaitable[Made]]] = {
    "warnings": ViewFile._warnings,
    "closures": lambda self, view, area: self._places("closures", "closure", area),
    "depots": lambda self, view, area: self._places("depots", "depot", area),
    "incidents": lambda self, view, area: self._places("incidents", "incident", area),
    "measures": ViewFile._measures,
    "cells": ViewFile._cells,
    "heat": ViewFile._heat_cells,
    "depth": lambda self, view, area: self._field("depth", view.depth, view),
    "rain": lambda self, view, area: self._field("rain", view.rain, view),
}


def _source(kind: str, row: dict[str, Any]) -> str:
    """Whose word it is: the feed, the file of an import, or the hall's own."""
    if kind == "components":
        return str(row.get("source") or "")
    if kind == "crews":
        return "position" if row.get("live") else "base"
    parts = str(row.get("subject", "")).split("/")
    return parts[1] if kind in ("cases", "vehicles", "cameras", "gauges") and len(parts) > 1 else "hall"
