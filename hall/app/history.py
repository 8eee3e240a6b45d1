"""The last hours over HTTP (docs/REPLAY.md): what the map showed at a moment, what changed up to another, trails.

Everything is as of when the hall learnt it, and cut down to what the asker's stream would have told him (hall/roles.py).
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from hall.access import Identity, topics_for
from hall.app.answers import json
from hall.app.visit import current_visit
from hall.core.errors import Refused
from hall.core.event import topic_of
from hall.gate.filters import Filter
from hall.roles import bounds

log = logging.getLogger("hall.web")
WAITING = 100
#: changes in one answer, and the longest stretch that may be asked for
PAGE, LONGEST_MS = 5_000, 25 * 3_600_000
#: what never changes is kept by the browser without asking
_HELD = {"Cache-Control": "private, max-age=86400, immutable"}
_MS = Annotated[int, Query(ge=0, le=2**52)]
_Topics = Annotated[str, Query(max_length=400)]


class Past(Protocol):
    """What is used of the dispatch room's history."""

    def extent(self) -> dict[str, Any]: ...
    def marks(self, since: int) -> dict[str, Any]: ...
    def state(self, moment: int, topics: frozenset[str]) -> list[bytes]: ...
    def told(self, moment: int, topics: frozenset[str]) -> list[dict[str, Any]]: ...
    def changes(self, after: int, until: int, topics: frozenset[str], skip: int, limit: int) -> tuple[list[Any], bool]: ...
    def before(self, subject: str, moment: int) -> bytes | None: ...
    def segment(self, since: int) -> bytes | None: ...
    def raster(self, version: str) -> bytes | None: ...
    def open_segment(self) -> Any: ...
    def trail(self, subject: str, since: int, until: int) -> list[list[float]]: ...
    def close(self) -> None: ...


class Seen:
    """What of the past an identity may see: topics, and documents within its bounds."""

    def __init__(self, who: Identity, kept: frozenset[str]) -> None:
        self.topics = kept & frozenset(topics_for(who.role, who.districts, locked=who.locked))
        self._filter = Filter(bounds(who))
        self.key = self._filter.key + ",".join(sorted(self.topics)).encode()

    def chosen(self, asked: str) -> frozenset[str]:
        """Of the topics asked for (all when none are named) those that may be seen; raises Refused."""
        wanted = frozenset(asked.split(",")) if asked else self.topics
        if unknown := wanted - self.topics:
            raise Refused("unknown-topic", f"{', '.join(sorted(unknown))[:200]}: not kept, or not for this role", 422)
        return wanted

    def lets(self, subject: str, raw: bytes) -> bool:
        topic = topic_of(subject)
        return topic not in self._filter.topics or self._filter.matches(topic, msgspec.json.decode(raw)["data"])


