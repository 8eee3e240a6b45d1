"""HLS (RFC 8216): live and finished playlists, TS and fMP4 segments, AES-128, variants; taken apart by the workshop."""

from __future__ import annotations

import asyncio
from typing import Any

from hall.core.clock import monotonic, real_ms
from hall.core.errors import BadInput
from hall.core.secrets import open_cbc
from video.fetch import Fetch, joined
from video.media import Intake, SourceFailed
from video.sources.playlist import Media, Segment, Variant, parse
from video.workshop import shared
from video.workshop.deliver import ToIntake, watched

TYPES = ("application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl")
_MOST_TEXT, _MOST_SEGMENT, _MOST_INIT = 1024 * 1024, 32 * 1024 * 1024, 1024 * 1024
_AHEAD = 2  # segments given to the workshop beyond the one that plays
_BEGIN_BEFORE = 2  # segments before the end of a live playlist
_PLAUSIBLE_MS = 120_000  # a programme's time further off than this is not when a camera took it


async def play(fetch: Fetch, text: str, base: str, quality: str, intake: Intake) -> None:
    """Plays what the playlist `text`, which came from `base`, names; returns at its end. Raises SourceFailed."""
    media, base = await _media(fetch, text, base, quality)
    listener = _Listener(intake)
    job = await shared().open("demux", {}, listener)
    reader = asyncio.create_task(_Reader(fetch, base, job, listener).run(media))
    # pictures come evenly whatever the segments' length; what a server may be late is one segment more than it promised
    silence = max(5.0, 2 * media.target)
    showing = asyncio.create_task(watched(job, listener, silence))
    try:
        done, _ = await asyncio.wait({reader, showing}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (reader, showing):
            task.cancel()
        await asyncio.gather(reader, showing, return_exceptions=True)
        job.close()


async def _media(fetch: Fetch, text: str, base: str, quality: str) -> tuple[Media, str]:
    found = _parsed(text)
    if isinstance(found, list):
        chosen = joined(base, choose(found, quality).address)
        body, base = await fetch.body(chosen, _MOST_TEXT, 5.0)
        found = _parsed(body.decode("utf-8", "replace"))
        if isinstance(found, list):
            raise SourceFailed("garbled", "a list of lists of playlists", lasting=True)
    return found, base


def _parsed(text: str) -> Media | list[Variant]:
    try:
        return parse(text)
    except BadInput as error:
        raise SourceFailed("garbled", f"the playlist: {error.detail or error.reason}") from None


def choose(variants: list[Variant], quality: str) -> Variant:
    """The best variant up to 1080 lines, for sub the smallest one that has at least 240; those with H.264 first."""
    plain = [one for one in variants if not one.codecs or "avc1" in one.codecs] or variants
    if quality == "sub":
        return min(plain, key=lambda one: (0 < one.height < 240, one.height, one.bandwidth))
    return max(plain, key=lambda one: (one.height <= 1088, one.height if one.height <= 1088 else -one.height, one.bandwidth))


class _Listener(ToIntake):
    """Also counts the segments that were played."""

    def __init__(self, intake: Intake) -> None:
        super().__init__(intake)
        self.begun = 0
        self.changed = asyncio.Event()

    def told(self, about: dict[str, Any]) -> None:
        super().told(about)
        if "segment" in about:
            self.begun = about["segment"]
            self.changed.set()


class _Reader:
    """Fetches segments as they appear and hands them over, never far ahead of what plays."""

    def __init__(self, fetch: Fetch, base: str, job: Any, listener: _Listener) -> None:
        self._fetch, self._base, self._job, self._listener = fetch, base, job, listener
        self._keys: dict[str, bytes] = {}
        self._inits: dict[tuple, bytes] = {}
        self._fed = 0

    async def run(self, media: Media) -> None:
        """Until the playlist's end has been played."""
        after = media.segments[-_BEGIN_BEFORE - 1].number if not media.ended and len(media.segments) > _BEGIN_BEFORE else -1
        fresh, changed = True, monotonic()
        while True:
            begun = monotonic()
            for segment in [one for one in media.segments if one.number > after]:
                jump = fresh or segment.discontinuous or segment.number != after + 1
                await self._feed(segment, media.target, jump and self._fed > 0)
                after, fresh, changed = segment.number, False, monotonic()
            if media.ended:
                return await self._played(0)
            if monotonic() - changed > max(8.0, 3 * media.target):
                raise SourceFailed("silent", "the playlist does not go on")
            await asyncio.sleep(max(0.2, min(6.0, media.target / 2) - (monotonic() - begun)))
            body, self._base = await self._fetch.body(self._base, _MOST_TEXT, 5.0)
            found = _parsed(body.decode("utf-8", "replace"))
            if isinstance(found, list):
                raise SourceFailed("garbled", "the playlist became another one")
            if found.segments and found.segments[-1].number < after:  # the server began to count anew
                after, fresh = -1, True
            media = found

    async def _played(self, left: int) -> None:
        while self._fed - self._listener.begun > left:
            self._listener.changed.clear()
            await self._listener.changed.wait()

    async def _feed(self, segment: Segment, target: float, jump: bool) -> None:
        await self._played(_AHEAD)
        seconds = max(6.0, 2 * target)
        data = await self._bytes(segment.address, segment.range, _MOST_SEGMENT, seconds)
        if segment.key:
            data = self._opened(data, await self._key(segment.key), segment)
        head = await self._init(segment) if segment.init else b""
        taken = float(segment.taken) if segment.taken and abs(real_ms() - segment.taken) < _PLAUSIBLE_MS else 0.0
        self._fed += 1
        self._job.feed(head + data, key=jump, pts=self._fed, captured=taken)

    async def _bytes(self, address: str, span: tuple[int, int] | None, most: int, seconds: float) -> bytes:
        headers = {"range": f"bytes={span[0]}-{span[0] + span[1] - 1}"} if span else {}
        body, _ = await self._fetch.body(joined(self._base, address), most, seconds, headers)
        return body[: span[1]] if span else body

    async def _init(self, segment: Segment) -> bytes:
        known = segment.init, segment.init_range
        if known not in self._inits:
            self._inits = {known: await self._bytes(segment.init, segment.init_range, _MOST_INIT, 6.0)}
        return self._inits[known]

    async def _key(self, address: str) -> bytes:
        if address not in self._keys:
            self._keys = {address: await self._bytes(address, None, 64, 5.0)}
        return self._keys[address]

    def _opened(self, data: bytes, key: bytes, segment: Segment) -> bytes:
        try:
            return open_cbc(key, segment.iv or segment.number.to_bytes(16, "big"), data)
        except ValueError:
            raise SourceFailed("garbled", "a segment cannot be decrypted") from None
