"""What an accepted move makes of a second opinion. Imports nothing of the product."""

from __future__ import annotations

from tests.dispatch.casefile.secondopinion import CARRIES_ON, ENDS, FORWARD, LETTER, PLACES, UNDOABLE, Asked, Opinion

Cases = dict[str, Opinion]
_STILL_ASKED = {
    "postpone": ("pending_handle", "handling"),
    "suspend": ("pending_dispatch", "returned", "pending_handle", "handling"),
    "appeal": tuple(ENDS),
}


def lapse(case: Opinion) -> None:
    for ask in list(case.asks):
        sense = bool(case.owner) if ask.what == "takeover" else case.state in _STILL_ASKED[ask.what]
        if not sense:
            case.asks.remove(ask)
            case.appealed -= ask.what == "appeal"


def go(case: Opinion, to: str, now: int, *, keeps: bool | None = None) -> None:
    """Into another state; the owner stays where his role can take the case on."""
    if to == "suspended" and not case.ended:
        case.before = case.state
    if to in ENDS:
        case.ended_from, case.ended_at, case.crews, case.open_children = case.state, now, set(), set()
    case.state = to
    if keeps is None:
        able = to not in CARRIES_ON or LETTER.get(case.owner_role, "?") in CARRIES_ON[to]
        keeps = to not in ENDS and case.owner not in case.barred and able
    if not keeps:
        case.owner = case.owner_role = ""
    lapse(case)


def end(cases: Cases, case: Opinion, to: str, now: int) -> None:
    go(case, to, now)
    if case.parent:
        cases[case.parent].open_children.discard(case.subject)
    for name in case.children:
        task = cases[name]
        task.earlier = task.kept()
        task.parent_ended, task.with_parent = True, not task.ended
        if not task.ended:
            go(task, to, now)


def goes_on(cases: Cases, case: Opinion, now: int) -> None:
    to = case.ended_from or "pending_register"
    if to == "suspended" and case.until <= now:
        to = case.before or "pending_handle"
    go(case, to, now)
    if to != "suspended":
        case.before, case.until = "", 0
    case.ended_from, case.with_parent = "", False
    if case.parent:
        cases[case.parent].open_children.add(case.subject)
    for name in case.children:
        cases[name].parent_ended = cases[name].with_parent = False


def owned(case: Opinion, who: str, role: str) -> None:
    case.owner, case.owner_role = who, role
    case.asks = [ask for ask in case.asks if ask.what != "takeover"]


def undone(cases: Cases, case: Opinion) -> Opinion:
    before = case.earlier
    assert before is not None
    if case.merged_into and not before.merged_into:
        cases[case.merged_into].absorbed.remove(case.subject)
    if case.ended and not before.ended:
        if case.parent:
            cases[case.parent].open_children.add(case.subject)
        for name in case.children:
            task = cases[name]
            if task.with_parent:
                cases[name] = task.earlier.kept()
            else:
                task.parent_ended = False
    return before


def step(cases: Cases, subject: str, move: str, actor, data: dict, now: int) -> None:
    """The move was accepted: what must be so now."""
    case = cases[subject]
    if move == "undo":
        cases[subject] = undone(cases, case)
        return
    before = case.kept()
    case.last, case.earlier = ((actor.name, now), before) if move in UNDOABLE else (None, None)
    if move in FORWARD:
        case.barred = []
    target = PLACES[case.state].get(move, "")
    _EFFECTS.get(move, _plain)(cases, case, target, actor, data, now)


def _plain(cases, case, target, actor, data, now):
    if target:
        case.moved = True
        end(cases, case, target, now) if target in ENDS else go(case, target, now)


def _register(cases, case, target, actor, data, now):
    case.registered_by = actor.name
    _plain(cases, case, target, actor, data, now)


def _dispatch(cases, case, target, actor, data, now):
    if case.state in ("reported", "pending_register"):
        case.registered_by = actor.name
    case.dispatched_by, case.unit, case.clock, case.ladder, case.remaining = actor.name, data["unit"], True, True, None
    _assign(cases, case, target, actor, data, now)
    _plain(cases, case, target, actor, data, now)


def _assign(cases, case, target, actor, data, now):
    case.crews = case.crews | set(data.get("crews", []))


def _unassign(cases, case, target, actor, data, now):
    case.crews = case.crews - set(data["crews"])


def _request_check(cases, case, target, actor, data, now):
    case.passed = False
    _plain(cases, case, target, actor, data, now)


def _report_check(cases, case, target, actor, data, now):
    case.passed = data["passed"]


