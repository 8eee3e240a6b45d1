"""Things of the ledger that move by a table: who may make which move from which state, and what it asks for. Pure.

A closure, a task, a response differ in their tables and folds; what a command must prove is the same: the move exists, the
actor's role has it, the state allows it, a reason is there, every field is of its kind and within its bounds. The same table
tells a screen which moves to offer and which controls a form needs, so that no browser knows a rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

import msgspec

from dispatch.aggregate import View
from dispatch.casefile.fields import photos as photos_of
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

REASON = 500
SEATS = ("operator", "dispatcher", "supervisor", "admin")
LEAD = ("supervisor", "admin")
COMMAND = ("supervisor", "leader", "admin")
HALL = ("system",)


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One value that a move takes. `kind` is one of KINDS; `unit` is what a number is given in; `topic` of a subject; `offer`
    names a list that the screen offers (units, crews, depots ...) without being bound to it."""

    kind: str
    must: bool = False
    low: float | None = None
    high: float | None = None
    longest: int = 500
    unit: str = ""
    choices: tuple[str, ...] = ()
    topic: str = ""
    offer: str = ""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `frm`: states it starts from ("" = not there yet); `by`: roles, "system" the hall itself, "unit" a seat of the
    thing's own unit, "own" whoever `Tabled.owns` says; `revision`: whether it must be made on the newest state."""

    frm: tuple[str, ...]
    by: tuple[str, ...]
    fields: Mapping[str, Field] = {}
    reason: bool = False
    revision: bool = True


class Tabled:
    """Base of aggregates (dispatch.aggregate.Aggregate) with a table. A subclass gives `topic`, `State` (a Struct with `state:
    str`, `revision: int`, `ended: bool`), `moves`, `fold`, and where a move writes more than one line, `drafts`."""

    topic: ClassVar[str]
    State: ClassVar[type[msgspec.Struct]]
    moves: ClassVar[Mapping[str, Move]]

    # -- for a subclass ----------------------------------------------------------------------------------------------------

    def drafts(self, view: View, state: Any | None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Draft]:
        """What is written, `data` being the checked fields. Raises Refused; an empty list: nothing to do."""
        return [Draft(subject=command.subject, move=command.move, data=data, reason=command.reason.strip())]

    def fold(self, state: Any, entry: Entry) -> None:
        """Changes `state`, a copy, by one entry; asks no clock and no rule, ignores moves that it does not know."""
        raise NotImplementedError

    def units(self, state: Any | None) -> set[str]:
        """Departments whose seats count as "unit"."""
        unit = getattr(state, "unit", "")
        return {unit} if unit else set()

    def owns(self, state: Any | None, actor: Actor) -> bool:
        """Whether the actor counts as "own"."""
        return False

    def district(self, state: Any | None) -> str:
        """Where it lies; who answers for other districts only may not move it. Empty: the whole city's."""
        return getattr(state, "district", "")

    def open_moves(self, state: Any | None, actor: Actor, names: list[str]) -> list[str]:
        """Takes out of the moves that the table allows those that this very state does not."""
        return names

    def beside(self, topics: Collection[str]) -> None:
        """Told once which streams this hall keeps: what writes into others writes into those only."""

    # -- the Aggregate -----------------------------------------------------------------------------------------------------

    def decide(self, view: View, command: Command, actor: Actor) -> list[Draft]:
        move = self.moves.get(command.move)
        if move is None:
            raise Refused("move-unknown", f"a {self.topic} knows no move {command.move[:40]!r}", 422)
        state = view.get(command.subject)
        if not self.may(state, actor, move):
            raise Refused("not-permitted", f"role {actor.role or 'none'} may not {command.move} here", 403)
        at = self._at(state)
        if at not in move.frm:
            if not at:
                raise Refused("unknown", f"there is no {command.subject[:200]}", 404)
            raise Refused("state-wrong", f"{command.move} is not possible: it is {at}", 409)
        if len(command.reason) > REASON:
            raise Refused("bad-field", f"reason: at most {REASON} characters", 422)
        if move.reason and actor.kind != "system" and not command.reason.strip():
            raise Refused("reason-missing", "say why", 422)
        return self.drafts(view, state, command, actor, checked(move, command))

    def evolve(self, state: Any | None, entry: Entry) -> Any:
        made = msgspec.convert(msgspec.to_builtins(state), self.State) if state is not None else self.State()
        self.fold(made, entry)
        made.revision = entry.revision
        return made

    def document(self, state: Any) -> dict[str, Any] | None:
        """All of it with its state in words; None when it is done with."""
        return None if state.ended else {**msgspec.to_builtins(state), "state": state.state}

    def needs_revision(self, move: str) -> bool:
        return move in self.moves and self.moves[move].revision

    # -- for screens -------------------------------------------------------------------------------------------------------

    def may(self, state: Any | None, actor: Actor, move: Move) -> bool:
        if actor.kind == "system":
            return "system" in move.by
        district = self.district(state)
        if actor.districts and district and district not in actor.districts:
            return False
        if actor.role in move.by and actor.role != "system":
            return True
        if "unit" in move.by and actor.unit and (actor.role == "department" or actor.kind == "supplier"):
            return actor.unit in self.units(state)
        return "own" in move.by and self.owns(state, actor)

    def offered(self, state: Any | None, actor: Actor) -> list[dict[str, Any]]:
        """Moves open to this actor now, in the table's order: `{move, reason, revision, fields: [{name, kind, must, ...}]}`."""
        at = self._at(state)
        names = [name for name, move in self.moves.items() if at in move.frm and self.may(state, actor, move)]
        return [_offer(name, self.moves[name]) for name in self.open_moves(state, actor, names)]

    @staticmethod
    def _at(state: Any | None) -> str:
        return state.state if state is not None else ""


