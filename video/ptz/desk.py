"""Takes what people want of cameras: leases, one command at a time per camera, the newest movement wins."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from hall.core.clock import monotonic, real_ms
from hall.core.discover import discover
from hall.core.errors import BusLost, Refused
from hall.core.process import Process
from video.media import SourceFailed
from video.ptz import drivers
from video.ptz.driver import Driver, DriverKind, Motion, PtzFailed
from video.ptz.lease import FREE, Asker, Lease, let_go, take

log = logging.getLogger("hall.video")
#: cameras whose connection is kept; the longest unused is closed
KEPT = 64
#: a movement is sent to the camera again while it is held down, at most so often (seconds)
EVERY_SECONDS = 0.2
#: how far a lease that screens know may end before the one that holds (ms)
TELL_MS = 5_000
_STATUS = {"unauthorised": 502, "unsupported": 409, "refused-address": 403, "unreachable": 504}

#: gives the driver's address of a channel (sealed at rest), raises Refused or SourceFailed
Lookup = Callable[[str], Awaitable[str]]


class _Camera:
    """One steered camera: its lease, its driver, the movement that waits."""

    def __init__(self) -> None:
        self.lease = self.told = FREE
        self.driver: Driver | None = None
        self.url = ""
        self.wanted: Motion | None = None
        self.moving = False
        self.busy = asyncio.Lock()
        self.pump: asyncio.Task | None = None
        self.fault: Refused | None = None  # why the last movement did not happen; told to whoever asks next


class PtzDesk:
    """All cameras of one process. `counters`: moves asked, sent (newer ones replaced the rest), refused, failed."""

    def __init__(self, process: Process, lookup: Lookup, guard: Any) -> None:
        self._process, self._lookup, self._guard = process, lookup, guard
        self._cameras: OrderedDict[str, _Camera] = OrderedDict()
        kinds: dict[str, DriverKind] = discover(drivers, "DRIVER")
        self._kinds = {scheme: kind for kind in kinds.values() for scheme in kind.schemes}
        self.counters = {"ptz_asked": 0.0, "ptz_sent": 0.0, "ptz_refused": 0.0, "ptz_failed": 0.0}

    async def run(self) -> None:
        """Ends leases that were forgotten, until cancelled."""
        while True:
            await asyncio.sleep(1)
            self.expire(real_ms())

    def expire(self, now: int) -> None:
        for subject, camera in self._cameras.items():
            if camera.lease.person and not camera.lease.live(now):
                self._lease(subject, camera, FREE)

    # -- asked -------------------------------------------------------------------------------------------------------

    async def move(self, subject: str, asker: Asker, motion: Motion) -> Lease:
        """Wants the camera to turn (or, still, to stop). Returns once it is under way; while one command is on the line only
        the newest wish waits. Raises Refused: `camera-taken`, or what the camera said to an earlier movement."""
        self.counters["ptz_asked"] += 1
        camera = self._steered(subject, asker)
        if camera.fault is not None:
            fault, camera.fault = camera.fault, None
            raise fault
        camera.wanted = motion
        if camera.pump is None or camera.pump.done():
            camera.pump = asyncio.create_task(self._pump(subject, camera))
            await asyncio.wait([camera.pump], timeout=EVERY_SECONDS)
            if camera.pump.done() and camera.fault is not None:
                fault, camera.fault = camera.fault, None
                raise fault
        return camera.lease

    async def recall(self, subject: str, asker: Asker, token: str) -> Lease:
        """Turns to a preset. Raises Refused."""
        camera = self._steered(subject, asker)
        await self._ask(subject, camera, lambda driver: driver.recall(token))
        return camera.lease

    async def store(self, subject: str, asker: Asker, name: str, token: str = "") -> str:
        """Keeps where the camera looks as a preset; returns its token. Raises Refused."""
        camera = self._steered(subject, asker)
        return await self._ask(subject, camera, lambda driver: driver.store(name, token))

    async def look(self, subject: str) -> dict[str, Any]:
        """Presets, position and lease; steers nothing. Raises Refused."""
        camera = self._camera(subject)
        found = await self._ask(subject, camera, lambda driver: driver.presets())
        position = None
        with contextlib.suppress(Refused):
            position = await self._ask(subject, camera, lambda driver: driver.position())
        return {
            "presets": msgspec.to_builtins(found),
            "position": msgspec.to_builtins(position),
            "lease": msgspec.to_builtins(camera.lease if camera.lease.live(real_ms()) else FREE),
        }

    async def release(self, subject: str, asker: Asker) -> Lease:
        """Lets go; a camera in movement stops."""
        camera = self._camera(subject)
        lease = let_go(camera.lease, asker, real_ms())
        if lease is FREE and camera.moving:
            camera.wanted = Motion()
            if camera.pump is None or camera.pump.done():
                camera.pump = asyncio.create_task(self._pump(subject, camera))
        self._lease(subject, camera, lease)
        return lease

    # -- inside ------------------------------------------------------------------------------------------------------

    def _camera(self, subject: str) -> _Camera:
        camera = self._cameras.setdefault(subject, _Camera())
        self._cameras.move_to_end(subject)
        if len(self._cameras) > KEPT:
            self._forget(real_ms())
        return camera

    def _forget(self, now: int) -> None:
        """Closes the longest unused camera that nobody steers."""
        for subject, camera in self._cameras.items():
            if not camera.lease.live(now) and not camera.busy.locked():
                del self._cameras[subject]
                if camera.driver is not None:
                    self._process.spawn(camera.driver.close(), "close a camera")
                return

    def _steered(self, subject: str, asker: Asker) -> _Camera:
        camera = self._camera(subject)
        try:
            lease = take(camera.lease, asker, real_ms())
        except Refused:
            self.counters["ptz_refused"] += 1
            raise
        self._lease(subject, camera, lease)
        return camera

    def _lease(self, subject: str, camera: _Camera, lease: Lease) -> None:
        """Screens hear who has it at once, and that it was prolonged every few seconds."""
        camera.lease, told = lease, camera.told
        same = (lease.person, lease.desk) == (told.person, told.desk)
        if same and lease.until - told.until < TELL_MS:
            return
        with contextlib.suppress(BusLost):
            self._process.fast.put(self._process.event(f"ptz/{subject.partition('/')[2]}", lease))
            camera.told = lease

    async def _pump(self, subject: str, camera: _Camera) -> None:
        """Sends the newest wish until none waits; a camera that fails is told to whoever asks next."""
        while camera.wanted is not None:
            motion, camera.wanted = camera.wanted, None
            began = monotonic()
            try:
                await self._ask(subject, camera, lambda driver, motion=motion: driver.move(motion))
            except Refused as error:
                camera.fault, camera.wanted = error, None
                return
            self.counters["ptz_sent"] += 1
            camera.moving = not motion.still
            if camera.wanted is None or not camera.wanted.still:  # a stop never waits
                await asyncio.sleep(max(0.0, EVERY_SECONDS - (monotonic() - began)))

    async def _ask(self, subject: str, camera: _Camera, work: Callable[[Driver], Awaitable[Any]]) -> Any:
        try:
            async with camera.busy:
                return await work(await self._driver(subject, camera))
        except PtzFailed as error:
            self.counters["ptz_failed"] += 1
            raise Refused(f"camera-{error.reason}", error.detail, _STATUS.get(error.reason, 502)) from None

    async def _driver(self, subject: str, camera: _Camera) -> Driver:
        try:
            url = await self._lookup(subject)
        except SourceFailed as error:
            raise Refused(error.reason, error.detail, 409) from None
        if camera.driver is None or camera.url != url:
            kind = self._kinds.get(url.partition("://")[0].lower())
            if kind is None:
                raise Refused("no-driver", f"no driver turns cameras at {url.partition('://')[0]}://", 409)
            if camera.driver is not None:
                await camera.driver.close()
            camera.driver, camera.url = kind.open(url, self._guard), url
        return camera.driver
