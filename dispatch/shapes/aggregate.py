"""Topic `shape`: what people draw and share; its owner and supervisors change it, every version stays. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.shapes.model import ABOUT, COLOURS, KINDS, MOST, NOTE, SHARES, TITLE, Shape, audience, content
from dispatch.shapes.outline import geometry_of, radius_of
from dispatch.tabled import LEAD, SEATS, Field, Move, Tabled
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

_BY = (*LEAD, "own")
_FIELDS = {
    "kind": Field(kind="choice", must=True, choices=KINDS),
    "title": Field(kind="line", must=True, longest=TITLE),
    "note": Field(kind="text", longest=NOTE),
    "colour": Field(kind="choice", choices=COLOURS),
    "geometry": Field(kind="record", must=True),
    "radius_m": Field(kind="number", low=0, high=1e7, unit="m"),
    "share": Field(kind="choice", must=True, choices=SHARES),
    "about": Field(kind="line", longest=300),
    "expires": Field(kind="moment"),
    "exercise": Field(kind="yes"),
}
MOVES = {
    "draw": Move(frm=("",), by=(*SEATS, "leader", "inspector", "department"), fields=_FIELDS, revision=False),
    "change": Move(frm=("kept",), by=_BY, fields=_FIELDS),
    "go_back": Move(frm=("kept", "removed"), by=_BY, fields={"to": Field(kind="whole", must=True, low=1, high=2**31)}),
    "remove": Move(frm=("kept",), by=(*_BY, "system")),
    "restore": Move(frm=("removed",), by=_BY),
}


class Shapes(Tabled):
    """`dispatch.tabled.Tabled` over `Shape`. `change` carries all of it: what is left out is no longer there."""

    topic, State, moves = "shape", Shape, MOVES

    def owns(self, state: Shape | None, actor: Actor) -> bool:
        return state is not None and actor.name == state.owner and actor.role not in ("system", "viewer", "wall", "crew")

    def units(self, state: Shape | None) -> set[str]:
        return set()

    def document(self, state: Shape) -> dict[str, Any] | None:
        """None also of one that nobody else is to see: its owner asks for it."""
        return None if state.share == "me" else super().document(state)

    def drafts(self, view: View, state: Shape | None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Draft]:
        if command.move in ("draw", "change"):
            data = _content(view, state, actor, data)
            if state is not None and data == content(state):
                return []
        elif command.move == "go_back":
            data |= _earlier(view, command.subject, state, data["to"])
        elif command.move == "restore" and state.expires is not None and state.expires <= view.now:
            data = {"expires": None}
        if command.move in ("draw", "restore") or (state is not None and state.ended and command.move == "go_back"):
            _room(view)
        return [Draft(subject=command.subject, move=command.move, data=data, reason=command.reason.strip())]

    def fold(self, state: Shape, entry: Entry) -> None:
        if entry.move == "draw":
            state.shape_id, state.owner, state.made = entry.subject.partition("/")[2], entry.who, entry.time
        if entry.move in ("draw", "change", "go_back"):
            blank = Shape()
            for name in _FIELDS | {"unit": None}:
                setattr(state, name, entry.data.get(name, getattr(blank, name)))
        elif entry.move == "restore" and "expires" in entry.data:
            state.expires = None
        if entry.move in MOVES:
            state.state = "removed" if entry.move == "remove" else "kept"
            state.ended = state.state == "removed"
            state.to = audience(state.share, state.owner, state.unit)
            state.changed, state.changed_by = entry.time, entry.who


def _content(view: View, state: Shape | None, actor: Actor, data: dict[str, Any]) -> dict[str, Any]:
    kind, share, about = data["kind"], data["share"], data.get("about", "")
    found = {"colour": "white", **data, "geometry": geometry_of(kind, data["geometry"])}
    radius = radius_of(kind, data.get("radius_m"))
    if radius is not None:
        found["radius_m"] = radius
    unit = state.unit if state is not None and state.unit else actor.unit
    if share == "unit":
        if not unit:
            raise Refused("no-unit", "you speak for no department: share it with yourself or the control room", 422)
        found["unit"] = unit
    if about and (about.partition("/")[0] not in ABOUT or view.get(about) is None):
        raise Refused("about-unknown", f"there is no {about[:200]}: {', '.join(f'{topic}/...' for topic in ABOUT)}", 422)
    if data.get("expires") is not None and data["expires"] <= view.now and (state is None or data["expires"] != state.expires):
        raise Refused("expired-already", "its end is to be later than now", 422)
    return {name: value for name, value in found.items() if value is not False}


def _earlier(view: View, subject: str, state: Shape, to: int) -> dict[str, Any]:
    """What it was after its revision `to`."""
    if to >= state.revision:
        raise Refused("version-unknown", f"it is at version {state.revision}: name an earlier one", 422)
    found: Any = None
    kind = Shapes()
    for entry in view.history(subject)[:to]:
        found = kind.evolve(found, entry)
    return content(msgspec.convert(msgspec.to_builtins(found), Shape))


def _room(view: View) -> None:
    if len(view.names("shape")) >= MOST:
        raise Refused("too-many-shapes", f"there are {MOST} already: remove some first", 409)
