"""Decisions about a case's end and its relations: closing, reopening, merging, splitting. Pure."""

from __future__ import annotations

from typing import Any

from dispatch.casefile import effects, timing
from dispatch.casefile.deciding import Deciding
from dispatch.casefile.guards import person
from dispatch.casefile.model import CaseFile, subject_of_case
from dispatch.casefile.table import FED_BACK, MOVES
from hall.core.command import Draft
from hall.core.errors import Refused


def end(d: Deciding) -> list[Draft]:
    to = MOVES[d.command.move].target
    return [d.step(to, **d.given), *effects.at_end(d, to)]


def merge(d: Deciding) -> list[Draft]:
    """Into an open case. As that one is open it is merged into nothing itself: no chain can ever close to a ring."""
    into = d.given["into"]
    main: CaseFile | None = d.view.get(into) if into != d.subject else None
    if main is None or main.ended:
        raise Refused("bad-target", f"{into[:200]} is no open case to merge into", 409)
    if code := person(main, d.actor):
        raise Refused(code, f"{into[:200]} is not yours to merge into", 403)
    told = Draft(subject=into, move="absorbed", data={"from": d.subject, "case": subject_of_case(d.subject)})
    return [*end(d), told]


def unmerge(d: Deciding) -> list[Draft]:
    told = Draft(subject=d.file.merged_into, move="unabsorbed", data={"from": d.subject})
    return [_again(d), *effects.going_on(d), told]


def reopen(d: Deciding) -> list[Draft]:
    return [_again(d), *effects.going_on(d)]


def _again(d: Deciding) -> Draft:
    """The case goes on where it ended: also a suspension that is not over, and a clock that ran."""
    to = d.file.ended_from or "pending_register"
    if to == "suspended":
        if (d.file.suspended_until or 0) > d.now:
            return d.step(to)
        to = d.file.state_before or "pending_handle"
    return d.step(to) if to in FED_BACK else d.step(to, clock=timing.running(d))


def split(d: Deciding) -> list[Draft]:
    """Each task is a case of the desk's own, registered already. Whom a return bars here is barred there."""
    hidden = ("feed", "case_id", "state", "stages", "unit", "due", "closing_note", "extra")
    report = {name: value for name, value in d.file.report.items() if name not in hidden}
    if d.file.report.get("extra", {}).get("exercise"):
        report["extra"] = {"exercise": True}  # its parts are no more real than it is
    drafts: list[Draft] = []
    number = len(d.file.children)
    for task in d.given["tasks"]:
        number, case_id = _free_number(d, number + 1)
        data: dict[str, Any] = {
            "case": {**report, "feed": "desk", "case_id": case_id, "description": task["text"]},
            "to": "pending_dispatch",
            "parent": d.subject,
            "unit": task["unit"],
            "condition": d.file.condition,
            "incident": d.file.incident,
            "barred": d.file.barred,
            "emergency": d.file.emergency,
            "stage_due": d.clocks.stage_due("pending_dispatch", d.now, d.file.emergency),
            "moved": True,
        }
        drafts.append(Draft(subject=f"file/desk/{case_id}", move="open", data=data))
    return [d.draft(children=[draft.subject for draft in drafts], tasks=d.given["tasks"]), *drafts]


def _free_number(d: Deciding, number: int) -> tuple[int, str]:
    """Somebody may have taken down a case of that very number by hand."""
    while d.view.get(f"file/desk/{d.file.feed}.{d.file.case_id}-{number}") is not None:
        number += 1
    return number, f"{d.file.feed}.{d.file.case_id}-{number}"
