"""Topic `alarm`: one site's alarm through its life (ISA-18.2 / IEC 62682): what a command means. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.alarmlife import edges
from dispatch.alarmlife.folding import FOLD
from dispatch.alarmlife.model import CASES, AlarmState
from dispatch.alarmlife.settings import LifeSettings
from dispatch.alarmlife.table import MOVES
from dispatch.tabled import Tabled
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused


class Alarms(Tabled):
    """Aggregate of topic `alarm`. `settings`: how long a shelf may last, who may shelve what is urgent."""

    topic = "alarm"
    State = AlarmState
    moves = MOVES

    def __init__(self, settings: LifeSettings) -> None:
        self.settings = settings

    # -- deciding ----------------------------------------------------------------------------------------------------------

    def drafts(self, view: View, state: AlarmState | None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Draft]:
        if actor.kind != "system" and state is not None:
            _same(state, data)
        made = _DECIDE.get(command.move, _plainly)(self, view, state, command, actor, data)
        if made is None:
            return []
        reason = command.reason.strip()
        drafts = [Draft(subject=command.subject, move=move, data=told, reason=reason) for move, told in made]
        return drafts + (self._word_to_file(view, state, data["case"]) if command.move == "link_case" else [])

    def _word_to_file(self, view: View, state: AlarmState, file: str) -> list[Draft]:
        """The case's own history says which alarm saw the same, where the hall has opened the file."""
        if view.get(file) is None:
            return []
        text = self.settings.case_note.format(name=state.name or state.label or state.alarm_id, label=state.label)
        return [Draft(subject=file, move="note", data={"text": text})]

    def open_moves(self, state: AlarmState | None, actor: Actor, names: list[str]) -> list[str]:
        """Of the independent bits: what is set can be taken back, what is not can be set."""
        if state is None:
            return []
        shut = {
            "acknowledge": state.acknowledged,
            "shelve": state.shelved is not None or not self._may_shelve(state, actor),
            "unshelve": state.shelved is None,
            "out_of_service": state.out_of_service is not None,
            "in_service": state.out_of_service is None,
            "unlink_case": not state.cases,
        }
        return [name for name in names if not shut.get(name, False)]

    def _may_shelve(self, state: AlarmState, actor: Actor) -> bool:
        return state.priority != 1 or actor.role in self.settings.shelf_high_roles

    def may_shelve(self, view: View, state: AlarmState, actor: Actor, until: int) -> None:
        """Raises Refused where the shelf would be too long, over already, or not his to decide."""
        if not self._may_shelve(state, actor):
            who = ", ".join(self.settings.shelf_high_roles)
            raise Refused("not-permitted", f"an alarm of high priority is shelved by {who} only", 403)
        if state.shelved:
            raise Refused("state-wrong", "it is on the shelf already", 409)
        if not view.now < until <= view.now + self.settings.shelf_most:
            raise Refused("bad-field", f"until: later than now, at most {self.settings.shelf_hours_most:g} h", 422)

    # -- showing -----------------------------------------------------------------------------------------------------------

    def document(self, state: AlarmState) -> dict[str, Any] | None:
        if state.ended:
            return None
        plain = msgspec.to_builtins(state) | {"state": state.state, "active": state.active}
        for inner in ("retired", "shelved_severity"):
            plain.pop(inner, None)
        if plain["active"]:
            del plain["active"]  # the default of the document
        return plain

    # -- folding -----------------------------------------------------------------------------------------------------------

    def fold(self, state: AlarmState, entry: Entry) -> None:
        if entry.move in FOLD:
            FOLD[entry.move](state, entry)
        if entry.data.get("announced"):
            state.announced = entry.recorded


def _same(state: AlarmState, data: dict[str, Any]) -> None:
    """Raises Refused where what is answered is not what was seen."""
    looked_at, seen = data.pop("alarm_id", None), data.pop("seen", None)
    if looked_at is not None and looked_at != state.alarm_id:
        raise Refused("alarm-changed", "this is another occurrence than the one you looked at; look again", 409)
    if isinstance(seen, int) and state.active and state.severity > seen:
        raise Refused("alarm-worse", "it has become worse since you looked; look again", 409)


# -- decisions: (aggregate, view, state, command, actor, data) -> [(move, data)] or None --------------------------------------


