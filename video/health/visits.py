"""A look at a channel nobody watches: connect, take the first key picture, leave. Bounded in time, polite to each host."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any
from urllib.parse import urlsplit

from hall.core.clock import real_ms
from video.health.relayed import Coded
from video.media import AccessUnit, SourceFailed, SourceRequest, StreamInfo

#: connect 3 s, first picture 8 s (video.media.Source), and what closing takes
LONGEST_SECONDS = 12.0


class _FirstKey:
    """An intake that wants one key picture and then no more."""

    def __init__(self) -> None:
        self.found: asyncio.Future[Coded] = asyncio.get_running_loop().create_future()
        self._info: StreamInfo | None = None

    def begin(self, info: StreamInfo) -> None:
        self._info = info

    def picture(self, key: bool, pts: int, *, payloads=(), annexb: bytes = b"", captured: float | None = None) -> None:
        if not key or self._info is None or self.found.done():
            return
        at = float(real_ms()) if captured is None else captured
        unit = AccessUnit(0, True, pts, at, payloads=payloads, annexb=annexb, info=self._info)
        self.found.set_result(Coded(unit.annexb, self._info.family, at))

    def damaged(self, why: str) -> None:
        """What comes before a key picture does not matter here."""


async def first_key(opening: Any, request: SourceRequest) -> Coded:
    """The first key picture of a source that `opening(request)` makes. Raises SourceFailed."""
    intake = _FirstKey()
    running = asyncio.ensure_future(opening(request).run(intake))
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await asyncio.wait({running, intake.found}, return_when=asyncio.FIRST_COMPLETED)
    except TimeoutError:
        raise SourceFailed("silent", f"no key picture within {LONGEST_SECONDS:.0f} s") from None
    finally:
        running.cancel()
        await asyncio.wait({running}, timeout=2)
    if intake.found.done():
        return intake.found.result()
    if running.cancelled() or running.exception() is None:
        raise SourceFailed("gone", "the source ended before its first key picture")
    failure = running.exception()
    raise failure if isinstance(failure, SourceFailed) else SourceFailed("garbled", type(failure).__name__)


def host_of(url: str) -> str:
    """Who is visited: `host:port`, as politeness counts it; empty where it is nobody's machine but ours."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port or ''}" if parts.hostname and parts.scheme not in ("test", "file") else ""
    except ValueError:
        return ""


class Politeness:
    """At most `most` visits at once per host: a recorder (NVR) with 64 channels answers a few at a time, not 64."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._busy: dict[str, int] = {}
        self._parked: dict[str, deque[Any]] = {}

    def enter(self, host: str, who: Any) -> bool:
        """Whether `who` may go now; else it is kept until somebody leaves."""
        if self._busy.get(host, 0) >= self._most:
            self._parked.setdefault(host, deque()).append(who)
            return False
        self._busy[host] = self._busy.get(host, 0) + 1
        return True

    def leave(self, host: str) -> Any | None:
        """Somebody left; who waits longest for the same host goes now (and has entered), None when nobody waits."""
        if waiting := self._parked.get(host):
            who = waiting.popleft()
            if not waiting:
                del self._parked[host]
            return who
        self._busy[host] -= 1
        if not self._busy[host]:
            del self._busy[host]
        return None

    @property
    def parked(self) -> int:
        return sum(map(len, self._parked.values()))
