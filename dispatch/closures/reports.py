"""双向报告: what is drafted for whom when a place is closed and when it is open again. Pure.

The drafts are bulletins (topic `bulletin`) like any other: people approve and send them. Their ids are made of the closure and
the number of its closing, so that one event drafts once.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from typing import Any

from dispatch.closures.model import Closure
from dispatch.closures.settings import ClosureRules, Report
from dispatch.notices import subject_for
from hall.core.command import Command, Entry

#: what stands in a text where nobody said
_NOBODY = {"zh-CN": "待定", "en": "to follow"}
_PLACES = re.compile(r"\{(name|depth|time|detour|reason|unit)\}")


def drafts_for(state: Closure, rules: ClosureRules) -> list[Command]:
    """Commands of the hall's that make the drafts a closure in this state must have led to."""
    due = []
    if state.ordered:
        due.append(("order", state.ordered))
    if state.ordered and state.state in ("reopened", "cancelled"):
        due.append(("reopen", state.reopened or state.over))
    found = []
    for on, act in due:
        for number, report in enumerate(r for r in rules.reports if r.on == on):
            found.append(_command(state, on, number, _draft(state, report, act, rules)))
    return found


def _command(state: Closure, on: str, number: int, data: dict[str, Any]) -> Command:
    name = re.sub(r"[^\w.-]", "-", state.closure_id)
    subject = f"bulletin/closure-{name}-{state.number}-{on}-{number}"
    return Command(id=f"draft-{subject}", subject=subject, move="draft", revision=0, data=data)


def _draft(state: Closure, report: Report, act: dict[str, Any], rules: ClosureRules) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": "message",
        "severity": report.severity,
        "audience": list(report.audience),
        "cause": f"closure/{state.closure_id}",
        "headline": {tag: _filled(text, tag, state, act, rules) for tag, text in report.headline.items()},
        "text": {tag: _filled(text, tag, state, act, rules) for tag, text in report.text.items()},
    }
    return found | ({"exercise": True} if state.exercise else {})


def _filled(text: str, language: str, state: Closure, act: dict[str, Any], rules: ClosureRules) -> str:
    nobody = _NOBODY.get(language, _NOBODY["en"])
    zone = zoneinfo.ZoneInfo(rules.timezone)
    values = {
        "name": state.label.get(language) or state.name,
        "depth": nobody if state.depth is None else f"{state.depth * 100:.0f}{'厘米' if language.startswith('zh') else ' cm'}",
        "time": f"{datetime.datetime.fromtimestamp(act.get('at', 0) / 1000, zone):%H:%M}",
        "detour": state.detour.get(language) or next(iter(state.detour.values()), nobody),
        "reason": str(act.get("reason", "")) or nobody,
        "unit": state.unit or nobody,
    }
    return _PLACES.sub(lambda found: values[found[1]], text)


# -- notices ---------------------------------------------------------------------------------------------------------------

#: moves after which somebody has to decide -> key of the notice, how urgent
_ASKS = {
    "propose": ("closure_proposed", "urgent"),
    "worsen": ("closure_urgent", "emergency"),
    "trust": ("closure_proposed", "urgent"),
    "propose_reopening": ("closure_reopening", "normal"),
    "cannot_close": ("closure_cannot", "emergency"),
    "verify": ("closure_verified", "urgent"),
}
#: what the crews there are told
_CREWS = {
    "send": ("closure_sent", "urgent"),
    "order": ("closure_ordered", "emergency"),
    "reopen": ("closure_reopened", "urgent"),
    "cancel": ("closure_reopened", "urgent"),
}


def notices_for(entry: Entry, state: Closure | None, rules: ClosureRules) -> list[Command]:
    """What those who decide, and the crews there, are told of a line of a closure; told again it is the same notice."""
    if state is None:
        return []
    key, urgency = _CREWS.get(entry.move, ("", ""))
    if key:
        crews = [entry.data["crew"]] if entry.move == "send" else [one["crew"] for one in state.crews]
        return [_notice(entry, state, {"crew": crew}, key, urgency) for crew in crews]
    key, urgency = _ASKS.get(entry.move, ("", ""))
    if entry.move == "propose" and entry.data.get("urgent") and not entry.data.get("doubt"):
        key, urgency = _ASKS["worsen"]
    if entry.move == "propose" and entry.data.get("doubt"):
        key = "closure_doubted"
    if entry.move == "verify":
        key = f"{key}_{entry.data['found']}"
    return [_notice(entry, state, {"role": role}, key, urgency) for role in rules.told] if key else []


def _notice(entry: Entry, state: Closure, to: dict[str, str], key: str, urgency: str) -> Command:
    depth = entry.data.get("depth")
    values = {"name": state.name, "depth": "" if depth is None else f"{depth * 100:.0f} cm", "place": state.district}
    values |= {"exercise": "演练"} if state.exercise else {}
    values |= {"reason": entry.reason[:200], "who": entry.who}
    data: dict[str, Any] = {
        "to": to,
        "about": entry.subject,
        "key": f"notice.{key}",
        "urgency": urgency,
        "cause": entry.seq,
    }
    data |= {"values": {name: value for name, value in values.items() if value}}
    data |= {"district": state.district} if state.district else {}
    subject = subject_for(entry.seq, entry.subject, to)
    return Command(id=f"tell-{subject}", subject=subject, move="tell", data=data, correlation=entry.correlation)
