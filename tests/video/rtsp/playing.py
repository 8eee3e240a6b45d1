"""One source playing from a camera for a test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import av

from tests.video.bitstream.taking import Remembering
from tests.video.cameras import read_number
from video.media import AccessUnit, SourceFailed, SourceRequest
from video.rtsp import RtspSource


class Player(Remembering):
    """Takes what comes; `until(condition)` waits for it, and fails with what ended the source before."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()
        self.task: asyncio.Task | None = None

    def begin(self, info) -> None:
        super().begin(info)
        self._changed.set()

    def picture(self, *args, **more) -> None:
        super().picture(*args, **more)
        self._changed.set()

    def damaged(self, why: str) -> None:
        super().damaged(why)
        self._changed.set()

    async def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                waiting = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait({waiting, self.task}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if self.task.done() and not condition():
                    raise self.task.exception()

    async def pictures(self, count: int) -> list[AccessUnit]:
        await self.until(lambda: len(self.units) >= count)
        return self.units

    async def failure(self, seconds: float = 20) -> SourceFailed:
        """What ended the source."""
        async with asyncio.timeout(seconds):
            await asyncio.wait({self.task})
        error = self.task.exception()
        assert isinstance(error, SourceFailed), error
        return error


def request(url: str, **more) -> SourceRequest:
    return SourceRequest(subject="channel/test/a", url=url, **more)


@contextlib.asynccontextmanager
async def playing(url: str, **more) -> AsyncIterator[Player]:
    player = Player()
    player.task = asyncio.create_task(RtspSource(request(url, **more)).run(player))
    try:
        yield player
    finally:
        player.task.cancel()
        await asyncio.gather(player.task, return_exceptions=True)


def numbers(units: list[AccessUnit]) -> list[int | None]:
    """The burnt-in numbers, read off the decoded pictures."""
    if not units:
        return []
    decoder, found = av.CodecContext.create({"h264": "h264", "h265": "hevc"}[units[0].info.family], "r"), []
    for unit in units:
        found += [read_number(f.to_ndarray(format="gray")) for f in decoder.decode(av.Packet(unit.annexb))]
    return found + [read_number(f.to_ndarray(format="gray")) for f in decoder.decode(None)]


def consecutive(found: list[int | None], count: int) -> bool:
    """Whether these numbers follow each other in a loop of `count`."""
    return len(found) > 1 and None not in found and all((b - a) % count == 1 for a, b in zip(found, found[1:], strict=False))
