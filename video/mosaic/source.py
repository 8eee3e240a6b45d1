"""The relay's side of a mosaic: follows its members' sub-streams, hands their pictures to the workshop, which composes them."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from hall.core.bus import Bus
from hall.core.errors import BusLost, Refused
from video.media import AccessUnit, Intake, SourceFailed, SourceRequest, StreamInfo, TrackState
from video.mosaic.wire import FAMILIES, HEAD
from video.workshop import shared
from video.workshop.deliver import ToIntake, watched
from video.workshop.shop import Job

#: subjects -> what to write over their tiles
Names = Callable[[tuple[str, ...]], Awaitable[list[str]]]
SIZES = (4, 9, 16, 25)
TOPIC = "mosaic/"
SCHEME = "mosaic:"
_FPS = 12.5
_KEPT = 256
_PIXELS = {4: (1280, 720)}


def subject_of(size: int, members: tuple[str, ...]) -> str:
    """The same members in the same order are the same mosaic, whoever watches."""
    said = msgspec.json.encode(members)
    return f"{TOPIC}{size}/{hashlib.sha256(said).hexdigest()[:20]}"


class Mosaics:
    """Which mosaics were asked for. Bounded: the longest unused that nobody watches is forgotten, and asked for anew by who
    comes back. `watched()` names the subjects that somebody watches."""

    def __init__(self, watched: Callable[[], set[str]] = set) -> None:
        self._watched = watched
        self._members: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def asked(self, size: int, members: tuple[str, ...]) -> str:
        """The subject to watch for these members; raises Refused."""
        if size not in SIZES:
            raise Refused("mosaic-size", f"a mosaic has {', '.join(map(str, SIZES))} tiles", 422)
        if not members or len(members) > size:
            raise Refused("mosaic-members", f"1 to {size} channels", 422)
        subject = subject_of(size, members)
        self._members[subject] = members
        self._members.move_to_end(subject)
        if len(self._members) > _KEPT:
            kept = self._watched() | {subject}
            for old in [name for name in self._members if name not in kept][: len(self._members) - _KEPT]:
                del self._members[old]
        return subject

    def granted(self, wanted: str, channels: tuple[str, ...]) -> str:
        """The subject to watch for who asked for `wanted` with a ticket for `channels`: one of them, or `mosaic/<size>` of all
        of them in their order. Raises Refused `not-on-ticket` 403."""
        if wanted in channels:
            return wanted
        size = wanted.removeprefix(TOPIC)
        if wanted.startswith(TOPIC) and size.isascii() and size.isdigit() and len(size) < 4:
            return self.asked(int(size), channels)
        raise Refused("not-on-ticket", "this ticket does not name that channel", 403)

    def request(self, subject: str) -> SourceRequest:
        """What to open for a mosaic; raises SourceFailed when nobody has asked for it lately."""
        if subject not in self._members:
            raise SourceFailed("no-such-stream", "this mosaic is not known any more; ask for it anew", lasting=True)
        return SourceRequest(subject=subject, url=SCHEME)

    def members(self, subject: str) -> tuple[str, ...]:
        return self._members.get(subject, ())


class _Member:
    """One channel's pictures into its tile."""

    def __init__(self, number: int) -> None:
        self.job: Job | None = None
        self._number = number
        self._head = b""

    def begin(self, info: StreamInfo) -> None:
        self._head = HEAD.pack(self._number, FAMILIES.index(info.family)) if info.family in FAMILIES else b""

    def take(self, unit: AccessUnit) -> None:
        if self.job is not None and self._head:
            self.job.feed(self._head + unit.annexb, key=unit.key, pts=unit.pts, captured=unit.captured)

    def tell(self, state: TrackState) -> None:
        """A tile shows by itself how old it is."""


class MosaicSource:
    """One mosaic as a source. `names` gives the words over the tiles; `hub` is the relay's own."""

    def __init__(self, hub: Any, subject: str, members: tuple[str, ...], names: Names) -> None:
        self._hub, self._members, self._names = hub, members, names
        self._size = int(subject.split("/")[1])

    async def run(self, intake: Intake) -> None:
        """See video.media.Source."""
        width, height = _PIXELS.get(self._size, (1920, 1080))
        names = await self._names(self._members)
        names += [""] * (self._size - len(names))
        listener = ToIntake(intake)
        job = await shared().open("mosaic", {"names": names, "width": width, "height": height, "fps": _FPS}, listener)
        joined = []
        try:
            for number, subject in enumerate(self._members):
                member = _Member(number)
                track = self._hub.watch(subject, "sub", member)
                joined.append((track, member))
                if track.info is not None:
                    member.begin(track.info)
                member.job = job
                for unit in track.gop:
                    member.take(unit)
            await watched(job, listener)
        finally:
            for track, member in joined:
                self._hub.leave(track, member)
            job.close()


def named(bus: Bus) -> Names:
    """Names of channels as the gate's checkpoint has them; the last part of the subject where it has none."""

    async def names(subjects: tuple[str, ...]) -> list[str]:
        try:
            kept = await bus.call("HMGET", bus.key("board"), *subjects)
        except BusLost:
            kept = [None] * len(subjects)
        return [_name(value) or subject.rpartition("/")[2] for subject, value in zip(subjects, kept, strict=True)]

    return names


def _name(value: bytes | None) -> str:
    try:
        data = msgspec.json.decode(value.split(b" ", 2)[2]).get("data") if value else None
        return str(data.get("name", "")) if isinstance(data, dict) else ""
    except (msgspec.MsgspecError, IndexError, AttributeError):
        return ""
