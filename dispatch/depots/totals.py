"""What the whole city has, has away, was asked for and misses: the document `kpi/resources`. Pure.

Counted are the depots' stock and what crews carry (their equipment); what an assignment holds of a crew's is away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dispatch.depots.model import ITEM_KINDS, WAITING

ITEMS_SHOWN = 60
_RANK = {kind: place for place, kind in enumerate(ITEM_KINDS)}  # pumps first, what is of no kind last
_PUMPING, _PLACES = "m3/h", "place"


def totals(
    depots: Iterable[Mapping[str, Any]],
    requests: Iterable[Mapping[str, Any]],
    crews: Iterable[Mapping[str, Any]],
    kinds: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """`{items: [{item, kind, unit, have, out, free, requested, missing, carried, capacity, in_use, capacity_unit}], pumping
    {have, in_use, unit}, shelters {places, taken, free}, requests {state: n}, missing [{item, missing, unit}]}`, most missing
    first. `kinds`: words in the names of what crews carry -> what it is. `carried`: how many of `have` crews carry;
    `capacity`: of all pieces together."""
    rows: dict[str, dict[str, Any]] = {}
    for depot in depots:
        for name, stock in depot.get("stock", {}).items():
            _add(rows, name, stock, stock.get("have", 0), stock.get("out", 0))
    for crew in crews:
        held = _held(crew)
        for item in crew.get("equipment", ()):
            count = item.get("count", 1)
            away = min(count, held.get(item["name"], 0))
            held[item["name"]] = held.get(item["name"], 0) - away
            given = {"capacity": item.get("capacity"), "capacity_unit": item.get("unit", "")}
            kind = next((found for word, found in (kinds or {}).items() if word in item["name"].lower()), "")
            given["kind"] = "pump" if given["capacity_unit"] == _PUMPING else kind
            _add(rows, item["name"], given, count, away)["carried"] += count
    states: dict[str, int] = {}
    for request in requests:
        state = request.get("state", "open")
        states[state] = states.get(state, 0) + 1
        if state in WAITING and request.get("item"):
            row = _row(rows, request["item"], request)
            row["requested"] += request.get("wanted", 0)
            row["missing"] += request.get("missing", 0)
    return _shown(rows.values(), states)


def _row(rows: dict[str, dict[str, Any]], name: str, known: Mapping[str, Any]) -> dict[str, Any]:
    row = rows.get(name)
    if row is None:
        row = rows[name] = {"item": name, "kind": "other", "unit": "", "have": 0, "out": 0, "requested": 0, "missing": 0,
                            "carried": 0, "capacity": 0.0, "in_use": 0.0, "capacity_unit": ""}  # fmt: skip
    if row["kind"] == "other" and known.get("kind"):
        row["kind"] = known["kind"]
    row["unit"] = row["unit"] or known.get("measure" if "measure" in known else "unit", "")
    return row


def _add(rows: dict[str, dict[str, Any]], name: str, known: Mapping[str, Any], have: float, out: float) -> dict[str, Any]:
    row = _row(rows, name, known)
    row["have"] += have
    row["out"] += out
    if known.get("capacity"):
        row["capacity"] += have * known["capacity"]
        row["in_use"] += out * known["capacity"]
        row["capacity_unit"] = row["capacity_unit"] or known.get("capacity_unit", "")
    return row


def _held(crew: Mapping[str, Any]) -> dict[str, float]:
    """What a crew's running assignments hold. A crew at work works with all that it carries, unless they name it."""
    found: dict[str, float] = {}
    for assignment in crew.get("assignments", ()):
        for item in assignment.get("resources", ()) or crew.get("equipment", ()):
            found[item["name"]] = found.get(item["name"], 0) + item.get("count", 1)
    return found


def _shown(rows: Iterable[dict[str, Any]], states: dict[str, int]) -> dict[str, Any]:
    pumping = {"have": 0.0, "in_use": 0.0, "unit": _PUMPING}
    shelters = {"places": 0, "taken": 0, "free": 0}
    items = []
    for row in rows:
        row["free"] = row["have"] - row["out"]
        if row["kind"] == "pump" and row["capacity_unit"] == _PUMPING:
            pumping["have"] += row["capacity"]
            pumping["in_use"] += row["in_use"]
        if row["kind"] == _PLACES:
            shelters = {"places": shelters["places"] + row["have"], "taken": shelters["taken"] + row["out"],
                        "free": shelters["free"] + row["free"]}  # fmt: skip
        items.append({name: value for name, value in row.items() if value not in ("", 0.0) or name in ("have", "out", "free")})
    items.sort(key=lambda row: (-row.get("missing", 0), _RANK.get(row["kind"], len(_RANK)), row["item"]))
    missing = [
        {"item": row["item"], "missing": row["missing"], "unit": row.get("unit", "")} for row in items if row.get("missing")
    ]
    return {
        "items": items[:ITEMS_SHOWN],
        "items_left_out": max(0, len(items) - ITEMS_SHOWN),
        "pumping": pumping,
        "shelters": shelters,
        "requests": states,
        "missing": missing[:ITEMS_SHOWN],
    }
