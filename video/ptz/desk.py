"""Takes what people want of cameras: leases, one command at a time per camera, the newest movement wins."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import msgspec

from hall.core.clock import monotonic, real_ms
from hall.core.discover import discover
from hall.core.errors import BusLost, Refused
from hall.core.model import Channel
from hall.core.process import Process
from video.catalogue.sector import bearing
from video.media import SourceFailed
from video.ptz import drivers
from video.ptz.driver import Driver, DriverKind, Motion, Position, PtzFailed
from video.ptz.lease import FREE, Asker, Lease, let_go, take

log = logging.getLogger("hall.video")
#: cameras whose connection is kept; the longest unused is closed
KEPT = 64
#: a movement is sent to the camera again while it is held down, at most so often (seconds)
EVERY_SECONDS = 0.2
CLOSE_SECONDS = 5.0
#: a stop waits so long for what became of the movement it ends: what the camera refused is told to whoever asked for it
STOP_SECONDS = 7.0
#: ... and whoever turns it next hears of it for so long
FAULT_SECONDS = 2.0
#: cameras turned to a place with one request, and how long one of them may take
MOST_POINTED, POINT_SECONDS = 16, 7.0  # a page waits 8 s
#: how far a lease that screens know may end before the one that holds (ms)
TELL_MS = 5_000
_STATUS = {
    "unauthorised": 502, "refused-address": 403, "unreachable": 504, "unsupported": 409, "no-degrees": 409, "beyond": 409,
}  # fmt: skip


class Lookup(Protocol):
    """What is known of cameras."""

    async def __call__(self, subject: str) -> str:
        """The driver's address (sealed at rest); raises Refused or SourceFailed."""

    def channel(self, subject: str) -> Channel | None: ...


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
        self.fault: Refused | None = None  # why the last movement did not happen; told once
        self.failed_at = 0.0

    def raise_fault(self) -> None:
        fault, self.fault = self.fault, None
        if fault is not None and monotonic() - self.failed_at < FAULT_SECONDS:
            raise fault


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
        the newest wish waits. A stop returns when the camera has taken it: it is never refused for what went wrong before, and
        tells it. Raises Refused: `camera-taken`, or what the camera said."""
        self.counters["ptz_asked"] += 1
        camera = self._steered(subject, asker)
        if not motion.still:
            camera.raise_fault()
        camera.wanted = motion
        running = camera.pump is not None and not camera.pump.done()
        if camera.pump is None or not running:
            camera.pump = asyncio.create_task(self._pump(subject, camera))
        if motion.still or not running:
            await asyncio.wait([camera.pump], timeout=STOP_SECONDS if motion.still else EVERY_SECONDS)
        if camera.pump.done():
            camera.raise_fault()
        return camera.lease

    async def recall(self, subject: str, asker: Asker, token: str) -> Lease:
        """Turns to a preset. Raises Refused."""
        camera = self._steered(subject, asker)
        await self._ask(subject, camera, lambda driver: driver.recall(token))
        return camera.lease

    async def go(self, subject: str, asker: Asker, position: Position) -> Lease:
        """Turns back to where the camera once said it looked. Raises Refused."""
        camera = self._steered(subject, asker)
        await self._ask(subject, camera, lambda driver: driver.go(position))
        return camera.lease

    async def point(self, subjects: Sequence[str], asker: Asker, lon: float, lat: float) -> dict[str, list[dict[str, Any]]]:
        """Turns cameras to a place: `{turned: [{channel, before, lease}], refused: [{channel, reason, detail}]}`; `before` is
        the position that `go` returns to."""
        if len(subjects) > MOST_POINTED:
            raise Refused("too-many-channels", f"at most {MOST_POINTED} at once", 422)
        wanted = list(dict.fromkeys(subjects))
        found = await asyncio.gather(*(self._pointed(subject, asker, lon, lat) for subject in wanted))
        return {
            "turned": [outcome for outcome in found if "reason" not in outcome],
            "refused": [outcome for outcome in found if "reason" in outcome],
        }

    async def _pointed(self, subject: str, asker: Asker, lon: float, lat: float) -> dict[str, Any]:
        try:
            channel = self._lookup.channel(subject)
            degrees = _aim(channel, lon, lat)
            camera = self._steered(subject, asker)
            async with asyncio.timeout(POINT_SECONDS):
                before = await self._ask(subject, camera, lambda driver: driver.face(degrees, _span(channel)))
        except Refused as error:
            return {"channel": subject, "reason": error.reason, "detail": error.detail}
        except TimeoutError:
            return {"channel": subject, "reason": "camera-unreachable", "detail": f"no answer within {POINT_SECONDS:g} s"}
        told = {"before": msgspec.to_builtins(before), "lease": msgspec.to_builtins(camera.lease)}
        return {"channel": subject, **told}

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
        if lease is FREE and (camera.moving or camera.wanted is not None):
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
                    self._process.spawn(_closed(camera.driver), "close a camera")
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
        """Screens hear who has it at once, and that it was prolonged every few seconds. The document says whose camera it is:
        the stream tells it to those only who may know of the camera (hall/roles.py: bounds)."""
        camera.lease, told = lease, camera.told
        same = (lease.person, lease.desk) == (told.person, told.desk)
        if same and lease.until - told.until < TELL_MS:
            return
        with contextlib.suppress(BusLost):
            channel = self._lookup.channel(subject)
            owned = {"district": channel.district, "owner": channel.owner} if channel else {}
            told_now = msgspec.to_builtins(lease) | owned
            self._process.fast.put(self._process.event(f"ptz/{subject.partition('/')[2]}", told_now))
            camera.told = lease

    async def _pump(self, subject: str, camera: _Camera) -> None:
        """Sends the newest wish until none waits; a camera that fails is told to whoever asks next."""
        while camera.wanted is not None:
            motion, camera.wanted = camera.wanted, None
            began = monotonic()
            camera.moving = camera.moving or not motion.still  # from here on it may turn, whatever it answers
            try:
                await self._ask(subject, camera, lambda driver, motion=motion: driver.move(motion))
            except Refused as error:
                camera.fault, camera.failed_at = error, monotonic()
                if camera.moving and camera.wanted is not None and camera.wanted.still:
                    continue  # it may still be turning: a stop is tried whatever became of the movement
                camera.wanted = None
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
                await _closed(camera.driver)
            camera.driver, camera.url = kind.open(url, self._guard), url
        return camera.driver


def _aim(channel: Channel | None, lon: float, lat: float) -> float:
    """How far (degrees, to the right) a camera has to turn from where it was mounted to look. Raises Refused."""
    if channel is None:
        raise Refused("unknown-channel", "there is no such channel", 404)
    if not channel.ptz:
        raise Refused("no-ptz", "this camera cannot be turned", 409)
    if channel.lon is None or channel.lat is None:
        raise Refused("no-place", "nobody says where this camera stands", 409)
    if channel.bearing_deg is None:
        raise Refused("no-bearing", "nobody says which way this camera is mounted", 409)
    return bearing(channel.lon, channel.lat, lon, lat) - channel.bearing_deg


def _span(channel: Channel | None) -> float | None:
    """Degrees that the camera's whole range stands for, where the directory says so (`pan_range_deg`)."""
    told = channel.extra.get("pan_range_deg") if channel else None
    return float(told) if isinstance(told, (int, float)) and not isinstance(told, bool) and 0 < told <= 720 else None


async def _closed(driver: Driver) -> None:
    """Lets go of a camera: what it says to that, or does not, is nobody's concern and must not end the process."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await driver.close()
    except Exception as error:  # a driver is a plug-in
        log.warning("ptz: a camera's connection did not close: %s", type(error).__name__)
