"""From signals, rain, depths and calls to a proposed response level, with its reasons. Pure: time and picture are arguments.

A signal is not a response: all this ever makes is a proposal. Upward it speaks at once; downward only when the conditions of
the level in force have been gone for `step_down_minutes` (a condition still counts as long as `ease` of its figure is reached).
What a single sensor says lifts the level by one at most above what holds without it, and doubtful or old readings count for
nothing: a lying sensor alone never proposes more than one level.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dispatch.plans.model import COLOURS, LEVELS, MINUTE, RED, SIGNALS, Condition, Plan, level_at, rank

#: a moment of a reading may be ahead of now by this much; what is further ahead comes from a clock that is off
AHEAD_MS = 60_000


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A warning as this weighs it: `event` as the sender names it, `kind` as the hall recognised it. `since`: when this colour
    was first in force, `expires` None: until it is taken back."""

    subject: str
    event: str
    kind: str = ""
    severity: int
    label: str = ""
    exercise: bool = False
    since: int = 0
    expires: int | None = None


class Rain(msgspec.Struct, frozen=True, kw_only=True):
    """One gauge: mm fallen in the last so many hours, as far as it has been heard (never more than fell)."""

    time: int
    mm: Mapping[int, float]
    doubtful: bool = False


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """Water at one site, metres."""

    time: int
    metres: float
    doubtful: bool = False


class Picture(msgspec.Struct, kw_only=True):
    """All that counts at one moment. `level`: in force ("" none), `since` when it was signed; `met`: level -> newest moment at
    which its conditions held (`observe`); `exercise`: signals of status Exercise count, too."""

    signals: list[Signal] = []
    rain: Mapping[str, Rain] = {}
    depth: Mapping[str, Depth] = {}
    cases: list[int] = []  # when ponding cases were reported, ms
    alarms: Mapping[str, int] = {}  # site -> severity of its active alarm
    level: str = ""
    since: int = 0
    met: Mapping[str, int] = {}
    exercise: bool = False
    fresh_ms: int = 15 * MINUTE


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """`direction`: up, down, end, or "" where nothing is to be changed; `level`: the level proposed, "" none; `why`: what holds
    for it, `[{code, values}]`; `exercise`: it rests on exercise signals."""

    direction: str = ""
    level: str = ""
    why: tuple[dict[str, Any], ...] = ()
    exercise: bool = False


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """The level that the picture speaks for by itself, and why."""

    level: str = ""
    why: tuple[dict[str, Any], ...] = ()


def propose(plan: Plan, picture: Picture, now: int) -> Proposal:
    """What the hall would propose at `now` (ms)."""
    found = assess(plan, picture, now)
    here, there = rank(picture.level), rank(found.level)
    exercise = any(why["values"].get("exercise") for why in found.why)
    if there > here:
        return Proposal(direction="up", level=found.level, why=found.why, exercise=exercise)
    if not here:
        return Proposal()
    patience = round(plan.step_down_minutes * MINUTE)
    lately = [rank(level) for level, at in picture.met.items() if at > now - patience]
    rest = max([*lately, there], default=0)
    if rest >= here or now - picture.since < patience:
        return Proposal()
    code = {"code": "eased", "values": {"level": picture.level, "minutes": plan.step_down_minutes}}
    return Proposal(direction="down" if rest else "end", level=level_at(rest), why=(code,), exercise=exercise)


def observe(plan: Plan, picture: Picture, now: int) -> dict[str, int]:
    """`met` after this moment: the level whose conditions still hold at `ease` of their figures, and all below it."""
    held = rank(assess(plan, picture, now, plan.ease).level)
    return {**picture.met, **{level: now for level in LEVELS[:held]}}


def assess(plan: Plan, picture: Picture, now: int, ease: float = 1.0) -> Assessment:
    """The gravest level that holds. `ease` below 1 weakens every figure but signals."""
    firm: list[tuple[int, tuple[dict[str, Any], ...]]] = [(0, ())]
    single: list[tuple[int, tuple[dict[str, Any], ...]]] = [(0, ())]
    for level, why in _by_signal(plan, picture, now):
        firm.append((rank(level), (why,)))
    for name, level in plan.levels.items():
        for condition in level.when:
            held = _holds(plan, condition, picture, now, ease)
            if held is not None:
                (single if held[1] else firm).append((rank(name), held[0]))
    base = max(grade for grade, _ in firm)
    lifted = min(max(grade for grade, _ in single), base + 1)
    grade = max(base, lifted)
    why = [one for at, found in firm if at == grade for one in found]
    why += [one for at, found in single if lifted == grade and at >= grade > base for one in found]
    return Assessment(level=level_at(grade), why=tuple(why)) if grade else Assessment()


