"""The seam of drivers: how a kind of camera is turned. Each module of `video.ptz.drivers` defines `DRIVER`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from hall.core.errors import HallError

#: a movement ends by itself when it is not renewed within this time (seconds): a lost link must not leave a camera turning
MOVE_SECONDS = 1.0


class PtzFailed(HallError):
    """A camera did not do it. `reason`: `unreachable`, `unauthorised`, `unsupported`, `garbled`, `refused-address`, `refused`
    (by the camera, `detail` is what it says); `no-degrees`, `beyond`: it cannot be turned to a direction, or not so far."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


class Motion(msgspec.Struct, frozen=True):
    """Speeds from -1 to 1: pan right, tilt up, zoom in are positive."""

    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0

    @property
    def still(self) -> bool:
        return not (self.pan or self.tilt or self.zoom)


class Preset(msgspec.Struct, frozen=True):
    token: str
    name: str = ""


class Position(msgspec.Struct, frozen=True):
    """As the camera tells: pan and tilt from -1 to 1 of its range, zoom from 0 to 1; None where it does not say. `space`: the
    camera's name of another scale of pan and tilt."""

    pan: float | None = None
    tilt: float | None = None
    zoom: float | None = None
    moving: bool | None = None
    space: str = ""


class Driver(Protocol):
    """One camera. Every call is bounded in time and raises PtzFailed."""

    async def move(self, motion: Motion) -> None:
        """Turns at these speeds for MOVE_SECONDS or until the next call; a still motion stops."""

    async def presets(self) -> list[Preset]: ...

    async def recall(self, token: str) -> None: ...

    async def store(self, name: str, token: str = "") -> str:
        """Keeps where it looks as a preset; returns the token."""

    async def position(self) -> Position: ...

    async def face(self, degrees: float, span: float | None = None) -> Position:
        """Turns to so many degrees right of where it was mounted to look, tilt and zoom as they are; returns where it looked
        before. `span`: degrees that its whole range (-1…1) stands for, where somebody wrote that down."""

    async def go(self, position: Position) -> None:
        """Turns to where it once said it looked."""

    async def close(self) -> None: ...


class DriverKind(msgspec.Struct, frozen=True, kw_only=True):
    """`open(url, guard)` makes a Driver; nothing is asked of the camera before the first call."""

    name: str
    schemes: tuple[str, ...]
    open: Callable[[str, Any], Driver]
