"""Topic `closure`: proposed -> ordered -> confirmed on site and by video -> reopening proposed -> reopened. Pure.

The hall itself may propose, withdraw a proposal whose water has gone, and say that a place could be opened again. It can never
order a closing nor a reopening: no row of the table gives it these moves.
"""

from __future__ import annotations

from typing import Any

from dispatch.aggregate import View
from dispatch.closures import onsite
from dispatch.closures.model import DRILL, KINDS, OVER, SHUT, Closure, facts_missing
from dispatch.closures.settings import ClosureRules, plain
from dispatch.tabled import SEATS, Field, Move, Tabled
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

_LIVE = ("proposed", *SHUT)
_KEPT = ("name", "kind", "site", "district", "unit")  # of a place nobody configured, from the last time
_DEEPEST = 20.0  # metres: beyond it is a slip of the pen

_ABOUT = {
    "name": Field(kind="line", longest=100),
    "kind": Field(kind="choice", choices=KINDS),
    "place": Field(kind="place"),
    "district": Field(kind="line", longest=100, offer="districts"),
    "unit": Field(kind="line", longest=100, offer="units"),
}
_LINKS = {
    "alarm": Field(kind="subject", topic="alarm"),
    "incident": Field(kind="subject", topic="incident"),
    "case": Field(kind="subject", topic="file"),
}
_DEPTH = Field(kind="number", low=0, high=_DEEPEST, unit="m")
#: what only the hall fills in
_OWN = {
    "site": Field(kind="line", longest=250),
    "gauge": Field(kind="subject", topic="observation"),
    "label": Field(kind="record"),
    "detour": Field(kind="record"),
    "cameras": Field(kind="subjects", topic="channel"),
    "why": Field(kind="record"),
    "alarm_id": Field(kind="line", longest=300),
    "urgent": Field(kind="yes"),
    "doubt": Field(kind="record"),
}


def table(rules: ClosureRules) -> dict[str, Move]:
    """The moves with the roles that the city gives them."""
    deciders, proposers = rules.deciders, rules.proposers
    depth, exercise = {"depth": _DEPTH}, {"exercise": Field(kind="yes")}
    note, why = {"note": Field(kind="text")}, {"why": Field(kind="record")}
    seen = {"channel": Field(kind="subject", topic="channel", must=True), "media": Field(kind="line", longest=100)}
    return {
        "order": Move(frm=("proposed",), by=deciders, fields=depth | note, reason=True),
        "decline": Move(frm=("proposed",), by=deciders, reason=True),
        **onsite.moves(),
        "confirm_video": Move(frm=SHUT, by=(*SEATS, "leader"), fields=seen | note, revision=False),
        "propose_reopening": Move(
            frm=("ordered", "confirmed"), by=(*proposers, "unit", "system"), fields=depth | why, reason=True
        ),
        "reopen": Move(frm=("reopening_proposed", "confirmed", "ordered"), by=deciders, fields=depth, reason=True),
        "keep_closed": Move(
            frm=("reopening_proposed",), by=(*deciders, "system"), fields=why, reason=True
        ),
        "cancel": Move(frm=("proposed", "ordered"), by=deciders, reason=True),
        "propose": Move(
            frm=("", *OVER), by=(*proposers, "unit", "system"), fields=_ABOUT | depth | exercise | _LINKS | _OWN,
            reason=True, revision=False,
        ),
        "correct": Move(frm=_LIVE, by=SEATS, fields=_ABOUT | {"cameras": _OWN["cameras"]}, reason=True),
        "link": Move(frm=_LIVE, by=(*SEATS, "system"), fields=_LINKS, revision=False),
        "worsen": Move(frm=("proposed",), by=("system",), fields=depth | why | {"urgent": Field(kind="yes")}),
        "doubt": Move(frm=("proposed",), by=("system",), fields={"doubt": Field(kind="record", must=True)}),
        "trust": Move(frm=("proposed",), by=("system",), fields=why),
        "lapse": Move(frm=("proposed",), by=("system",), fields=why),
        "retire": Move(frm=OVER, by=("system",)),
    }  # fmt: skip