def _plainly(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list:
    return [(command.move, data)]


def _raise(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list:
    """Came up, or came back. An unanswered one that comes back is the same occurrence."""
    if state is not None and state.active:
        return _change(self, view, state, command, actor, data)
    time, site = _moment(command, view), command.subject.partition("/")[2]
    told = edges.usable(data)
    told.setdefault("since", time)
    answered = state is None or state.acknowledged or state.retired
    if answered:
        told["alarm_id"] = f"{site}@{time}"
        if state is not None and told["alarm_id"] == state.alarm_id:  # answered and back within the same ms
            told["alarm_id"] += f"#{state.revision}"
    else:
        told["since"] = state.since if state.since is not None else told["since"]
    return _announced("raise", state, told, always=True)


def _change(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list | None:
    if state is None or state.retired:
        return None
    told = edges.usable(data)
    if not state.active:
        return [("change", told)]
    told["since"] = state.since
    return _announced("change", state, told, always=False)


def _announced(move: str, state: AlarmState | None, told: dict[str, Any], *, always: bool) -> list:
    """The line, marked where it asks for somebody's attention: new, worse, or no longer hidden while nobody answered."""
    worse = state is not None and state.active and told.get("severity", 0) > state.severity
    shelf_ends = bool(state is not None and state.shelved and told.get("severity", 0) > state.shelved_severity)
    away = bool(told.get("hidden_by") or (state is not None and (state.out_of_service or (state.shelved and not shelf_ends))))
    uncovered = bool(state is not None and state.active and state.hidden_by and not told.get("hidden_by"))
    if worse:
        told["worse"] = True
    if not away and (always or worse or (uncovered and not state.acknowledged)):
        told["announced"] = True
    made = [(move, told)]
    if shelf_ends:
        made.append(("unshelve", {"because": "worse"}))
    return made


def _asking(state: AlarmState) -> dict[str, Any]:
    """That a line asks for somebody's attention, with what counts it; edges carry the same in their own fields."""
    return {"announced": True, "priority": state.priority, "district": state.district}


def _return(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list | None:
    if state is None or not state.active:
        return None
    told = edges.usable(data)
    return [("return", {name: value for name, value in told.items() if name not in ("since", "severity", "priority")})]


def _acknowledge(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list | None:
    if state.acknowledged:
        if "comment" in data:
            return [("comment", {"text": data["comment"]})]
        return None  # somebody was quicker: what was wanted is so
    return [("acknowledge", data)]


def _shelve(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list:
    self.may_shelve(view, state, actor, data["until"])
    return [("shelve", data)]


def _unshelve(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list | None:
    if state.shelved is None or (actor.kind == "system" and state.shelved["until"] > view.now):
        return None
    if actor.kind != "system":
        data = {}
    asks = state.active and not state.acknowledged and not state.hidden_by and not state.out_of_service
    return [("unshelve", data | (_asking(state) if asks else {}))]


def _out_of_service(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list:
    if state.out_of_service:
        raise Refused("state-wrong", "it is out of service already", 409)
    return [("out_of_service", data)]


def _in_service(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list:
    if state.out_of_service is None:
        raise Refused("state-wrong", "it is in service", 409)
    asks = state.active and not state.acknowledged and not state.hidden_by and not state.shelved
    return [("in_service", _asking(state) if asks else {})]


def _link_case(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list | None:
    if data["case"] in state.cases:
        return None
    if actor.kind != "system":
        data.pop("metres", None)
    if len(state.cases) >= CASES:
        raise Refused("too-many", f"an alarm is linked with at most {CASES} cases", 409)
    return [("link_case", data)]


def _unlink_case(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list:
    if data["case"] not in state.cases:
        raise Refused("state-wrong", "this case is not linked with it", 409)
    return [("unlink_case", data)]


def _link_closure(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list | None:
    return None if state.closure == data["closure"] else [("link_closure", data)]


def _retire(self: Alarms, view: View, state: Any, command: Command, actor: Actor, data: dict[str, Any]) -> list | None:
    """What somebody put away stays to be seen until he takes it back."""
    return None if state.shelved or state.out_of_service else [("retire", data)]


def _moment(command: Command, view: View) -> int:
    return view.now if command.time is None else min(command.time, view.now)


_DECIDE = {
    "raise": _raise, "change": _change, "return": _return, "acknowledge": _acknowledge, "shelve": _shelve,
    "unshelve": _unshelve, "out_of_service": _out_of_service, "in_service": _in_service, "link_case": _link_case,
    "unlink_case": _unlink_case, "link_closure": _link_closure, "retire": _retire,
}  # fmt: skip
