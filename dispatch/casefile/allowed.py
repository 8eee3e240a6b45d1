"""What a person may do with a case now: carried by each case that is shown, so that screens know no rules."""

from __future__ import annotations

from typing import Any

from dispatch.casefile.guards import may_answer, refusal
from dispatch.casefile.model import CaseFile
from dispatch.casefile.rules import CaseRules
from dispatch.casefile.table import MOVES
from hall.core.command import Actor


def allowed(file: CaseFile, actor: Actor, rules: CaseRules, now: int) -> list[dict[str, Any]]:
    """Moves open to `actor`, in the table's order: `{move, reason, needs, takes, forward, reasons}`.

    `reason` says whether one is needed, `reasons` are the city's templates; `answers` (of grant and refuse) lists the numbers
    of what waits for this person's answer.
    """
    found = []
    for name, spec in MOVES.items():
        if "system" in spec.roles and len(spec.roles) == 1:
            continue
        if name == "open" or refusal(file, name, actor, rules, now):
            continue
        made: dict[str, Any] = {
            "move": name,
            "reason": spec.reason,
            "needs": spec.needs,
            "takes": spec.takes,
            "forward": spec.forward,
        }
        if name in rules.reasons:
            made["reasons"] = rules.reasons[name]
        if name in ("grant", "refuse"):
            made["answers"] = [ask.number for ask in file.asks if may_answer(file, ask, actor)]
        if name == "reply_urge":
            made["urges"] = [urge.number for urge in file.urges if urge.replied_at is None]
        found.append(made)
    return found
