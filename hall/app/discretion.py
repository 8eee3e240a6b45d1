"""What of a record is not for everybody. Pure.

Who called, and on which number, is for those who call back: everybody else, crews too, reads that somebody called.
An incident's report is for those who write and sign it, until it was sent.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from hall.app.seeing import CALLING
from hall.core.command import Entry

#: a remark that begins so says who reported a case and how to reach him
CALLER = "☎ "
#: roles that read a report before it was sent
WRITING = (CALLING - {"department"}) | {"leader"}
_WRITTEN = {"draft_report", "edit_report"}
_HIDDEN = "•••"
#: identity numbers; telephone numbers of a mobile, with area code, of another country, North American, local; mail addresses
_PERSONAL = re.compile(
    r"(?<![\d.])(?:\d{17}[\dXx]|\d{15})(?!\d)"
    r"|(?<![\d.])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"
    r"|(?<![\d.])\(?0\d{2,3}\)?[- ]?\d{7,8}(?!\d)"
    r"|(?<![\d.])\+\d[\d ()-]{6,16}\d"
    r"|(?<![\d.])\(?[2-9]\d{2}\)?[-. ]\d{3}[-. ]\d{4}(?!\d)"
    r"|(?<![0-9A-Za-z_.,-])(?!20\d{6}(?!\d))[2-8]\d{6,7}(?![\d.-])"
    r"|[a-zA-Z0-9_.+-]+@[\w-]+\.[\w.-]+"
)
_WORDS = ("text", "reason", "detail")


def redacted(text: str) -> str:
    """A text without telephone numbers, identity numbers and mail addresses; a remark on who called loses all that follows."""
    return CALLER + _HIDDEN if text.startswith(CALLER) else _PERSONAL.sub(_HIDDEN, text)


def discreet(role: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ledger lines as plain fields as a person of `role` may read them."""
    lines = lines if role in WRITING else [_unwritten(line) for line in lines]
    return lines if role in CALLING else [_discreet_line(line) for line in lines]


def discreet_incident(role: str, state: dict[str, Any]) -> dict[str, Any]:
    """An incident as plain fields as a person of `role` may read it."""
    if role in WRITING or "papers" not in state:
        return state
    return {**state, "papers": [paper for paper in state["papers"] if paper.get("state") == "sent"]}


def _unwritten(line: dict[str, Any]) -> dict[str, Any]:
    if line.get("move") not in _WRITTEN:
        return line
    return {**line, "data": {name: value for name, value in (line.get("data") or {}).items() if name not in ("text", "facts")}}


def discreet_entries(role: str, entries: list[Entry]) -> list[Entry]:
    if role in CALLING:
        return entries
    return [msgspec.convert(_discreet_line(msgspec.to_builtins(entry)), Entry) for entry in entries]


def _discreet_line(line: dict[str, Any]) -> dict[str, Any]:
    data = line.get("data") or {}
    said = {name: redacted(data[name]) for name in _WORDS if isinstance(data.get(name), str)}
    made = {**line, "data": {**data, **said}} if said else dict(line)
    if made.get("reason"):
        made["reason"] = redacted(made["reason"])
    return made