class History:
    """Handlers and their router. `opened` opens the file (FileNotFoundError: nothing was ever kept); `kept`: its topics;
    `keep_ms`: how long things are kept, 0: not at all. One thread reads."""

    def __init__(self, opened: Callable[[], Past], kept: frozenset[str], keep_ms: int) -> None:
        self._opened, self._kept, self._keep = opened, kept, keep_ms
        self._past: Past | None = None
        self._thread = ThreadPoolExecutor(1, "history")
        self._waiting = 0
        self.router = APIRouter(prefix="/api/v1/history", tags=["picture"])
        for path, handler in (
            ("", self.at),
            ("/changes", self.changes),
            ("/positions", self.positions),
            ("/segments/{name}", self.segment),
            ("/rasters/{version}", self.raster),
        ):
            self.router.add_api_route(path, handler, methods=["GET"], response_class=Response)

    async def _run(self, work: Callable[[Past], Any]) -> Any:
        if not self._keep:
            raise Refused("history-off", 'this hall keeps no history ([map] history = "0 h")', 404)
        if self._waiting >= WAITING:
            raise Refused("busy", "too many questions about the past at once; try again", 503)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, work)
        finally:
            self._waiting -= 1

    def _guarded(self, work: Callable[[Past], Any]) -> Any:
        try:
            if self._past is None:
                self._past = self._opened()
            return work(self._past)
        except FileNotFoundError:
            raise Refused("history-none", "nothing was kept yet", 404) from None
        except sqlite3.Error as error:
            raise Refused("history-unreadable", str(error), 503) from None

    async def at(
        self,
        request: Request,
        at: Annotated[int | None, Query(ge=0, le=2**52)] = None,
        topics: _Topics = "",
        bare: bool = False,
    ) -> Response:
        """Without `at`: what is kept since when, where it has gaps, marks for a slider. With `at` (city ms): the documents as
        the hall knew them then. `bare`: of positions and readings only what does not move; the numbers are in the segments."""
        seen = Seen(current_visit().identity, self._kept)
        if at is None:
            return json(await self._run(lambda past: self._about(past)))
        chosen = seen.chosen(topics)

        def made(past: Past) -> Response:
            extent = _within(past, at)
            tag = _tag(at, chosen, bare, seen.key, "" if at <= extent["until"] else str(extent["until"]))
            if tag in request.headers.get("if-none-match", ""):
                return Response(status_code=304, headers={"ETag": tag})
            plain = chosen if bare else chosen - {"position", "observation"}
            events = past.state(at, plain)
            if not bare:
                events = [*events, *(msgspec.json.encode(event) for event in past.told(at, chosen))]
            events = [raw for raw in events if seen.lets(_subject(raw), raw)]
            head = {"at": at, "gap": gap_at(extent["covered"], at)}
            return _events(request, head, events, tag)

        return await self._run(made)

    def _about(self, past: Past) -> dict[str, Any]:
        found = past.extent()
        marks = past.marks(found["since"]) if found["since"] is not None else None
        return {**found, "keep_ms": self._keep, "topics": sorted(self._kept), "marks": marks}

    async def changes(
        self, request: Request, after: _MS, until: _MS, topics: _Topics = "", skip: Annotated[int, Query(ge=0, le=10**7)] = 0
    ) -> Response:
        """What the hall learnt after `after` up to `until` (city ms), oldest first, as `[moment, event]`; `next`: the `skip` of
        the following page, null at the end. Of positions and readings only what does not move."""
        seen = Seen(current_visit().identity, self._kept)
        chosen = seen.chosen(topics)
        if not after <= until <= after + LONGEST_MS:
            raise Refused("bad-request", f"until: from after to {LONGEST_MS // 3_600_000} hours later", 422)

        def made(past: Past) -> Response:
            extent = _within(past, after)
            tag = _tag(after, until, chosen, skip, seen.key, "" if until <= extent["until"] else str(extent["until"]))
            if tag in request.headers.get("if-none-match", ""):
                return Response(status_code=304, headers={"ETag": tag})
            rows, more = past.changes(after, until, chosen, skip, PAGE)
            told = ((moment, _told(past, seen, moment, subject, raw)) for moment, subject, raw in rows)
            events = [b"[%d,%b]" % (moment, raw) for moment, raw in told if raw]
            head = {"after": after, "until": until, "next": skip + len(rows) if more else None}
            return _events(request, head, events, tag)

        return await self._run(made)

    async def positions(
        self,
        subject: Annotated[str, Query(max_length=420, pattern=r"^position/[^/]+/.+$")],
        since: Annotated[int, Query(ge=0, le=2**52, alias="from")],
        to: Annotated[int | None, Query(ge=0, le=2**52)] = None,
    ) -> Response:
        """The trail of one unit: `rows` of [time, lon, lat], oldest first; thinned to within `error_metres` of every report."""
        if "position" not in Seen(current_visit().identity, self._kept).topics:
            raise Refused("forbidden", "this role may not see positions", 403)
        rows = await self._run(lambda past: past.trail(subject, since, 2**52 if to is None else to))
        return json({"subject": subject, "rows": rows, "error_metres": 5})

    async def segment(self, request: Request, name: Annotated[str, Path(pattern=r"^([0-9]{1,16}|open)$")]) -> Response:
        """Positions and readings of one segment, named by its start or `open` (the one that is not over), packed:
        dispatch/history/tracks.py says how. A segment that is over never changes."""
        if not {"position", "observation"} <= Seen(current_visit().identity, self._kept).topics:
            raise Refused("forbidden", "this role may not see positions", 403)
        if name != "open":
            body = await self._run(lambda past: past.segment(int(name)))
            tag, headers = f'"{name}"', _HELD
        else:
            found = await self._run(lambda past: past.open_segment())
            body = found.body if found else None
            tag, headers = f'"{found.tag if found else ""}"', {"Cache-Control": "private, no-cache"}
        if body is None:
            raise Refused("segment-unknown", "there is no such segment", 404)
        return _binary(request, body, {**headers, "ETag": tag})

    async def raster(self, request: Request, version: Annotated[str, Path(pattern=r"^[\w.-]{1,80}$")]) -> Response:
        """The pixels of a frame that the radar measured, as `/api/v1/rasters` told them then."""
        if "raster" not in Seen(current_visit().identity, self._kept).topics:
            raise Refused("forbidden", "this role may not see the radar", 403)
        body = await self._run(lambda past: past.raster(version))
        if body is None:
            raise Refused("frame-unknown", "this frame was not kept", 404)
        return _binary(request, body, {**_HELD, "ETag": f'"{version}"'})

    def close(self) -> None:
        if self._past is not None:
            self._past.close()
        self._thread.shutdown(wait=False, cancel_futures=True)


