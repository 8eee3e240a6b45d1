"""A task 任务 `task/<id>`, of a response or given by hand, to a department or a role: acknowledged, done, late. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.notices import subject_for
from dispatch.plans.acts import withdrawn
from dispatch.plans.model import MINUTE, ROLES, spoken
from dispatch.plans.taskstate import Task, fold
from dispatch.tabled import COMMAND, HALL, SEATS, Field, Move, Tabled
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

_OPEN = ("open", "acknowledged")
_THEIRS = ("unit", "own", "dispatcher", "supervisor", "admin")
_GIVERS = ("dispatcher", "supervisor", "leader", "admin")
_ROLE = Field(kind="choice", choices=ROLES)
_UNIT = Field(kind="line", longest=100, offer="units")
_MINUTES = Field(kind="number", low=1, high=7 * 24 * 60, unit="min")
_NOTE = Field(kind="text", longest=500)
_CREW = Field(kind="line", must=True, longest=100, offer="crews")
#: moves of the phone of the crew that was given it
CREW_MOVES = ("acknowledge", "done", "cannot")

MOVES: Mapping[str, Move] = {
    "acknowledge": Move(frm=("open",), by=_THEIRS, revision=False, fields={"note": _NOTE}),
    "done": Move(frm=_OPEN, by=_THEIRS, revision=False, fields={"note": _NOTE, "photos": Field(kind="photos")}),
    "note": Move(
        frm=(*_OPEN, "done"), by=(*_THEIRS, "operator", "leader"), revision=False,
        fields={"note": msgspec.structs.replace(_NOTE, must=True)},
    ),
    "hand": Move(frm=_OPEN, by=("unit", *_GIVERS), revision=False, fields={"crew": _CREW, "note": _NOTE}),
    "cannot": Move(frm=_OPEN, by=_THEIRS, reason=True, revision=False, fields={"photos": Field(kind="photos")}),
    "to_case": Move(frm=_OPEN, by=(*SEATS,), revision=False, fields={"note": _NOTE}),
    "reassign": Move(frm=_OPEN, by=_GIVERS, reason=True, fields={"unit": _UNIT, "role": _ROLE}),
    "extend": Move(frm=_OPEN, by=COMMAND, reason=True, fields={"due_minutes": msgspec.structs.replace(_MINUTES, must=True)}),
    "cancel": Move(frm=_OPEN, by=_GIVERS, reason=True),
    "make": Move(
        frm=("",), by=_GIVERS, revision=False,
        fields={
            "label": Field(kind="line", must=True, longest=200), "unit": _UNIT, "role": _ROLE,
            "place": Field(kind="line", longest=200), "district": Field(kind="line", longest=60, offer="districts"),
            "ack_minutes": _MINUTES, "due_minutes": _MINUTES, "incident": Field(kind="subject", topic="incident"),
            "exercise": Field(kind="yes"),
        },
    ),
    "remind": Move(frm=_OPEN, by=HALL, revision=False, fields={"step": Field(kind="line", must=True)}),
    "case": Move(frm=_OPEN, by=HALL, revision=False, fields={"case": Field(kind="subject", topic="file", must=True)}),
    "retire": Move(frm=("done", "cancelled"), by=HALL, revision=False),
}  # fmt: skip
#: where a task made by hand names no limits
ACK_MINUTES, DUE_MINUTES = 15, 60
#: language tag of what somebody wrote by hand: nobody knows in which one ("undetermined")
WRITTEN = "und"


class Tasks(Tabled):
    """Aggregate of topic `task`. `open`, `restore` and a plan's `cancel` are written by a response's act, as drafts."""

    topic = "task"
    State = Task
    moves = MOVES

    def __init__(self, language: str = "zh-CN") -> None:
        self.language = language
        self.topics: frozenset[str] = frozenset()

    def beside(self, topics: Collection[str]) -> None:
        """Which streams this hall keeps."""
        self.topics = frozenset(topics)

    def owns(self, state: Task | None, actor: Actor) -> bool:
        if state is None:
            return False
        return (bool(state.role) and actor.role == state.role) or (bool(actor.crew) and actor.crew == state.crew)

    def drafts(self, view: View, state: Task | None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Draft]:
        if command.move == "make":
            data = _by_hand(view, command, data)
        elif command.move == "reassign":
            _one_addressee(data)
        elif command.move == "extend":
            data = {"due": view.now + round(data["due_minutes"] * MINUTE)}
        elif command.move == "to_case" and state is not None and (state.case or state.wanted_case):
            raise Refused("already-open", f"there is a case for it: {state.case or 'being opened'}", 409)
        elif command.move == "remind":
            return self._remind(view, state, command, data["step"])
        made = [Draft(subject=command.subject, move=command.move, data=data, reason=command.reason.strip())]
        to = {"crew": data["crew"]} if command.move == "hand" else None
        if command.move == "cannot":
            told = self._cannot(view, command.subject, state)
            data["told"] = [draft.subject for draft in told]
            made += told
        if command.move in ("make", "reassign", "hand"):
            told = self._tell(command.subject, state, data, _next(state), "task_given", "urgent", to)
            data["told"] = [draft.subject for draft in told]
            made += told
        if command.move in ("done", "cancel", "reassign", "acknowledge") and state is not None:
            made += withdrawn(view, state.notices)
        return made

    # -- being late ----------------------------------------------------------------------------------------------------------

    def _remind(self, view: View, state: Task, command: Command, step: str) -> list[Draft]:
        """One step of being late: the addressee again, and who commands; nobody twice."""
        if step in state.told or step not in {name for name, _ in steps(state)}:
            return []
        data: dict[str, Any] = {"step": step}
        made = [Draft(subject=command.subject, move="remind", data=data)]
        made += self._tell(command.subject, state, {}, _next(state), step, "urgent")
        made += self._tell(command.subject, state, {}, _next(state), step, "urgent", self._above(view, state))
        found = list({draft.subject: draft for draft in made}.values())  # who commands may be who has it
        data["told"] = [draft.subject for draft in found[1:]]
        return found

    @staticmethod
    def _above(view: View, state: Task) -> dict[str, str]:
        """Who commands the response, else the shift leaders."""
        response = view.get(state.response) if state.response else None
        return {"person": response.commander} if response is not None and response.commander else {"role": "supervisor"}

    def _cannot(self, view: View, subject: str, state: Task) -> list[Draft]:
        """The unit it was given to, and who commands."""
        told = self._tell(subject, state, {}, _next(state), "task_cannot", "urgent")
        told += self._tell(subject, state, {}, _next(state), "task_cannot", "urgent", self._above(view, state))
        return list({draft.subject: draft for draft in told}.values())

    def _tell(
        self, about: str, state: Task | None, data: dict[str, Any], cause: int, key: str, urgency: str,
        to: dict[str, str] | None = None,
    ) -> list[Draft]:  # fmt: skip
        if "notice" not in self.topics:
            return []
        known = {**(msgspec.to_builtins(state) if state is not None else {}), **data}
        if to is None:
            fresh = data if data.get("unit") or data.get("role") else known
            to = {"unit": fresh["unit"]} if fresh.get("unit") else {"role": fresh.get("role", "")}
        if not next(iter(to.values()), ""):
            return []
        key = f"notice.exercise_{key}" if known.get("exercise") else f"notice.{key}"
        values = {
            "task": spoken(known.get("label", {}), self.language),
            "place": spoken(known.get("place", {}), self.language),
            "unit": known.get("unit", ""),
        }
        told = {"to": to, "about": about, "key": key, "urgency": urgency, "cause": cause}
        told["values"] = {name: value for name, value in values.items() if value}
        return [Draft(subject=subject_for(cause, about, to), move="tell", data=told)]

    # -- folding -------------------------------------------------------------------------------------------------------------

    def fold(self, state: Task, entry: Entry) -> None:
        fold(state, entry)


def steps(task: Task) -> list[tuple[str, int]]:
    """(step, when it is reached in city ms) of a task that is still to be done, earliest first."""
    found = []
    if task.state == "open" and task.ack_due is not None:
        found.append(("task_unacknowledged", task.ack_due))
    if task.state in _OPEN and task.due is not None:
        found.append(("task_overdue", task.due))
        found.append(("task_twice", task.due + max(0, task.due - task.made)))
    return sorted(found, key=lambda step: step[1])


def due_steps(task: Task, now: int) -> list[str]:
    """Steps reached and not told of."""
    return [name for name, at in steps(task) if at <= now and name not in task.told]


def _next(state: Task | None) -> int:
    return (state.revision if state is not None else 0) + 1


def _one_addressee(data: dict[str, Any]) -> None:
    if bool(data.get("unit")) == bool(data.get("role")):
        raise Refused("field-missing", "either a unit or a role", 422)


def _by_hand(view: View, command: Command, data: dict[str, Any]) -> dict[str, Any]:
    _one_addressee(data)
    ack, due = data.pop("ack_minutes", ACK_MINUTES), data.pop("due_minutes", DUE_MINUTES)
    made = {"task_id": command.subject.partition("/")[2], "made": view.now, "label": {WRITTEN: data.pop("label")}}
    if place := data.pop("place", ""):
        made["place"] = {WRITTEN: place}
    return {**made, "ack_due": view.now + round(min(ack, due) * MINUTE), "due": view.now + round(due * MINUTE), **data}