class Closures(Tabled):
    """`dispatch.tabled.Tabled` over `Closure`."""

    topic, State = "closure", Closure

    def __init__(self, rules: ClosureRules) -> None:
        self.rules = rules
        self.moves = table(rules)
        self._places = {place.id: place for place in rules.places}

    def drafts(self, view: View, state: Closure | None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Draft]:
        if command.move == "propose":
            data = self._proposal(state, command, actor, data)
        elif command.move == "correct":
            if not data:
                raise Refused("field-missing", "say what is to be corrected", 422)
            data |= {"confirm": self._confirmed_by(data["kind"])} if "kind" in data else {}
        elif command.move == "link" and not data:
            raise Refused("field-missing", "name an alarm, a case or an incident", 422)
        elif command.move == "retire" and state.ended:
            return []
        elif command.move in onsite.moves():
            data = onsite.told(state, command, actor, data, self.rules)
            if not data and command.move == "send":
                return []
        return [Draft(subject=command.subject, move=command.move, data=data, reason=command.reason.strip())]

    def _proposal(self, state: Closure | None, command: Command, actor: Actor, data: dict[str, Any]) -> dict[str, Any]:
        """Everything about the place, so that the fold asks no configuration: the city's own list first, then what was there
        before, then what is said now."""
        closure_id = command.subject.partition("/")[2]
        drill = closure_id.endswith(DRILL) or self.rules.exercise
        if data.get("exercise") and not drill:
            raise Refused("bad-field", f"an exercise is closure/<place>{DRILL}: it must not stand in a real one's way", 422)
        place = self._places.get(closure_id.removesuffix(DRILL))
        if actor.kind != "system" and (own := sorted(set(data) & set(_OWN))):
            raise Refused("bad-field", f"{', '.join(own)}: the hall fills these in by itself", 422)
        known = plain(self.rules, place) if place is not None else {}
        if place is None and state is not None:
            known = {
                name: getattr(state, name) for name in ("name", "kind", "site", "district", "unit") if getattr(state, name)
            }
            known |= {"place": {"lon": state.lon, "lat": state.lat}} if state.lon is not None else {}
        data = {**data, **known} if place is not None else {**known, **data}
        if not data.get("name"):
            raise Refused("field-missing", "propose needs name: which road or underpass?", 422)
        if actor.districts and data.get("district") not in (None, *actor.districts):
            raise Refused("not-permitted", f"{data['district']} is not yours", 403)
        data.setdefault("kind", KINDS[0])
        data |= {"exercise": True} if drill else {}
        if data.get("alarm") and not data.get("site"):
            data["site"] = data["alarm"].partition("/")[2]
        if data.get("site") and not data.get("gauge"):
            data["gauge"] = f"observation/{data['site']}/{self.rules.quantities[0]}"
        return data | {"confirm": self._confirmed_by(data["kind"])}

    def _confirmed_by(self, kind: str) -> str:
        return self.rules.confirm.get(kind, "either")

    def units(self, state: Closure | None) -> set[str]:
        return {state.unit} if state is not None and state.unit else set()

    def open_moves(self, state: Closure | None, actor: Actor, names: list[str]) -> list[str]:
        """A fact that is there already is not offered first again; nobody proposes what is only shown because it just ended."""
        if state is not None and state.state in _LIVE:
            names = [name for name in names if name != "propose"]
        return [name for name in names if onsite.possible(state, name)]

    def owns(self, state: Closure | None, actor: Actor) -> bool:
        """A crew that was sent there."""
        return actor.role == "crew" and onsite.on_it(state, actor.crew)

    def offered(self, state: Closure | None, actor: Actor) -> list[dict[str, Any]]:
        """Forms without what only the hall fills in, or the place's name says."""
        found = super().offered(state, actor)
        if state is not None and state.state == "proposed" and state.doubt:  # looking comes before closing
            found.sort(key=lambda offer: offer["move"] not in ("verify", "send"))
        for offer in found:
            if offer["move"] in onsite.CREW_MOVES:
                offer["near_metres"] = self.rules.site_metres
            left_out = {"why": 0, **onsite.PHONE}
            if offer["move"] == "propose":
                left_out = {**_OWN, "alarm": 0, "case": 0, "exercise": 0}
            offer["fields"] = [field for field in offer["fields"] if field["name"] not in left_out]
            for field in offer["fields"]:
                if offer["move"] == "propose" and field["name"] == "name" and state is None:
                    field["must"] = True
        return found

    # -- folding -----------------------------------------------------------------------------------------------------------

    def fold(self, state: Closure, entry: Entry) -> None:
        fold = _FOLDS.get(entry.move)
        if fold is not None:
            fold(state, entry)
            state.missing = facts_missing(state) if state.state in SHUT else []


