"""Topic `incident`: cases, alarms, closures, tasks, cameras and messages under one roof, commanded and reported. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.incidents import commanding, content, papers
from dispatch.incidents.deciding import Deciding, plain
from dispatch.incidents.duties import advice, report_due
from dispatch.incidents.folds import FOLDS
from dispatch.incidents.model import Incident, pending_transfer, sent, under_way
from dispatch.incidents.settings import IncidentRules
from dispatch.incidents.table import moves_of
from dispatch.tabled import Tabled
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

_SUBJECT = re.compile(r"incident/[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: what the state keeps and only those who ask for it are told
_KEPT_BACK = ("papers", "transfers", "notes", "grades", "let_go")
#: moves of whoever a transfer of command is meant for
_FOR_HEIR = ("take_command", "decline_command")
#: moves that make sense only while a transfer, or a report, is under way
_OF_TRANSFER, _OF_REPORT = ("edit_brief", "hand_over", "recall_brief"), ("edit_report", "discard_report", "sign_report")

DECISIONS: dict[str, Callable[[Deciding], list[Draft]]] = {
    "begin": content.opening, "correct": content.correct, "grade": content.grade, "link": content.link,
    "unlink": content.unlink, "linked": content.linked, "unlinked": content.unlinked, "note": plain,
    "figures": content.figures, "objective": content.objective, "objective_done": content.objective_ended,
    "objective_dropped": content.objective_ended, "assign": plain,
    "appoint": commanding.appoint, "brief": commanding.brief, "edit_brief": commanding.edit_brief,
    "hand_over": commanding.hand_over, "take_command": commanding.take_command,
    "decline_command": commanding.decline_command, "recall_brief": commanding.recall_brief,
    "draft_report": papers.draft_report, "edit_report": papers.edit_report, "discard_report": papers.discard_report,
    "sign_report": papers.sign_report, "phone_report": papers.phone_report, "send_report": papers.send_report,
    "close": content.close, "reopen": content.reopen, "merge": content.merge, "archive": plain,
}  # fmt: skip


class Incidents(Tabled):
    """Aggregate of `incident/<id>`."""

    topic, State = "incident", Incident

    def __init__(self, rules: IncidentRules) -> None:
        self.rules, self.moves = rules, moves_of(rules)

    def owns(self, state: Incident | None, actor: Actor) -> bool:
        """Who commands it; and who is about to."""
        if state is None or actor.kind != "person":
            return False
        transfer = pending_transfer(state)
        return actor.name == state.commander or (transfer is not None and actor.name == transfer.to)

    def drafts(self, view: View, state: Incident | None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Draft]:
        if state is None and not _SUBJECT.fullmatch(command.subject):
            raise Refused("bad-field", "an incident is named by 1 to 64 letters, digits, . _ or -", 422)
        if state is not None and not self._open(state, actor, command.move):
            raise Refused("not-yours", f"{command.move} is for who commands, or is to command, the incident", 403)
        return DECISIONS[command.move](Deciding(view, state or Incident(), command, actor, data, self.rules))

    def fold(self, state: Incident, entry: Entry) -> None:
        if fold := FOLDS.get(entry.move):
            fold(state, entry, entry.data)

    def open_moves(self, state: Incident | None, actor: Actor, names: list[str]) -> list[str]:
        """Takes out what belongs to a transfer or a report where there is none, and what is somebody else's to sign."""
        if state is None:
            return names
        report = under_way(state)
        gone = set() if report else {*_OF_REPORT, "phone_report", "send_report"}
        if report:
            gone |= {"draft_report"} | ({"edit_report", "sign_report"} if report.state == "signed" else {"send_report"})
            if actor.role not in {*self.rules.grade(state.grade).signers, "admin"}:
                gone.add("sign_report")
        transfer = pending_transfer(state)
        gone |= {"brief"} if transfer or not state.commander else set()
        gone |= set() if transfer else {*_OF_TRANSFER, *_FOR_HEIR}
        if transfer and transfer.handed_at is not None:
            gone |= {"edit_brief", "hand_over"}
        if transfer and transfer.handed_at is None:
            gone.add("take_command")
        return [name for name in names if name not in gone and self._open(state, actor, name)]

    def _open(self, state: Incident, actor: Actor, move: str) -> bool:
        """Whether a move that the table gives to "own" is this person's: the commander's, or the next one's."""
        transfer = pending_transfer(state)
        if move in _FOR_HEIR:
            return transfer is None or actor.name == transfer.to
        if move == "hand_over":
            return actor.name == state.commander or not state.commander
        named = actor.role in self.moves[move].by or actor.kind == "system"
        return named or "own" not in self.moves[move].by or actor.name == state.commander

    def document(self, state: Incident) -> dict[str, Any] | None:
        """What screens are told: docs/INCIDENTS.md. Texts, briefs and notes are asked for by those who read them."""
        if state.ended:
            return None
        plain = {name: value for name, value in msgspec.to_builtins(state).items() if name not in _KEPT_BACK}
        counts: dict[str, int] = {}
        for member in state.members:
            topic = member.partition("/")[0]
            counts[topic] = counts.get(topic, 0) + 1
        transfer = pending_transfer(state)
        return {
            **plain,
            "state": state.state,
            "roles": state.roles,
            "objectives": msgspec.to_builtins(state.objectives),
            "members": state.members,
            "counts": counts,
            "reports": [_short(report) for report in state.papers],
            "report_due": report_due(state, self.rules),
            "last_sent": sent(state)[-1].sent_at if sent(state) else None,
            "advice": advice(state, self.rules),
            "transfer": transfer and {"to": transfer.to, "giver": transfer.giver, "handed_at": transfer.handed_at},
            "notes_count": len(state.notes),
        }


def _short(report: Any) -> dict[str, Any]:
    at = report.sent_at or report.signed_at or report.drafted_at
    made = {"number": report.number, "kind": report.kind, "title": report.title, "state": report.state, "at": at}
    return made | {"signed_by": report.signed_by, "signed_role": report.signed_role, "sent_at": report.sent_at}
