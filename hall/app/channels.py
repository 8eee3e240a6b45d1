"""The catalogue of channels for browsers and other systems: what the video process knows, within what somebody may see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from hall.access import Identity
from hall.app.videoside import VideoSide
from hall.app.visit import current_visit
from hall.core.errors import BusLost, Refused
from hall.core.process import Process

LIMIT_SECONDS = 3.0
LIMIT_BYTES = 8 * 1024 * 1024
CONNECTIONS = 16
#: channels asked about in one question to the video process
_PORTION = 200
_WHY = {
    "wrong-district": "this channel lies in a district that is not yours",
    "not-your-unit": "this channel belongs to another department",
    "unknown-channel": "there is no such channel",
}
_Words = Annotated[list[Annotated[str, Query(max_length=200)]] | None, Query(max_length=100)]
_Flag = Annotated[int, Query(ge=0, le=1)]


def scope_of(who: Identity) -> dict[str, list[str]] | None:
    """What somebody may know of, as the video process is told; None: everything.

    Who answers for districts: their channels, and those whose district nobody knows. A department: its own channels.
    """
    scope = {"districts": list(who.districts)} if who.districts else {}
    if who.role == "department":
        scope["departments"] = [who.unit] if who.unit else []
    return scope or None


def unseen_channel(who: Identity, channel: dict[str, Any] | None) -> str | None:
    """Why somebody may not see one channel (its fields); None when he may."""
    if channel is None:
        return "unknown-channel"
    district = channel.get("district") or ""
    if who.districts and district and district not in who.districts:
        return "wrong-district"
    if who.role == "department" and (not who.unit or channel.get("owner") != who.unit):
        return "not-your-unit"
    return None


def scope_header(who: Identity) -> dict[str, str]:
    """The header that bounds a question to the video process; ASCII, as headers are."""
    scope = scope_of(who)
    return {"x-hall-scope": _ascii(scope)} if scope else {}


def _ascii(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return "".join(sign if sign.isascii() else "".join(f"\\u{unit:04x}" for unit in _units(sign)) for sign in text)


def _units(sign: str) -> list[int]:
    raw = sign.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2)]


class Channels:
    """The proxy; `router` serves it. `known` is for other handlers of this process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._video = VideoSide(process, seconds=LIMIT_SECONDS, most=LIMIT_BYTES, connections=CONNECTIONS)
        self.router = APIRouter(prefix="/api/v1/channels", tags=["video"])
        made = (
            ("", self.search),
            ("/tree", self.tree),
            ("/near", self.near),
            ("/grid", self.grid),
            ("/one/{subject:path}", self.one),
        )
        for path, handler in made:
            self.router.add_api_route(path, handler, methods=["GET"], response_class=Response)

    async def search(
        self,
        request: Request,
        text: Annotated[
            str, Query(max_length=200, description="words, all of which must be found; pinyin initials; an id")
        ] = "",
        node: Annotated[str, Query(max_length=500, description="a node of the tree with all below it")] = "",
        group: Annotated[str, Query(max_length=500)] = "",
        district: _Words = None,
        owner: _Words = None,
        feed: _Words = None,
        kind: _Words = None,
        state: _Words = None,
        ptz: _Flag = 0,
        audio: _Flag = 0,
        sub: _Flag = 0,
        stream: _Flag = 0,
        box: Annotated[str, Query(max_length=100, description="west,south,east,north in degrees")] = "",
        since: Annotated[str, Query(max_length=40, description="version of an earlier answer: what came after")] = "",
        cursor: Annotated[str, Query(max_length=4000)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Response:
        """Channels by words and filters, by name; `cursor` of the answer asks for the next page."""
        return await self._pass("", request)

    async def tree(self, request: Request, node: Annotated[str, Query(max_length=500)] = "") -> Response:
        """The children of a node with how many of their channels are online; without a node the divisions:
        region (行政区划), group (业务分组, 虚拟组织), owner, district."""
        return await self._pass("/tree", request)

    async def near(
        self,
        request: Request,
        lon: Annotated[float, Query(ge=-180, le=180)],
        lat: Annotated[float, Query(ge=-90, le=90)],
        k: Annotated[int, Query(ge=1, le=100)] = 10,
        radius: Annotated[float | None, Query(ge=0, le=2.1e7, description="metres")] = None,
        sees: Annotated[int, Query(ge=0, le=1, description="1: only those in whose sector the place lies")] = 0,
    ) -> Response:
        """The nearest channels, nearest first, with metres, direction and whether they see the place; filters as in search."""
        return await self._pass("/near", request)

    async def grid(
        self,
        request: Request,
        level: Annotated[int, Query(ge=0, le=24, description="2 ** level cells across the world")] = 12,
        box: Annotated[str, Query(max_length=100, description="west,south,east,north in degrees")] = "",
    ) -> Response:
        """How many channels stand in each cell of a grid fixed to the ground: `cells` [[lon, lat, count, online, offline]],
        at most 2,000 (a coarser `level` is answered then); filters as in search."""
        return await self._pass("/grid", request)

    async def one(self, request: Request, subject: str) -> Response:
        """All that is known of one channel, the parts of its id and its places in the trees among it."""
        if not subject.startswith("channel/") or ".." in subject.split("/"):
            raise Refused("unknown-channel", _WHY["unknown-channel"], 404)
        return await self._pass(f"/one/{quote(subject)}", None)

    async def _pass(self, path: str, request: Request | None) -> Response:
        query = f"?{request.url.query}" if request and request.url.query else ""
        return await self._video.passed("GET", f"/channels{path}{query}", None, scope_header(current_visit().identity))

    # -- for other handlers --------------------------------------------------------------------------------------------

    async def known(self, subjects: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Those of `subjects` that are channels, with their fields, whoever asks: see `unseen_channel`.

        While the video process is away they are read from the bus, so that pictures can be watched without it. Raises
        Refused, BusLost.
        """
        wanted = list(dict.fromkeys(subjects))
        try:
            found: dict[str, dict[str, Any]] = {}
            for start in range(0, len(wanted), _PORTION):
                body = msgspec.json.encode(wanted[start : start + _PORTION])
                status, answer = await self._video.ask("POST", "/channels/some", body)
                if status != 200:
                    raise Refused("video-down", f"the video process answered {status}", 503)
                found |= msgspec.json.decode(answer)["found"]
            return found
        except Refused as down:
            return await self._from_bus(wanted, down)

    async def _from_bus(self, subjects: list[str], down: Refused) -> dict[str, dict[str, Any]]:
        """Channels as the gate's checkpoint has them: at most seconds old while a gate lives."""
        wanted = [subject for subject in subjects if subject.startswith("channel/")]
        if not wanted:
            return {}
        try:
            kept = await self.process.bus.call("HMGET", self.process.bus.key("board"), *wanted)
        except BusLost:
            raise down from None
        rows = {}
        for subject, value in zip(wanted, kept, strict=True):
            data = msgspec.json.decode(value.split(b" ", 2)[2]).get("data") if value else None
            if data:
                rows[subject] = data | {"subject": subject}
        return rows

    async def around(self, lon: float, lat: float, radius: float, limit: int) -> list[dict[str, Any]]:
        """Channels within `radius` metres that the present visitor may know of, nearest first, with `distance_m` and whether
        they see the place; raises Refused 503 while the video process is away."""
        path = f"/channels/near?lon={lon!r}&lat={lat!r}&radius={radius!r}&k={min(limit, 100)}"
        status, answer = await self._video.ask("GET", path, None, scope_header(current_visit().identity))
        if status != 200:
            raise Refused("video-down", f"the video process answered {status}", 503)
        return [row | {"distance_m": row["metres"]} for row in msgspec.json.decode(answer)["rows"]]

    async def inside(self, box: tuple[float, float, float, float], most: int) -> list[dict[str, Any]]:
        """Channels with a place in a box (west, south, east, north in degrees) that the present visitor may know of, by name;
        raises Refused 422 where more than `most` are, 503 while the video process is away."""
        found: list[dict[str, Any]] = []
        async for total, placed in self._pages(box):
            found += placed
            if total > most and len(found) >= most:
                raise Refused("area-large", f"more than {most} cameras around there: choose a smaller area", 422)
        return found

    async def first_in(self, box: tuple[float, float, float, float], most: int) -> tuple[int, list[dict[str, Any]]]:
        """How many there are in a box that the present visitor may know of, and the first `most` by name; raises Refused 503
        while the video process is away."""
        total, found = 0, []
        async for in_all, placed in self._pages(box):
            total, found = in_all, found + placed
            if len(found) >= most:
                break
        return total, found[:most]

    async def _pages(self, box: tuple[float, float, float, float]) -> AsyncIterator[tuple[int, list[dict[str, Any]]]]:
        """Channels of a box page by page, by name: how many there are in all, and those of the page that have a place."""
        path, cursor = f"/channels?limit=500&box={','.join(map(repr, box))}", ""
        while True:
            more = f"&cursor={quote(cursor, safe='')}" if cursor else ""
            status, answer = await self._video.ask("GET", path + more, None, scope_header(current_visit().identity))
            if status != 200:
                raise Refused("video-down", f"the video process answered {status}", 503)
            page = msgspec.json.decode(answer)
            placed = [row for row in page["rows"] if row.get("lon") is not None and row.get("lat") is not None]
            yield int(page["total"]), placed
            cursor = page.get("cursor") or ""
            if not cursor:
                return

    async def found(self, text: str, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """The first channels that answer words, within what the present visitor may know of; whether there are more. Raises
        Refused 503 while the video process is away."""
        path = f"/channels?{urlencode({'text': text, 'limit': limit})}"
        status, answer = await self._video.ask("GET", path, None, scope_header(current_visit().identity))
        if status != 200:
            raise Refused("video-down", f"the video process answered {status}", 503)
        told = msgspec.json.decode(answer)
        return told["rows"], bool(told.get("cursor"))

    async def require(self, subject: str, who: Identity) -> dict[str, Any]:
        """One channel that somebody may see; raises Refused 404, 403."""
        channel = (await self.known([subject])).get(subject)
        if reason := unseen_channel(who, channel):
            raise refusal_of(reason)
        return channel or {}

    async def close(self) -> None:
        await self._video.close()


def refusal_of(reason: str) -> Refused:
    return Refused(reason, _WHY[reason], 404 if reason == "unknown-channel" else 403)


def words_for(reason: str) -> str:
    return _WHY[reason]
