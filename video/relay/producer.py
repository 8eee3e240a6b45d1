"""Keeps one track supplied: opens its source, opens it again when it fails, tells how it does."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from hall.core.clock import monotonic
from video.media import Source, SourceFailed, SourceRequest, StreamInfo
from video.relay.track import Track

log = logging.getLogger("hall.relay")

#: seconds: first pause, longest while somebody watches (so that a camera that returns is back at once)
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 1.0
#: after a failure that asking again soon cannot mend
LASTING_PAUSE = (10.0, 30.0)
#: an attempt that delivered for so long was a good one: the pauses begin anew
GOOD_SECONDS = 3.0
#: sources bound their own waiting (video.media.Source); one that does not is ended by these
FIRST_PICTURE_SECONDS, SILENCE_SECONDS = 15.0, 12.0

Look = Callable[[str, str], Awaitable[SourceRequest]]
Open = Callable[[SourceRequest], Source]


def _late(*picture: object, **more: object) -> None:
    """A picture of a source whose time is over."""


class Attempt:
    """The intake of one opened source: what it delivers after its time is nobody's."""

    __slots__ = ("track", "picture", "closed", "_began", "_before")

    def __init__(self, track: Track) -> None:
        self.track, self.closed = track, False
        self.picture = track.picture  # the track's own: most of what this process does goes through it
        self._began, self._before = monotonic(), track.number

    @property
    def pictures(self) -> int:
        """How many the track took of it."""
        return self.track.number - self._before

    @property
    def last(self) -> float:
        """When the last one came (monotonic seconds), or when it began."""
        return max(self._began, self.track.last_at)

    def begin(self, info: StreamInfo) -> None:
        if not self.closed:
            self.track.begin(info)

    def damaged(self, why: str) -> None:
        if not self.closed:
            self.track.damaged(why)

    def close(self) -> None:
        self.closed, self.picture = True, _late


class Producer:
    """Runs until cancelled. `look` finds what to open, `open_source` opens it; both raise SourceFailed."""

    def __init__(self, track: Track, look: Look, open_source: Open) -> None:
        self.track, self._look, self._open = track, look, open_source
        self._known: SourceRequest | None = None  # used while the bus is away
        self._attempt: Attempt | None = None
        self._deadline: asyncio.Timeout | None = None
        self._hurry = asyncio.Event()
        self._told = ""

    async def run(self) -> None:
        """Attempt after attempt; never returns."""
        failures = 0
        while True:
            began = monotonic()
            failure, pictures = await self._try()
            if pictures and monotonic() - began >= GOOD_SECONDS:
                failures = 0
            failures += 1
            pause = self._pause(failure, failures)
            self._log(failure)
            self.track.tell("failed" if failure.lasting else "waiting", failure.reason, failure.detail, pause)
            await self._wait(pause)

    def hurry(self) -> None:
        """Somebody new wants to see: a long pause ends now."""
        self._hurry.set()

    def watch_over(self, now: float) -> None:
        """Ends an attempt that keeps silent for longer than a source may; called several times a second."""
        attempt, deadline = self._attempt, self._deadline
        if attempt is None or deadline is None or deadline.expired():
            return
        limit = SILENCE_SECONDS if attempt.pictures else FIRST_PICTURE_SECONDS
        if now - attempt.last > max(limit, 4 * self.track.interval):
            deadline.reschedule(asyncio.get_running_loop().time())

    async def _try(self) -> tuple[SourceFailed, int]:
        """One attempt: why it ended, and how many pictures it brought."""
        track = self.track
        track.counters["attempts"] += 1
        attempt = Attempt(track)
        failure = SourceFailed("gone", "the other side ended the stream")
        try:
            request = await self._request()
            source = self._open(request)
            self._attempt = None if getattr(source, "mirrors", False) else attempt
            async with asyncio.timeout(None) as self._deadline:
                await source.run(attempt)
        except SourceFailed as error:
            failure = error
        except TimeoutError:
            failure = SourceFailed("silent", "nothing came for too long")
        except Exception as error:  # a source's fault must not end the relay
            log.exception("%s: the source failed in a way it should not", track.subject)
            failure = SourceFailed("fault", type(error).__name__)
        finally:
            brought = attempt.pictures
            attempt.close()
            self._attempt = self._deadline = None
        return failure, brought

    async def _request(self) -> SourceRequest:
        try:
            self._known = await self._look(self.track.subject, self.track.quality)
        except SourceFailed as error:
            if error.reason != "bus-lost" or self._known is None:
                raise
        return self._known

    @staticmethod
    def _pause(failure: SourceFailed, failures: int) -> float:
        if failure.lasting:
            return random.uniform(*LASTING_PAUSE)
        return random.uniform(0.7, 1.0) * min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 8))

    async def _wait(self, pause: float) -> None:
        """A pause that new viewers shorten, to the shortest one at least."""
        self._hurry.clear()
        await asyncio.sleep(min(pause, FIRST_PAUSE))
        try:
            async with asyncio.timeout(max(0.0, pause - FIRST_PAUSE)):
                await self._hurry.wait()
        except TimeoutError:
            pass

    def _log(self, failure: SourceFailed) -> None:
        """Edges only: another reason than last time."""
        if failure.reason != self._told:
            self._told = failure.reason
            log.info("%s (%s): %s", self.track.subject, self.track.quality, failure)
