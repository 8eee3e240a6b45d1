"""What every document must satisfy before it may be published, whoever made it."""

from __future__ import annotations

import math
import typing
from typing import Any, NamedTuple

from hall.core.errors import BadInput
from hall.core.model import (
    CASE_STATES,
    KINDS,
    SEVERITIES,
    Case,
    Channel,
    Doc,
    Observation,
    PublicWarning,
    Sensor,
    SuppliedAlarm,
)

DAY_MS = 86_400_000
IDENTIFIER_BOUND = 200  # characters
TEXT_BOUND = 20_000
LIST_BOUND = 20_000
DOCUMENT_BOUND = 4 * 1024 * 1024  # encoded bytes
NUMBER_BOUND = 1e12
CHANNEL_STATES = frozenset({"online", "offline", "unknown"})
CASE_KINDS = frozenset({"component", "occurrence", "service"})

_IDENTIFIERS = frozenset({"feed", "quantity", *(field for _, _, field in KINDS.values())})
_RANGES = {"lon": (-180.0, 180.0), "lat": (-90.0, 90.0), "heading_deg": (-360.0, 360.0), "bearing_deg": (-360.0, 360.0),
           "speed_mps": (0.0, 350.0), "accuracy_m": (0.0, 1e6), "fov_deg": (0.0, 360.0), "range_m": (0.0, 1e5),
           "lasts_seconds": (1.0, 1e8), "respond_seconds": (0.0, 1e8)}  # fmt: skip


def _identifier(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise BadInput("identifier-missing", name)
    if len(value) > IDENTIFIER_BOUND:
        raise BadInput("identifier-too-long", f"{name}: {value[:60]!r}")
    if not value.isprintable():
        raise BadInput("identifier-unprintable", f"{name}: {value[:60]!r}")


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise BadInput("text-expected", f"{name}: {type(value).__name__}")
    if len(value) > TEXT_BOUND:
        raise BadInput("text-too-long", f"{name}: {len(value)} characters")


def _number(name: str, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise BadInput("number-expected", f"{name}: {type(value).__name__}")
    if not math.isfinite(value):
        raise BadInput("number-not-finite", name)
    low, high = _RANGES.get(name, (-NUMBER_BOUND, NUMBER_BOUND))
    if not low <= value <= high:
        raise BadInput("number-out-of-range", f"{name}: {value:g}")


def _list(name: str, value: Any) -> None:
    if len(value) > LIST_BOUND:
        raise BadInput("list-too-long", f"{name}: {len(value)}")


class _Fields(NamedTuple):
    """The fields of one document type by the check they get; numbers with their range."""

    identifiers: tuple[str, ...]
    texts: tuple[str, ...]
    numbers: tuple[tuple[str, float, float], ...]
    lists: tuple[str, ...]


def _fields(kind: type[Doc]) -> _Fields:
    found: dict[str, list[Any]] = {"identifiers": [], "texts": [], "numbers": [], "lists": []}
    for name, hint in typing.get_type_hints(kind).items():
        text = str(hint)
        if name in _IDENTIFIERS:
            found["identifiers"].append(name)
        elif hint is str:
            found["texts"].append(name)
        elif "float" in text and not text.startswith("list"):
            found["numbers"].append((name, *_RANGES.get(name, (-NUMBER_BOUND, NUMBER_BOUND))))
        elif text.startswith("list") or text.startswith("dict"):
            found["lists"].append(name)
    return _Fields(**{name: tuple(values) for name, values in found.items()})


_FIELDS = {kind: _fields(kind) for kind, _, _ in KINDS.values()}


def check(doc: Doc) -> None:
    """Raises BadInput where a document is not fit to publish.

    What is plainly right passes inline; only the rest takes the way through a function that says what is wrong.
    """
    try:
        identifiers, texts, numbers, lists = _FIELDS[type(doc)]
    except KeyError:
        raise BadInput("kind-unknown", type(doc).__name__) from None
    for name in identifiers:
        value = getattr(doc, name)
        if type(value) is not str or not 0 < len(value) <= IDENTIFIER_BOUND or not value.isprintable():
            _identifier(name, value)
    for name in texts:
        value = getattr(doc, name)
        if type(value) is not str or len(value) > TEXT_BOUND:
            _text(name, value)
    for name, low, high in numbers:
        value = getattr(doc, name)
        if value is not None and not (type(value) is float and low <= value <= high):
            _number(name, value)
    for name in lists:
        if getattr(doc, name):
            _list(name, getattr(doc, name))
    _check_words(doc)


def _check_words(doc: Doc) -> None:
    """Fields that hold one of a few words or numbers."""
    if type(doc) is Observation:
        return
    severity = getattr(doc, "severity", 0)
    if severity not in SEVERITIES:
        raise BadInput("severity-unknown", repr(severity))
    if type(doc) is Case:
        if doc.state not in CASE_STATES:
            raise BadInput("state-unknown", repr(doc.state)[:80])
        if doc.kind not in CASE_KINDS:
            raise BadInput("kind-unknown", repr(doc.kind)[:80])
    elif type(doc) is Channel and doc.state not in CHANNEL_STATES:
        raise BadInput("state-unknown", repr(doc.state)[:80])
    elif type(doc) is Sensor:
        for line in doc.thresholds:
            _number("threshold", line.value)
            if line.severity not in SEVERITIES:
                raise BadInput("severity-unknown", repr(line.severity))
    elif type(doc) is PublicWarning:
        _rings(doc)
    elif type(doc) is SuppliedAlarm:
        if not doc.device and not doc.site and doc.lon is None and doc.active:
            raise BadInput("identifier-missing", "device, site or coordinates")
        for name in doc.label.values():
            _text("label", name)


def _rings(doc: PublicWarning) -> None:
    for area in doc.areas:
        for ring in area.polygons:
            _list("polygon", ring)
            for lon, lat in ring:
                _number("lon", lon)
                _number("lat", lat)


def check_time(moment: Any, now: int) -> None:
    """Raises BadInput for a time before 1970 or more than a day ahead of the city's now."""
    if not isinstance(moment, int):
        raise BadInput("time-unparsable", repr(moment)[:80])
    if moment < 0:
        raise BadInput("time-past", str(moment))
    if moment > now + DAY_MS:
        raise BadInput("time-future", f"{(moment - now) / 3_600_000:.1f} h ahead")
