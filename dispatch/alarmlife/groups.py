"""One group of alarms as screens get it: the few causes of a flood, with the rest countable. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dispatch.alarmlife.stages import Row

SITES, DISTRICTS, CAUSES, WAS = 50, 20, 3, 50


def group_document(group: str, rows: Iterable[Row]) -> dict[str, Any] | None:
    """`group/<id>` of its standing alarms, the most urgent first; None when none stands. Times city ms, place WGS-84."""
    found = sorted((row for row in rows if row.standing), key=lambda row: (row.rank, row.site))
    if not found:
        return None
    seen = [row for row in found if not row.away] or found
    first = seen[0].alarm
    family = _family(group, found)
    placed = [row.alarm for row in seen if row.alarm.lon is not None and row.alarm.lat is not None]
    made = {
        "group_id": group,
        "kind": first.kind if not family or all(row.alarm.kind == first.kind for row in found) else "",
        "quantity": first.quantity,
        "family": family,
        "label": first.labels or ({"": first.label} if first.label else {}),
        "severity": max(row.alarm.severity for row in seen),
        "priority": min((row.alarm.priority or 3) for row in seen),
        "active": sum(row.alarm.active for row in found),
        "unacknowledged": sum(row.asking for row in found),
        "total": len(found),
        **{how: sum(row.away == how for row in found) for how in ("hidden", "shelved", "out_of_service")},
        "chattering": sum(row.chattering for row in found),
        "doubtful": sum(row.alarm.doubtful for row in found),
        "since": min(row.alarm.since or 0 for row in found),
        "last": max(row.alarm.announced or row.alarm.since or 0 for row in found),
        "sites": [row.site for row in found[:SITES]],
        "districts": sorted({row.alarm.district for row in found} - {""})[:DISTRICTS],
        "cases": len({case for row in found for case in row.alarm.cases}),
        "cause": _causes(found),
        "was": sorted({name for row in found for name in row.alarm.group_was} - {group})[:WAS],
        "rank": list(seen[0].rank),
    }
    if placed:
        made["lon"] = round(sum(alarm.lon for alarm in placed) / len(placed), 6)
        made["lat"] = round(sum(alarm.lat for alarm in placed) / len(placed), 6)
    return made


def _family(group: str, rows: list[Row]) -> str:
    """What all of it is gathered with; where that is several things, the event that the group is named by."""
    found = {row.alarm.family for row in rows if row.alarm.family}
    return found.pop() if len(found) == 1 else group.rsplit("-", 2)[0] if found else ""


def _causes(rows: list[Row]) -> list[dict[str, Any]]:
    """What explains the others, most of them first; where nothing does, the alarm that came up first."""
    explained: dict[str, int] = {}
    for row in rows:
        if row.alarm.hidden_by:
            explained[row.alarm.hidden_by] = explained.get(row.alarm.hidden_by, 0) + 1
    names = {row.site: row.alarm for row in rows}
    if explained:
        chosen = sorted(explained, key=lambda site: (-explained[site], site))[:CAUSES]
    else:
        chosen = [min(rows, key=lambda row: (row.alarm.since or 0, row.site)).site]
    return [{"site": site, "explains": explained.get(site, 0), **_named(names.get(site))} for site in chosen]


def _named(alarm: Any) -> dict[str, Any]:
    return {} if alarm is None else {"label": alarm.label, "name": alarm.name, "since": alarm.since}
