"""Topic `request`: who needs how many of what, and what became of it. Pure.

Allotting and giving back write into the depots' streams in the same transaction: what a request says it has, a depot says
is away.
"""

from __future__ import annotations

from typing import Any

from dispatch.aggregate import View
from dispatch.depots.keeping import MOST, taken
from dispatch.depots.model import OVER, Request, Share
from dispatch.tabled import SEATS, Field, Move, Tabled
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

#: what a thing may be asked for
PURPOSES = ("closure", "incident", "file", "response", "task", "alarm")
_SENDERS = ("dispatcher", "supervisor", "admin")
_SOME = {"low": 1, "high": MOST}
_AMOUNTS = Field(kind="amounts", low=0, high=MOST, must=True, longest=200, offer="stores")
_OPTIONAL = Field(kind="amounts", low=0, high=MOST, longest=200, offer="lenders")

MOVES = {
    "request": Move(
        frm=("",),
        by=(*SEATS, "leader", "inspector", "own", "system"),
        fields={
            "item": Field(kind="line", longest=60, must=True, offer="items"),
            "wanted": Field(kind="whole", must=True, **_SOME),
            "purpose": Field(kind="line", longest=300, offer="purposes"),
            "place": Field(kind="line", longest=200),
            "where": Field(kind="place"),
            "district": Field(kind="line", longest=100, offer="districts"),
            "unit": Field(kind="line", longest=100, offer="units"),
            "needed_by": Field(kind="moment"),
            "note": Field(kind="text"),
            "incident": Field(kind="subject", topic="incident"),
            "exercise": Field(kind="yes"),
        },
        revision=False,
    ),
    "allot": Move(frm=("open", "partly"), by=_SENDERS, fields={"depots": _AMOUNTS}),
    "deliver": Move(frm=("partly", "allotted"), by=(*SEATS, "unit"), fields={"count": Field(kind="whole", **_SOME)}),
    "give_back": Move(
        frm=("partly", "allotted", "delivered"), by=(*SEATS, "unit"), fields={"depots": _OPTIONAL, "lost": _OPTIONAL}
    ),
    "enough": Move(frm=("partly",), by=(*SEATS, "unit"), reason=True),
    "refuse": Move(frm=("open",), by=_SENDERS, reason=True),
    "cancel": Move(frm=("open", "partly", "allotted"), by=(*SEATS, "unit", "own", "system"), reason=True),
    "retire": Move(frm=OVER, by=("system",)),
}  # fmt: skip


class Requests(Tabled):
    """`dispatch.tabled.Tabled` over `Request`."""

    topic, State, moves = "request", Request, MOVES

    def owns(self, state: Request | None, actor: Actor) -> bool:
        """A department asks for itself; whoever asked may take it back."""
        if state is None:
            return actor.role == "department" and bool(actor.unit)
        return actor.name == state.by and actor.role != "system"

    def open_moves(self, state: Request | None, actor: Actor, names: list[str]) -> list[str]:
        if state is None:
            return names
        undelivered = state.allotted - state.lost - state.returned > 0 and state.delivered < state.allotted
        gone = {"deliver": not undelivered, "cancel": state.delivered > 0}
        return [name for name in names if not gone.get(name)]

    def drafts(self, view: View, state: Request | None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Draft]:
        reason = command.reason.strip()
        if command.move == "request":
            data, follow = _asked(view, actor, data), []
        else:
            data, follow = _CHECKS.get(command.move, _nothing)(view, state, data)
        return [Draft(subject=command.subject, move=command.move, data=data, reason=reason), *follow]

    def fold(self, state: Request, entry: Entry) -> None:
        fold = _FOLDS.get(entry.move)
        if fold is not None:
            fold(state, entry)
            before = state.state
            _count(state)
            state.since = entry.time if state.state != before or not state.since else state.since


def kind_of(view: View, item: str) -> tuple[str, str]:
    """Kind and measure of an item, by the first depot that keeps it."""
    for subject in view.names("depot"):
        stock = view.get(subject).stock.get(item)
        if stock is not None:
            return stock.kind, stock.unit
    return "other", ""


# -- deciding --------------------------------------------------------------------------------------------------------------


def _asked(view: View, actor: Actor, data: dict[str, Any]) -> dict[str, Any]:
    purpose = data.get("purpose", "")
    if purpose and (purpose.partition("/")[0] not in PURPOSES or purpose.endswith("/") or "/" not in purpose):
        raise Refused("bad-field", f"purpose: {', '.join(f'{topic}/...' for topic in PURPOSES)}", 422)
    if actor.role == "department":
        data = data | {"unit": actor.unit}
    about = view.get(purpose) if purpose.partition("/")[0] in ("closure", "incident") else None
    for name, source in (("place", "name"), ("district", "district"), ("incident", "incident")):
        if about is not None and not data.get(name) and getattr(about, source, ""):
            data = data | {name: getattr(about, source)}
    if about is not None and "where" not in data and getattr(about, "lon", None) is not None:
        data = data | {"where": {"lon": about.lon, "lat": about.lat}}
    if actor.districts and data.get("district") not in (None, *actor.districts):
        raise Refused("not-permitted", f"{data['district']} is not yours", 403)
    kind, measure = kind_of(view, data["item"])
    return data | {"kind": kind, "measure": measure}


def _nothing(view: View, state: Request, data: dict[str, Any]) -> tuple[dict[str, Any], list[Draft]]:
    return data, []


