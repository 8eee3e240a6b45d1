"""What a line of the ledger means to whom: one table from moves to notices. Pure.

Crews are told from their own stream (`crew/<id>`), where assigning and releasing are written whatever caused them; everybody
else from the case file's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from dispatch.casefile.model import CaseFile
from dispatch.notices import Notice, subject_for
from hall.core.command import Command, Draft, Entry

HOUR_MS = 3_600_000
#: a case that is older than this when the hall first hears of it is no news
FRESH_MS = HOUR_MS
TEXT_BOUND = 200


class Told(NamedTuple):
    """One notice to be: to whom, which text (`notice.<key>`), how urgent, with which further values."""

    to: dict[str, str]
    key: str
    urgency: str = "normal"
    values: dict[str, Any] = {}


Rule = Callable[[Entry, CaseFile, str], Iterable[Told]]


def file_of(entry: Entry) -> str:
    """The case file that an entry is about: its own stream, or what a crew was assigned to; empty for none."""
    topic = entry.subject.partition("/")[0]
    if topic == "file":
        return entry.subject
    return str(entry.data.get("subject", "")) if topic == "crew" else ""


def notices_for(entry: Entry, file: CaseFile | None, asker: str = "") -> list[Draft]:
    """The notices that `entry` makes; `file` is the case file concerned as it is after it, `asker` who had asked what a
    `grant` or `refuse` answers. Nobody is told of what he did himself."""
    rule = RULES.get((entry.subject.partition("/")[0], entry.move))
    about = file_of(entry)
    if rule is None or file is None or not about:
        return []
    made: dict[str, Draft] = {}
    for told in rule(entry, file, asker):
        kind, name = next(iter(told.to.items()))
        if not name or (kind == "person" and name == entry.who):
            continue
        subject = subject_for(entry.seq, about, told.to)
        values = {**_values(entry, file), **told.values}
        data = {"to": told.to, "about": about, "key": f"notice.{told.key}", "urgency": told.urgency, "cause": entry.seq}
        data |= {"values": {k: str(v)[:TEXT_BOUND] for k, v in values.items() if v not in (None, "")}}
        if kind == "role" and (district := file.report.get("district")):
            data["district"] = district
        if number := _asks(entry, file):
            data["ask"] = number
        made.setdefault(subject, Draft(subject=subject, move="tell", data=data))
    return list(made.values())


def commands_for(entry: Entry, file: CaseFile | None, asker: str = "") -> list[Command]:
    """The same as commands for `Desk.execute_many`, by the hall itself; told twice they are done once."""
    return [
        Command(id=f"tell-{draft.subject}", subject=draft.subject, move="tell", data=draft.data, correlation=entry.correlation)
        for draft in notices_for(entry, file, asker)
    ]


def overtaken(entry: Entry, file: CaseFile | None, live: Iterable[Notice]) -> list[str]:
    """Streams of notices that `entry` makes pointless: questions that were answered, tasks of a case that ended."""
    if file is None:
        return []
    open_asks = {ask.number for ask in file.asks}
    gone = []
    for notice in live:
        answered = notice.ask and notice.ask not in open_asks
        over = file.ended and notice.cause < entry.seq and notice.key in OF_WORK
        taken_away = entry.move == "released" and notice.key == "notice.assigned" and notice.to.get("crew") == _crew(entry)
        if (answered or over or taken_away) and notice.cause != entry.seq:
            gone.append(f"notice/{notice.notice_id}")
    return gone


#: texts that speak of work still to be done
OF_WORK = frozenset(
    f"notice.{key}" for key in "assigned dispatched urged rework emergency escalated returned declined resumed fed_back".split()
)


def _values(entry: Entry, file: CaseFile) -> dict[str, Any]:
    report = file.report
    exercise = "【演练】" if report.get("extra", {}).get("exercise") else ""  # part of an exercise: in the first word
    return {
        "number": file.case_id,
        "class": exercise + (report.get("subclass_name") or report.get("class_name", "")),
        "place": report.get("address") or report.get("district", ""),
        "who": entry.who.removeprefix("crew:"),
        "unit": file.unit,
        "reason": entry.reason,
    }


def _asks(entry: Entry, file: CaseFile) -> int:
    """The number of the question that this entry asked."""
    if entry.move not in ("ask_postpone", "ask_suspend", "ask_takeover", "appeal"):
        return 0
    return max((ask.number for ask in file.asks if ask.who == entry.who and ask.what == entry.data.get("ask")), default=0)


def _crew(entry: Entry) -> str:
    return entry.subject.partition("/")[2]


def _urgency(file: CaseFile) -> str:
    return "emergency" if file.emergency else "normal"


def _owner_or(file: CaseFile, role: str) -> dict[str, str]:
    return {"person": file.owner} if file.owner else {"role": role}


def _at_work(file: CaseFile) -> list[str]:
    return [work.crew for work in file.crews if work.state != "clear"]


def _opened(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    reported = file.marks.get("reported")
    if file.emergency and not file.ended and reported and entry.time - reported.at <= FRESH_MS:
        yield Told({"role": "dispatcher"}, "emergency", "emergency")
        yield Told({"role": "operator"}, "emergency", "emergency")


def _made_emergency(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    if entry.data.get("emergency"):
        yield Told({"role": "dispatcher"}, "emergency", "emergency")
        if file.unit and file.marks.get("dispatched"):
            yield Told({"unit": file.unit}, "emergency", "emergency")
        for crew in _at_work(file):
            yield Told({"crew": crew}, "emergency", "emergency")


def _dispatched(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    yield Told({"unit": entry.data.get("unit", file.unit)}, "dispatched", _urgency(file))


def _assigned(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    yield Told({"crew": _crew(entry)}, "assigned", "emergency" if file.emergency else "urgent")


def _released(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    if entry.role != "crew":
        yield Told({"crew": _crew(entry)}, "released")


def _unassigned(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    """A crew that gave the case back: somebody must send another."""
    if entry.data.get("crew"):
        key = "declined" if entry.data.get("state") == "declined" else "crew_out"
        yield Told(_owner_or(file, "dispatcher"), key, "urgent", {"crew": entry.data["crew"]})


def _urged(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    level = entry.data.get("level", 1)
    urgency = "urgent" if level < 3 else "emergency"
    for to in ({"unit": file.unit}, *({"crew": crew} for crew in _at_work(file)), {"person": file.owner}):
        yield Told(to, "urged", urgency, {"level": level})


def _urge_answered(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    urge = next((urge for urge in file.urges if urge.number == entry.data.get("urge")), None)
    if urge:
        yield Told({"person": urge.who}, "urge_answered", "normal", {"text": entry.data.get("text", "")})


def _asked(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    what = entry.data.get("ask", "")
    if what == "takeover":
        yield Told({"person": file.owner}, "asked_takeover", "urgent", {"text": entry.data.get("data", {}).get("text", "")})
    else:
        for role in entry.data.get("level", []):
            if role != "admin":
                yield Told({"role": role}, f"asked_{what}", "urgent")


def _answered(entry: Entry, file: CaseFile, asker: str) -> Iterable[Told]:
    what = entry.data.get("what", "")
    if any(ask.number == entry.data.get("ask") for ask in file.asks):
        return  # an appeal's first review: the second decides
    key = f"{'granted' if entry.move == 'grant' else 'refused'}_{what}"
    text = {"text": entry.data.get("text", "")}
    yield Told({"person": asker}, key, "urgent", text)
    if what != "takeover" and file.unit:
        yield Told({"unit": file.unit}, key, "normal", text)


def _escalated(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    rung = str(entry.data.get("rung", ""))
    for told in entry.data.get("told", []):
        match told:
            case "unit":
                to = [{"unit": file.unit}]
            case "owner":
                to = [{"person": file.owner}]
            case "crew" | "crews":
                to = [{"crew": crew} for crew in _at_work(file)]
            case _:
                to = [{"role": told}]
        for one in to:
            yield Told(one, "escalated", "urgent", {"rung": rung})


def _returned(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    to_dispatch = entry.data.get("to") == "returned"
    whom = entry.data.get("barred") or []
    for name in whom:
        yield Told({"person": name}, "returned", "urgent")
    if not whom:
        yield Told({"role": "dispatcher" if to_dispatch else "operator"}, "returned", "urgent")


def _reworked(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    yield Told({"unit": file.unit}, "rework", "urgent")


def _fed_back(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    yield Told(_owner_or(file, "operator"), "fed_back", "normal", {"text": entry.data.get("opinion", "")})


def _noted(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    """A word from outside the room: of a crew, a department or its system."""
    if entry.role in ("crew", "department") or entry.kind == "supplier":
        yield Told(_owner_or(file, "dispatcher"), "message", "urgent", {"text": entry.data.get("text", "")})


def _given(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    yield Told({"person": file.owner}, "given", "normal")


def _resumed(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    yield Told({"unit": file.unit}, "resumed")


def _closed(entry: Entry, file: CaseFile, _: str) -> Iterable[Told]:
    if file.unit and "dispatched" in file.marks:
        yield Told({"unit": file.unit}, "closed")


RULES: dict[tuple[str, str], Rule] = {
    ("file", "open"): _opened, ("file", "emergency"): _made_emergency,
    ("file", "raise_level"): _made_emergency, ("file", "dispatch"): _dispatched,
    ("crew", "assigned"): _assigned, ("crew", "released"): _released, ("file", "unassign"): _unassigned,
    ("file", "urge"): _urged, ("file", "reply_urge"): _urge_answered, ("file", "ask_postpone"): _asked,
    ("file", "ask_suspend"): _asked, ("file", "ask_takeover"): _asked, ("file", "appeal"): _asked,
    ("file", "grant"): _answered, ("file", "refuse"): _answered, ("file", "escalate"): _escalated,
    ("file", "return"): _returned, ("file", "rework"): _reworked, ("file", "feed_back"): _fed_back,
    ("file", "note"): _noted, ("file", "give"): _given, ("file", "resume"): _resumed, ("file", "close"): _closed,
    ("file", "force_close"): _closed,
}  # fmt: skip
