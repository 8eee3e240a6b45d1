"""How a file begins, and what a supplier's later word means for it. Pure."""

from __future__ import annotations

from typing import Any

from dispatch.aggregate import View
from dispatch.casefile.model import CaseFile
from dispatch.casefile.rules import CaseRules, ClockRules
from hall.core.command import Actor, Command, Draft
from hall.core.errors import Refused
from hall.core.model import CASE_ENDED, CASE_STATES

#: what a file keeps of a case; the rest (history, media, extra) stays with the supplier's document
KEPT = (
    "feed", "case_id", "kind", "class_name", "subclass_name", "class_code", "description", "severity", "lon", "lat",
    "address", "district", "cell", "report_source", "unit", "due", "stages", "state",
)  # fmt: skip


def kept(case: dict[str, Any]) -> dict[str, Any]:
    return {name: case[name] for name in KEPT if case.get(name) not in (None, "", {}, [])}


def is_emergency(case: dict[str, Any], rules: CaseRules) -> bool:
    return case.get("severity", 0) >= rules.emergency_severity or case.get("subclass_name", "") in rules.emergency_classes


def decide(
    view: View,
    command: Command,
    actor: Actor,
    file: CaseFile | None,
    case: dict[str, Any],
    rules: CaseRules,
    clocks: ClockRules,
) -> list[Draft]:
    """`supplied` opens what is not known yet and not ended; a person's `open` must be new."""
    report = kept(case)
    state = report.get("state", "reported")
    if state not in CASE_STATES:
        raise Refused("bad-field", f"case.state: {state!r} is none", 422)
    if file is None:
        if command.subject != f"file/{report['feed']}/{report['case_id']}":
            raise Refused("bad-field", "the case names another file", 422)
        if state in CASE_ENDED:
            return []
        emergency = is_emergency(report, rules)
        due = clocks.stage_due(state, view.now, emergency)
        data = {"case": report, "to": state, "stage_due": due, "emergency": emergency, "unit": report.get("unit", "")}
        return [Draft(subject=command.subject, move="open", data=data)]
    if command.move == "open":
        raise Refused("already-open", f"{command.subject} has a file already", 409)
    changed = {name: value for name, value in report.items() if file.report.get(name) != value}
    gone = [name for name in file.report if name not in report and name not in ("state", "stages")]
    if not changed and not gone:
        return []
    data = {"case": changed, "gone": gone}
    if not file.moved and state != file.state:
        data |= {"to": state, "keeps_owner": True, "stage_due": clocks.stage_due(state, view.now, file.emergency)}
    return [Draft(subject=command.subject, move="supplied", data=data)]