def _binary(request: Request, body: bytes, headers: dict[str, str]) -> Response:
    """`body` is gzip; decompressed for who does not take it so."""
    headers["Vary"] = "Accept-Encoding"
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Response(body, headers=headers, media_type="application/octet-stream")


def _within(past: Past, moment: int) -> dict[str, Any]:
    extent = past.extent()
    if extent["since"] is None or moment < extent["since"]:
        raise Refused("history-before", "nothing is kept from before that moment", 404)
    return extent


def gap_at(covered: list[list[int]], moment: int) -> list[int] | None:
    """The stretch [since, until] around `moment` in which the hall was not there; None when it was."""
    for (_, ended), (began, _) in zip(covered, covered[1:], strict=False):
        if ended < moment < began:
            return [ended, began]
    return None


def _told(past: Past, seen: Seen, moment: int, subject: str, raw: bytes | None) -> bytes:
    """The event; without its document where it is gone, or went out of what may be seen; b"" for what never was in there."""
    if raw is not None and seen.lets(subject, raw):
        return raw
    before = past.before(subject, moment)
    if before is None or not seen.lets(subject, before):
        return b""
    gone = {
        "id": f"gone-{moment}",
        "source": "history",
        "subject": subject,
        "time": moment,
        "recordedtime": moment,
        "data": None,
    }
    return msgspec.json.encode(gone)


class _Named(msgspec.Struct):
    subject: str


_named = msgspec.json.Decoder(_Named)


def _subject(raw: bytes) -> str:
    return _named.decode(raw).subject


def _tag(*parts: Any) -> str:
    text = repr([sorted(part) if isinstance(part, frozenset) else part for part in parts])
    return f'"{blake2b(text.encode(), digest_size=8).hexdigest()}"'


def _events(request: Request, head: dict[str, Any], events: Iterable[bytes], tag: str) -> Response:
    body = msgspec.json.encode(head)[:-1] + b',"events":[' + b",".join(events) + b"]}"
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if len(body) > 2_000 and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = gzip.compress(body, 1, mtime=0), "gzip"
    return Response(body, headers=headers, media_type="application/json")
