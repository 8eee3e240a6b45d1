"""Topic `message`: who may tell crews something, which crew received and read it, urging, withdrawing. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.crews.moves import may_send
from dispatch.messages.model import MOST, RECEIVERS, ROLES, TEXT, URGENCIES, Message, Receiver, Urge, over_at, receiver
from dispatch.tabled import HALL, Field, Move, Tabled
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

_FIELDS = {
    "text": Field(kind="text", must=True, longest=TEXT),
    "urgency": Field(kind="choice", choices=URGENCIES),
    "crews": Field(kind="subjects", must=True, topic="crew"),
    "about": Field(kind="line", longest=300),
    "place": Field(kind="place"),
    "exercise": Field(kind="yes"),
}
#: what a message may speak of
ABOUT = ("incident", "file", "closure", "response")
MOVES = {
    "send": Move(frm=("",), by=ROLES, fields=_FIELDS, revision=False),
    "received": Move(frm=("sent", "withdrawn"), by=("own",), revision=False),
    "read": Move(frm=("sent", "withdrawn"), by=("own",), revision=False),
    "urge": Move(frm=("sent",), by=ROLES, revision=False),
    "withdraw": Move(frm=("sent",), by=ROLES, reason=True, revision=False),
    "expire": Move(frm=("sent", "withdrawn"), by=HALL),
}


class Messages(Tabled):
    """`dispatch.tabled.Tabled` over `Message`. `received` and `read` are its crews' to say, late and twice if need be."""

    topic, State, moves = "message", Message, MOVES

    def owns(self, state: Message | None, actor: Actor) -> bool:
        crew = actor.crew if actor.role == "crew" else ""
        return bool(crew) and state is not None and receiver(state, crew) is not None

    def units(self, state: Message | None) -> set[str]:
        return set()

    def open_moves(self, state: Message | None, actor: Actor, names: list[str]) -> list[str]:
        return [name for name in names if name != "urge" or _unread(state)]

    def drafts(self, view: View, state: Message | None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Draft]:
        match command.move:
            case "send":
                data = _content(view, actor, data)
            case "received" | "read":
                data = {"crew": actor.crew}
                if _known(state, command.move, actor.crew):
                    return []
            case "urge" if not _unread(state):
                raise Refused("all-read", "every crew has read it", 409)
            case "expire" if view.now < over_at(state):
                return []
        return [Draft(subject=command.subject, move=command.move, data=data, reason=command.reason.strip())]

    def fold(self, state: Message, entry: Entry) -> None:
        match entry.move:
            case "send":
                _sent(state, entry)
            case "received" | "read":
                state.crews = [_stamped(one, state, entry) if one.crew == entry.data["crew"] else one for one in state.crews]
            case "urge":
                state.urges = [*state.urges, Urge(at=entry.time, by=entry.who)]
            case "withdraw":
                state.state, state.withdrawn, state.withdrawn_by = "withdrawn", entry.time, entry.who
                state.reason = entry.reason
            case "expire":
                state.state, state.ended = "over", True


def _content(view: View, actor: Actor, data: dict[str, Any]) -> dict[str, Any]:
    """What is sent: every crew is on the roster and one that the sender may send somewhere."""
    if len(data["crews"]) > RECEIVERS:
        raise Refused("bad-field", f"crews: at most {RECEIVERS}", 422)
    if len(view.names("message")) >= MOST:
        raise Refused("too-many-messages", f"{MOST} messages are not over yet: withdraw some first", 409)
    districts: list[frozenset[str]] = []
    for subject in data["crews"]:
        crew = view.get(subject)
        if crew is None or crew.ended:
            raise Refused("crew-unknown", f"{subject[:120]} is not on the roster", 404)
        if not may_send(crew, actor):
            raise Refused("not-permitted", f"{crew.name or crew.crew_id} is not yours to tell", 403)
        districts.append(frozenset(crew.duty.districts))
    about = data.get("about", "")
    if about and (about.partition("/")[0] not in ABOUT or view.get(about) is None):
        raise Refused("about-unknown", f"there is no {about[:200]}: {', '.join(f'{topic}/...' for topic in ABOUT)}", 422)
    found = {"urgency": "normal", **data, "crews": [subject.partition("/")[2] for subject in data["crews"]]}
    same = set(districts)
    if len(same) == 1 and len(one := next(iter(same))) == 1:
        found["district"] = next(iter(one))
    if about and _exercise(view.get(about)):
        found["exercise"] = True
    return {name: value for name, value in found.items() if value is not False}


def _exercise(thing: Any) -> bool:
    report = getattr(thing, "report", None) or {}
    return bool(getattr(thing, "exercise", False) or report.get("extra", {}).get("exercise"))


def _unread(state: Message | None) -> bool:
    return state is not None and any(one.read is None for one in state.crews)


def _known(state: Message, move: str, crew: str) -> bool:
    one = receiver(state, crew)
    if move == "received":
        return one.received is not None
    return (one.read if state.withdrawn is None else one.withdrawal_read) is not None


def _sent(state: Message, entry: Entry) -> None:
    data = entry.data
    state.message_id, state.sender, state.role = entry.subject.partition("/")[2], entry.who, entry.role
    state.text, state.urgency, state.made = data["text"], data.get("urgency", "normal"), entry.time
    state.crews = [Receiver(crew=crew) for crew in data["crews"]]
    state.about, state.district = data.get("about", ""), data.get("district", "")
    state.exercise = data.get("exercise", False)
    place = data.get("place") or {}
    state.lon, state.lat = place.get("lon"), place.get("lat")


def _stamped(one: Receiver, state: Message, entry: Entry) -> Receiver:
    """A tap from before the withdrawal that comes after it, from a phone without a network, still was a reading."""
    made = msgspec.structs.replace(one)
    at = max(entry.time, state.made)  # a phone's clock may be wrong
    made.received = at if made.received is None else made.received
    if entry.move == "read":
        if made.read is None and (state.withdrawn is None or entry.time < state.withdrawn):
            made.read = at
        else:
            made.withdrawal_read = at
    return made
