"""Who may make a move, and when: conditions that need no data, so that `allowed` and `decide` ask the same ones.

A guard takes (file, actor, rules, now) and returns None or the code of its refusal; the catalogue says it in words.
"""

from __future__ import annotations

from collections.abc import Callable

from dispatch.casefile.model import Ask, CaseFile, Urge
from dispatch.casefile.rules import DAY, CaseRules
from dispatch.casefile.table import IN_HANDS, MOVES
from hall.core.command import Actor

Guard = Callable[[CaseFile, Actor, CaseRules, int], str | None]
#: roles that an owner's claim does not bind
_ABOVE = frozenset({"supervisor", "admin", "system"})
_DESK = frozenset({"operator", "dispatcher"})


def roles_of(move: str, rules: CaseRules) -> tuple[str, ...] | list[str]:
    return rules.roles.get(move) or MOVES[move].roles


def has_role(move: str, actor: Actor, rules: CaseRules) -> bool:
    """A person cannot be the hall itself, whatever his role is called."""
    return actor.role in roles_of(move, rules) and (actor.role != "system" or actor.kind == "system")


def reason_needed(file: CaseFile, move: str, actor: Actor) -> bool:
    """Giving away what is somebody else's is a seizure: it needs a reason too. The hall itself gives at a handover."""
    if move == "give" and file.owner and file.owner != actor.name:
        return actor.role != "system"
    return MOVES[move].reason


def may_answer(file: CaseFile, ask: Ask, actor: Actor) -> bool:
    """Never the asker, never twice the same person; a takeover is the owner's (or his superior's) to give."""
    if actor.name == ask.who or actor.name in ask.granted_by:
        return False
    if ask.what == "takeover":
        return actor.name == file.owner or actor.role in _ABOVE
    return actor.role in ask.level


def may_reply(urge: Urge, actor: Actor) -> bool:
    """Nobody answers his own urge."""
    return urge.replied_at is None and urge.who != actor.name


def _may_skip(file: CaseFile, actor: Actor, rules: CaseRules, now: int) -> str | None:
    if file.state in ("reported", "pending_register") and not has_role("register", actor, rules):
        return "not-registered"
    return None


def _in_your_hands(file: CaseFile, actor: Actor, rules: CaseRules, now: int) -> str | None:
    if file.state not in IN_HANDS and actor.role == "department":
        return "not-in-your-hands"
    return None


def _can_undo(file: CaseFile, actor: Actor, rules: CaseRules, now: int) -> str | None:
    last = file.last
    if not last:
        return "nothing-to-undo"
    if last["who"] != actor.name:
        return "not-your-move"
    if last.get("revision", file.revision) != file.revision:
        return "changed-since"
    return "undo-too-late" if now - last["at"] > rules.undo_seconds * 1000 else None


def _reopenable(file: CaseFile, actor: Actor, rules: CaseRules, now: int) -> str | None:
    if file.merged_into or not file.moved or file.ended_at is None:
        return "not-reopenable"
    return "reopen-too-late" if now - file.ended_at > rules.reopen_days * DAY else None


def _when(condition: Callable[[CaseFile, Actor, CaseRules, int], bool], code: str) -> Guard:
    return lambda file, actor, rules, now: None if condition(file, actor, rules, now) else code


GUARDS: dict[str, Guard] = {
    "may_skip": _may_skip,
    "in_your_hands": _in_your_hands,
    "can_undo": _can_undo,
    "reopenable": _reopenable,
    "parent_goes_on": _when(lambda f, a, r, n: not f.parent_ended, "parent-ended"),
    "checked": _when(
        lambda f, a, r, n: not r.check_before_closing or f.check.get("after", {}).get("passed") is True, "not-checked"
    ),
    "no_open_children": _when(lambda f, a, r, n: not f.open_children, "tasks-open"),
    "barred_others": _when(lambda f, a, r, n: bool(f.barred) and a.name not in f.barred, "needs-second-person"),
    "has_clock": _when(lambda f, a, r, n: f.clock is not None, "no-clock"),
    "before_due": _when(lambda f, a, r, n: f.clock is not None and n < f.clock.due, "already-overdue"),
    "postponements_left": _when(
        lambda f, a, r, n: f.clock is not None and f.clock.postponed < r.postpone_times, "no-postponement-left"
    ),
    "suspensions_left": _when(lambda f, a, r, n: f.suspensions < r.suspend_times, "no-suspension-left"),
    "not_asked_postpone": _when(lambda f, a, r, n: not any(k.what == "postpone" for k in f.asks), "ask-open"),
    "not_asked_suspend": _when(lambda f, a, r, n: not any(k.what == "suspend" for k in f.asks), "ask-open"),
    "not_asked_takeover": _when(
        lambda f, a, r, n: not any(k.what == "takeover" and k.who == a.name for k in f.asks), "ask-open"
    ),
    "something_to_answer": _when(lambda f, a, r, n: any(may_answer(f, ask, a) for ask in f.asks), "nothing-to-answer"),
    "urged": _when(lambda f, a, r, n: any(may_reply(urge, a) for urge in f.urges), "nothing-to-reply"),
    "merged": _when(lambda f, a, r, n: bool(f.merged_into), "not-merged"),
    "not_a_child": _when(lambda f, a, r, n: not f.parent, "is-a-task"),
    "linked": _when(lambda f, a, r, n: bool(f.incident), "not-linked"),
    "not_appealed": _when(lambda f, a, r, n: not f.appealed, "appealed-once"),
    "unowned": _when(lambda f, a, r, n: not f.owner, "owned"),
    "owned_by_me": _when(lambda f, a, r, n: bool(f.owner) and (f.owner == a.name or a.role == "system"), "not-yours"),
    "owned_by_other": _when(lambda f, a, r, n: bool(f.owner) and f.owner != a.name, "not-owned"),
    "mine_or_lead": _when(lambda f, a, r, n: f.owner == a.name or a.role in _ABOVE, "not-yours"),
    "has_crews": _when(lambda f, a, r, n: any(work.state != "clear" for work in f.crews), "no-crew"),
    "ladder_running": _when(lambda f, a, r, n: not f.ladder_stopped, "ladder-stopped"),
}


def person(file: CaseFile, actor: Actor) -> str | None:
    """Whether the case is any of this person's business."""
    if actor.districts and file.report.get("district", "") not in actor.districts:
        return "wrong-district"
    if actor.role == "department" and (not actor.unit or actor.unit != file.unit):
        return "not-your-unit"
    if actor.role == "crew" and not any(work.crew == actor.crew and work.state != "clear" for work in file.crews):
        return "not-your-case"
    return None


def refusal(file: CaseFile, move: str, actor: Actor, rules: CaseRules, now: int) -> str | None:
    """Why this person cannot make this move now; None when he can."""
    spec = MOVES[move]
    if not has_role(move, actor, rules):
        return "role"
    if reason := person(file, actor):
        return reason
    if file.state not in spec.sources:
        return "state"
    if spec.forward and actor.name in file.barred:
        return "needs-second-person"
    if (spec.forward or spec.bound) and file.owner and file.owner != actor.name and actor.role in _DESK:
        return "owned"
    for name in spec.guards:
        if reason := GUARDS[name](file, actor, rules, now):
            return reason
    return None