def _who(entry: Entry, *keys: str) -> dict[str, Any]:
    """`{at, by, role}`, the reason, and those of the entry's data."""
    found: dict[str, Any] = {"at": entry.time, "by": entry.who, "role": entry.role}
    if entry.reason:
        found["reason"] = entry.reason
    return found | {key: entry.data[key] for key in keys if key in entry.data}


def _to(state: Closure, name: str, entry: Entry) -> None:
    state.state, state.since = name, entry.time


def _take(state: Closure, data: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if name in data:
            setattr(state, name, data[name])
    if "incident" in data:
        state.incident = data["incident"].removeprefix("incident/")
    if "place" in data:
        state.lon, state.lat = data["place"]["lon"], data["place"]["lat"]


_FIELDS = (
    "name", "label", "kind", "site", "gauge", "district", "unit", "detour", "cameras", "confirm", "why", "depth", "urgent",
    "doubt", "alarm", "alarm_id", "case", "exercise",
)  # fmt: skip


def _propose(state: Closure, entry: Entry) -> None:
    new = Closure(closure_id=entry.subject.partition("/")[2], number=state.number + 1, proposed=_who(entry))
    _take(new, entry.data, _FIELDS)
    _to(new, "proposed", entry)
    for name in Closure.__struct_fields__:
        setattr(state, name, getattr(new, name))


def _order(state: Closure, entry: Entry) -> None:
    state.ordered = _who(entry, "note")
    _take(state, entry.data, ("depth",))
    _to(state, "ordered", entry)


def _confirm_site(state: Closure, entry: Entry) -> None:
    state.on_site, state.cannot = onsite.fact(entry), {}
    _confirmed(state, entry)


def _confirm_video(state: Closure, entry: Entry) -> None:
    state.by_video = _who(entry, "channel", "media", "note")
    _confirmed(state, entry)


def _confirmed(state: Closure, entry: Entry) -> None:
    if state.confirmed_at is None and not facts_missing(state):
        state.confirmed_at = entry.time
        if state.state == "ordered":  # one whose reopening is proposed goes on waiting for that
            _to(state, "confirmed", entry)


def _propose_reopening(state: Closure, entry: Entry) -> None:
    state.reopening = _who(entry, "why", "depth")
    _take(state, entry.data, ("depth",))
    _to(state, "reopening_proposed", entry)


def _keep_closed(state: Closure, entry: Entry) -> None:
    state.reopening, state.kept = {}, _who(entry, "why")
    _to(state, "confirmed" if state.confirmed_at is not None else "ordered", entry)


def _reopen(state: Closure, entry: Entry) -> None:
    state.reopened = _who(entry)
    _take(state, entry.data, ("depth",))
    _to(state, "reopened", entry)


def _ended(name: str) -> Any:
    def fold(state: Closure, entry: Entry) -> None:
        state.over = _who(entry, "why") | {"depth": state.depth, "move": entry.move}
        _to(state, name, entry)

    return fold


def _worsen(state: Closure, entry: Entry) -> None:
    _take(state, entry.data, ("why", "depth", "urgent"))


def _doubt(state: Closure, entry: Entry) -> None:
    state.doubt, state.urgent = entry.data["doubt"], False


def _trust(state: Closure, entry: Entry) -> None:
    state.trusted, state.doubt = _who(entry, "why"), []
    state.why = [*state.why, *entry.data.get("why", [])]


def _correct(state: Closure, entry: Entry) -> None:
    kind = state.kind
    _take(state, entry.data, ("name", "kind", "district", "unit", "cameras", "confirm"))
    if state.kind != kind or "name" in entry.data:
        state.label = {}


def _link(state: Closure, entry: Entry) -> None:
    _take(state, entry.data, ("alarm", "case"))


def _retire(state: Closure, entry: Entry) -> None:
    state.ended = True


_FOLDS = {
    "propose": _propose, "order": _order, "decline": _ended("declined"), "cancel": _ended("cancelled"),
    "lapse": _ended("cancelled"),
    "confirm_site": _confirm_site, "confirm_video": _confirm_video,
    "propose_reopening": _propose_reopening, "keep_closed": _keep_closed, "reopen": _reopen, "worsen": _worsen,
    "doubt": _doubt, "trust": _trust, "correct": _correct, "link": _link, "retire": _retire, **onsite.FOLDS,
}  # fmt: skip
