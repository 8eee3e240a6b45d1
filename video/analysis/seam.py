"""The seam of analysers: each module of this package that defines `ANALYSER` is one kind, found by its name.

An analyser is pure: pictures and their times in, readings out; it keeps what it must remember in the state it made. A reading
always carries its confidence: what is below the task's `min_confidence` is told without a value, so that no threshold sees it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import msgspec

from video.decode import Picture


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is read from which channel. `region`: corners as shares of width and height, drawn once."""

    channel: str  # subject
    analyser: str
    region: tuple[tuple[float, float], ...] = ((0, 0), (1, 0), (1, 1), (0, 1))
    min_confidence: float = 0.6
    every_seconds: float = 10.0  # between readings
    name: str = ""  # what screens and alarms call the place; empty: the channel's name
    options: dict[str, Any] = {}


class Reading(NamedTuple):
    """One result: `value` in `unit`, `confidence` 0..1; `doubt` names what took most of the confidence."""

    quantity: str
    value: float
    unit: str
    confidence: float
    doubt: str = ""


class Analyser(Protocol):
    """One kind. `moving`: it wants every picture of the stream, else a key picture every `every_seconds` will do. One that is
    `referred` compares with pictures of the place as it usually is, and has `refer(state, pictures)` to be given them."""

    name: str
    moving: bool
    referred: bool

    def begin(self, task: Task) -> Any:
        """The state for one task; raises ValueError for options that are wrong."""

    def look(self, state: Any, picture: Picture, at: int) -> list[Reading]:
        """One picture, taken at `at` (real ms); no reading where there is nothing to say yet."""


def pixels(region: tuple[tuple[float, float], ...], width: int, height: int) -> list[tuple[int, int]]:
    """The region's corners in a picture of that size."""
    return [(round(x * (width - 1)), round(y * (height - 1))) for x, y in region]
