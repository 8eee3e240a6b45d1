"""Asking one tile service: few at a time, bounded in time and size, and not at all while it is away.

Nothing that is raised, logged or shown holds an address: there is a key in it. Redirects lead to the same host or nowhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import httpx

from hall.core.clock import monotonic
from hall.core.errors import HallError

log = logging.getLogger("hall.pictures")
for _name in ("httpx", "httpcore"):  # they would log addresses, keys and all
    logging.getLogger(_name).setLevel(logging.WARNING)

MOST_BYTES = 4 * 2**20
_REDIRECTS = 3
_WAITING = 512  # more than so many that wait for their turn are refused
#: failures in a row after which a service counts as away; seconds until it is tried again, doubled each time
_FAILURES, _PAUSE, _PAUSE_MOST = 3, 5.0, 60.0
_MEANING = {
    401: ("key-refused", "the service refuses the key"), 403: ("key-refused", "the service refuses the key, or this machine"),
    418: ("key-refused", "the service takes us for a robot: quota, or key of the wrong kind"),
    429: ("quota", "the quota of the key is used up"),
}  # fmt: skip


class SourceFault(HallError):
    """`reason` is a short stable code; `detail` a sentence without an address."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


class Away(SourceFault):
    """Not asked: it failed too often just now. `seconds` until it is tried again."""

    def __init__(self, fault: SourceFault, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(fault.reason, fault.detail)


class Asker:
    """One per source."""

    def __init__(self, name: str, headers: dict[str, str], timeout: float, at_once: int, agent: str) -> None:
        self.name, self._timeout = name, timeout
        self._turn, self._waiting = asyncio.Semaphore(at_once), 0
        limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
        self._client = httpx.AsyncClient(
            headers={"User-Agent": agent, "Accept": "image/*, */*;q=0.5", **headers}, limits=limits, timeout=timeout
        )
        self._failed, self._pause, self._until = 0, _PAUSE, 0.0
        self.fault: SourceFault | None = None  # of the last answer; None: it was good

    async def get(self, url: str, check: Callable[[bytes], object]) -> bytes | None:
        """What is there, None where the service has nothing. `check` (blocking) raises SourceFault for what is unfit. Raises
        SourceFault; Away without asking."""
        self._look()
        if self._waiting >= _WAITING:
            raise SourceFault("busy", f"{_WAITING} tiles wait for their turn")
        self._waiting += 1
        try:
            async with self._turn:
                self._look()  # it may have gone away while we waited
                return await self._asked(url, check)
        finally:
            self._waiting -= 1

    def _look(self) -> None:
        left = self._until - monotonic()
        if self.fault is not None and left > 0:
            raise Away(self.fault, left)

    async def _asked(self, url: str, check: Callable[[bytes], object]) -> bytes | None:
        try:
            async with asyncio.timeout(self._timeout * 2):  # a trickle of bytes ends, too
                found = await self._followed(url)
            if found is not None:
                await asyncio.to_thread(check, found)
        except SourceFault as fault:
            self._note(fault)
            raise
        except (TimeoutError, httpx.TimeoutException):
            fault = SourceFault("timeout", f"no answer within {self._timeout:g} s")
            self._note(fault)
            raise fault from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            fault = SourceFault("unreachable", f"no connection ({type(error).__name__})")
            self._note(fault)
            raise fault from None
        if self.fault is not None:
            log.info("map source %s: back", self.name)
        self.fault, self._failed, self._pause, self._until = None, 0, _PAUSE, 0.0
        return found

    def _note(self, fault: SourceFault) -> None:
        if self.fault is None:
            log.warning("map source %s: %s", self.name, fault)
        self.fault, self._failed = fault, self._failed + 1
        if self._failed >= _FAILURES:
            self._until, self._pause = monotonic() + self._pause, min(self._pause * 2, _PAUSE_MOST)

    async def _followed(self, url: str) -> bytes | None:
        origin = urlsplit(url)
        for _ in range(_REDIRECTS + 1):
            async with self._client.stream("GET", url) as answer:
                if not answer.is_redirect:
                    return await self._body(answer)
                url = urljoin(url, answer.headers.get("location", ""))
                there = urlsplit(url)
                if there.hostname != origin.hostname or there.scheme not in ("http", "https"):
                    raise SourceFault("redirect-elsewhere", "the service sends us to another host")
                if origin.scheme == "https" and there.scheme != "https":
                    raise SourceFault("redirect-elsewhere", "the service sends us away from https")
        raise SourceFault("redirect-elsewhere", "the service sends us round and round")

    async def _body(self, answer: httpx.Response) -> bytes | None:
        status = answer.status_code
        if status in (204, 404, 410):
            return None
        if status in _MEANING:
            raise SourceFault(*_MEANING[status])
        if status != 200:
            raise SourceFault("service-fails", f"the service answers {status}")
        data = bytearray()
        async for part in answer.aiter_bytes():
            data += part
            if len(data) > MOST_BYTES:
                raise SourceFault("too-large", f"more than {MOST_BYTES // 2**20} MiB")
        return bytes(data) or None

    async def close(self) -> None:
        await self._client.aclose()
