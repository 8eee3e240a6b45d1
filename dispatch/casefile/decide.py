"""What a command writes: the checked move, with everything its fold needs worked out here. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.casefile import effects, fields, opening
from dispatch.casefile.guards import may_answer, refusal
from dispatch.casefile.model import CaseFile, subject_of_case
from dispatch.casefile.rules import DAY, CaseRules, ClockRules
from dispatch.casefile.table import ENDED, FED_BACK, IN_HANDS, MOVES
from hall.core.command import Actor, Command, Draft
from hall.core.errors import Refused


class Deciding(msgspec.Struct):
    """One decision under way: what it knows and the data it has read."""

    view: View
    command: Command
    actor: Actor
    file: CaseFile
    rules: CaseRules
    clocks: ClockRules
    given: dict[str, Any]

    @property
    def now(self) -> int:
        """When it happened: not later than it is recorded."""
        told = self.command.time
        return self.view.now if told is None else min(told, self.view.now)

    def draft(self, **data: Any) -> Draft:
        return Draft(subject=self.command.subject, move=self.command.move, data=data, reason=self.command.reason.strip())

    def step(self, to: str, **data: Any) -> Draft:
        """A draft that changes the state, with the desk's clock for the new one and the next owner."""
        due = self.clocks.stage_due(to, self.now, data.get("emergency", self.file.emergency))
        return self.draft(to=to, stage_due=due, keeps_owner=keeps_owner(self.file, to, self.rules), **data)


def keeps_owner(file: CaseFile, state: str, rules: CaseRules) -> bool:
    """Whether the owner can do something forward in `state`; else the case goes back to the queue of those who can."""
    if not file.owner or state in ENDED:
        return False
    steps = [n for n, m in MOVES.items() if state in m.sources and (m.forward or n in ("report_verify", "report_check"))]
    return state in IN_HANDS or any(file.owner_role in (rules.roles.get(n) or MOVES[n].roles) for n in steps)


def decide(view: View, command: Command, actor: Actor, rules: CaseRules, clocks: ClockRules) -> list[Draft]:
    """Drafts for a command on a case file; raises Refused."""
    spec = MOVES.get(command.move)
    if spec is None:
        raise Refused("unknown-move", f"there is no move {command.move[:60]}", 422)
    file = view.get(command.subject)
    if command.move in ("open", "supplied"):
        given = fields.read(command, spec.needs, spec.takes, spec.reason)
        return opening.decide(view, command, actor, file, given["case"], rules, clocks)
    if file is None:
        raise Refused("unknown-case", f"no file {command.subject[:200]}", 404)
    now = view.now if command.time is None else min(command.time, view.now)
    if code := refusal(file, command.move, actor, rules, now):
        raise Refused(code, f"{command.move} is not possible: {code} (state {file.state})", 403 if code in _FORBIDDEN else 409)
    given = fields.read(command, spec.needs, spec.takes, spec.reason)
    made = Deciding(view, command, actor, file, rules, clocks, given)
    return _SPECIAL[command.move](made) if command.move in _SPECIAL else _plain(made)


_FORBIDDEN = frozenset({"role", "wrong-district", "not-your-unit", "not-your-case"})


def _plain(d: Deciding) -> list[Draft]:
    target = MOVES[d.command.move].target
    return [d.step(target, **d.given) if target else d.draft(**d.given)]


def _ending(d: Deciding) -> list[Draft]:
    """Closing releases every crew and tells the parent: an end leaves nothing behind."""
    return [*_plain(d), *effects.at_end(d.file, d.command.subject)]


def _register(d: Deciding) -> list[Draft]:
    return [d.step("pending_dispatch", **d.given)]


def _dispatch(d: Deciding) -> list[Draft]:
    """From before registration it takes the steps between as well: one act, each stamped."""
    drafts: list[Draft] = []
    subject, emergency = d.command.subject, d.given.get("emergency", d.file.emergency)
    condition = d.given.get("condition", d.file.report.get("extra", {}).get("condition", ""))
    if d.file.state == "reported":
        drafts.append(Draft(subject=subject, move="accept", data={"to": "pending_register", "keeps_owner": True}))
    if d.file.state in ("reported", "pending_register"):
        drafts.append(Draft(subject=subject, move="register", data={"to": "pending_dispatch", "keeps_owner": True}))
    clock = d.clocks.handling(d.file.report, condition, emergency, d.now)
    if d.file.clock is not None and d.file.state == "returned":
        clock = msgspec.to_builtins(d.file.clock)  # a return does not give the city a new limit
    crews = effects.assigned(d.view, d.file, d.given.get("crews", []), d.command.subject, d.now)
    drafts.append(d.step("pending_handle", **{**d.given, "emergency": emergency}, clock=clock))
    return drafts + crews


