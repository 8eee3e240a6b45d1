"""What each line changes of an incident. Asks no rule and no clock."""

from __future__ import annotations

from typing import Any

from dispatch.incidents.model import Brief, Figure, Incident, Note, Objective, Report, Transfer, pending_transfer, under_way
from hall.core.command import Entry

FACTS = ("source", "place", "cause", "trend", "measures", "officer")
#: transfers and changes of grade that the state keeps
KEPT, LET_GO = 50, 500
NOTES = 200  # newest kept with the incident; the ledger keeps all
Data = dict[str, Any]


def opened(state: Incident, entry: Entry, data: Data) -> None:
    state.incident_id = entry.subject.partition("/")[2]
    state.state, state.since, state.opened_by = "open", entry.time, entry.who
    state.exercise = bool(data.get("exercise"))
    state.members = list(data.get("members", []))
    corrected(state, entry, data)
    graded(state, entry, data)
    if data.get("commander"):
        state.commander, state.commander_since = data["commander"], entry.time


def corrected(state: Incident, entry: Entry, data: Data) -> None:
    for name in ("title", "kind", "district", "started"):
        if data.get(name):
            setattr(state, name, data[name])
    state.facts = {**state.facts, **{name: data[name] for name in FACTS if data.get(name)}}
    if spot := data.get("spot"):
        state.lon, state.lat = spot["lon"], spot["lat"]


def graded(state: Incident, entry: Entry, data: Data) -> None:
    state.grade, state.graded_at, state.graded_by = data["grade"], entry.time, entry.who
    said = {"grade": data["grade"], "at": entry.time, "who": entry.who, "role": entry.role, "reason": entry.reason}
    state.grades = [*state.grades, said][-KEPT:]


def linked(state: Incident, entry: Entry, data: Data) -> None:
    state.members = list(dict.fromkeys([*state.members, *data["members"]]))
    state.let_go = [name for name in state.let_go if name not in data["members"]]


def unlinked(state: Incident, entry: Entry, data: Data) -> None:
    state.members = [name for name in state.members if name not in data["members"]]
    if entry.kind != "system":
        state.let_go = list(dict.fromkeys([*state.let_go, *data["members"]]))[-LET_GO:]


def noted(state: Incident, entry: Entry, data: Data) -> None:
    state.notes = [*state.notes, Note(at=entry.time, by=entry.who, text=data["text"])][-NOTES:]


def counted(state: Incident, entry: Entry, data: Data) -> None:
    said = {"source": data["source"], "at": data.get("at") or entry.time, "by": entry.who}
    state.figures = {**state.figures, **{name: Figure(value=value, **said) for name, value in data["figures"].items()}}


def aimed(state: Incident, entry: Entry, data: Data) -> None:
    number = len(state.objectives) + 1
    priority = data.get("priority", 2)
    state.objectives.append(Objective(number=number, text=data["text"], priority=priority, by=entry.who, at=entry.time))


def reached(state: Incident, entry: Entry, data: Data) -> None:
    for one in state.objectives:
        if one.number == data["number"]:
            one.state = "done" if entry.move == "objective_done" else "dropped"
            one.ended_by, one.ended_at = entry.who, entry.time


def assigned(state: Incident, entry: Entry, data: Data) -> None:
    others = {role: person for role, person in state.roles.items() if role != data["role"]}
    state.roles = {**others, data["role"]: data["person"]} if data.get("person") else others


# -- command -----------------------------------------------------------------------------------------------------------------


def appointed(state: Incident, entry: Entry, data: Data) -> None:
    _end_transfer(state, entry, "appointed")
    state.commander, state.commander_since = data["person"], entry.time


def briefed(state: Incident, entry: Entry, data: Data) -> None:
    number = state.transfers[-1].number + 1 if state.transfers else 1
    made = Transfer(
        number=number,
        giver=state.commander,
        to=data["to"],
        brief=Brief(**data["brief"]),
        drafted_at=entry.time,
        drafted_by=entry.who,
    )
    state.transfers = [*state.transfers, made][-KEPT:]


def brief_edited(state: Incident, entry: Entry, data: Data) -> None:
    if transfer := pending_transfer(state):
        for name, text in data.items():
            setattr(transfer.brief, name, text)


