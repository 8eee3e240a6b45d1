"""Decisions that ask another person and decisions that answer: postponing, suspending, appeals, takeovers, urging; and whose
a case is. Pure."""

from __future__ import annotations

from typing import Any

from dispatch.casefile import effects, timing
from dispatch.casefile.deciding import Deciding
from dispatch.casefile.guards import may_answer, may_reply
from dispatch.casefile.rules import DAY, MINUTE, CaseRules
from hall.core.command import Actor, Draft
from hall.core.errors import Refused

#: roles that may urge at every level; a dispatcher's own word is level 1
_HIGH = frozenset({"supervisor", "leader", "admin", "system"})


def ask_postpone(d: Deciding) -> list[Draft]:
    clock, kind = d.file.clock, _kind(d)
    assert clock is not None
    most = clock.amount * d.rules.postpone_most
    if d.given["amount"] > most:
        raise Refused("too-long", f"at most {most:g} more", 422)
    within = d.given["amount"] <= clock.amount * d.rules.postpone_share
    case = "again" if clock.postponed else "" if within else "long"
    return [d.draft(ask="postpone", level=d.rules.level("postpone", kind, case), data=d.given)]


def ask_suspend(d: Deciding) -> list[Draft]:
    kind, until = _kind(d), d.given["until"]
    if not d.now < until <= d.now + d.rules.suspend_days * DAY:
        raise Refused("bad-field", f"until: within {d.rules.suspend_days:g} days from now", 422)
    return [d.draft(ask="suspend", level=d.rules.level("suspend", kind), data=d.given)]


def _kind(d: Deciding) -> str:
    kind, known = d.given.get("kind", ""), d.rules.kinds.get(d.command.move, [])
    if kind and kind not in known:
        raise Refused("bad-field", f"kind: one of {', '.join(known)}", 422)
    return kind


def appeal(d: Deciding) -> list[Draft]:
    return [d.draft(ask="appeal", level=d.rules.level("appeal"), data={})]


def ask_takeover(d: Deciding) -> list[Draft]:
    return [d.draft(ask="takeover", level=[], data=d.given)]


def answer(d: Deciding) -> list[Draft]:
    """`grant` and `refuse`. What was asked may have been overtaken: a suspension whose end has passed is granted no more."""
    ask = next((ask for ask in d.file.asks if ask.number == d.given["ask"]), None)
    if ask is None:
        raise Refused("unknown-ask", "it was answered already, or never asked", 409)
    if not may_answer(d.file, ask, d.actor):
        raise Refused("not-yours-to-answer", f"{ask.what} asked by {ask.who}", 403)
    data: dict[str, Any] = {"ask": ask.number, "what": ask.what, "text": d.given.get("text", "")}
    if d.command.move == "refuse":
        return [d.draft(**data)]
    clock = d.clock()
    if ask.what == "postpone" and clock:
        clock |= d.clocks.extended(clock, ask.data["amount"])
        data["clock"] = {**clock, "postponed": clock.get("postponed", 0) + 1}
    if ask.what == "suspend":
        if ask.data["until"] <= d.now:
            raise Refused("ask-overtaken", "the day until which it was to be suspended has passed", 409)
        data |= {"until": ask.data["until"], "clock": timing.standing(d), "stage_due": None}
        data |= {"to": "suspended", "keeps_owner": True}
        return [d.draft(**data), *effects.released(d.file, d.subject)]
    if ask.what == "takeover":
        data |= {"owner": ask.who, "owner_role": ask.role}
    return [d.draft(**data)]


def resume(d: Deciding) -> list[Draft]:
    if d.actor.role == "system" and d.now < (d.file.suspended_until or 0):
        raise Refused("too-early", "it is suspended until later", 409)
    return [d.step(d.file.state_before or "pending_handle", clock=timing.running(d), **d.given)]


def urge(d: Deciding) -> list[Draft]:
    level = d.given.get("level", 1)
    if level > d.rules.urge_levels:
        raise Refused("bad-field", f"level: 1 to {d.rules.urge_levels}", 422)
    if level > levels_of(d.actor, d.rules):
        raise Refused("level-too-high", f"a {d.actor.role} urges at level 1", 403)
    minutes = d.rules.urge_reply_minutes
    due = d.now + int(minutes[min(level, len(minutes)) - 1] * MINUTE) if minutes else None
    return [d.draft(level=level, due=due)]


def levels_of(actor: Actor, rules: CaseRules) -> int:
    """How many levels of urging are open to him."""
    return rules.urge_levels if actor.role in _HIGH else min(1, rules.urge_levels)


def reply_urge(d: Deciding) -> list[Draft]:
    if not any(urge.number == d.given["urge"] and may_reply(urge, d.actor) for urge in d.file.urges):
        raise Refused("nothing-to-reply", "no such open urge", 409)
    return [d.draft(**d.given)]


def seize(d: Deciding) -> list[Draft]:
    return [d.draft(owner=d.actor.name, owner_role=d.actor.role)]


def give(d: Deciding) -> list[Draft]:
    whom = d.given["whom"]
    return [] if whom == d.file.owner else [d.draft(owner=whom, owner_role=d.given.get("whom_role", ""))]
