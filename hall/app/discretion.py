"""Who called, and on which number, is for those who call back. Everybody else reads that somebody called. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from hall.app.seeing import CALLING
from hall.core.command import Entry

#: a remark that begins so says who reported a case and how to reach him
CALLER = "☎ "
_HIDDEN = "☎ ***"
#: what has as many digits and calls nobody: a day, a case number (it begins with one), a grid or component code
_OTHER = r"(?<![0-9A-Za-z])(?:20\d\d-[01]\d-[0-3]\d|20\d\d[01]\d[0-3]\d{6,}|\d{14,})(?![0-9A-Za-z])"
#: what may be a telephone number: seven digits and more, however they are grouped
_NUMBER = re.compile(_OTHER + r"|(?P<calls>(?<![0-9A-Za-z.])\+?\d(?:[ ()-]{0,2}\d){6,}(?![0-9A-Za-z]|\.\d))")
_WORDS = ("text", "reason", "detail")


def masked(text: str) -> str:
    """A telephone number keeps its first three and its last two digits: enough to tell two apart."""
    if text.startswith(CALLER):
        return _HIDDEN
    return _NUMBER.sub(_stars, text)


def _stars(found: re.Match[str]) -> str:
    if not found["calls"]:
        return found[0]
    places = [n for n, letter in enumerate(found[0]) if letter.isdigit()]
    hidden = set(places[3:-2])
    return "".join("*" if n in hidden else letter for n, letter in enumerate(found[0]))


def discreet(role: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ledger lines as plain fields as a person of `role` may read them."""
    return lines if role in CALLING else [_masked_line(line) for line in lines]


def discreet_entries(role: str, entries: list[Entry]) -> list[Entry]:
    if role in CALLING:
        return entries
    return [msgspec.convert(_masked_line(msgspec.to_builtins(entry)), Entry) for entry in entries]


def _masked_line(line: dict[str, Any]) -> dict[str, Any]:
    data = line.get("data") or {}
    said = {name: masked(data[name]) for name in _WORDS if isinstance(data.get(name), str)}
    made = {**line, "data": {**data, **said}} if said else dict(line)
    if made.get("reason"):
        made["reason"] = masked(made["reason"])
    return made