def handed_over(state: Incident, entry: Entry, data: Data) -> None:
    if transfer := pending_transfer(state):
        transfer.handed_at, transfer.handed_by = entry.time, entry.who


def taken(state: Incident, entry: Entry, data: Data) -> None:
    if transfer := pending_transfer(state):
        transfer.taken_at, transfer.outcome = entry.time, "taken"
        state.commander, state.commander_since = entry.who, entry.time


def declined(state: Incident, entry: Entry, data: Data) -> None:
    _end_transfer(state, entry, "declined" if entry.move == "decline_command" else "recalled")


def _end_transfer(state: Incident, entry: Entry, outcome: str) -> None:
    if transfer := pending_transfer(state):
        transfer.outcome, transfer.reason = outcome, entry.reason


# -- reports -----------------------------------------------------------------------------------------------------------------


def drafted(state: Incident, entry: Entry, data: Data) -> None:
    made = Report(drafted_at=entry.time, drafted_by=entry.who, **data)
    state.papers = [*state.papers, made]


def edited(state: Incident, entry: Entry, data: Data) -> None:
    if report := under_way(state):
        report.text, report.edited = data["text"], True


def discarded(state: Incident, entry: Entry, data: Data) -> None:
    """What was never given is no report: its number is free again; the ledger keeps it."""
    state.papers = [one for one in state.papers if one.state not in ("draft", "signed")]


def signed(state: Incident, entry: Entry, data: Data) -> None:
    if report := under_way(state):
        report.state, report.signed_at, report.signed_by, report.signed_role = "signed", entry.time, entry.who, entry.role


def phoned(state: Incident, entry: Entry, data: Data) -> None:
    if report := under_way(state):
        report.phones = [*report.phones, {"to": data["to"], "at": entry.time, "by": entry.who}][-20:]


def report_sent(state: Incident, entry: Entry, data: Data) -> None:
    if report := under_way(state):
        report.state, report.sent_at, report.sent_by, report.sent_to = "sent", entry.time, entry.who, data["to"]
        state.ended = state.ended or (state.state == "closed" and report.kind == "final")
        for other in state.papers:
            other.facts = report.facts if other is report else {}  # the next one compares with the newest only


# -- the end -----------------------------------------------------------------------------------------------------------------


def closed(state: Incident, entry: Entry, data: Data) -> None:
    _end_transfer(state, entry, "recalled")
    state.state, state.closed_at, state.closed_by = "closed", entry.time, entry.who
    state.ended = bool(data.get("ends"))


def reopened(state: Incident, entry: Entry, data: Data) -> None:
    state.state, state.ended, state.closed_at, state.closed_by = "open", False, None, ""
    state.members = [name for name in state.members if name not in data.get("gone", ())]
    for report in state.papers:
        report.overtaken = report.overtaken or (report.kind == "final" and report.state == "sent")


def merged(state: Incident, entry: Entry, data: Data) -> None:
    _end_transfer(state, entry, "recalled")
    state.state, state.ended, state.merged_into = "merged", True, data["into"]


def absorbed(state: Incident, entry: Entry, data: Data) -> None:
    linked(state, entry, data)
    state.absorbed = [*state.absorbed, data["from"]]


def archived(state: Incident, entry: Entry, data: Data) -> None:
    state.state, state.ended = "archived", True


FOLDS = {
    "begin": opened, "correct": corrected, "grade": graded, "link": linked, "linked": linked, "unlink": unlinked,
    "unlinked": unlinked, "note": noted, "figures": counted, "objective": aimed, "objective_done": reached,
    "objective_dropped": reached, "assign": assigned, "appoint": appointed, "brief": briefed, "edit_brief": brief_edited,
    "hand_over": handed_over, "take_command": taken, "decline_command": declined, "recall_brief": declined,
    "draft_report": drafted, "edit_report": edited, "discard_report": discarded, "sign_report": signed,
    "phone_report": phoned, "send_report": report_sent, "close": closed, "reopen": reopened, "merge": merged,
    "absorb": absorbed, "archive": archived,
}  # fmt: skip
