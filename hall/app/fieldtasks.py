"""What a crew's phone is shown: its own tasks, in the words of the case but without what the caller said of himself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hall.app.discretion import redacted

#: allowed(crew, actor, subject) -> crew moves open now
CrewMoves = Callable[[Any, Any, str], list[str]]

_WORDS = ("class_name", "subclass_name", "district", "cell")
_TYPED = ("description", "address")
PHOTOS_SHOWN = 12


def tasks_document(
    crew: Any, files: dict[str, Any], actor: Any, only: str, crew_moves: CrewMoves, file_moves: Callable[[Any], list[str]]
) -> dict[str, Any]:
    """`{crew, tasks}` for the phone of `actor`; `only` limits it to one case. `crew` and `files` are folded states."""
    tasks = []
    for assignment in crew.assignments:
        file = files.get(assignment.subject)
        if file is not None and only in ("", assignment.subject):
            tasks.append(_task(assignment, file, crew_moves(crew, actor, assignment.subject), file_moves(file)))
    tasks.sort(key=lambda task: (not task["emergency"], task.get("due") or float("inf"), task["subject"]))
    known = {"crew_id": crew.crew_id, "name": crew.name or crew.crew_id, "state": crew.state, "unit": crew.unit}
    if crew.label:
        known["label"] = crew.label
    return {"crew": known, "tasks": tasks}


def _task(assignment: Any, file: Any, moves: list[str], file_moves: list[str]) -> dict[str, Any]:
    report, clock = file.report, file.clock
    task: dict[str, Any] = {
        "subject": assignment.subject,
        "number": file.case_id,
        "case_state": file.state,
        "emergency": file.emergency,
        "severity": report.get("severity", 0),
        "state": assignment.state,
        "stamps": dict(assignment.stamps),
        "moves": [move for move in moves if move in PHONE_CREW_MOVES],
        "case_moves": [move for move in file_moves if move in PHONE_FILE_MOVES],
        "opinion": file.opinion,
    }
    task |= {name: report[name] for name in _WORDS if report.get(name)}
    task |= {name: redacted(str(report[name])) for name in _TYPED if report.get(name)}
    if report.get("extra", {}).get("exercise"):
        task["exercise"] = True  # the crew takes part: it must not take it for a real one
    if report.get("lon") is not None and report.get("lat") is not None:
        task |= {"lon": report["lon"], "lat": report["lat"]}
    if "reported" in file.marks:
        task["reported"] = file.marks["reported"].at
    if clock is not None:
        task |= {"due": clock.due, "near": clock.near, "limit": clock.label, "stopped": clock.stopped_at}
    task["urges"] = [
        {"number": urge.number, "level": urge.level, "at": urge.at, "reason": redacted(urge.reason)}
        for urge in file.urges
        if urge.replied_at is None
    ]
    task["photos"] = [{"media": photo.media, "usage": photo.usage} for photo in file.photos[-PHOTOS_SHOWN:]]
    return task


#: what a phone may ask for: of its crew, and of the case it is on
PHONE_CREW_MOVES = ("acknowledge", "muster", "en_route", "on_scene", "clear", "decline")
PHONE_FILE_MOVES = ("feed_back", "note", "attach", "reply_urge")
