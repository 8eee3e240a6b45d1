"""What the alarm engine is told. Times are city ms: `time` when it happened, `at` when the hall learnt it (None: then, too).

The engine takes inputs in the order of hearing; its clock is the newest `at` it was given.
"""

from __future__ import annotations

import msgspec

from hall.core.model import Sensor


class Input(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """Base of every input."""

    time: int = 0
    at: int | None = None


class Reading(Input, kw_only=True, omit_defaults=True, gc=False):
    """A measured value in its canonical unit. `confidence` and `picture` of one that was read from a picture."""

    feed: str
    sensor: str
    quantity: str
    value: float | None
    unit: str = ""
    quality: str = ""
    confidence: float | None = None
    picture: str = ""
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    doubts: tuple[str, ...] = ()  # filled in by the stage that believes or not


class SensorSeen(Input, kw_only=True, omit_defaults=True, gc=False):
    """A sensor's document came or changed."""

    sensor: Sensor


class SensorGone(Input, kw_only=True, omit_defaults=True, gc=False):
    """A measuring point was taken away."""

    feed: str
    sensor: str


class Position(Input, kw_only=True, omit_defaults=True, gc=False):
    """Where a crew or vehicle is."""

    feed: str
    unit: str
    kind: str = ""
    name: str = ""
    lon: float | None = None
    lat: float | None = None
    district: str = ""


class Heard(Input, kw_only=True, omit_defaults=True, gc=False):
    """A subject told something: what a missing report is measured by."""

    subject: str


class Posture(Input, kw_only=True, omit_defaults=True, gc=False):
    """The response level in force now, "" or "IV" to "I". An exercise changes no figure: real water stays real."""

    level: str = ""
    exercise: bool = False


class Supplied(Input, kw_only=True, omit_defaults=True, gc=False):
    """An alarm line that a supplier's own system made: it goes in behind the rules. `family` is what it is grouped by.

    `id` is `<feed>/<alarm_id>`: what clears it may know nothing else of it. `site` empty: its device's. `word` is the
    supplier's own for the severity; `lasts_seconds`: it ends by itself so long after it was last told."""

    site: str
    active: bool
    id: str = ""
    feed: str = ""
    device: str = ""
    name: str = ""
    word: str = ""
    text: str = ""
    picture: str = ""
    lasts_seconds: float | None = None
    severity: int = 2
    rule: str = "supplied"
    label: dict[str, str] = {}
    family: str = ""
    station: str = ""
    respond_seconds: float = 1800.0
    lon: float | None = None
    lat: float | None = None
    district: str = ""


class Tick(Input, kw_only=True, omit_defaults=True, gc=False):
    """Nothing but that time went by, to `at`."""
