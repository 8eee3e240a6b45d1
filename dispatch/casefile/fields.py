"""What the data of a move may hold. One reader per name; each raises Refused `bad-field` naming the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from hall.core.command import Command
from hall.core.errors import Refused
from hall.core.model import CASE_STATES, SEVERITIES, Case

TEXT, LONG_TEXT, NAME, MANY = 500, 4_000, 128, 50
_EXTRA = 16_384
USAGES = ("report", "before", "after", "check", "near", "far", "other")


def _bad(name: str, what: str) -> Refused:
    return Refused("bad-field", f"{name}: {what}", 422)


def text(limit: int, *, empty: bool = False) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) > limit or (not empty and not value.strip()):
            raise _bad(name, f"a text of {0 if empty else 1} to {limit} characters")
        if any((letter < " " and letter not in "\n\t") or "\ud800" <= letter <= "\udfff" for letter in value):
            raise _bad(name, "no control characters")
        return value.strip()

    return read


def number(low: float, high: float) -> Callable[[str, Any], float]:
    def read(name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:  # NaN is in no range
            raise _bad(name, f"a number from {low} to {high}")
        return value

    return read


def whole(low: int, high: int) -> Callable[[str, Any], int]:
    def read(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _bad(name, f"a whole number from {low} to {high}")
        return value

    return read


def one_of(*known: str) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise _bad(name, f"one of {', '.join(known)}")
        return value

    return read


def yes_no(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _bad(name, "true or false")
    return value


def words(limit: int) -> Callable[[str, Any], list[str]]:
    def read(name: str, value: Any) -> list[str]:
        if not isinstance(value, list) or not 1 <= len(value) <= limit:
            raise _bad(name, f"a list of 1 to {limit}")
        found = [text(NAME)(name, item) for item in value]
        if len(set(found)) != len(found):
            raise _bad(name, "the same twice")
        return found

    return read


def file_subject(name: str, value: Any) -> str:
    found = text(400)(name, value)
    if not found.startswith("file/") or found.count("/") < 2:
        raise _bad(name, "a file's subject, file/<feed>/<case>")
    return found


def photos(name: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not 1 <= len(value) <= MANY:
        raise _bad(name, f"a list of 1 to {MANY}")
    found = []
    for item in value:
        if not isinstance(item, dict) or set(item) - {"media", "usage", "lon", "lat"}:
            raise _bad(name, "{media, usage, lon, lat} each")
        media = text(NAME)(name, item.get("media"))
        if not media.replace("-", "").replace(".", "").isalnum():
            raise _bad(name, "media is the id that the upload answered")
        made = {"media": media, "usage": one_of(*USAGES)(f"{name}.usage", item.get("usage", "other"))}
        if item.get("lon") is not None or item.get("lat") is not None:
            made |= {"lon": number(-180, 180)(name, item.get("lon")), "lat": number(-90, 90)(name, item.get("lat"))}
        found.append(made)
    return found


def tasks(name: str, value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list) or not 1 <= len(value) <= 20:
        raise _bad(name, "a list of 1 to 20 tasks")
    found = []
    for item in value:
        if not isinstance(item, dict) or set(item) - {"unit", "text"}:
            raise _bad(name, "{unit, text} each")
        found.append({"unit": text(NAME, empty=True)(name, item.get("unit", "")), "text": text(TEXT)(name, item.get("text"))})
    return found


#: fields of a case an operator may correct -> reader
_CORRECTIONS: dict[str, Callable[[str, Any], Any]] = {
    "class_name": text(NAME), "subclass_name": text(NAME), "class_code": text(NAME, empty=True), "description": text(LONG_TEXT),
    "address": text(TEXT, empty=True), "district": text(NAME), "cell": text(NAME, empty=True), "lon": number(-180, 180),
    "lat": number(-90, 90), "severity": whole(SEVERITIES[0], SEVERITIES[-1]),
    "kind": one_of("component", "occurrence", "service"),
}  # fmt: skip


def corrections(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not value or set(value) - set(_CORRECTIONS):
        raise _bad(name, f"some of {', '.join(_CORRECTIONS)}")
    if ("lon" in value) != ("lat" in value):
        raise _bad(name, "lon and lat together")
    return {key: _CORRECTIONS[key](f"{name}.{key}", item) for key, item in value.items()}


def case(name: str, value: Any) -> dict[str, Any]:
    """A case's fields as hall.core.model.Case has them; unknown ones are left out, as on the bus."""
    try:
        found = msgspec.convert(value, Case)
    except msgspec.ValidationError as error:
        raise _bad(name, str(error)) from None
    if not found.feed or not found.case_id or "/" in found.feed:
        raise _bad(name, "feed and case_id name it")
    if found.state not in CASE_STATES:
        raise _bad(f"{name}.state", f"one of {', '.join(CASE_STATES)}")
    if found.severity not in SEVERITIES:
        raise _bad(f"{name}.severity", f"{SEVERITIES[0]} to {SEVERITIES[-1]}")
    for axis, most in (("lon", 180), ("lat", 90)):
        if getattr(found, axis) is not None:
            number(-most, most)(f"{name}.{axis}", getattr(found, axis))
    return msgspec.to_builtins(found)


