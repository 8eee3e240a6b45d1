"""Who is told of a report that is due or overdue, and the message that a sent report becomes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from zoneinfo import ZoneInfo

from dispatch.incidents.duties import MINUTE, report_due
from dispatch.incidents.model import Incident
from dispatch.incidents.settings import IncidentRules
from dispatch.incidents.words import EXERCISE
from dispatch.notices import about_prefix
from hall.core.command import Command

#: a report that was due longer ago than this is told of on the screens only
OLD_MS = 24 * 3_600_000


def reminders(subject: str, state: Incident, rules: IncidentRules, now: int) -> tuple[tuple[str, int], list[Command]]:
    """What has come to pass (`near` or `over`, and of which moment) and the notices it means; none when there is time."""
    owed = report_due(state, rules)
    if owed is None or now < owed["due"] - rules.near_minutes * MINUTE or now > owed["due"] + OLD_MS:
        return ("", 0), []
    stage = "over" if now >= owed["due"] else "near"
    return (stage, owed["due"]), list(_tell(subject, state, rules, stage, owed["kind"], owed["due"]))


def _tell(subject: str, state: Incident, rules: IncidentRules, stage: str, kind: str, due: int) -> Iterable[Command]:
    at = datetime.fromtimestamp(due / 1000, ZoneInfo(rules.zone)).strftime("%H:%M")
    values = {"title": (EXERCISE if state.exercise else "") + state.title, "due": at}
    for who in rules.tell:
        sort, _, name = who.partition(":")
        name = state.commander if who == "person:commander" else name
        if not name:
            continue
        cause = blake2b(f"{stage}\n{kind}\n{due}\n{sort}\n{name}".encode(), digest_size=9).hexdigest()
        data = {
            "to": {sort: name}, "about": subject, "key": f"notice.incident_{kind}_{stage}", "values": values,
            "urgency": "urgent" if stage == "over" else "normal",
        }  # fmt: skip
        notice = about_prefix(subject) + cause
        yield Command(id=f"tell-{notice}", subject=notice, move="tell", data=data)


def message_of(state: Incident, number: int, rules: IncidentRules) -> Command | None:
    """The draft of a message with a report's text (docs/WARNINGS.md): people approve and issue it."""
    report = next((one for one in state.papers if one.number == number), None)
    if report is None:
        return None
    name = re.sub(r"[^\w.-]", "-", state.incident_id)
    subject = f"bulletin/incident-{name}-{number}"
    data = {
        "kind": "message",
        "headline": {"zh-CN": f"{state.title}（{report.title}）"},
        "text": {"zh-CN": report.text},
        "audience": list(rules.audience),
        "exercise": state.exercise,
        "cause": f"incident/{state.incident_id}",
    }
    return Command(id=f"draft-{subject}", subject=subject, move="draft", revision=0, data=data)
