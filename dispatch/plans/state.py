"""What the ledger keeps of a response: its state, and how each line changes it. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.plans.model import rank
from hall.core.command import Entry

HISTORY = 100
#: what an undo brings back
_KEPT = (
    "state", "level", "proposed", "signed_by", "signed_role", "since", "began", "exercise", "commander", "roles", "run",
    "tasks", "scenes", "report_minutes", "emergency_classes",
)  # fmt: skip


class Response(msgspec.Struct, kw_only=True):
    """State of `response/<plan>`; times city ms. `run` counts responses of this plan; `tasks` those of this run that stand;
    `scenes` wall -> {set, back}; `act` what the last act changed, as long as it can be taken back."""

    plan: str = ""
    state: str = "idle"
    label: dict[str, str] = {}
    levels: dict[str, Any] = {}
    automatic: list[str] = []
    level: str = ""
    proposed: dict[str, Any] = {}
    declined: dict[str, Any] = {}
    signed_by: str = ""
    signed_role: str = ""
    since: int | None = None
    began: int | None = None
    red_since: int | None = None
    signal: dict[str, Any] = {}
    exercise: bool = False
    commander: str = ""
    roles: dict[str, str] = {}
    history: list[dict[str, Any]] = []
    undo_until: int | None = None
    run: int = 0
    tasks: list[str] = []
    scenes: dict[str, dict[str, str]] = {}
    report_minutes: int = 0
    emergency_classes: list[str] = []
    gone: dict[str, int] = {}  # levels whose conditions are gone, since when
    act: dict[str, Any] = {}
    revision: int = 0
    ended: bool = False  # never: a plan is there as long as it is configured


def fold(state: Response, entry: Entry) -> None:
    """One line into `state`, a copy."""
    state.plan = state.plan or entry.subject.partition("/")[2]
    step = _FOLDS.get(entry.move)
    if step is None:
        return
    step(state, entry)
    if entry.move not in ("enrol", "signal", "ease"):
        line = {"level": state.level or entry.data.get("level", ""), "at": entry.time, "who": entry.who, "move": entry.move}
        line |= {"reason": entry.reason[:200]} if entry.reason else {}
        line |= {"exercise": True} if state.exercise else {}
        state.history = [*state.history, line][-HISTORY:]


def _enrol(state: Response, entry: Entry) -> None:
    state.label, state.levels = entry.data["label"], entry.data["levels"]
    state.automatic = entry.data.get("automatic", [])


def _propose(state: Response, entry: Entry) -> None:
    data = entry.data
    state.proposed = {
        "level": data.get("level", ""), "direction": data["direction"], "at": entry.time, "by": entry.who,
        "why": data.get("why", []), "exercise": data.get("exercise", False), "reason": entry.reason,
        "told": data.get("told", []),
    }  # fmt: skip
    if state.state in ("idle", "ended"):
        state.state = "proposed"


def _without_proposal(state: Response) -> None:
    state.proposed = {}
    if state.state == "proposed":
        state.state = "idle"


def _lapse(state: Response, entry: Entry) -> None:
    _without_proposal(state)


def _decline(state: Response, entry: Entry) -> None:
    said = state.proposed
    state.declined = {
        "level": said.get("level", ""), "direction": said.get("direction", ""), "at": entry.time, "by": entry.who,
        "reason": entry.reason,
    }  # fmt: skip
    _without_proposal(state)


def _act(state: Response, entry: Entry) -> None:
    """A level is put into force, changed or ended."""
    data = entry.data
    before = {name: getattr(state, name) for name in _KEPT}
    if state.state != "in_force":
        state.run += 1
        state.began, state.tasks, state.scenes, state.roles = entry.time, [], {}, {}
        state.exercise, state.commander = data["exercise"], entry.who if entry.kind == "person" else ""
    state.level, state.state = data["level"], "in_force" if data["level"] else "ended"
    state.signed_by, state.signed_role, state.since = entry.who, entry.role, entry.time
    gone = set(data["cancelled"])
    state.tasks = [name for name in state.tasks if name not in gone] + data["opened"]
    state.scenes = {wall: found for wall, found in {**state.scenes, **data["scenes"]}.items() if found.get("set")}
    state.report_minutes, state.emergency_classes = data["report_minutes"], data["emergency_classes"]
    state.proposed, state.declined, state.gone = {}, {}, {}
    state.undo_until = data["undo_until"]
    state.act = {"before": before, "who": entry.who, "rank": max(rank(before["level"]), rank(state.level))}
    state.act |= {name: data[name] for name in ("opened", "cancelled", "scenes", "bulletins", "report_before", "told")}


def _undo(state: Response, entry: Entry) -> None:
    taken_back = {"level": state.level, "direction": "up", "at": entry.time, "by": entry.who, "reason": entry.reason}
    for name, value in state.act["before"].items():
        setattr(state, name, value)
    state.run = max(state.run, entry.data["run"])  # names of tasks that were taken back are not used again
    state.undo_until, state.act, state.declined = None, {}, taken_back  # nor is it proposed again at once


def _commander(state: Response, entry: Entry) -> None:
    state.commander = entry.data["person"]


def _appoint(state: Response, entry: Entry) -> None:
    name, person = entry.data["role"], entry.data.get("person", "")
    others = {role: who for role, who in state.roles.items() if role != name}
    state.roles = {**others, name: person} if person else others


def _signal(state: Response, entry: Entry) -> None:
    state.red_since, state.signal = entry.data.get("red_since"), entry.data.get("signal", {})


def _ease(state: Response, entry: Entry) -> None:
    state.gone = entry.data["gone"]


_FOLDS = {
    "enrol": _enrol, "propose": _propose, "lapse": _lapse, "decline": _decline, "sign": _act, "change": _act, "step_down": _act,
    "end": _act, "undo": _undo, "set_commander": _commander, "appoint": _appoint, "signal": _signal,
    "ease": _ease,
}  # fmt: skip
