"""What the engine says of an alarm, made fit to be kept. Pure.

An edge comes from a sensor's own words (names, labels), so a field that cannot be used is left out instead of refused: an alarm
with a broken name is still an alarm.
"""

from __future__ import annotations

import math
import typing
from typing import Any

import msgspec

from dispatch.alarmlife.table import EDGE
from hall.core.model import Alarm

LONGEST = 500
_TYPES = {name: kind for name, kind in typing.get_type_hints(Alarm).items() if name in EDGE}
#: field -> what it is where nobody says
DEFAULTS: dict[str, Any] = {
    field.name: field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    for field in msgspec.structs.fields(Alarm)
    if field.name in EDGE and (field.default, field.default_factory) != (msgspec.NODEFAULT, msgspec.NODEFAULT)
} | {"rule": "", "cause": ""}


def usable(data: dict[str, Any]) -> dict[str, Any]:
    """The fields of an edge that can be kept, texts without control characters and not endless."""
    found = {}
    for name, value in data.items():
        try:
            kept = msgspec.convert(_cleaned(value), _TYPES[name])
        except msgspec.ValidationError:
            continue
        if name == "severity":
            kept = min(max(kept, 0), 4)
        found[name] = kept
    return found


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            plain = "".join(letter for letter in value[:LONGEST] if ord(letter) >= 32)
            return plain.encode("utf-8", "replace").decode().strip()
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {_cleaned(str(key)): _cleaned(item) for key, item in list(value.items())[:50]}
        case list() | tuple():
            return [_cleaned(item) for item in value[:200]]
    return value
