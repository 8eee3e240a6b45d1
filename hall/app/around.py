"""What is around any place, within what the asker may see: `/api/v1/around?lon=&lat=&radius=`. The nearest first, each with
metres and direction; how many of each kind there are, also of those that are not listed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from hall.access import Identity
from hall.app.answers import json
from hall.app.channels import Channels
from hall.app.components import Components
from hall.app.nearness import Spot, bearing, nearest
from hall.app.overriding import Recommendations
from hall.app.picture import Picture
from hall.app.seeing import seen, told_of, unseen
from hall.app.surroundings import cameras_around, crew_spots
from hall.app.visit import current_visit
from hall.core.errors import BusLost, HallError, Refused
from hall.core.process import Process

#: counted of each kind at most (cameras: as many as the catalogue gives at once)
MOST, MOST_CAMERAS = 5_000, 100
_Lon = Annotated[float, Query(ge=-180, le=180)]
_Lat = Annotated[float, Query(ge=-90, le=90)]


class Around:
    """Handler and its router. `states(topic)`: present states of the ledger's streams."""

    def __init__(
        self,
        process: Process,
        channels: Channels,
        components: Components,
        picture: Picture,
        recommendations: Recommendations,
        states: Callable[[str], Awaitable[dict[str, Any]]],
    ) -> None:
        self.process, self.channels, self.components, self.picture = process, channels, components, picture
        self.recommendations, self.states = recommendations, states
        self.router = APIRouter(tags=["map"])
        self.router.add_api_route("/api/v1/around", self.around, methods=["GET"], response_class=Response)

    async def around(
        self,
        lon: _Lon,
        lat: _Lat,
        radius: Annotated[float, Query(ge=10, le=5_000, description="metres")] = 500.0,
        limit: Annotated[int, Query(ge=1, le=50)] = 10,
    ) -> Response:
        """`{lon, lat, radius, as_of, kinds: [{kind, total, capped, rows, fault}]}`; kinds: case crew camera closure gauge
        resource component (with `classes`). A row: `{subject, distance_m, bearing, lon, lat, ...}`, of crews `eta_s`, `how`."""
        who, place = current_visit().identity, (lon, lat, radius)
        kinds = {
            "case": self._cases(who, *place),
            "crew": self._crews(who, *place),
            "camera": self._cameras(*place),
            "closure": self._stream("closure", who, *place),
            "gauge": self._gauges(who, *place),
            "resource": self._stream("depot", who, *place),
            "component": self._components(*place, limit),
        }
        found = await asyncio.gather(*(self._guarded(kind, work, limit) for kind, work in kinds.items()))
        for group in found:
            for row in group["rows"]:
                row["bearing"] = bearing(lon, lat, row["lon"], row["lat"])
        now = self.process.clock.now()
        return json({"lon": lon, "lat": lat, "radius": radius, "as_of": now, "kinds": found})

    @staticmethod
    async def _guarded(kind: str, work: Awaitable[dict[str, Any]], limit: int) -> dict[str, Any]:
        """One kind that cannot be asked says why; the others are there."""
        try:
            found = await work
        except Refused as refused:
            none = refused.reason == "components-none"
            return {
                "kind": kind,
                "total": 0 if none else None,
                "capped": False,
                "rows": [],
                "fault": "" if none else refused.reason,
            }
        except BusLost:
            return {"kind": kind, "total": None, "capped": False, "rows": [], "fault": "bus-lost"}
        except HallError as error:
            return {"kind": kind, "total": None, "capped": False, "rows": [], "fault": str(error)[:120]}
        rows = found.pop("rows")
        told = {"kind": kind, "total": len(rows), "capped": False, "fault": ""} | found
        return told | {"rows": rows[:limit]}

    async def _cases(self, who: Identity, lon: float, lat: float, radius: float) -> dict[str, Any]:
        spots = await self.picture.spots("case")
        own = [s for s in spots if not unseen(who, s.shown.get("district", ""), s.shown.get("unit", ""))]
        return {"rows": nearest(own, lon, lat, radius, MOST)}

    async def _crews(self, who: Identity, lon: float, lat: float, radius: float) -> dict[str, Any]:
        """Crews by how soon they can be there, by road where roads are known; those that cannot be sent after them."""
        states = {name: crew for name, crew in (await self.states("crew")).items() if seen(who, crew)}
        rows = {
            row["crew"]: row for row in nearest(crew_spots(states, await self.picture.rows("position")), lon, lat, radius, MOST)
        }
        if rows:
            ranked = await self.recommendations.rank({"lon": lon, "lat": lat}, who)
            for order, one in enumerate(ranked["ranked"]):
                if row := rows.get(one["crew"]):
                    row |= {"eta_s": one.get("eta_s"), "how": one.get("how", ""), "order": order}
            for one in ranked["excluded"]:
                if row := rows.get(one["crew"]):
                    row["excluded"] = one.get("excluded", "")
        return {"rows": sorted(rows.values(), key=lambda row: (row.get("order", MOST), row["distance_m"]))}

    async def _cameras(self, lon: float, lat: float, radius: float) -> dict[str, Any]:
        rows = await cameras_around(self.channels, self.picture, lon, lat, radius, MOST_CAMERAS)
        return {"rows": rows, "capped": len(rows) >= MOST_CAMERAS}

    async def _gauges(self, who: Identity, lon: float, lat: float, radius: float) -> dict[str, Any]:
        spots = await self.picture.spots("sensor") if told_of(who, "sensor") else []
        return {"rows": [row | {"kind_of": row.get("kind", "")} for row in nearest(spots, lon, lat, radius, MOST)]}

    async def _stream(self, topic: str, who: Identity, lon: float, lat: float, radius: float) -> dict[str, Any]:
        if not told_of(who, topic):
            return {"rows": []}
        spots = []
        for subject, state in (await self.states(topic)).items():
            if state.lon is None or state.lat is None or not told_of(who, topic, state):
                continue
            stock = {name: one.count for name, one in getattr(state, "stock", {}).items() if hasattr(one, "count")}
            shown = {"name": state.name, "label": state.label, "state": state.state, "district": state.district, "stock": stock}
            since = getattr(state, "since", 0) or (getattr(state, "counted", {}) or {}).get("at") or 0
            spots.append(Spot(subject, state.lon, state.lat, since, shown | {"kind_of": state.kind, "at": since or None}))
        return {"rows": nearest(spots, lon, lat, radius, MOST)}

    async def _components(self, lon: float, lat: float, radius: float, limit: int) -> dict[str, Any]:
        found = await self.components.around(lon, lat, radius, limit)
        rows = [{"subject": f"component/{row['component_id']}", **row} for row in found["rows"]]
        return {"rows": rows, "total": found["total"], "classes": found["classes"][:12], "version": found["version"]}
