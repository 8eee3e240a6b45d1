"""What decisions do to the handling clock 处置时限: start, go on, stand still, be changed. Pure."""

from __future__ import annotations

from typing import Any

from dispatch.casefile.deciding import Deciding


def running(d: Deciding) -> dict[str, Any] | None:
    """The clock going on: what was left when it was suspended is left now; after any other stop it ran on all the time, so
    that raw overtime is never lost."""
    clock = d.clock()
    if clock is None:
        return None
    if clock.get("remaining") is not None:
        stood = max(0, d.now - clock["stopped_at"])
        clock |= d.clocks.resumed(clock, d.now)
        clock |= {"remaining": None, "paused_ms": clock.get("paused_ms", 0) + stood}
    return clock | {"stopped_at": None}


def standing(d: Deciding) -> dict[str, Any] | None:
    """The clock paused: what is left is kept."""
    clock = d.clock()
    if clock is not None and clock.get("stopped_at") is None:
        clock |= {"remaining": d.clocks.paused(clock, d.now), "stopped_at": d.now}
    return clock


def at_dispatch(d: Deciding, condition: str, emergency: bool) -> dict[str, Any] | None:
    """A first dispatch starts it; a later one goes on with it: a return does not give the city a new limit."""
    clock = running(d)
    if clock is None:
        return d.clocks.handling(d.file.report, condition, emergency, d.now)
    if condition != d.file.condition:
        return _counted_again(d, clock, condition, emergency)
    return clock if emergency == d.file.emergency else of_kind(d, clock, emergency)


def of_kind(d: Deciding, clock: dict[str, Any], emergency: bool) -> dict[str, Any]:
    """An emergency's limit begins when the emergency is known and never gives more time than there was; one that is none
    after all gets the routine limit, counted from its dispatch without the time it stood still."""
    if not emergency:
        return _counted_again(d, clock, d.file.condition, emergency)
    made = d.clocks.handling(d.file.report, "", True, d.now)
    return clock if made is None or made["due"] >= clock["due"] else _kept(clock, made)


def _counted_again(d: Deciding, clock: dict[str, Any], condition: str, emergency: bool) -> dict[str, Any]:
    dispatched = d.file.marks.get("dispatched")
    start = (dispatched.at if dispatched else clock["started"]) + clock.get("paused_ms", 0)
    made = d.clocks.handling(d.file.report, condition, emergency, start)
    return clock if made is None else _kept(clock, made)


def _kept(clock: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """Another limit does not give back the postponements that were used."""
    return made | {"postponed": clock.get("postponed", 0), "paused_ms": clock.get("paused_ms", 0)}
