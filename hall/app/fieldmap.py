"""`GET /api/v1/field/map`: what a crew's phone shows on its map beside its own tasks: what is shut, what is warned of, where
water stands. Nothing of citizens, no case but its own, no crew but itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from hall.app.field import answer_of, phone_actor
from hall.app.picture import Picture, Row
from hall.app.visit import current_visit
from hall.core.process import Process

#: states of a closure in which people must know of it
SHUT = ("ordered", "confirmed", "reopening_proposed")
#: metres of water from which a place counts as wet, and how old a reading may be (ms)
WET_M, FRESH_MS = 0.05, 3_600_000
#: of each kind on one phone
MOST = 300
_CLOSURE = ("name", "label", "kind", "lon", "lat", "since", "exercise", "detour", "depth")
_WARNING = ("headline", "event", "severity", "status", "expires")


class FieldMap:
    """Handler and its router. `states(topic)`: present states of the ledger's streams."""

    def __init__(self, process: Process, picture: Picture, states: Callable[[str], Any]) -> None:
        self.process, self.picture, self.states = process, picture, states
        self.router = APIRouter(tags=["field"])
        self.router.add_api_route("/api/v1/field/map", self.map, methods=["GET"], response_class=Response)

    async def map(self, request: Request) -> Response:
        """`{closures, warnings, gauges}`, each with its time; a link for one case gets none. With `If-None-Match` 304 while
        nothing changed; `X-Hall-Now`: city ms."""
        phone_actor()
        now = self.process.clock.now()
        found: dict[str, list[dict[str, Any]]] = {"closures": [], "warnings": [], "gauges": []}
        if not current_visit().identity.case:
            closures = await self.states("closure")
            found["closures"] = [_closure(subject, state) for subject, state in closures.items() if _shut(state)][:MOST]
            found["warnings"] = warnings_now(await self.picture.rows("warning"), now)[:MOST]
            found["gauges"] = wet_gauges(await self.picture.rows("sensor"), await self.picture.rows("observation"), now)[:MOST]
        return answer_of(request, found, now)


def _shut(state: Any) -> bool:
    return state.state in SHUT and state.lon is not None and state.lat is not None


def _closure(subject: str, state: Any) -> dict[str, Any]:
    plain = msgspec.to_builtins(state)
    shown = {name: plain[name] for name in _CLOSURE if plain.get(name) not in (None, "", False)}
    return {"subject": subject, "state": state.state, "at": plain.get("since")} | shown


def warnings_now(rows: list[Row], now: int) -> list[dict[str, Any]]:
    """Warnings that hold at `now` (city ms), as hall.warningsInForce of the screens decides: `{subject, at, headline, event,
    severity, status, expires, polygons}`, the mildest first."""
    replaced = {name for row in rows for name in row.data.get("references", [])}
    found = []
    for row in rows:
        data = row.data
        told = data.get("status", "Actual") in ("Actual", "Exercise") and data.get("message_type", "Alert") != "Cancel"
        onset, expires = data.get("onset"), data.get("expires")
        begun, over = onset is None or onset <= now, expires is not None and expires <= now
        if told and begun and not over and data.get("warning_id") not in replaced:
            polygons = [ring for area in data.get("areas", []) for ring in area.get("polygons", [])]
            shown = {name: data[name] for name in _WARNING if data.get(name) not in (None, "")}
            found.append({"subject": row.subject, "at": row.time, "polygons": polygons} | shown)
    return sorted(found, key=lambda one: (one.get("severity", 0), one["at"]))


def wet_gauges(sensors: list[Row], observations: list[Row], now: int) -> list[dict[str, Any]]:
    """Places where a reading of the last hour says that water stands, the deepest first: `{subject, name, lon, lat, metres,
    at, severity}`."""
    placed = {row.subject.partition("/")[2]: row.data for row in sensors if row.data.get("lon") is not None}
    found = []
    for row in observations:
        data, key = row.data, row.subject.partition("/")[2].rpartition("/")[0]
        value, sensor = data.get("value"), placed.get(key)
        if (
            data.get("quantity") != "water_depth"
            or sensor is None
            or value is None
            or value < WET_M
            or now - row.time > FRESH_MS
        ):
            continue
        shown = {"subject": f"sensor/{key}", "name": sensor.get("name", ""), "lon": sensor["lon"], "lat": sensor["lat"]}
        found.append(shown | {"metres": value, "at": row.time, "severity": data.get("severity", 0)})
    return sorted(found, key=lambda one: -one["metres"])
