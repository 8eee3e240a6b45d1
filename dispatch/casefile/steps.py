"""Decisions of the loop itself, and of the crews on it. Each takes a Deciding and gives its drafts. Pure."""

from __future__ import annotations

from dispatch.casefile import effects, timing
from dispatch.casefile.deciding import Deciding
from dispatch.casefile.table import FED_BACK, IN_HANDS, MOVES
from hall.core.command import Draft
from hall.core.errors import Refused


def plain(d: Deciding) -> list[Draft]:
    target = MOVES[d.command.move].target
    return [d.step(target, **d.given) if target else d.draft(**d.given)]


def register(d: Deciding) -> list[Draft]:
    return [d.step("pending_dispatch", **d.given)]


def dispatch(d: Deciding) -> list[Draft]:
    """From before registration it takes the steps between as well: one act, each stamped."""
    drafts: list[Draft] = []
    emergency = d.given.get("emergency", d.file.emergency)
    condition = d.given.get("condition") or d.file.condition
    if d.file.state == "reported":
        drafts.append(Draft(subject=d.subject, move="accept", data={"to": "pending_register", "keeps_owner": True}))
    if d.file.state in ("reported", "pending_register"):
        drafts.append(Draft(subject=d.subject, move="register", data={"to": "pending_dispatch", "keeps_owner": True}))
    clock = timing.at_dispatch(d, condition, emergency)
    given = {**d.given, "emergency": emergency, "condition": condition}
    crews = effects.assigned(d.view, d.actor, d.given.get("crews", []), d.subject)
    return [*drafts, d.step("pending_handle", **given, clock=clock), *crews]


def report_verify(d: Deciding) -> list[Draft]:
    return [d.step("pending_register", check=_result(d), photos=d.given.get("photos", []))]


def report_check(d: Deciding) -> list[Draft]:
    return [d.draft(check=_result(d), photos=d.given.get("photos", []))]


def _result(d: Deciding) -> dict[str, object]:
    said = {name: value for name, value in d.given.items() if name != "photos"}
    return {**said, "at": d.now, "who": d.actor.name}


def feed_back(d: Deciding) -> list[Draft]:
    """Photos count from this round of handling: a rework needs new ones."""
    since = d.file.handlers.get("pending_handle")
    begun = since.at if since else 0
    before = sum(photo.usage in ("before", "after") and photo.at >= begun for photo in d.file.photos)
    if len(d.given.get("photos", [])) + before < d.rules.photos_for_feedback:
        raise Refused("photos-missing", f"feeding back needs {d.rules.photos_for_feedback} photos", 422)
    return [d.step("handle_finish", **d.given)]


def give_back(d: Deciding) -> list[Draft]:
    """回退: back to whoever made the step before, who cannot simply make it again, whoever recorded the return."""
    in_hands = d.file.state in IN_HANDS
    sender = d.file.marks.get("dispatched" if in_hands else "registered")
    barred = [sender.who] if sender else []
    step = d.step("returned" if in_hands else "pending_register", barred=barred)
    return [step, *effects.released(d.file, d.subject)]


def rework(d: Deciding) -> list[Draft]:
    return [d.step("pending_handle", clock=timing.running(d))]


def assign(d: Deciding) -> list[Draft]:
    return [d.draft(**d.given), *effects.assigned(d.view, d.actor, d.given["crews"], d.subject)]


def unassign(d: Deciding) -> list[Draft]:
    if strangers := set(d.given["crews"]) - set(effects.at_work(d.file)):
        raise Refused("no-crew", f"not on this case: {', '.join(sorted(strangers))[:200]}", 409)
    return [d.draft(**d.given), *effects.released(d.file, d.subject, d.given["crews"])]


def emergency(d: Deciding) -> list[Draft]:
    now_one = d.given["emergency"]
    if now_one == d.file.emergency:
        return []
    data = {"emergency": now_one, "stage_due": d.clocks.stage_due(d.file.state, d.file.state_since, now_one)}
    clock = d.clock()
    if clock is not None and d.file.state not in FED_BACK:
        data["clock"] = timing.of_kind(d, clock, now_one)
    return [d.draft(**data)]


def correct(d: Deciding) -> list[Draft]:
    changed = {name: value for name, value in d.given["fields"].items() if d.file.report.get(name) != value}
    if not changed:
        return []
    return [d.draft(fields=changed, before={name: d.file.report.get(name) for name in changed})]


def escalate(d: Deciding) -> list[Draft]:
    """A rung is climbed once; the timers that ask may ask again after a restart."""
    rung = d.given["rung"]
    stopped = d.file.ladder_stopped or rung in d.file.stopped_rungs
    return [] if stopped or rung in d.file.rungs else [d.draft(**d.given)]
