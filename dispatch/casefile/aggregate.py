"""The case file as the ledger keeps it, and as screens see it."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.casefile.allowed import allowed
from dispatch.casefile.decide import decide
from dispatch.casefile.fold import evolve
from dispatch.casefile.model import CaseFile
from dispatch.casefile.rules import CaseRules, ClockRules
from dispatch.casefile.table import MOVES
from hall.core.command import Actor, Command, Draft, Entry

#: stage of `Case.stages` <- mark of the file
_STAGES = ("reported", "accepted", "registered", "dispatched", "handled", "checked", "closed")
_SHOWN = (
    "feed", "case_id", "revision", "state", "moved", "emergency", "state_since", "stage_due", "owner", "owner_role", "unit",
    "condition", "barred", "reworks", "returns", "suspended_until", "merged_into", "absorbed", "parent", "children",
    "open_children", "incident", "rungs", "ladder_stopped", "stopped_rungs", "notes", "ended_at", "exempt", "last",
)  # fmt: skip
_OF_URGE = ("number", "level", "at", "who", "due")


class CaseFiles:
    """Aggregate of topic `file`."""

    topic = "file"
    State = CaseFile

    def __init__(self, rules: CaseRules, clocks: ClockRules) -> None:
        self.rules, self.clocks = rules, clocks

    def decide(self, view: View, command: Command, actor: Actor) -> list[Draft]:
        return decide(view, command, actor, self.rules, self.clocks)

    def evolve(self, state: CaseFile | None, entry: Entry) -> CaseFile:
        return evolve(state, entry)

    def needs_revision(self, move: str) -> bool:
        return move not in MOVES or MOVES[move].revision

    def allowed(self, file: CaseFile, actor: Actor, now: int) -> list[dict[str, Any]]:
        return allowed(file, actor, self.rules, now)

    def document(self, file: CaseFile) -> dict[str, Any] | None:
        """Current values for screens; defaults are left out. `over`: fields of the case that the hall's decisions replace."""
        plain = msgspec.to_builtins(file)
        shown = {name: plain[name] for name in _SHOWN if name in plain}
        shown["over"] = over(file)
        if file.clock is not None:
            clock = plain["clock"]
            shown["clock"] = {
                name: clock[name] for name in ("due", "near", "twice", "label", "stopped_at", "postponed") if name in clock
            }
        if crews := [work for work in file.crews if work.state != "clear"]:
            shown["crews"] = [
                {"crew": work.crew, "state": work.state, "at": work.stamps.get(work.state, work.at)} for work in crews
            ]
        if file.asks:
            shown["asks"] = [{"number": a.number, "what": a.what, "who": a.who, "level": a.level} for a in file.asks]
        if (waiting := [urge for urge in plain.get("urges", ()) if "replied_at" not in urge]) and not file.ended:
            shown["urges"] = [{name: urge[name] for name in _OF_URGE if name in urge} for urge in waiting]
        if file.moved and file.supplier_state and file.supplier_state != file.state:
            shown["supplier_state"] = file.supplier_state
        for name in ("district", "cell"):
            if file.report.get(name):
                shown[name] = file.report[name]
        return shown


def over(file: CaseFile) -> dict[str, Any]:
    """What the hall's decisions put in the place of the supplier's words."""
    found = {name: file.report.get(name) for name in file.corrected}
    if not file.moved:
        return found
    found |= {"state": file.state, "unit": file.unit}
    found["stages"] = {stage: file.marks[stage].at for stage in _STAGES[1:] if stage in file.marks}
    if file.clock is not None:
        # a clock that stands still has no end that could pass
        found["due"] = None if file.state == "suspended" else file.clock.due
    return found


def effective(case: dict[str, Any], laid_over: dict[str, Any]) -> dict[str, Any]:
    """A supplier's case with the hall's decisions over it."""
    if not laid_over:
        return case
    made = {**case, **laid_over}
    if "stages" in laid_over:
        made["stages"] = {**case.get("stages", {}), **laid_over["stages"]}
    return made
