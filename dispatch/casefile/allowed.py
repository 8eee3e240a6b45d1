"""What a person may do with a case now: carried by each case that is shown, so that screens know no rules."""

from __future__ import annotations

from typing import Any

from dispatch.casefile.asks import levels_of
from dispatch.casefile.guards import may_answer, may_reply, reason_needed, refusal
from dispatch.casefile.model import CaseFile
from dispatch.casefile.rules import CaseRules
from dispatch.casefile.table import MOVES
from hall.core.command import Actor

#: never offered: they have addresses of their own, or are the hall's
_HIDDEN = frozenset({"open", *(name for name, spec in MOVES.items() if spec.roles == ("system",))})


def allowed(file: CaseFile, actor: Actor, rules: CaseRules, now: int) -> list[dict[str, Any]]:
    """Moves open to `actor`, in the table's order: `{move, reason, needs, takes, forward, reasons?, kinds?, answers?, urges?,
    levels?}`.

    `reason` says whether one is needed, `reasons` are the city's templates, each language -> text; `kinds` may be chosen for
    data `kind`; `answers` (of grant and refuse) and `urges` are the numbers that wait for this person; `levels` how hard he
    may urge.
    """
    found = []
    for name, spec in MOVES.items():
        if name in _HIDDEN or refusal(file, name, actor, rules, now):
            continue
        made: dict[str, Any] = {
            "move": name,
            "reason": reason_needed(file, name, actor),
            "needs": spec.needs,
            "takes": spec.takes,
            "forward": spec.forward,
        }
        if name in rules.reasons:
            made["reasons"] = rules.reasons[name]
        if name in rules.kinds:
            made["kinds"] = rules.kinds[name]
        if name in ("grant", "refuse"):
            made["answers"] = [ask.number for ask in file.asks if may_answer(file, ask, actor)]
        if name == "reply_urge":
            made["urges"] = [urge.number for urge in file.urges if may_reply(urge, actor)]
        if name == "urge":
            made["levels"] = levels_of(actor, rules)
        found.append(made)
    return found
