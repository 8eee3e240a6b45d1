"""What a person sees of the groups: where they are many, the small ones of a kind are one line, so that few stay few. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dispatch.alarmlife.settings import LinesFigures

#: an id that begins so is a line of several groups, no event
MARK = "~"
#: groups a line names
GROUPS = 50
_SUMS = ("active", "unacknowledged", "total", "hidden", "shelved", "out_of_service", "chattering", "doubtful", "cases")


Document = dict[str, Any]


def lines_of(groups: dict[str, Document], figures: LinesFigures) -> tuple[dict[str, str], dict[str, Document]]:
    """`groups`: by id. group -> the line it stands in; line -> its document, that of its most urgent group, summed."""
    if len(groups) <= figures.few:
        return {}, {}
    kinds: dict[str, list[str]] = {}
    for name in sorted(groups):
        if groups[name]["total"] <= figures.small:
            kinds.setdefault(_kind(groups[name]), []).append(name)
    line_of, lines = {}, {}
    for kind, names in kinds.items():
        if len(names) > 1:
            line_of |= dict.fromkeys(names, kind)
            lines[kind] = _line(kind, sorted((groups[name] for name in names), key=_urgency))
    return line_of, lines


def _kind(group: dict[str, Any]) -> str:
    return f"{MARK}{group['family'] or group['quantity'] or 'other'}-{group['kind'] or 'any'}"


def _urgency(group: dict[str, Any]) -> tuple[list[int], str]:
    return group["rank"], group["group_id"]


def _line(name: str, groups: list[dict[str, Any]]) -> dict[str, Any]:
    """The most urgent first."""
    found = {key: value for key, value in groups[0].items() if key not in ("lon", "lat", "sites", "cause", "was")}
    return found | {
        **{key: sum(group[key] for group in groups) for key in _SUMS},
        "group_id": name,
        "groups": [group["group_id"] for group in groups[:GROUPS]],
        "merged": len(groups),
        "severity": max(group["severity"] for group in groups),
        "priority": min(group["priority"] for group in groups),
        "since": min(group["since"] for group in groups),
        "last": max(group["last"] for group in groups),
        "districts": _first(sorted({district for group in groups for district in group["districts"]})),
        "sites": [],
        "cause": [],
    }


def _first(names: Iterable[str]) -> list[str]:
    return list(names)[:20]