def _told_case(name: str, value: Any) -> dict[str, Any]:
    """A case that a person took down: bounded like everything people write."""
    found = case(name, value)
    for field, reader in _CORRECTIONS.items():
        if found.get(field) not in (None, ""):
            reader(f"{name}.{field}", found[field])
    for field in ("feed", "case_id", "report_source", "unit", "closing_note"):
        text(TEXT, empty=True)(f"{name}.{field}", found.get(field, ""))
    if len(found.get("media", [])) > MANY or any(len(media) > TEXT for media in found.get("media", [])):
        raise _bad(f"{name}.media", f"at most {MANY}")
    try:
        extra = msgspec.json.encode(found.get("extra", {}))
    except (TypeError, ValueError, RecursionError) as error:
        raise _bad(f"{name}.extra", str(error)) from None
    if len(extra) > _EXTRA:
        raise _bad(f"{name}.extra", f"at most {_EXTRA} bytes")
    return found


def by_level(name: str, value: Any) -> dict[str, Any]:
    """Which level of which response: `{plan, run, level}`."""
    if not isinstance(value, dict) or set(value) != {"plan", "run", "level"}:
        raise _bad(name, "{plan, run, level}")
    return {
        "plan": text(NAME)(name, value["plan"]),
        "run": whole(0, 2**31)(name, value["run"]),
        "level": text(NAME)(name, value["level"]),
    }


READERS: dict[str, Callable[[str, Any], Any]] = {
    "case": case, "text": text(LONG_TEXT, empty=True), "whom": text(NAME), 
    "whom_role": one_of("operator", "dispatcher", "supervisor", "admin"), "told": words(20),
    "found": yes_no, "passed": yes_no,
    "photos": photos, "condition": text(TEXT, empty=True), "unit": text(NAME), "emergency": yes_no, "crews": words(MANY),
    "by_level": by_level, "how": one_of("keep", "restore"),
    "override": text(TEXT, empty=True), "opinion": text(LONG_TEXT), "amount": number(0.01, 10_000),
    "kind": text(NAME, empty=True),
    "until": whole(0, 2**53), "ask": whole(1, 10_000), "level": whole(1, 9), "urge": whole(1, 10_000), "into": file_subject,
    "tasks": tasks, "incident": text(NAME), "reached": yes_no, "satisfied": yes_no, "fields": corrections, "rung": text(NAME),
}  # fmt: skip
#: `note` and `reply_urge` must say something; elsewhere the text is optional and may be empty
_SPOKEN = {("note", "text"): text(LONG_TEXT), ("reply_urge", "text"): text(LONG_TEXT)}


def read(
    command: Command, needs: tuple[str, ...], takes: tuple[str, ...], reason: bool, *, told: bool = True
) -> dict[str, Any]:
    """The checked data of a command; unknown names are refused, a missing reason too. `told`: a person says it."""
    if unknown := set(command.data) - set(needs) - set(takes):
        raise Refused("bad-field", f"{', '.join(sorted(map(str, unknown)))[:200]}: {command.move} takes none", 422)
    found = {}
    for name in (*needs, *takes):
        if command.data.get(name) is not None:
            reader = _told_case if name == "case" and told else _SPOKEN.get((command.move, name), READERS[name])
            found[name] = reader(name, command.data[name])
        elif name in needs:
            raise Refused("field-missing", f"{name}: {command.move} needs it", 422)
    if reason and not command.reason.strip():
        raise Refused("reason-missing", f"{command.move} needs a reason", 422)
    if command.reason.strip():
        text(TEXT)("reason", command.reason)
    return found
