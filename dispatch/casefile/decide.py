"""What a command writes: the checked move, with everything its fold needs worked out here. Pure."""

from __future__ import annotations

from collections.abc import Callable

from dispatch.aggregate import View
from dispatch.casefile import asks, effects, families, fields, levels, opening, steps
from dispatch.casefile.deciding import Deciding
from dispatch.casefile.guards import has_role, reason_needed, refusal
from dispatch.casefile.rules import HOUR, CaseRules, ClockRules
from dispatch.casefile.table import MOVES
from hall.core.command import Actor, Command, Draft
from hall.core.errors import Refused

#: refusals that are about who asks, not about the case
_FORBIDDEN = frozenset({"role", "wrong-district", "not-your-unit", "not-your-case"})
#: photos one file may hold
_MOST_PHOTOS = 500
#: lines after which a file takes no remarks any more, only moves: it is read whole whenever somebody opens it
_MOST_LINES = 10_000


def decide(view: View, command: Command, actor: Actor, rules: CaseRules, clocks: ClockRules) -> list[Draft]:
    """Drafts for a command on a case file; raises Refused."""
    spec = MOVES.get(command.move)
    if spec is None:
        raise Refused("unknown-move", f"there is no move {command.move[:60]}", 422)
    if command.move in ("open", "supplied"):
        if not has_role(command.move, actor, rules):
            raise Refused("role", f"{command.move} is not for a {actor.role}", 403)
        given = fields.read(command, spec.needs, spec.takes, spec.reason, told=actor.role != "system")
        return opening.decide(view, command, actor, given["case"], rules, clocks)
    file = view.get(command.subject)
    if file is None:
        raise Refused("unknown-case", f"no file {command.subject[:200]}", 404)
    if code := refusal(file, command.move, actor, rules, view.now):
        raise Refused(code, f"{command.move} is not possible: {code} (state {file.state})", 403 if code in _FORBIDDEN else 409)
    given = fields.read(command, spec.needs, spec.takes, reason_needed(file, command.move, actor))
    if spec.field and command.time is not None and view.now - command.time > rules.offline_hours * HOUR:
        raise Refused("time-too-old", f"it says it happened more than {rules.offline_hours:g} h ago", 422)
    if file.revision >= _MOST_LINES and not spec.revision and actor.kind != "system":
        raise Refused("file-full", f"a file of more than {_MOST_LINES} lines takes no further remarks", 422)
    if len(file.photos) + len(given.get("photos", [])) > _MOST_PHOTOS:
        raise Refused("too-many-photos", f"a file holds {_MOST_PHOTOS}", 422)
    return DECISIONS.get(command.move, steps.plain)(Deciding(view, command, actor, file, rules, clocks, given))


#: move -> what it writes, where that is more than its new state and its data
DECISIONS: dict[str, Callable[[Deciding], list[Draft]]] = {
    "register": steps.register, "dispatch": steps.dispatch, "report_verify": steps.report_verify,
    "feed_back": steps.feed_back, "report_check": steps.report_check, "return": steps.give_back, "rework": steps.rework,
    "assign": steps.assign, "unassign": steps.unassign, "emergency": steps.emergency,
    "raise_level": levels.raised, "settle_level": levels.settled, "correct": steps.correct,
    "escalate": steps.escalate, "ask_postpone": asks.ask_postpone, "ask_suspend": asks.ask_suspend, "appeal": asks.appeal,
    "ask_takeover": asks.ask_takeover, "grant": asks.answer, "refuse": asks.answer, "resume": asks.resume,
    "urge": asks.urge, "reply_urge": asks.reply_urge, "seize": asks.seize, "give": asks.give, "close": families.end,
    "force_close": families.end, "reject": families.end, "cancel": families.end, "merge": families.merge,
    "unmerge": families.unmerge, "reopen": families.reopen, "split": families.split, "undo": effects.undone,
}  # fmt: skip
