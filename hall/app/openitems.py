"""What one person leaves open at the end of a shift: his cases, and what he asked for or urged elsewhere. Pure."""

from __future__ import annotations

from typing import Any

#: items of one handover; the ledger takes no more (dispatch/shifts.py)
MOST = 1_000


def concerns(file: Any, who: str) -> bool:
    """Whether a case file may hold something open of `who`."""
    return file.owner == who or any(one.who == who for one in (*file.asks, *file.urges))


def open_items(files: dict[str, Any], who: str, now: int) -> list[dict[str, Any]]:
    """`{subject, number, owned, kinds, state, unit, class, place, due, asks, urges}` of each case, the most pressing first.

    `files` are whole states of case files by subject. `kinds`: owned | emergency | overdue | ask | urge | incident. Cases
    of others appear where `who` waits for an answer to what he asked or urged there.
    """
    made = [_item(subject, file, who, now) for subject, file in files.items() if not file.ended]
    found = [item for item in made if item["kinds"]]
    rank = ("emergency", "overdue", "urge", "ask")
    found.sort(key=lambda item: (*(kind not in item["kinds"] for kind in rank), item["due"] or now * 2, item["subject"]))
    return found[:MOST]


def _item(subject: str, file: Any, who: str, now: int) -> dict[str, Any]:
    owned = file.owner == who
    asks = [ask.what for ask in file.asks if owned or ask.who == who]
    urges = [urge.level for urge in file.urges if urge.replied_at is None and (owned or urge.who == who)]
    due = _due(file)
    marks = {
        "owned": owned,
        "emergency": owned and file.emergency,
        "overdue": owned and due is not None and due < now,
        "ask": bool(asks),
        "urge": bool(urges),
        "incident": owned and bool(file.incident),
    }
    return {
        "subject": subject,
        "number": file.case_id,
        "owned": owned,
        "kinds": [name for name, true in marks.items() if true],
        "state": file.state,
        "unit": file.unit,
        "class": file.report.get("subclass_name") or file.report.get("class_name", ""),
        "place": (file.report.get("address") or file.report.get("district", ""))[:200],
        "due": due,
        "asks": asks,
        "urges": urges,
        "incident": file.incident,
    }


def _due(file: Any) -> int | None:
    """The limit that runs now: of handling while its clock runs, else of the desk's present step."""
    if file.clock is not None and file.clock.stopped_at is None:
        return file.clock.due
    return file.stage_due