def _whole(name: str, amounts: dict[str, float]) -> dict[str, int]:
    """By depot's subject (an id alone is taken, too), without zeros."""
    found: dict[str, int] = {}
    for key, amount in amounts.items():
        if float(amount) != int(amount):
            raise Refused("bad-field", f"{name}: whole numbers", 422)
        if amount:
            depot = key.removeprefix("depot/")
            found[depot] = found.get(depot, 0) + int(amount)
    return found


def _allot(view: View, state: Request, data: dict[str, Any]) -> tuple[dict[str, Any], list[Draft]]:
    given = _whole("depots", data["depots"])
    if not given:
        raise Refused("field-missing", "allot needs depots: how many from which", 422)
    if sum(given.values()) > state.missing:
        raise Refused("too-much", f"{state.missing:g} of {state.item} are missing, {sum(given.values()):g} were to go", 409)
    drafts = [taken(view.get(f"depot/{depot}"), f"depot/{depot}", state.item, count) for depot, count in given.items()]
    for draft in drafts:
        draft.data["request"] = state.request_id
    return {"depots": given}, drafts


def _deliver(view: View, state: Request, data: dict[str, Any]) -> tuple[dict[str, Any], list[Draft]]:
    waiting = state.allotted - state.delivered
    count = data.get("count", waiting)
    if not 1 <= count <= waiting:
        raise Refused("too-much", f"{waiting:g} are on their way, not {count:g}", 409)
    return {"count": count}, []


def _give_back(view: View, state: Request, data: dict[str, Any]) -> tuple[dict[str, Any], list[Draft]]:
    """Nothing named: everything that is out goes back."""
    back, lost = _whole("depots", data.get("depots", {})), _whole("lost", data.get("lost", {}))
    if not back and not lost:
        back = {depot: share.out for depot, share in state.depots.items() if share.out}
    drafts = []
    for depot in sorted({*back, *lost}):
        share = state.depots.get(depot, Share())
        if back.get(depot, 0) + lost.get(depot, 0) > share.out:
            raise Refused("too-much", f"{share.out:g} of {depot} are out", 409)
        told = {"item": state.item, "count": back.get(depot, 0), "lost": lost.get(depot, 0), "request": state.request_id}
        drafts.append(Draft(subject=f"depot/{depot}", move="take_back", data=told))
    if not drafts:
        raise Refused("field-missing", "nothing of it is out", 409)
    return {"depots": back, "lost": lost}, drafts


def _cancel(view: View, state: Request, data: dict[str, Any]) -> tuple[dict[str, Any], list[Draft]]:
    if state.delivered:
        raise Refused("state-wrong", "some of it is there already: give it back", 409)
    return _give_back(view, state, {}) if state.allotted - state.returned - state.lost else ({}, [])


_CHECKS = {"allot": _allot, "deliver": _deliver, "give_back": _give_back, "cancel": _cancel}


# -- folding ---------------------------------------------------------------------------------------------------------------


def _count(state: Request) -> None:
    """State and what is missing follow from the amounts."""
    if state.state in OVER:
        state.missing = 0
        return
    out = state.allotted - state.returned - state.lost
    if state.delivered and not out:
        state.state, state.missing = "returned", 0
        return
    state.missing = max(0, state.wanted - state.allotted)
    if not state.allotted:
        state.state = "open"
    elif state.missing:
        state.state = "partly"
    else:
        state.state = "delivered" if state.delivered >= state.allotted else "allotted"


def _fold_request(state: Request, entry: Entry) -> None:
    data = entry.data
    state.request_id, state.by, state.at = entry.subject.partition("/")[2], entry.who, entry.time
    for name in ("item", "wanted", "purpose", "place", "district", "unit", "needed_by", "note", "exercise", "kind", "measure"):
        if name in data:
            setattr(state, name, data[name])
    state.incident = data.get("incident", "").removeprefix("incident/")
    if state.purpose.startswith("incident/") and not state.incident:
        state.incident = state.purpose.partition("/")[2]
    if "where" in data:
        state.lon, state.lat = data["where"]["lon"], data["where"]["lat"]


def _fold_allot(state: Request, entry: Entry) -> None:
    for depot, count in entry.data["depots"].items():
        state.depots.setdefault(depot, Share()).allotted += count
        state.allotted += count


def _fold_give_back(state: Request, entry: Entry) -> None:
    """What never arrived goes off the allotment: it is wanted still. What was there and came back is returned."""
    for depot, count in entry.data.get("depots", {}).items():
        unarrived = min(count, state.allotted - state.delivered) if state.delivered < state.allotted else 0
        state.depots[depot].allotted -= unarrived
        state.allotted -= unarrived
        state.depots[depot].returned += count - unarrived
        state.returned += count - unarrived
    for depot, count in entry.data.get("lost", {}).items():
        state.depots[depot].lost += count
        state.lost += count
        state.delivered = max(state.delivered, state.returned + state.lost)


def _fold_deliver(state: Request, entry: Entry) -> None:
    state.delivered += entry.data["count"]


def _fold_enough(state: Request, entry: Entry) -> None:
    state.wanted = state.allotted


def _ended(name: str) -> Any:
    def fold(state: Request, entry: Entry) -> None:
        _fold_give_back(state, entry)
        state.state, state.over = name, {"at": entry.time, "by": entry.who, "reason": entry.reason}

    return fold


def _fold_retire(state: Request, entry: Entry) -> None:
    state.ended = True


_FOLDS = {
    "request": _fold_request, "allot": _fold_allot, "deliver": _fold_deliver, "give_back": _fold_give_back,
    "enough": _fold_enough, "refuse": _ended("refused"), "cancel": _ended("cancelled"), "retire": _fold_retire,
}  # fmt: skip
