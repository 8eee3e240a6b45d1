"""From a raw value to the type a document's field has: text, number, time, flag, list."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from feeds.mapping import times, units
from feeds.mapping.values import Spec, Take, Wrong, scalar_of, text_of
from hall.core.errors import BadInput


class Warp:
    """How a replay moves all times of a row: `(t - origin) / speed + target`; none until set."""

    __slots__ = ("origin", "speed", "target", "on")

    def __init__(self) -> None:
        self.origin, self.target, self.speed, self.on = 0, 0, 1.0, False

    def set(self, origin: int, target: int, speed: float = 1.0) -> None:
        self.origin, self.target, self.speed = origin, target, speed
        self.on = speed != 1.0 or origin != target

    def __call__(self, moment: int) -> int:
        return round((moment - self.origin) / self.speed) + self.target if self.on else moment


def number_of(value: Any) -> float | None:
    """A finite number, None for nothing; raises BadInput `number-unparsable` or `number-not-finite`."""
    if isinstance(value, bool):
        raise BadInput("number-unparsable", repr(value))
    value = scalar_of(value) if isinstance(value, dict) else value
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        raise BadInput("number-unparsable", repr(value)[:80]) from None
    if not math.isfinite(number):
        raise BadInput("number-not-finite", repr(value)[:80])
    return number


def text_field(take: Take, spec: Spec) -> Take:
    strip = spec.strip

    def text(row: Any) -> str:
        value = take(row)
        value = scalar_of(value) if isinstance(value, dict) else value
        if value is None:
            return ""
        value = value if isinstance(value, str) else text_of(value)
        return value.strip() if strip else value

    return text


def number_field(take: Take, spec: Spec, canonical: str | None, key: str) -> Take:
    """Numbers in the canonical unit; `spec.unit` is the source's."""
    scale, shift = spec.scale if spec.scale is not None else 1.0, 0.0
    if isinstance(spec.unit, str) and spec.unit and canonical:
        try:
            by, shift = units.factor(spec.unit, canonical)
        except ValueError as error:
            raise Wrong(f"{key}.unit", str(error)) from None
        scale *= by
    if scale == 1.0 and shift == 0.0:
        return lambda row: number_of(take(row))

    def number(row: Any) -> float | None:
        value = number_of(take(row))
        # 10 digits hide the binary noise of a conversion (0.30479999999999996 ft) without touching a measurement
        return None if value is None else float(f"{value * scale + shift:.10g}")

    return number


def integer_field(take: Take) -> Take:
    def integer(row: Any) -> int:
        value = number_of(take(row))
        if value is not None and not value.is_integer():
            raise BadInput("integer-expected", repr(value))
        return 0 if value is None else int(value)

    return integer


def flag_field(take: Take) -> Take:
    words = {"true": True, "1": True, "yes": True, "y": True, "on": True}
    others = {"false": False, "0": False, "no": False, "n": False, "off": False, "": False}

    def flag(row: Any) -> bool:
        value = take(row)
        word = "" if value is None else text_of(value).strip().lower()
        if word in words or word in others:
            return word in words
        raise BadInput("flag-unparsable", word[:80])

    return flag


def texts_field(take: Take) -> Take:
    def texts(row: Any) -> list[str]:
        value = take(row)
        if value is None:
            return []
        return [text_of(part).strip() for part in (value if isinstance(value, list) else [value]) if part not in (None, "")]

    return texts


def any_field(take: Take) -> Take:
    """For `extra`: the value as it is, text stripped."""

    def plain(row: Any) -> Any:
        value = take(row)
        return value.strip() if isinstance(value, str) else value

    return plain


def unwarped_time(take: Take, spec: Spec, zone: str, key: str) -> Callable[[Any], int | None]:
    """ms since the epoch as the source has it, None for nothing or a sentinel."""
    try:
        convert = times.converter(spec.time or "iso", spec.zone or zone)
        after = times.converter("iso", spec.zone or zone)(spec.null_after) if spec.null_after else None
        before = times.converter("iso", spec.zone or zone)(spec.null_before) if spec.null_before else None
    except (ValueError, BadInput) as error:
        raise Wrong(key, str(error)) from None

    def moment(row: Any) -> int | None:
        value = take(row)
        value = scalar_of(value) if isinstance(value, dict) else value
        if value is None or value == "" or (isinstance(value, str) and not value.strip()):
            return None
        found = convert(value)
        if (after is not None and found >= after) or (before is not None and found < before):
            return None
        return found

    return moment


def time_field(take: Take, spec: Spec, zone: str, key: str, warp: Warp) -> Callable[[Any], int | None]:
    moment = unwarped_time(take, spec, zone, key)

    def warped(row: Any) -> int | None:
        found = moment(row)
        return None if found is None else warp(found)

    return warped