def _return(cases, case, target, actor, data, now):
    sender = case.dispatched_by if target == "returned" else case.registered_by
    case.barred, case.crews, case.dispatched_by = [sender] if sender else [], set(), ""
    if target != "returned":
        case.registered_by = ""
    _plain(cases, case, target, actor, data, now)


def _confirm(cases, case, target, actor, data, now):
    case.barred = []


def _rework(cases, case, target, actor, data, now):
    case.reworks, case.passed = case.reworks + 1, False
    _plain(cases, case, target, actor, data, now)


def _ask(cases, case, target, actor, data, now, what="", level=""):
    case.asked += 1
    case.appealed += what == "appeal"
    case.asks.append(Asked(case.asked, what, actor.name, level, data.get("until", 0)))


def _grant(cases, case, target, actor, data, now):
    ask = next(ask for ask in case.asks if ask.number == data["ask"])
    if ask.what == "appeal" and not ask.granted_by:
        ask.granted_by.append(actor.name)
        return
    case.asks.remove(ask)
    if ask.what == "appeal":
        case.exempt = True
    elif ask.what == "postpone":
        case.postponed += 1
    elif ask.what == "takeover":
        owned(case, ask.who, {a.name: a.role for a in data["people"]}[ask.who])
    else:
        case.suspensions, case.until, case.crews, case.moved = case.suspensions + 1, ask.until, set(), True
        case.remaining = case.due - now if case.clock else None
        go(case, "suspended", now, keeps=True)


def _refuse(cases, case, target, actor, data, now):
    case.asks = [ask for ask in case.asks if ask.number != data["ask"]]


def _resume(cases, case, target, actor, data, now):
    to, case.moved = case.before or "pending_handle", True
    go(case, to, now)
    case.before, case.until, case.remaining = "", 0, None


def _urge(cases, case, target, actor, data, now):
    case.urged += 1
    case.urges[case.urged] = actor.name


def _reply(cases, case, target, actor, data, now):
    case.urges.pop(data["urge"])


def _merge(cases, case, target, actor, data, now):
    case.merged_into, case.moved = data["into"], True
    cases[data["into"]].absorbed.append(case.subject)
    end(cases, case, "cancelled", now)


def _unmerge(cases, case, target, actor, data, now):
    cases[case.merged_into].absorbed.remove(case.subject)
    case.merged_into = ""
    goes_on(cases, case, now)


def _reopen(cases, case, target, actor, data, now):
    case.passed = False
    goes_on(cases, case, now)


def _split(cases, case, target, actor, data, now):
    case.moved = True
    for name, task in zip(data["names"], data["tasks"], strict=True):
        made = Opinion(name, state="pending_dispatch", unit=task["unit"], parent=case.subject, moved=True)
        made.barred, made.emergency, made.incident = list(case.barred), case.emergency, case.incident
        cases[name] = made
        case.children.append(name)
        case.open_children.add(name)


def _set(**fields):
    def effect(cases, case, target, actor, data, now):
        for name, value in fields.items():
            setattr(case, name, value(actor, data) if callable(value) else value)

    return effect


_HIGH = "sla"
_EFFECTS = {
    "register": _register, "dispatch": _dispatch, "request_check": _request_check, "report_check": _report_check, "return": _return,
    "confirm_return": _confirm, "rework": _rework, "grant": _grant, "refuse": _refuse, "resume": _resume, "urge": _urge,
    "reply_urge": _reply, "merge": _merge, "unmerge": _unmerge, "reopen": _reopen, "split": _split,
    "ask_postpone": lambda *a: _ask(*a, what="postpone", level="la" if a[1].postponed else _HIGH),
    "ask_suspend": lambda *a: _ask(*a, what="suspend", level=_HIGH), "ask_takeover": lambda *a: _ask(*a, what="takeover"),
    "appeal": lambda *a: _ask(*a, what="appeal", level=_HIGH),
    "link": _set(incident=lambda actor, data: data["incident"]), "unlink": _set(incident=""), "stop_ladder": _set(ladder=False),
    "emergency": _set(emergency=lambda actor, data: data["emergency"]),
    "claim": lambda cases, case, target, actor, data, now: owned(case, actor.name, actor.role),
    "seize": lambda cases, case, target, actor, data, now: owned(case, actor.name, actor.role),
    "give": lambda cases, case, target, actor, data, now: owned(case, data["whom"], data["whom_role"]),
    "release": lambda cases, case, target, actor, data, now: owned(case, "", ""),
    "unassign": _unassign,
    "assign": lambda cases, case, target, actor, data, now: (_assign(cases, case, target, actor, data, now), setattr(case, "moved", True)),
}  # fmt: skip
