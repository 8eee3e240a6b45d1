"""Decisions about reports 初报, 续报, 终报: drafted by the hall, edited, signed, told, sent. Pure."""

from __future__ import annotations

from typing import Any

from dispatch.incidents.deciding import Deciding, plain
from dispatch.incidents.model import Report, sent, under_way
from dispatch.incidents.reports import Writer
from dispatch.incidents.words import name_of
from hall.core.command import Draft
from hall.core.errors import Refused

#: as long as a report's text may be
LONGEST = 8000
REPORTS = 200


def draft_report(d: Deciding) -> list[Draft]:
    kind, state = d.data["kind"], d.state
    if under_way(state):
        raise Refused("report-open", f"{under_way(state).title} is not sent yet: send or discard it first", 409)
    if len(state.papers) >= REPORTS:
        raise Refused("too-many", f"at most {REPORTS} reports", 409)
    if sent(state, "final"):
        raise Refused("report-final", "the final report was sent: nothing follows it", 409)
    if kind == "initial" and sent(state, "initial"):
        raise Refused("report-again", "there is a first report: write a further one", 409)
    if kind != "initial" and not sent(state):
        raise Refused("report-first", "the first report comes first", 409)
    if kind == "final" and state.state != "closed":
        raise Refused("state-wrong", "the final report follows the closing of the incident", 409)
    nth = len([one for one in state.papers if one.kind == kind]) + 1
    facts, title = d.facts(), name_of(kind, nth)
    data = {"number": len(state.papers) + 1, "kind": kind, "title": title, "facts": facts}
    return [d.draft(**data, text=_text(d, kind, nth, facts)[:LONGEST])]


def _text(d: Deciding, kind: str, nth: int, facts: dict[str, Any]) -> str:
    writer, given = Writer(d.rules), sent(d.state)
    if kind == "initial":
        return writer.initial(facts)
    if kind == "further":
        return writer.further(facts, given[-1].facts, nth, given[-1].title)
    return writer.final(facts, [(one.title, one.sent_at) for one in given])


def edit_report(d: Deciding) -> list[Draft]:
    if _report(d).state != "draft":
        raise Refused("signed", "it is signed: discard it to write another", 409)
    return plain(d)


def discard_report(d: Deciding) -> list[Draft]:
    report = _report(d)
    if report.state == "signed":
        _may_sign(d)
    return [d.draft(number=report.number)]


def sign_report(d: Deciding) -> list[Draft]:
    report = _report(d)
    _may_sign(d)
    return [d.draft(number=report.number)] if report.state == "draft" else []


def _may_sign(d: Deciding) -> None:
    roles = {*d.rules.grade(d.state.grade).signers, "admin"}
    if d.actor.role not in roles:
        raise Refused("signer", f"reports of grade {d.state.grade} are signed by {', '.join(sorted(roles))}", 403)


def phone_report(d: Deciding) -> list[Draft]:
    return [d.draft(number=_report(d).number, **d.data)]


def send_report(d: Deciding) -> list[Draft]:
    """Stamped as sent by the person who sends it; the hall drafts a message of its text (keeping.py)."""
    report = _report(d)
    if report.state != "signed":
        raise Refused("not-signed", f"{report.title} is not signed yet", 409)
    if d.state.grade in d.rules.phone_first and not report.phones:
        raise Refused("phone-first", "tell by telephone first, and note whom; then send the text", 409)
    return [d.draft(number=report.number, **d.data)]


def _report(d: Deciding) -> Report:
    found = under_way(d.state)
    if found is None:
        raise Refused("report-unknown", "no report is under way: draft one", 404)
    return found
