"""What is told from the place itself, most of it by a crew's phone: closed, cannot be, water or none, barriers away. Pure.

A phone tells where it is. Further from the place than `site_metres` (its own accuracy taken off), without a position, or
without a photo of the closing, a crew says why: the line then holds the distance and the reason, and whoever reads it judges.
"""

from __future__ import annotations

import math
from typing import Any

from dispatch.closures.model import OVER, SHUT, Closure
from dispatch.closures.settings import ClosureRules
from dispatch.tabled import SEATS, Field, Move
from hall.core.command import Actor, Command, Entry
from hall.core.errors import Refused

#: moves of a crew's phone
CREW_MOVES = ("verify", "confirm_site", "cannot_close", "barriers_removed")
_EARTH_METRES = 6_371_008.8
_THEIRS = (*SEATS, "unit", "own")
_CREW = Field(kind="line", must=True, longest=100, offer="crews")
#: what a phone adds by itself
PHONE = {
    "photos": Field(kind="photos"),
    "position": Field(kind="place"),
    "accuracy": Field(kind="number", low=0, high=100_000, unit="m"),
}
_DEPTH = Field(kind="number", low=0, high=20, unit="m")
_NOTE = Field(kind="text")
_CHANNEL = Field(kind="subject", topic="channel")
FOUND = ("water", "dry")


def moves() -> dict[str, Move]:
    """Rows of the table."""
    told = {"note": _NOTE, **PHONE}
    live = ("proposed", *SHUT)
    found = {"found": Field(kind="choice", must=True, choices=FOUND), "depth": _DEPTH, "channel": _CHANNEL, **told}
    return {
        "verify": Move(frm=("proposed",), by=(*_THEIRS, "leader"), fields=found, revision=False),
        "confirm_site": Move(frm=SHUT, by=_THEIRS, fields=told, revision=False),
        "cannot_close": Move(frm=SHUT, by=_THEIRS, fields=told, reason=True, revision=False),
        "barriers_removed": Move(frm=OVER, by=_THEIRS, fields=told, revision=False),
        "send": Move(frm=live, by=(*SEATS, "unit", "system"), fields={"crew": _CREW}, revision=False),
        "recall": Move(
            frm=(*live, *OVER), by=(*SEATS, "unit"), reason=True, revision=False,
            fields={"crew": _CREW},
        ),
    }  # fmt: skip


def on_it(state: Closure | None, crew: str) -> bool:
    """Whether a crew was sent to this place."""
    return state is not None and bool(crew) and any(one["crew"] == crew for one in state.crews)


def possible(state: Closure | None, move: str) -> bool:
    """What this very state does not allow, beside the table."""
    if state is None:
        return True
    if move == "barriers_removed":  # only where something was put up, and once
        return bool(state.ordered) and not state.cleared
    if move == "recall":
        return bool(state.crews)
    return True


def told(state: Closure, command: Command, actor: Actor, data: dict[str, Any], rules: ClosureRules) -> dict[str, Any]:
    """The data with the distance from the place, metres. Raises Refused where a crew is too far away and does not say why, or
    where the state has no room for the move."""
    if command.move == "send":
        return {} if on_it(state, data["crew"]) else data
    if not possible(state, command.move):
        raise Refused("state-wrong", f"{command.move} is not possible: nothing was put up, or it was told before", 409)
    if command.move == "recall":
        if not on_it(state, data["crew"]):
            raise Refused("not-assigned", f"{data['crew']} is not on its way here", 409)
        return data
    there = data.pop("position", None)
    accuracy = data.get("accuracy", 0.0)
    if there is not None:
        data |= {"lon": there["lon"], "lat": there["lat"]}
    if state.lon is None or state.lat is None:
        return data
    if there is not None:
        data["metres"] = round(metres(there["lon"], there["lat"], state.lon, state.lat))
    if actor.role == "crew" and not command.reason.strip():
        if there is None:
            raise Refused("position-missing", "the phone's position is not known: say why", 422)
        if data["metres"] - accuracy > rules.site_metres:
            said = f"{data['metres']} m from the place, at most {rules.site_metres:g} m: say why"
            raise Refused("too-far", said, 422)
        if command.move == "confirm_site" and not data.get("photos"):
            raise Refused("photo-missing", "a photo shows that it is closed; without one say why", 422)
    return data


def metres(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Between two points in degrees, over a city."""
    x = math.radians(other_lon - lon) * math.cos(math.radians((lat + other_lat) / 2))
    return math.hypot(x, math.radians(other_lat - lat)) * _EARTH_METRES


# -- folding -----------------------------------------------------------------------------------------------------------------

#: what a fact keeps of the line
KEPT = ("note", "photos", "metres", "accuracy", "lon", "lat", "found", "depth", "channel")


def _send(state: Closure, entry: Entry) -> None:
    if not on_it(state, entry.data["crew"]):
        state.crews = [*state.crews, {"crew": entry.data["crew"], "at": entry.time, "by": entry.who}]


def _recall(state: Closure, entry: Entry) -> None:
    state.crews = [one for one in state.crews if one["crew"] != entry.data["crew"]]


def fact(entry: Entry) -> dict[str, Any]:
    """`{at, by, role, recorded}` and what was told; `recorded` only where a phone told it later."""
    found: dict[str, Any] = {"at": entry.time, "by": entry.who, "role": entry.role}
    found |= {"reason": entry.reason} if entry.reason else {}
    found |= {"recorded": entry.recorded} if entry.recorded - entry.time > 60_000 else {}
    return found | {key: entry.data[key] for key in KEPT if key in entry.data}


def _verify(state: Closure, entry: Entry) -> None:
    state.verified = fact(entry)
    if entry.data["found"] == "water":
        state.doubt = []
    if "depth" in entry.data:
        state.depth = entry.data["depth"]


def _cannot(state: Closure, entry: Entry) -> None:
    state.cannot = fact(entry)


def _cleared(state: Closure, entry: Entry) -> None:
    state.cleared = fact(entry)


FOLDS = {"send": _send, "recall": _recall, "verify": _verify, "cannot_close": _cannot, "barriers_removed": _cleared}