def in_force(plan: Plan, picture: Picture, now: int) -> list[Signal]:
    """Signals that concern the plan now, gravest first."""
    words = [word.casefold() for word in plan.events]
    found = [
        signal
        for signal in picture.signals
        if signal.severity > 0
        and (picture.exercise or not signal.exercise)
        and (signal.expires is None or signal.expires > now)
        and signal.since <= now
        and any(word in f"{signal.event} {signal.kind}".casefold() for word in words)
    ]
    return sorted(found, key=lambda signal: (-signal.severity, signal.since, signal.subject))


def red_since(plan: Plan, picture: Picture, now: int) -> int | None:
    """Since when there has been a red signal, None without one."""
    return min((signal.since for signal in in_force(plan, picture, now) if signal.severity >= RED), default=None)


# -- conditions --------------------------------------------------------------------------------------------------------------


def _by_signal(plan: Plan, picture: Picture, now: int) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for signal in in_force(plan, picture, now):
        colour = COLOURS.get(min(signal.severity, RED), "")
        if level := plan.signals.get(colour, ""):
            found.append((level, _signal_said(signal)))
    return found


def _signal_said(signal: Signal) -> dict[str, Any]:
    values = {"colour": COLOURS.get(min(signal.severity, RED), ""), "event": signal.event[:100], "since": signal.since}
    return {"code": "signal", "values": values | {"subject": signal.subject} | ({"exercise": True} if signal.exercise else {})}


def _holds(
    plan: Plan, condition: Condition, picture: Picture, now: int, ease: float
) -> tuple[tuple[dict[str, Any], ...], bool] | None:
    """What is to be said of it and whether one sensor alone carries it; None where it does not hold."""
    said: list[dict[str, Any]] = []
    alone = False
    for part in (_signal, _rain, _depth, _cases, _alarms):
        found = part(plan, condition, picture, now, ease)
        if found is None:
            continue
        if not found:
            return None
        said.append({key: found[key] for key in ("code", "values")})
        alone = alone or found.get("witnesses", 2) < 2
    return tuple(said), alone


def _signal(plan: Plan, condition: Condition, picture: Picture, now: int, ease: float) -> dict[str, Any] | None:
    if not condition.signal:
        return None
    found = [one for one in in_force(plan, picture, now) if one.severity >= SIGNALS[condition.signal]]
    return _signal_said(found[0]) if found else {}


def _rain(plan: Plan, condition: Condition, picture: Picture, now: int, ease: float) -> dict[str, Any] | None:
    if not condition.rain_mm:
        return None
    fallen = {
        name: gauge.mm.get(condition.rain_hours, 0.0) for name, gauge in picture.rain.items() if _good(gauge, picture, now)
    }
    over = {name: mm for name, mm in fallen.items() if mm >= condition.rain_mm * ease}
    if len(over) < condition.gauges:
        return {}
    values = {"mm": round(max(over.values()), 1), "line": condition.rain_mm, "hours": condition.rain_hours, "gauges": len(over)}
    return {"code": "rain", "values": values, "witnesses": len(over)}


def _depth(plan: Plan, condition: Condition, picture: Picture, now: int, ease: float) -> dict[str, Any] | None:
    if not condition.depth_cm:
        return None
    # one ten-thousandth of a centimetre: 0.25 m is 25 cm, whatever binary fractions make of it
    line = condition.depth_cm * ease - 1e-4
    over = {
        name: one.metres * 100 for name, one in picture.depth.items() if _good(one, picture, now) and one.metres * 100 >= line
    }
    if len(over) < condition.sites:
        return {}
    values = {"cm": round(max(over.values()), 1), "line": condition.depth_cm, "sites": len(over)}
    return {"code": "depth", "values": values, "witnesses": len(over)}


def _cases(plan: Plan, condition: Condition, picture: Picture, now: int, ease: float) -> dict[str, Any] | None:
    if not condition.cases:
        return None
    after = now - round(condition.within_minutes * MINUTE)
    count = sum(after < at <= now for at in picture.cases)
    values = {"cases": count, "line": condition.cases, "minutes": condition.within_minutes}
    return {"code": "cases", "values": values} if count >= condition.cases * ease else {}


def _alarms(plan: Plan, condition: Condition, picture: Picture, now: int, ease: float) -> dict[str, Any] | None:
    if not condition.alarms:
        return None
    count = sum(severity >= condition.alarm_severity for severity in picture.alarms.values())
    values = {"alarms": count, "line": condition.alarms, "severity": condition.alarm_severity}
    return {"code": "alarms", "values": values, "witnesses": count} if count >= condition.alarms * ease else {}


def _good(reading: Rain | Depth, picture: Picture, now: int) -> bool:
    return not reading.doubtful and now - picture.fresh_ms <= reading.time <= now + AHEAD_MS
