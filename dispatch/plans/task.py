"""A task 任务 `task/<id>`, of a response or given by hand, to a department or a role: acknowledged, done, late. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.notices import subject_for
from dispatch.plans.acts import withdrawn
from dispatch.plans.model import MINUTE, ROLES, spoken
from dispatch.tabled import COMMAND, HALL, SEATS, Field, Move, Tabled
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

NOTES = 50
_OPEN = ("open", "acknowledged")
_THEIRS = ("unit", "own", "dispatcher", "supervisor", "admin")
_GIVERS = ("dispatcher", "supervisor", "leader", "admin")
_ROLE = Field(kind="choice", choices=ROLES)
_UNIT = Field(kind="line", longest=100, offer="units")
_MINUTES = Field(kind="number", low=1, high=7 * 24 * 60, unit="min")
_NOTE = Field(kind="text", longest=500)

MOVES: Mapping[str, Move] = {
    "acknowledge": Move(frm=("open",), by=_THEIRS, revision=False, fields={"note": _NOTE}),
    "done": Move(frm=_OPEN, by=_THEIRS, revision=False, fields={"note": _NOTE}),
    "note": Move(
        frm=(*_OPEN, "done"), by=(*_THEIRS, "operator", "leader"), revision=False,
        fields={"note": msgspec.structs.replace(_NOTE, must=True)},
    ),
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


class Task(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State of `task/<id>`; times city ms. `told`: steps of being late that were told of, `notices`
    with which; `why`: what took it back."""

    task_id: str = ""
    state: str = "open"
    response: str = ""
    incident: str = ""
    key: str = ""
    level: str = ""
    label: dict[str, str] = {}
    unit: str = ""
    role: str = ""
    place: dict[str, str] = {}
    spot: str = ""
    site: str = ""
    district: str = ""
    lon: float | None = None
    lat: float | None = None
    crews: int = 0
    kinds: list[str] = []
    equipment: list[dict[str, Any]] = []
    made: int = 0
    ack_due: int | None = None
    due: int | None = None
    acked_by: str = ""
    acked_at: int | None = None
    done_by: str = ""
    done_at: int | None = None
    ended_at: int | None = None
    note: str = ""
    notes: list[dict[str, Any]] = []
    case: str = ""
    wanted_case: bool = False
    told: list[str] = []
    notices: list[str] = []
    why: str = ""
    exercise: bool = False
    revision: int = 0
    ended: bool = False


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
        return state is not None and bool(state.role) and actor.role == state.role

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
        if command.move in ("make", "reassign"):
            told = self._tell(command.subject, state, data, _next(state), "task_given", "urgent")
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
        response = view.get(state.response) if state.response else None
        above = {"person": response.commander} if response is not None and response.commander else {"role": "supervisor"}
        made += self._tell(command.subject, state, {}, _next(state), step, "urgent", above)
        found = list({draft.subject: draft for draft in made}.values())  # who commands may be who has it
        data["told"] = [draft.subject for draft in found[1:]]
        return found

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
        step = _FOLDS.get(entry.move)
        if step is not None:
            step(state, entry)
        if entry.data.get("note") and entry.move != "make":
            state.note = entry.data["note"]
            line = {"at": entry.time, "who": entry.who, "text": entry.data["note"]}
            state.notes = [*state.notes, line][-NOTES:]


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


def _open(state: Task, entry: Entry) -> None:
    """Anew, whatever there was: a level that is signed again asks for it again."""
    given = {"task_id": entry.subject.partition("/")[2], **entry.data}
    fresh = msgspec.convert({**given, "told": [], "notices": given.get("told", [])}, Task)
    for name in Task.__struct_fields__:
        if name not in ("revision", "notes"):
            setattr(state, name, getattr(fresh, name))


def _acknowledge(state: Task, entry: Entry) -> None:
    state.state, state.acked_by, state.acked_at = "acknowledged", entry.who, entry.time


def _done(state: Task, entry: Entry) -> None:
    if state.acked_at is None:
        state.acked_by, state.acked_at = entry.who, entry.time
    state.state, state.done_by, state.done_at, state.ended_at = "done", entry.who, entry.time, entry.time


def _cancel(state: Task, entry: Entry) -> None:
    state.state, state.ended_at, state.why = "cancelled", entry.time, entry.data.get("why", "") or entry.reason


def _restore(state: Task, entry: Entry) -> None:
    state.state, state.ended_at, state.why = entry.data["state"], None, ""


def _reassign(state: Task, entry: Entry) -> None:
    state.unit, state.role = entry.data.get("unit", ""), entry.data.get("role", "")
    state.state, state.acked_by, state.acked_at, state.told = "open", "", None, []
    state.notices = entry.data.get("told", [])
    if state.ack_due is not None:  # whoever gets it now has as long to acknowledge as the first had
        state.ack_due = entry.time + max(MINUTE, state.ack_due - state.made)


def _extend(state: Task, entry: Entry) -> None:
    state.due, state.told = entry.data["due"], [step for step in state.told if step == "task_unacknowledged"]


def _remind(state: Task, entry: Entry) -> None:
    state.told = [*state.told, entry.data["step"]]
    state.notices = [*state.notices, *entry.data.get("told", [])]


def _to_case(state: Task, entry: Entry) -> None:
    state.wanted_case = True


def _case(state: Task, entry: Entry) -> None:
    state.case = entry.data["case"]


def _retire(state: Task, entry: Entry) -> None:
    state.ended = True


_FOLDS = {
    "open": _open, "make": _open, "acknowledge": _acknowledge, "done": _done, "cancel": _cancel, "restore": _restore,
    "reassign": _reassign, "extend": _extend, "remind": _remind, "to_case": _to_case, "case": _case, "retire": _retire,
}  # fmt: skip
