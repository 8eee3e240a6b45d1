"""The response to an emergency, `response/<plan>`: proposed by the hall or a person, signed, changed, ended, taken back.

One act is one signature: tasks, scene, messages and rhythm of reports are written with it in the same transaction
(dispatch/plans/acts.py). An exercise stays one until it is ended: nothing turns it into a real response.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.notices import subject_for
from dispatch.plans.acts import Scope, acted, allowed_to_sign, undone, withdrawn
from dispatch.plans.effects import effects, shown
from dispatch.plans.model import LEVELS, Plan, Plans, rank, spoken
from dispatch.plans.state import Response, fold
from dispatch.tabled import COMMAND, HALL, SEATS, Field, Move, Tabled
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.config import HallConfig
from hall.core.errors import Refused

_REST = ("idle", "proposed", "ended")
_ANY = (*_REST, "in_force")
_LEVEL = Field(kind="choice", must=True, choices=LEVELS)
_PROPOSERS = (*SEATS, "leader", "system")
_SIGNERS = (*COMMAND, "system")

MOVES: Mapping[str, Move] = {
    "enrol": Move(
        frm=("", *_ANY), by=HALL, revision=False,
        fields={
            "label": Field(kind="record", must=True), "levels": Field(kind="record", must=True),
            "automatic": Field(kind="texts"),
        },
    ),
    "signal": Move(
        frm=_ANY, by=HALL, revision=False, fields={"red_since": Field(kind="moment"), "signal": Field(kind="record")},
    ),
    "ease": Move(frm=("in_force",), by=HALL, revision=False, fields={"gone": Field(kind="record", must=True)}),
    "propose": Move(
        frm=_ANY, by=_PROPOSERS, reason=True, revision=False,
        fields={
            "level": Field(kind="choice", choices=LEVELS), "why": Field(kind="record"), "exercise": Field(kind="yes"),
        },
    ),
    "lapse": Move(frm=("proposed", "in_force"), by=HALL, revision=False),
    "decline": Move(frm=("proposed", "in_force"), by=COMMAND, reason=True),
    "sign": Move(frm=_REST, by=_SIGNERS, reason=True, revision=False, fields={"level": _LEVEL, "exercise": Field(kind="yes")}),
    "change": Move(frm=("in_force",), by=_SIGNERS, reason=True, revision=False, fields={"level": _LEVEL}),
    "step_down": Move(frm=("in_force",), by=COMMAND, reason=True, revision=False, fields={"level": _LEVEL}),
    "end": Move(frm=("in_force",), by=COMMAND, reason=True, revision=False),
    "undo": Move(frm=("in_force", "ended"), by=COMMAND, reason=True),
    "set_commander": Move(
        frm=("in_force",), by=COMMAND, reason=True,
        fields={"person": Field(kind="line", must=True, longest=100, offer="persons")},
    ),
    "appoint": Move(
        frm=("in_force",), by=COMMAND, revision=False,
        fields={
            "role": Field(kind="line", must=True, longest=60, offer="functions"),
            "person": Field(kind="line", longest=100, offer="persons"),
        },
    ),
}  # fmt: skip
#: moves whose effects are shown before they are made
_ACTS = ("sign", "change", "step_down", "end")


class Responses(Tabled):
    """Aggregate of topic `response`. `walls`: wall -> the layout it shows by itself; `lines`: level -> alarm rules that have
    other figures then (dispatch/plans/lines.py), for the preview only. `beside` tells it the topics once all are known."""

    topic = "response"
    State = Response
    moves = MOVES

    def __init__(self, plans: Plans, walls: Mapping[str, str], lines: Mapping[str, list[dict[str, Any]]] | None = None) -> None:
        self.lines = lines or {}
        self.plans, self.scope = plans, Scope(plans, frozenset(), dict(walls))

    def beside(self, topics: Collection[str]) -> None:
        """Which streams this hall keeps: an act writes into no other."""
        self.scope.topics = frozenset(topics)

    def plan_of(self, subject: str) -> Plan:
        plan = self.plans.by_name.get(subject.partition("/")[2])
        if plan is None:
            raise Refused("plan-unknown", f"one of {', '.join(self.plans.by_name) or 'none: no plan is configured'}", 404)
        return plan

    # -- deciding ------------------------------------------------------------------------------------------------------------

    def drafts(self, view: View, state: Response | None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Draft]:
        plan, move = self.plan_of(command.subject), command.move
        if move == "enrol":
            known = state is not None and all(getattr(state, name) == value for name, value in data.items())
            return [] if known else super().drafts(view, state, command, actor, data)
        assert state is not None  # every other move starts from a state
        if move == "propose":
            return self._propose(plan, view, state, command, actor, data)
        if move in _ACTS:
            return self._act(plan, view, state, command, actor, data)
        if move == "undo":
            return self._undo(plan, view, state, command, actor)
        if move in ("decline", "lapse") and not state.proposed:
            if move == "lapse":
                return []
            raise Refused("nothing-proposed", "nothing is proposed that could be declined", 409)
        if move in ("decline", "lapse"):
            return super().drafts(view, state, command, actor, data) + withdrawn(view, state.proposed.get("told", []))
        if move == "signal" and (state.red_since, state.signal) == (data.get("red_since"), data.get("signal", {})):
            return []
        return super().drafts(view, state, command, actor, data)

    def _propose(
        self, plan: Plan, view: View, state: Response, command: Command, actor: Actor, data: dict[str, Any]
    ) -> list[Draft]:
        level, here = data.get("level", ""), state.level if state.state == "in_force" else ""
        direction = "end" if not level else "up" if rank(level) > rank(here) else "down"
        if level and level not in plan.levels:
            raise Refused("bad-field", f"level: one of {', '.join(plan.levels)}", 422)
        if level == here:
            raise Refused("already-so", f"{here or 'no response'} is in force already" if here else "say which level", 409)
        exercise = bool(data.get("exercise")) or self.plans.exercise
        if actor.kind != "system":
            data = data | {"why": [{"code": "person", "values": {"who": actor.name}}]}
        given = data | {"direction": direction, "level": level, "exercise": exercise}
        told = self._asked(plan, state, command, level or here, exercise)
        given["told"] = [draft.subject for draft in told]
        made = [Draft(subject=command.subject, move="propose", data=given, reason=command.reason.strip())]
        return made + told + withdrawn(view, state.proposed.get("told", []))

    def _asked(self, plan: Plan, state: Response, command: Command, level: str, exercise: bool) -> list[Draft]:
        """Who may sign is told that a signature is asked for."""
        if "notice" not in self.scope.topics:
            return []
        made, words = [], plan.levels[level].label
        for role in allowed_to_sign(plan, state, level):
            if role == "admin":
                continue
            to, cause = {"role": role}, state.revision + 1
            key = "notice.exercise_proposed" if exercise else "notice.response_proposed"
            language = self.plans.language
            values = {"level": spoken(words, language) or level, "plan": spoken(plan.label, language)}
            data = {"to": to, "about": command.subject, "key": key, "urgency": "urgent", "cause": cause, "values": values}
            made.append(Draft(subject=subject_for(cause, command.subject, to), move="tell", data=data))
        return made

    def _act(
        self, plan: Plan, view: View, state: Response, command: Command, actor: Actor, data: dict[str, Any]
    ) -> list[Draft]:
        level = data.get("level", "")
        here = state.level if state.state == "in_force" else ""
        if level and level not in plan.levels:
            raise Refused("bad-field", f"level: one of {', '.join(plan.levels)}", 422)
        if level == here and here:
            return []  # signed already, by somebody at the same time
        if command.move == "step_down" and rank(level) > rank(here):
            raise Refused("not-lower", f"{level} is graver than {here}: change it instead", 409)
        self._check_signer(plan, state, level, actor)
        return acted(self.scope, plan, view, state, command, level, self._exercise(state, data))

    def _check_signer(self, plan: Plan, state: Response, level: str, actor: Actor) -> None:
        if actor.kind == "system":
            if level not in plan.automatic or rank(level) < rank(state.level if state.state == "in_force" else ""):
                raise Refused("not-automatic", f"{level or 'the end'} is signed by a person", 403)
            return
        roles = allowed_to_sign(plan, state, level)
        if actor.role not in roles:
            raise Refused("signature-not-yours", f"signed by {', '.join(roles)}", 403)
        if actor.districts:
            raise Refused("signature-not-yours", "a city's level is signed by who answers for the whole city", 403)

    def _exercise(self, state: Response, data: dict[str, Any]) -> bool:
        if state.state == "in_force":
            return state.exercise
        if self.plans.exercise:
            if data.get("exercise") is False:
                raise Refused("exercise-only", "this hall is set to exercises: nothing it does is real", 409)
            return True
        return bool(data.get("exercise", state.proposed.get("exercise", False)))

    def _undo(self, plan: Plan, view: View, state: Response, command: Command, actor: Actor) -> list[Draft]:
        if not state.act or state.undo_until is None or view.now > state.undo_until:
            raise Refused("undo-over", "there is nothing to take back, or it was too long ago: change the level instead", 409)
        graver = next((name for name in plan.levels if rank(name) == state.act["rank"]), "")
        if actor.name != state.act["who"] and (not graver or actor.role not in plan.levels[graver].sign):
            raise Refused("signature-not-yours", f"taken back by {state.act['who']} or who may sign {graver}", 403)
        return undone(self.scope, plan, view, state, command)

    # -- folding and showing -------------------------------------------------------------------------------------------------

    def fold(self, state: Response, entry: Entry) -> None:
        fold(state, entry)

    def document(self, state: Response) -> dict[str, Any] | None:
        """All of it but what an undo needs."""
        plain = msgspec.to_builtins(state)
        plain.pop("act")
        return {**plain, "can_undo": bool(state.act)}

    def offered(self, state: Response | None, actor: Actor) -> list[dict[str, Any]]:
        """As the base; a signature only to levels that this actor may sign, each with what it will do: `preview`."""
        rows = super().offered(state, actor)
        plan = self.plans.by_name.get(state.plan) if state is not None else None
        if plan is None or state is None:
            return []
        made = []
        for row in rows:
            if row["move"] in _ACTS:
                row = self._previewed(plan, state, actor, row)
            if row is not None and not self._idle(state, row["move"]):
                made.append(row)
        return made

    @staticmethod
    def _idle(state: Response, move: str) -> bool:
        """Moves that this very state has nothing to be made on."""
        return (move == "decline" and not state.proposed) or (move == "undo" and not state.act)

    def _previewed(self, plan: Plan, state: Response, actor: Actor, row: dict[str, Any]) -> dict[str, Any] | None:
        here = state.level if state.state == "in_force" else ""
        levels = [""] if row["move"] == "end" else [name for name in plan.levels if name != here]
        if row["move"] in ("change", "step_down"):
            up = row["move"] == "change"
            levels = [name for name in levels if (rank(name) > rank(here)) == up]
        levels = [name for name in levels if actor.role in allowed_to_sign(plan, state, name) and not actor.districts]
        if not levels:
            return None
        exercise = state.exercise if here else bool(self.plans.exercise or state.proposed.get("exercise"))
        preview = {name: shown(effects(plan, state, name, 0, exercise)) for name in levels}
        fields = [{**field, "choices": levels} if field["name"] == "level" else field for field in row["fields"]]
        for name, said in preview.items():
            said["lines"] = [] if exercise else self.lines.get(name, [])  # an exercise changes no alarm: real water stays real
        return {**row, "fields": fields, "preview": preview, "exercise": exercise}


def walls_of(config: HallConfig) -> dict[str, str]:
    """The layout that each configured wall shows by itself; a wall of another name shows the layout so named."""
    return {name: wall.layout or name for name, wall in config.walls.items()}
