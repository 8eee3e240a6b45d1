"""JPEG over HTTP: `multipart/x-mixed-replace`, or one picture fetched again and again. Each picture stands by itself."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx

from hall.core.clock import monotonic
from video.fetch import Fetch
from video.media import CLOCK_RATE, Intake, SourceFailed, StreamInfo

MOST_BYTES = 8 * 1024 * 1024  # of one picture
FIRST_PICTURE, SILENCE = 8.0, 5.0  # seconds
POLL_SECONDS, SAME_SECONDS = 1.0, 60.0
_MOST_HEAD = 16 * 1024
_MOST_BAD = 20  # parts in a row that are no picture
_LENGTH = re.compile(rb"^content-length\s*:\s*(\d{1,9})\s*$", re.I | re.M)
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]*)"|([^\s;]+))', re.I)


class Parts:
    """Takes bytes, gives bodies of parts; by their length where it is told, else up to the next boundary. Cameras disagree
    on whether the boundary's dashes belong to its name: it is looked for without them."""

    def __init__(self, boundary: str) -> None:
        name = boundary.strip().lstrip("-").encode("latin-1", "replace")
        if not name:
            raise SourceFailed("garbled", "the stream names no boundary", lasting=True)
        self._mark = b"--" + name
        self._data = bytearray()
        self._body: int | None = None  # where the present part's body begins
        self._length: int | None = None
        self._looked = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Raises SourceFailed `garbled` when a part or its head is too long."""
        self._data += data
        found = []
        while (body := self._next()) is not None:
            found.append(body)
        if len(self._data) > MOST_BYTES:
            raise SourceFailed("garbled", f"a picture of more than {MOST_BYTES} bytes")
        return found

    def _next(self) -> bytes | None:
        if self._body is None and not self._head():
            return None
        begin, data = self._body or 0, self._data
        if self._length is not None:
            end = following = begin + self._length
            if len(data) < end:
                return None
        else:
            following = data.find(self._mark, max(begin, self._looked))
            if following < 0:
                self._looked = len(data) - len(self._mark)  # what was looked at is not looked at again
                return None
            end = following
        body = bytes(data[begin:end])
        del data[:following]
        self._body, self._looked = None, 0
        return body.rstrip(b"\r\n-") if self._length is None else body

    def _head(self) -> bool:
        at = self._data.find(self._mark)
        if at < 0:
            if len(self._data) > _MOST_HEAD:
                raise SourceFailed("garbled", "no boundary where the stream should have one")
            return False
        ends = [(self._data.find(end, at), len(end)) for end in (b"\r\n\r\n", b"\n\n")]
        known = [(place, size) for place, size in ends if place >= 0]
        if not known:
            if len(self._data) - at > _MOST_HEAD:
                raise SourceFailed("garbled", "a part's head without an end")
            return False
        place, size = min(known)
        told = _LENGTH.search(bytes(self._data[at:place]).replace(b"\r", b""))
        self._length = int(told[1]) if told else None
        self._body = place + size
        if self._length is not None and self._length > MOST_BYTES:
            raise SourceFailed("garbled", f"a picture of more than {MOST_BYTES} bytes")
        return True


def size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG; None of what is none."""
    if not data.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        kind = data[at + 1]
        if kind == 0xFF or kind == 0x01 or 0xD0 <= kind <= 0xD7:
            at += 1 if kind == 0xFF else 2
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            high, wide = int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(data[at + 7 : at + 9], "big")
            return (wide, high) if wide and high else None
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


class Showing:
    """Hands JPEGs to an intake; raises SourceFailed `garbled` when too many in a row are none."""

    def __init__(self, intake: Intake) -> None:
        self._intake, self._size, self._bad = intake, (0, 0), 0
        self.at: float | None = None

    def show(self, data: bytes) -> None:
        found = size(data)
        if found is None or b"\xff\xd9" not in data[-64:]:
            self._bad += 1
            if self._bad >= _MOST_BAD:
                raise SourceFailed("garbled", "what the server sends is no JPEG")
            if self.at is not None:
                self._intake.damaged("no whole JPEG")
            return
        self._bad = 0
        if found != self._size:
            self._size = found
            self._intake.begin(StreamInfo(family="jpeg", codec="jpeg", width=found[0], height=found[1]))
        self.at = monotonic()
        self._intake.picture(True, round(self.at * CLOCK_RATE), annexb=data)


async def follow(answer: httpx.Response, options: str, intake: Intake) -> None:
    """A multipart answer until it ends; raises SourceFailed, `silent` when no whole picture comes, whatever drips in."""
    told = _BOUNDARY.search(options)
    parts, showing = Parts((told[1] or told[2] or "") if told else ""), Showing(intake)
    stream, begun = answer.aiter_raw().__aiter__(), monotonic()
    while True:
        due = begun + FIRST_PICTURE if showing.at is None else showing.at + SILENCE
        try:
            async with asyncio.timeout(max(0.0, due - monotonic())):
                data = await anext(stream)
        except TimeoutError:
            raise SourceFailed("silent", "no picture came") from None
        except StopAsyncIteration:
            return
        for body in parts.feed(data):
            if body:
                showing.show(body)


async def poll(fetch: Fetch, first: bytes, intake: Intake) -> None:
    """One picture a second; raises SourceFailed, `silent` when it stays the same one."""
    showing, before, changed = Showing(intake), b"", monotonic()
    data: Any = first
    while True:
        begun = monotonic()
        if data != before:
            showing.show(data)
            before, changed = data, begun
        elif begun - changed > SAME_SECONDS:
            raise SourceFailed("silent", f"the same picture for {SAME_SECONDS:.0f} seconds")
        await asyncio.sleep(max(0.1, POLL_SECONDS - (monotonic() - begun)))
        data, _ = await fetch.body("", MOST_BYTES, SILENCE)