def _report_verify(d: Deciding) -> list[Draft]:
    return [d.step("pending_register", check={**d.given, "at": d.now, "who": d.actor.name}, photos=d.given.get("photos", []))]


def _feed_back(d: Deciding) -> list[Draft]:
    shown = d.given.get("photos", [])
    before = sum(photo.usage in ("before", "after") for photo in d.file.photos)
    if len(shown) + before < d.rules.photos_for_feedback:
        raise Refused("photos-missing", f"feeding back needs {d.rules.photos_for_feedback} photos", 422)
    return [d.step("handle_finish", **d.given)]


def _report_check(d: Deciding) -> list[Draft]:
    return [d.draft(check={**d.given, "at": d.now, "who": d.actor.name}, photos=d.given.get("photos", []))]


def _return(d: Deciding) -> list[Draft]:
    """Back to whoever made the step before: he cannot simply make it again."""
    if d.file.state in IN_HANDS:
        sender = d.file.marks.get("dispatched")
        barred = [sender.who] if sender and sender.who != d.actor.name else []
        return [d.step("returned", barred=barred), *effects.released(d.file, d.command.subject)]
    sender = d.file.marks.get("registered")
    return [d.step("pending_register", barred=[sender.who] if sender and sender.who != d.actor.name else [])]


def _rework(d: Deciding) -> list[Draft]:
    clock = msgspec.to_builtins(d.file.clock) if d.file.clock else None
    if clock:
        clock["stopped_at"] = None  # it ran on all the time: the raw overtime is kept
    return [d.step("pending_handle", clock=clock)]


def _ask_postpone(d: Deciding) -> list[Draft]:
    clock = d.file.clock
    assert clock is not None
    most = clock.amount * d.rules.postpone_share
    if d.given["amount"] > most:
        raise Refused("too-long", f"at most {most:g} more", 422)
    by_shift_leader = clock.postponed == 0 and d.given.get("kind", "") != "engineering"
    level = ["supervisor", "leader", "admin"] if by_shift_leader else ["leader", "admin"]
    return [d.draft(ask="postpone", level=level, data=d.given)]


def _ask_suspend(d: Deciding) -> list[Draft]:
    until = d.given["until"]
    if not d.now < until <= d.now + d.rules.suspend_days * DAY:
        raise Refused("bad-field", f"until: within {d.rules.suspend_days:g} days from now", 422)
    return [d.draft(ask="suspend", level=["supervisor", "leader", "admin"], data=d.given)]


def _grant(d: Deciding) -> list[Draft]:
    ask = next((ask for ask in d.file.asks if ask.number == d.given["ask"]), None)
    if ask is None:
        raise Refused("unknown-ask", "it was answered already, or never asked", 409)
    if not may_answer(d.file, ask, d.actor):
        raise Refused("not-yours-to-answer", f"{ask.what} asked by {ask.who}", 403)
    data: dict[str, Any] = {"ask": ask.number, "what": ask.what, "text": d.given.get("text", "")}
    if d.command.move == "refuse":
        return [d.draft(**data)]
    clock = msgspec.to_builtins(d.file.clock) if d.file.clock else None
    if ask.what == "postpone" and clock:
        clock |= d.clocks.extended(clock, ask.data["amount"])
        data["clock"] = {**clock, "postponed": clock.get("postponed", 0) + 1}
    if ask.what == "suspend":
        if clock and clock.get("stopped_at") is None:
            clock |= {"remaining": d.clocks.paused(clock, d.now), "stopped_at": d.now}
        data |= {"to": "suspended", "until": ask.data["until"], "clock": clock, "keeps_owner": True}
    if ask.what == "takeover":
        data |= {"owner": ask.who, "owner_role": ask.role}
    return [d.draft(**data)]


def _resume(d: Deciding) -> list[Draft]:
    clock = msgspec.to_builtins(d.file.clock) if d.file.clock else None
    if clock and clock.get("remaining") is not None:
        clock |= d.clocks.resumed(clock, d.now)
        clock |= {"remaining": None, "stopped_at": None}
    return [d.step(d.file.state_before or "pending_handle", clock=clock, **d.given)]


def _urge(d: Deciding) -> list[Draft]:
    if d.given.get("level", 1) > d.rules.urge_levels:
        raise Refused("bad-field", f"level: 1 to {d.rules.urge_levels}", 422)
    return [d.draft(level=d.given.get("level", 1))]


def _reply_urge(d: Deciding) -> list[Draft]:
    if not any(urge.number == d.given["urge"] and urge.replied_at is None for urge in d.file.urges):
        raise Refused("nothing-to-reply", "no such open urge", 409)
    return [d.draft(**d.given)]