def _offer(name: str, move: Move) -> dict[str, Any]:
    fields = [{"name": key, **{k: v for k, v in msgspec.to_builtins(field).items() if v}} for key, field in move.fields.items()]
    return {"move": name, "reason": move.reason, "revision": move.revision, "fields": fields}


def checked(move: Move, command: Command) -> dict[str, Any]:
    """The command's data, every field of its kind and within its bounds. Raises Refused naming the field."""
    unknown = sorted(set(command.data) - set(move.fields))
    if unknown:
        raise Refused("bad-field", f"{command.move} takes no {', '.join(unknown)[:200]}", 422)
    found = {}
    for name, field in move.fields.items():
        value = command.data.get(name)
        if value is None or value == "" or value == []:
            if field.must:
                raise Refused("field-missing", f"{command.move} needs {name}", 422)
            continue
        found[name] = KINDS[field.kind](name, value, field)
    return found


# -- kinds of fields ---------------------------------------------------------------------------------------------------------


def _bad(name: str, what: str) -> Refused:
    return Refused("bad-field", f"{name}: {what}", 422)


def text(name: str, value: Any, field: Field) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > field.longest:
        raise _bad(name, f"a text of 1 to {field.longest} characters")
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in value):
        raise _bad(name, "no control characters")
    return value.strip()


def line(name: str, value: Any, field: Field) -> str:
    found = text(name, value, field)
    if "\n" in found:
        raise _bad(name, "one line")
    return found


def number(name: str, value: Any, field: Field) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    low, high = -1e12 if field.low is None else field.low, 1e12 if field.high is None else field.high
    if not good or not low <= value <= high:
        raise _bad(name, f"a number from {low:g} to {high:g} {field.unit}".rstrip())
    return value


def whole(name: str, value: Any, field: Field) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _bad(name, "a whole number")
    return int(number(name, value, field))


def choice(name: str, value: Any, field: Field) -> str:
    if value not in field.choices:
        raise _bad(name, f"one of {', '.join(field.choices)}")
    return value


def yes(name: str, value: Any, field: Field) -> bool:
    if not isinstance(value, bool):
        raise _bad(name, "true or false")
    return value


def moment(name: str, value: Any, field: Field) -> int:
    """City ms."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 2**52:
        raise _bad(name, "a moment in ms")
    return value


def subject(name: str, value: Any, field: Field) -> str:
    if not isinstance(value, str) or len(value) > 300 or not value.startswith(f"{field.topic}/") or value.endswith("/"):
        raise _bad(name, f"{field.topic}/...")
    return value


def texts(name: str, value: Any, field: Field) -> list[str]:
    if not isinstance(value, list) or len(value) > 200:
        raise _bad(name, "a list of at most 200 texts")
    return list(dict.fromkeys(text(name, item, field) for item in value))


def subjects(name: str, value: Any, field: Field) -> list[str]:
    if not isinstance(value, list) or len(value) > 200:
        raise _bad(name, f"a list of at most 200 {field.topic}/...")
    return list(dict.fromkeys(subject(name, item, field) for item in value))


def place(name: str, value: Any, field: Field) -> dict[str, float]:
    """`{lon, lat}` in WGS-84 degrees."""
    try:
        lon, lat = value["lon"], value["lat"]
        good = all(isinstance(x, int | float) and not isinstance(x, bool) for x in (lon, lat)) and len(value) == 2
        if not good or not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise _bad(name, "{lon, lat} in degrees")
    except (TypeError, KeyError):
        raise _bad(name, "{lon, lat} in degrees") from None
    return {"lon": float(lon), "lat": float(lat)}


def amounts(name: str, value: Any, field: Field) -> dict[str, float]:
    """`{what: how much}`, each by `low` and `high`."""
    if not isinstance(value, dict) or len(value) > 100:
        raise _bad(name, "an object of at most 100 amounts by name")
    return {text(name, key, field): number(f"{name}.{key}"[:80], item, field) for key, item in value.items()}


def photos(name: str, value: Any, field: Field) -> list[dict[str, Any]]:
    """As of a case: `[{media, usage, lon?, lat?}]`."""
    return photos_of(name, value)


def record(name: str, value: Any, field: Field) -> Any:
    """Anything that JSON can hold, up to 64 kB: the hall's own data, checked by who wrote the move."""
    try:
        size = len(msgspec.json.encode(value))
    except (TypeError, ValueError, msgspec.MsgspecError):
        raise _bad(name, "cannot be written down") from None
    if size > 65_536:
        raise _bad(name, "at most 64 kB")
    return value


#: kind -> what checks a value and gives it back clean
KINDS: dict[str, Callable[[str, Any, Field], Any]] = {
    "text": text, "line": line, "number": number, "whole": whole, "choice": choice, "yes": yes, "moment": moment,
    "subject": subject, "subjects": subjects, "texts": texts, "place": place, "amounts": amounts, "photos": photos,
    "record": record,
}  # fmt: skip
