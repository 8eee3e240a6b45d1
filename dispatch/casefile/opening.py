"""How a file begins, and what a supplier's later word means for it. Pure."""

from __future__ import annotations

from typing import Any

from dispatch.aggregate import View
from dispatch.casefile.model import CaseFile
from dispatch.casefile.rules import CaseRules, ClockRules
from hall.core.command import Actor, Command, Draft
from hall.core.errors import Refused
from hall.core.model import CASE_ENDED

#: what a file keeps of a case; the rest (history, media, extra) stays with the supplier's document
KEPT = (
    "feed", "case_id", "kind", "class_name", "subclass_name", "class_code", "description", "severity", "lon", "lat",
    "address", "district", "cell", "report_source", "unit", "due", "stages", "state",
)  # fmt: skip


#: what only the file keeps when the hall itself took the report down: no supplier has it
KEPT_OF_OURS = ("media", "closing_note", "extra")


def kept(case: dict[str, Any]) -> dict[str, Any]:
    names = (*KEPT, *KEPT_OF_OURS) if case.get("feed") == "desk" else KEPT
    return {name: case[name] for name in names if case.get(name) not in (None, "", {}, [])}


def is_emergency(case: dict[str, Any], rules: CaseRules) -> bool:
    return case.get("severity", 0) >= rules.emergency_severity or case.get("subclass_name", "") in rules.emergency_classes


def decide(
    view: View, command: Command, actor: Actor, case: dict[str, Any], rules: CaseRules, clocks: ClockRules
) -> list[Draft]:
    """`supplied` opens what is not known yet and not ended; a person's `open` must be new, of feed `desk` and just reported."""
    file: CaseFile | None = view.get(command.subject)
    report = kept(case)
    if command.subject != f"file/{case['feed']}/{case['case_id']}":
        raise Refused("bad-field", "case: it names another file", 422)
    if command.move == "open":
        _check_new(command, actor, file, report)
    if file is not None:
        return _supplied(command, file, report, rules, clocks, view.now)
    state = report.get("state", "reported")
    if state in CASE_ENDED:
        return []
    emergency = is_emergency(report, rules)
    data = {"case": report, "to": state, "emergency": emergency, "unit": report.get("unit", "")}
    data |= {"stage_due": clocks.stage_due(state, view.now, emergency), "moved": report["feed"] == "desk"}
    return [Draft(subject=command.subject, move="open", data=data)]


def _check_new(command: Command, actor: Actor, file: CaseFile | None, report: dict[str, Any]) -> None:
    if file is not None:
        raise Refused("already-open", f"{command.subject} has a file already", 409)
    if actor.role == "system":
        return
    if report["feed"] != "desk":
        raise Refused("bad-field", "case.feed: what the hall itself takes down is of feed desk", 422)
    if report.get("state", "reported") != "reported" or set(report.get("stages", {})) - {"reported"}:
        raise Refused("bad-field", "case.state: a new report is just reported", 422)
    if actor.districts and report.get("district", "") not in actor.districts:
        raise Refused("wrong-district", "the place is in another district", 403)


def _supplied(
    command: Command, file: CaseFile, report: dict[str, Any], rules: CaseRules, clocks: ClockRules, now: int
) -> list[Draft]:
    """What is new in it. Until the hall moved the file the supplier's state is the state; an emergency is only ever raised."""
    if file.feed == "desk":
        return []  # the hall's own case comes back from the bus: it says nothing new
    said = {name: value for name, value in file.report.items() if name not in file.corrected} | file.supplied
    changed = {name: value for name, value in report.items() if said.get(name) != value}
    gone = [name for name in said if name not in report and name not in ("state", "stages")]
    if not changed and not gone:
        return []
    data: dict[str, Any] = {"case": changed, "gone": gone}
    state = report.get("state", "reported")
    if file.moved:
        return [Draft(subject=command.subject, move="supplied", data=data)]
    emergency = file.emergency or (is_emergency(report, rules) and not is_emergency(file.report, rules))
    if emergency != file.emergency:
        data["emergency"] = emergency
    if state != file.state:
        data |= {"to": state, "keeps_owner": state not in CASE_ENDED}
    if state != file.state or emergency != file.emergency:
        since = now if state != file.state else file.state_since
        data["stage_due"] = clocks.stage_due(state, since, emergency)
    return [Draft(subject=command.subject, move="supplied", data=data)]