def _merge(d: Deciding) -> list[Draft]:
    into = d.given["into"]
    main = d.view.get(into) if into != d.command.subject else None
    if main is None or main.ended or main.merged_into:
        raise Refused("bad-target", f"{into[:200]} is no open case to merge into", 409)
    told = Draft(subject=into, move="absorbed", data={"from": d.command.subject, "case": subject_of_case(d.command.subject)})
    return [*_ending(d), told]


def _unmerge(d: Deciding) -> list[Draft]:
    told = Draft(subject=d.file.merged_into, move="unabsorbed", data={"from": d.command.subject})
    return [d.step(d.file.state_before or "reported"), told]


def _split(d: Deciding) -> list[Draft]:
    report = {k: v for k, v in d.file.report.items() if k not in ("feed", "case_id", "state", "stages", "unit", "media", "due")}
    drafts, names = [], []
    for number, task in enumerate(d.given["tasks"], len(d.file.children) + 1):
        case_id = f"{d.file.case_id}-{number}"
        names.append(f"file/desk/{d.file.feed}.{case_id}")
        child = {**report, "feed": "desk", "case_id": f"{d.file.feed}.{case_id}", "description": task["text"]}
        due = d.clocks.stage_due("pending_dispatch", d.now, d.file.emergency)
        data = {"case": child, "to": "pending_dispatch", "parent": d.command.subject, "unit": task["unit"], "stage_due": due,
                "emergency": d.file.emergency, "moved": True}  # fmt: skip
        drafts.append(Draft(subject=names[-1], move="open", data=data))
    return [d.draft(children=names, tasks=d.given["tasks"]), *drafts]


def _appeal(d: Deciding) -> list[Draft]:
    return [d.draft(ask="appeal", level=["supervisor", "leader", "admin"], data={})]


def _reopen(d: Deciding) -> list[Draft]:
    to = d.file.state_before or "pending_register"
    to = "pending_handle" if to == "suspended" else to
    return [d.step(to), *effects.parent_told(d.file, d.command.subject, "child_reopened")]


def _seize(d: Deciding) -> list[Draft]:
    return [d.draft(owner=d.actor.name, owner_role=d.actor.role)]


def _give(d: Deciding) -> list[Draft]:
    return [d.draft(owner=d.given["whom"], owner_role=d.given.get("whom_role", ""))]


def _ask_takeover(d: Deciding) -> list[Draft]:
    return [d.draft(ask="takeover", level=[], data=d.given)]


def _assign(d: Deciding) -> list[Draft]:
    crews = effects.assigned(d.view, d.file, d.given["crews"], d.command.subject, d.now)
    return [d.draft(**d.given), *crews]


def _unassign(d: Deciding) -> list[Draft]:
    at_work = {work.crew for work in d.file.crews if work.state != "clear"}
    if strangers := set(d.given["crews"]) - at_work:
        raise Refused("no-crew", f"not on this case: {', '.join(sorted(strangers))[:200]}", 409)
    return [d.draft(**d.given), *effects.released(d.file, d.command.subject, d.given["crews"])]


def _undo(d: Deciding) -> list[Draft]:
    return effects.undone(d.view, d.file, d.command, d.actor)


def _correct(d: Deciding) -> list[Draft]:
    changed = {name: value for name, value in d.given["fields"].items() if d.file.report.get(name) != value}
    if not changed:
        return []
    before = {name: d.file.report.get(name) for name in changed}
    return [d.draft(fields=changed, before=before)]


def _emergency(d: Deciding) -> list[Draft]:
    emergency = d.given["emergency"]
    if emergency == d.file.emergency:
        return []
    clock = None
    if d.file.clock and d.file.state not in FED_BACK:
        dispatched = d.file.clock.started
        clock = d.clocks.handling(d.file.report, d.file.clock.condition, emergency, dispatched)
    due = d.clocks.stage_due(d.file.state, d.file.state_since, emergency)
    return [d.draft(emergency=emergency, stage_due=due, **({"clock": clock} if clock else {}))]


_SPECIAL = {
    "register": _register, "dispatch": _dispatch, "report_verify": _report_verify, "feed_back": _feed_back,
    "report_check": _report_check, "close": _ending, "force_close": _ending, "reject": _ending, "cancel": _ending,
    "return": _return, "rework": _rework, "ask_postpone": _ask_postpone, "ask_suspend": _ask_suspend, "grant": _grant,
    "refuse": _grant, "resume": _resume, "urge": _urge, "reply_urge": _reply_urge, "merge": _merge, "unmerge": _unmerge,
    "split": _split, "appeal": _appeal, "reopen": _reopen, "seize": _seize, "give": _give, "ask_takeover": _ask_takeover,
    "assign": _assign, "unassign": _unassign, "undo": _undo, "correct": _correct, "emergency": _emergency,
}  # fmt: skip
