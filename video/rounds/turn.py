"""Whose turn it is: the pure heart of rounds. Time is an argument; the same input gives the same turn.

Each picture of a round is one *slot*. A share of the slots, just large enough, goes to the camera that was not shown for
the longest time: so every living camera is seen within `coverage_hours` however urgent others are. The rest goes to urgent
cameras that are due: one of weight w is due again after `urgent_minutes / w`; of several, the highest of `weight x time since
it was shown`, so that none crowds out the others. When none is due, the slot goes to the longest unseen after all. Dead
cameras are skipped and counted; they come back by themselves when they live again.
"""

from __future__ import annotations

import msgspec
import numpy as np

from video.rounds.plan import RoundPlan

SPARES = 2  # further channels that screens connect beforehand: they step in for one that dies in the last moment


class Candidates:
    """The cameras of one round as columns; `subjects[i]`, `alive[i]`, `weight[i]` (>= 1), `seen[i]` (ms, 0 = never)."""

    def __init__(self, subjects: list[str]) -> None:
        self.subjects = subjects
        self.index = {subject: number for number, subject in enumerate(subjects)}
        self.alive = np.ones(len(subjects), bool)
        self.weight = np.ones(len(subjects))
        self.seen = np.zeros(len(subjects))

    @property
    def living(self) -> int:
        return int(self.alive.sum())


class Pick(msgspec.Struct, frozen=True):
    """One chosen camera and why: `coverage` (longest unseen), `risk`, `list` or `asked`."""

    channel: str
    why: str


class Round(msgspec.Struct, kw_only=True):
    """Where a round is. Times are real ms."""

    shown: list[Pick] = []
    since: int = 0
    until: int = 0
    next: list[Pick] = []  # tiles first, then spares
    held_by: str = ""
    held_until: int = 0
    turn: int = 0
    skipped: int = 0  # dead ones that were passed over in the last turn
    credit: float = 0.0  # of coverage slots

    @property
    def held(self) -> bool:
        return bool(self.held_by)


def advance(state: Round, plan: RoundPlan, cameras: Candidates, now: int) -> bool:
    """Moves the round on when its time has come; returns whether anything changed. What is shown now is written into
    `cameras.seen` as chosen, so that the next choice does not repeat it."""
    if state.held and now >= state.held_until:
        state.held_by, state.held_until = "", 0
        state.until = now
    if state.shown and (state.held or now < state.until):
        return _replace_dead(state, plan, cameras, now)
    if not state.next:
        state.next = choose(state, plan, cameras, now, plan.tiles + SPARES, ())
    step(state, plan, cameras, now)
    return True


def step(state: Round, plan: RoundPlan, cameras: Candidates, now: int) -> None:
    """Shows the next ones now, whatever the clock says."""
    living = [pick for pick in state.next if _alive(cameras, pick.channel)]
    state.skipped = len(state.next) - len(living)
    state.shown = living[: plan.tiles]
    if len(state.shown) < min(plan.tiles, cameras.living):
        taken = [pick.channel for pick in state.shown]
        state.shown += choose(state, plan, cameras, now, plan.tiles - len(state.shown), taken)
    state.since, state.until = now, now + int(plan.dwell_seconds * 1000)
    state.turn += 1
    for pick in state.shown:
        cameras.seen[cameras.index[pick.channel]] = now
    state.next = choose(state, plan, cameras, now, plan.tiles + SPARES, [pick.channel for pick in state.shown])


def choose(state: Round, plan: RoundPlan, cameras: Candidates, now: int, wanted: int, taken) -> list[Pick]:
    """Up to `wanted` cameras for the next slots, none of `taken` unless there are too few."""
    free = cameras.alive.copy()
    for subject in taken:
        if subject in cameras.index:
            free[cameras.index[subject]] = False
    if plan.order == "list":
        return _in_list(state, cameras, free, wanted)
    age = now - cameras.seen
    share = 1.0 if plan.order == "oldest" else min(1.0, plan.coverage_share(cameras.living))
    due = (cameras.weight > 1) & (age * cameras.weight >= plan.urgent_minutes * 60_000)
    picks: list[Pick] = []
    for slot in range(min(wanted, int(free.sum()))):
        state.credit += share if slot < plan.tiles else 0  # spares cost nothing
        urgent = free & due
        risky = plan.order == "risk" and state.credit < 1 and bool(urgent.any())
        best = int(np.argmax(np.where(urgent, age * cameras.weight, -1) if risky else np.where(free, age, -1)))
        if not risky and slot < plan.tiles:
            state.credit = max(0.0, state.credit - 1)
        picks.append(Pick(cameras.subjects[best], "risk" if risky else "coverage"))
        free[best] = False
    return picks


def _in_list(state: Round, cameras: Candidates, free: np.ndarray, wanted: int) -> list[Pick]:
    """In the written order, on from the last one shown."""
    last = cameras.index.get(state.shown[-1].channel, -1) if state.shown else -1
    count = len(cameras.subjects)
    order = [(last + 1 + k) % count for k in range(count)] if count else []
    return [Pick(cameras.subjects[number], "list") for number in order if free[number]][:wanted]


def _alive(cameras: Candidates, subject: str) -> bool:
    number = cameras.index.get(subject)
    return number is not None and bool(cameras.alive[number])


def _replace_dead(state: Round, plan: RoundPlan, cameras: Candidates, now: int) -> bool:
    """Between turns: the coming ones that died meanwhile make room while there is time to connect others."""
    dead = [pick for pick in state.next if not _alive(cameras, pick.channel)]
    if not dead:
        return False
    kept = [pick for pick in state.next if pick not in dead]
    taken = [pick.channel for pick in (*state.shown, *kept)]
    state.next = kept + choose(state, plan, cameras, now, plan.tiles + SPARES - len(kept), taken)
    return True


def hold(state: Round, plan: RoundPlan, by: str, now: int) -> None:
    """Stays on what is shown until released, or until `hold_minutes` have passed."""
    state.held_by, state.held_until = by, now + int(plan.hold_minutes * 60_000)


def release(state: Round, plan: RoundPlan, now: int) -> None:
    """Goes on: what was held gets one more dwell, so that nobody is surprised in mid-sentence."""
    state.held_by, state.held_until = "", 0
    state.until = now + int(plan.dwell_seconds * 1000)
