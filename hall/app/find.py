"""One question for everything that has a place: `/api/v1/find?q=`. Each kind is asked where it is known, all at the same time;
who asks is told of what he may see elsewhere. A kind that does not answer in time is named, the others are there.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, NamedTuple, Protocol

from fastapi import APIRouter, Query
from fastapi.responses import Response

from hall.access import Identity
from hall.app.answers import json
from hall.app.cases import own_filters
from hall.app.channels import Channels
from hall.app.components import Components
from hall.app.gazetteer import Gazetteer
from hall.app.nearness import bearing, metres
from hall.app.picture import Picture
from hall.app.seeing import seen, told_of
from hall.app.visit import current_visit
from hall.core.clock import monotonic
from hall.core.errors import BusLost, HallError, Refused
from hall.core.process import Process
from hall.core.typed import Names, coordinates_of, words_of

KINDS = ("point", "case", "crew", "camera", "component", "place", "cell", "gauge")
#: seconds after which a kind is answered without
LATE_SECONDS = 2.0
READERS, WAITING, KEEP_SECONDS = 2, 40, 3.0


class Book(Protocol):
    """What is used of the casebook (the dispatch room's)."""

    def first(self, text: str, filters: dict[str, Any], limit: int) -> list[dict[str, Any]]: ...


class Asked(NamedTuple):
    """One question: `near` (lon, lat) is where the asker looks."""

    text: str
    words: tuple[str, ...]
    near: tuple[float, float]
    limit: int
    who: Identity


class Known(NamedTuple):
    """A thing that is looked for in memory: its names and what is told of it."""

    names: Names
    row: dict[str, Any]


Found = tuple[list[dict[str, Any]], bool]


class Find:
    """Handlers and their router. `states(topic)`: present states of the ledger's streams."""

    def __init__(
        self,
        process: Process,
        book: Book,
        channels: Channels,
        components: Components,
        places: Gazetteer,
        picture: Picture,
        states: Callable[[str], Awaitable[dict[str, Any]]],
    ) -> None:
        self.process, self.book, self.channels, self.components = process, book, channels, components
        self.places, self.picture, self.states = places, picture, states
        self._threads = ThreadPoolExecutor(READERS, "find")
        self._waiting = 0
        self._kept: dict[str, tuple[float, list[tuple[Any, Known]]]] = {}
        self.router = APIRouter(tags=["map"])
        self.router.add_api_route("/api/v1/find", self.find, methods=["GET"], response_class=Response)

    async def find(
        self,
        q: Annotated[str, Query(min_length=1, max_length=200, description="words; a number; coordinates")],
        kinds: Annotated[list[str] | None, Query(max_length=20)] = None,
        near: Annotated[str, Query(max_length=60, description="lon,lat where the asker looks: nearer ones come first")] = "",
        limit: Annotated[int, Query(ge=1, le=50)] = 6,
    ) -> Response:
        """What answers to `q`, by kind, the best first. `{q, as_of, groups: [{kind, rows, more, took_ms, fault}], late}`; a
        row: `{subject, title, about, lon, lat, state, time, distance_m, bearing}`, by kind some more."""
        wanted = list(dict.fromkeys(kinds or KINDS))
        if unknown := [kind for kind in wanted if kind not in KINDS]:
            raise Refused("bad-request", f"kinds: {unknown[0][:40]!r} is none of {', '.join(KINDS)}", 422)
        place = _place(near) or self.process.config.city.centre
        asked = Asked(q.strip(), words_of(q), place, limit, current_visit().identity)
        if not asked.words:
            return json({"q": q, "as_of": self.process.clock.now(), "groups": [], "late": []})
        tasks = {kind: asyncio.create_task(self._timed(kind, asked)) for kind in wanted}
        await asyncio.wait(tasks.values(), timeout=LATE_SECONDS)
        groups, late = [], []
        for kind, task in tasks.items():
            if not task.done():
                task.cancel()
                late.append(kind)
            elif (group := task.result())["rows"] or group["fault"]:
                groups.append(group)
        wanted_name = asked.text.casefold()
        groups.sort(key=lambda group: not any(str(row["title"]).casefold() == wanted_name for row in group["rows"]))
        return json({"q": q, "as_of": self.process.clock.now(), "groups": groups, "late": late})

    async def _timed(self, kind: str, asked: Asked) -> dict[str, Any]:
        begun, fault = monotonic(), ""
        rows: list[dict[str, Any]] = []
        more = False
        try:
            rows, more = await getattr(self, f"_{kind}")(asked)
        except Refused as refused:
            fault = "" if refused.reason in ("components-none",) else refused.reason
        except BusLost:
            fault = "bus-lost"
        except sqlite3.Error:
            fault = "casebook-fault"
        except HallError as error:
            fault = str(error)[:120]
        for row in rows:
            if row.get("lon") is not None:
                row["distance_m"] = round(metres(*asked.near, row["lon"], row["lat"]), 1)
                row["bearing"] = bearing(*asked.near, row["lon"], row["lat"])
        return {"kind": kind, "rows": rows, "more": more, "fault": fault, "took_ms": round((monotonic() - begun) * 1000, 1)}

    async def _run(self, work: Callable[[], Any]) -> Any:
        if self._waiting >= WAITING:
            raise Refused("busy", "too many searches at once; try again", 503)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    # -- kinds -------------------------------------------------------------------------------------------------------

    async def _point(self, asked: Asked) -> Found:
        spots = coordinates_of(asked.text, self.process.config.city.centre)
        return [
            {"subject": "", "title": f"{s.lat:.6f}, {s.lon:.6f}", "about": s.crs, "lon": s.lon, "lat": s.lat} for s in spots
        ], False

    async def _case(self, asked: Asked) -> Found:
        filters = {name: value for name, value in own_filters({"district": None, "unit": None}).items() if value}
        cases = await self._run(lambda: self.book.first(asked.text, filters, asked.limit + 1))
        return [_case(case) for case in cases[: asked.limit]], len(cases) > asked.limit

    async def _camera(self, asked: Asked) -> Found:
        rows, more = await self.channels.found(asked.text, asked.limit)
        return [_camera(row) for row in rows], more

    async def _component(self, asked: Asked) -> Found:
        found = await self.components.first(asked.text, asked.limit, asked.near)
        return [_component(row) | {"version": found["version"]} for row in found["rows"]], found["more"]

    async def _place(self, asked: Asked) -> Found:
        return self._named(asked, ("place", "poi", "street", "park", "water", "district"))

    async def _cell(self, asked: Asked) -> Found:
        return self._named(asked, ("cell",))

    def _named(self, asked: Asked, kinds: tuple[str, ...]) -> Found:
        self.places.look()
        if self.places.state == "failed":
            raise HallError(self.places.fault)
        places, more = self.places.find(asked.words, asked.limit, asked.near, kinds)
        if not places and self.places.state == "reading":
            raise Refused("places-reading", "the map's names are being read", 503)
        return [_named(place, self.places.read_at) for place in places], more

    async def _crew(self, asked: Asked) -> Found:
        known = [one for crew, one in await self._memory("crew", self._crews) if crew is None or seen(asked.who, crew)]
        return _best(known, asked)

    async def _gauge(self, asked: Asked) -> Found:
        if not told_of(asked.who, "sensor"):
            return [], False
        return _best([one for _, one in await self._memory("sensor", self._gauges)], asked)

    async def _memory(self, name: str, made: Callable[[], Awaitable[list[tuple[Any, Known]]]]) -> list[tuple[Any, Known]]:
        at, known = self._kept.get(name, (0.0, []))
        if not at or monotonic() - at > KEEP_SECONDS:
            known = await made()
            self._kept[name] = monotonic(), known
        return known

    async def _crews(self) -> list[tuple[Any, Known]]:
        """Crews by name, label and id; vehicles and people that report a position and belong to no crew by name and plate."""
        positions = {row.subject: row for row in await self.picture.rows("position")}
        found, taken = [], set()
        for subject, crew in (await self.states("crew")).items():
            fix = positions.get(crew.position)
            taken.add(crew.position)
            base = {"lon": crew.base.lon, "lat": crew.base.lat}
            at = fix.data if fix and fix.data.get("lon") is not None else base
            label = next(iter(crew.label.values()), "") if isinstance(crew.label, dict) else str(crew.label or "")
            plate = _plate(fix.data) if fix else ""
            row = {
                "subject": subject,
                "title": crew.name or crew.crew_id,
                "about": " · ".join(filter(None, (crew.unit, plate))),
            }
            row |= {"lon": at.get("lon"), "lat": at.get("lat"), "state": crew.state, "time": fix.time if fix else None}
            found.append((crew, Known(Names.of(crew.name, label, crew.crew_id, plate), row)))
        for subject, fix in positions.items():
            if subject in taken or fix.data.get("lon") is None:
                continue
            name, plate = str(fix.data.get("name") or ""), _plate(fix.data)
            row = {"subject": subject, "title": name or subject.rpartition("/")[2], "about": plate or fix.data.get("kind", "")}
            row |= {"lon": fix.data["lon"], "lat": fix.data["lat"], "state": fix.data.get("state", ""), "time": fix.time}
            found.append(
                (None, Known(Names.of(name, plate, str(fix.data.get("unit_id") or ""), subject.rpartition("/")[2]), row))
            )
        return found

    async def _gauges(self) -> list[tuple[Any, Known]]:
        found = []
        for fix in await self.picture.rows("sensor"):
            data = fix.data
            row = {"subject": fix.subject, "title": data.get("name") or fix.subject.rpartition("/")[2], "time": fix.time}
            row |= {
                "about": data.get("quantity", ""),
                "lon": data.get("lon"),
                "lat": data.get("lat"),
                "state": data.get("state", ""),
            }
            names = Names.of(str(data.get("name") or ""), str(data.get("sensor_id") or ""), fix.subject.rpartition("/")[2])
            found.append((None, Known(names, row)))
        return found

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self.places.close()


def _place(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        raise Refused("bad-request", "near: give lon,lat in degrees", 422) from None
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise Refused("bad-request", "near: lon within ±180, lat within ±90", 422)
    return lon, lat


def _best(known: list[Known], asked: Asked) -> Found:
    ranked = [(rank, at, one) for at, one in enumerate(known) if (rank := one.names.rank(asked.words)) is not None]
    ranked.sort(key=lambda row: row[:2])
    return [dict(one.row) for _, _, one in ranked[: asked.limit]], len(ranked) > asked.limit


def _plate(data: dict[str, Any]) -> str:
    extra = data.get("extra") or {}
    return str(extra.get("plate") or extra.get("plate_number") or data.get("plate") or "")


def _case(case: dict[str, Any]) -> dict[str, Any]:
    named = " · ".join(filter(None, (case.get("class_name"), case.get("subclass_name"))))
    row = {name: case.get(name) for name in ("subject", "lon", "lat", "severity", "district")}
    row["state"] = case.get("state") or "reported"
    reported = (case.get("stages") or {}).get("reported") or case["time"]
    about = " · ".join(filter(None, (named, case.get("address") or case.get("description", "")[:60])))
    return row | {"title": case.get("case_id") or case["subject"].rpartition("/")[2], "about": about, "time": reported}


def _camera(row: dict[str, Any]) -> dict[str, Any]:
    about = " · ".join(filter(None, (row.get("owner"), row.get("district"))))
    made = {name: row.get(name) for name in ("subject", "lon", "lat", "state")}
    return made | {
        "title": row.get("name") or row.get("channel_id", ""),
        "about": about,
        "time": row.get("state_at") or row.get("told_at"),
    }


def _component(row: dict[str, Any]) -> dict[str, Any]:
    named = row.get("name") or row.get("subclass_name") or row.get("class_name") or ""
    about = " · ".join(filter(None, (row["component_id"], row.get("address"), row.get("owner"))))
    made = {name: row.get(name) for name in ("lon", "lat", "state", "row")}
    return made | {
        "subject": f"component/{row['component_id']}",
        "title": named,
        "about": about,
        "time": row.get("imported_at"),
    }


def _named(place: Any, read_at: int) -> dict[str, Any]:
    return {
        "subject": "",
        "title": place.name,
        "about": place.what,
        "lon": place.lon,
        "lat": place.lat,
        "is": place.kind,
        "time": read_at,
    }
