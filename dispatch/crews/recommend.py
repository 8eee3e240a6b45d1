"""Which crews should go, in order, and why; which should not, and why not. Pure.

A score is seconds: the travel time, plus or minus stated allowances (work done today, an old position, own grid ...). Every
allowance is one item of `why` with its seconds, so the list explains the score to the last second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from dispatch.crews.model import Crew, free
from dispatch.crews.ranking import Fix, Needs, Place, Ranked, Ranking, Weights, Why
from dispatch.crews.routing import Router
from dispatch.crews.shifts import OnDuty, on_duty

#: a crew without shifts: work is counted over so long
_DAY_MS = 8 * 3_600_000
#: ends of an assignment that count as work done
_HANDLED = frozenset({"clear", "released"})


class _Duty:
    """Shifts looked up once per pattern: thousands of crews share a few."""

    def __init__(self, now: int, zone: str) -> None:
        self._now, self._zone = now, zone
        self._known: dict[bytes, OnDuty | None] = {}
        self._encode = msgspec.msgpack.Encoder().encode

    def of(self, crew: Crew) -> OnDuty | bool | None:
        """The present shift, True for a crew that is always on duty, None off duty."""
        if not crew.shifts:
            return True
        key = self._encode(crew.shifts)
        if key not in self._known:
            self._known[key] = on_duty(crew.shifts, self._now, self._zone)
        return self._known[key]


class _Seen(NamedTuple):
    """A crew that may go, with what its score needs."""

    crew: Crew
    lon: float
    lat: float
    age_s: float | None  # None: at its base
    handled: int
    busy_minutes: float
    shift: Any  # OnDuty, True = always on duty, None = off duty


class _Asked(NamedTuple):
    """One question, the same for every crew."""

    place: Place
    needs: Needs
    wanted: dict[str, float]  # pieces of equipment by name
    positions: Mapping[str, Fix]
    now: int
    weights: Weights
    duty: _Duty

    def see(self, crew: Crew) -> _Seen | tuple[str, dict[str, Any]]:
        """What the score needs, or why the crew cannot go."""
        shift = self.duty.of(crew)
        unfit = _unfit(crew, self.needs, self.wanted, shift, self.weights)
        if unfit is not None:
            return unfit
        found = _located(crew, self.positions, self.now, self.weights)
        return ("position_unknown", {}) if found is None else _Seen(crew, *found, *_work(crew, self.now, shift), shift)


def recommend(
    place: Place,
    needs: Needs,
    crews: Iterable[Crew],
    positions: Mapping[str, Fix],
    now: int,
    router: Router,
    weights: Weights | None = None,
    *,
    zone: str = "UTC",
    limit: int | None = 30,
) -> Ranking:
    """Ranks crews for a place at `now` (city ms). `positions` by subject. Equal scores: by crew id.

    Per crew only numbers are kept, and what is shown is looked at again: thousands of objects wake the garbage collector.
    """
    wanted = {item.name: item.count for item in needs.equipment}
    asked = _Asked(place, needs, wanted, positions, now, weights or Weights(), _Duty(now, zone))
    fit: list[Crew] = []
    unfit: list[Crew] = []
    numbers: list[float] = []  # lon, lat, allowance of each that is fit
    counts: Counter[str] = Counter()
    for crew in sorted(crews, key=_crew_id):
        if crew.ended:
            continue
        seen = asked.see(crew)
        if isinstance(seen, _Seen):
            fit.append(crew)
            numbers += (seen.lon, seen.lat, _allowance(seen, asked))
        else:
            unfit.append(crew)
            counts[seen[0]] += 1
    return Ranking(
        ranked=_order(asked, fit, np.array(numbers).reshape(-1, 3), router, limit) if fit else [],
        excluded=[_excluded(crew, *asked.see(crew)) for crew in unfit[:limit]],
        counts={"ranked": len(fit), **dict(counts.most_common())},
        routing=router.name,
        factor=router.straight.factor,
        kmh=router.straight.kmh,
    )


def _crew_id(crew: Crew) -> str:
    return crew.crew_id


def is_override(ranked: Sequence[Ranked], chosen: str, first: int = 3) -> bool:
    """Whether choosing this crew needs a reason: it is not among the first of the order (also when it has no place in it)."""
    return all(entry.crew != chosen for entry in ranked[:first])


def _unfit(
    crew: Crew, needs: Needs, wanted: dict[str, float], shift: Any, weights: Weights
) -> tuple[str, dict[str, Any]] | None:
    """Why a crew cannot go; None when it can. What it is comes before what it is doing."""
    if needs.kinds and crew.kind not in needs.kinds:
        return "other_kind", {"kind": crew.kind}
    if needs.unit and crew.unit != needs.unit:
        return "other_unit", {"unit": crew.unit}
    if needs.skills and (missing := [skill for skill in needs.skills if skill not in crew.skills]):
        return "skill_missing", {"skills": missing}
    if crew.state == "out_of_service":
        return "out_of_service", {"reason": crew.reason}
    if len(crew.assignments) >= crew.capacity:
        return "busy", {"subject": crew.assignment, "state": crew.state, "since": crew.since}
    if wanted:
        left = free(crew)
        short = {name: left.get(name, 0) for name, count in wanted.items() if left.get(name, 0) < count}
        if short:
            return "equipment_missing", {"equipment": short}
    if shift is None and weights.off_shift_s is None:
        return "off_shift", {}
    return None


def _located(crew: Crew, positions: Mapping[str, Fix], now: int, weights: Weights) -> tuple[float, float, float | None] | None:
    """lon, lat and age of the position in seconds (None: its base); None where neither is known."""
    fix = positions.get(crew.position) if crew.position else None
    base = crew.base
    if fix is not None:
        age = (now - fix.time) / 1000 if fix.time < now else 0.0
        if age <= weights.lost_s or base.lon is None or base.lat is None:
            return fix.lon, fix.lat, age
    if base.lon is None or base.lat is None:
        return None
    return base.lon, base.lat, None


def _work(crew: Crew, now: int, shift: Any) -> tuple[int, float]:
    """Cases handled and minutes on cases since the shift began."""
    if not crew.done and not crew.assignments:
        return 0, 0.0
    start = shift.start if isinstance(shift, OnDuty) else now - _DAY_MS
    handled = busy = 0
    for done in crew.done:
        if done.end > start:
            busy += done.end - (done.start if done.start > start else start)
            handled += done.outcome in _HANDLED
    for assignment in crew.assignments:
        busy += now - max(assignment.stamps.get("assigned", now), start)
    return handled, max(0, busy) / 60_000


def _order(asked: _Asked, fit: list[Crew], numbers: np.ndarray, router: Router, limit: int | None) -> list[Ranked]:
    routes = router.routes(asked.place.lon, asked.place.lat, numbers[:, 0], numbers[:, 1])
    scores = routes.eta_s + numbers[:, 2]
    found = []
    for rank, index in enumerate(np.argsort(scores, kind="stable")[:limit].tolist(), 1):
        crew, eta, metres = fit[index], float(routes.eta_s[index]), routes.metres(index)
        road = bool(routes.road[index])
        travel = {"minutes": round(eta / 60, 1), "metres": round(metres)}
        why = [Why("road" if road else routes.why_straight(index), travel, eta), *_reasons(asked.see(crew), asked)]
        found.append(Ranked(
            crew=crew.crew_id, name=crew.name, kind=crew.kind, unit=crew.unit, state=crew.state, rank=rank, eta_s=eta,
            distance_m=metres, how="road" if road else "straight", score=float(scores[index]), why=why,
        ))  # fmt: skip
    return found


def _duty_grid(crew: Crew, place: Place) -> str:
    """own_cell, own_district or ""; the cell, being narrower, counts first."""
    if place.cell and any(place.cell.startswith(cell) for cell in crew.duty.cells):
        return "own_cell"
    return "own_district" if place.district and place.district in crew.duty.districts else ""


def _stale_s(age: float | None, weights: Weights) -> float:
    if age is None:
        return weights.at_base_s
    if age <= weights.fresh_s:
        return 0.0
    return min(weights.stale_most_s, (age - weights.fresh_s) / 60 * weights.per_stale_minute_s)


def _allowance(seen: _Seen, asked: _Asked) -> float:
    """The sum of all allowances, without making the reasons: most crews are never shown."""
    crew, place, needs, weights = seen.crew, asked.place, asked.needs, asked.weights
    total = seen.handled * weights.per_case_s + seen.busy_minutes * weights.per_busy_minute_s
    total += len(crew.assignments) * weights.also_on_s + _stale_s(seen.age_s, weights)
    if (crew.duty.cells or crew.duty.districts) and (grid := _duty_grid(crew, place)):
        total += weights.own_cell_s if grid == "own_cell" else weights.own_district_s
    if needs.prefer_unit and crew.unit != needs.prefer_unit:
        total += weights.other_unit_s
    if seen.shift is None and weights.off_shift_s is not None:
        total += weights.off_shift_s
    return total


def _reasons(seen: _Seen, asked: _Asked) -> list[Why]:
    """Every allowance with its seconds, and what speaks for the crew without one."""
    place, needs, weights = asked.place, asked.needs, asked.weights
    crew, found = seen.crew, []
    if needs.skills or needs.equipment:
        values = {"skills": needs.skills, "equipment": [item.name for item in needs.equipment]}
        found.append(Why("able", {k: v for k, v in values.items() if v}))
    if grid := _duty_grid(crew, place):
        own = {"cell": place.cell} if grid == "own_cell" else {"district": place.district}
        found.append(Why(grid, own, weights.own_cell_s if grid == "own_cell" else weights.own_district_s))
    if needs.prefer_unit:
        other = crew.unit != needs.prefer_unit
        found.append(Why("other_unit" if other else "own_unit", {"unit": crew.unit}, weights.other_unit_s if other else 0.0))
    busy = round(seen.busy_minutes)
    seconds = seen.handled * weights.per_case_s + seen.busy_minutes * weights.per_busy_minute_s
    found.append(Why("workload", {"cases": seen.handled, "minutes": busy}, seconds))
    if crew.assignments:
        found.append(Why("also_on", {"subject": crew.assignment}, len(crew.assignments) * weights.also_on_s))
    if seen.age_s is None:
        found.append(Why("at_base", {"address": crew.base.address}, weights.at_base_s))
    else:
        stale = _stale_s(seen.age_s, weights)
        found.append(Why("position_old" if stale else "position_fresh", {"seconds": round(seen.age_s)}, stale))
    if isinstance(seen.shift, OnDuty):
        found.append(Why("on_shift", {"until": seen.shift.end, "name": seen.shift.name}))
    elif seen.shift is None and weights.off_shift_s is not None:
        found.append(Why("off_shift", {}, weights.off_shift_s))
    return found


def _excluded(crew: Crew, code: str, values: dict[str, Any]) -> Ranked:
    return Ranked(
        crew=crew.crew_id, name=crew.name, kind=crew.kind, unit=crew.unit, state=crew.state, excluded=code, values=values
    )
