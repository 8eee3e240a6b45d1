"""How good "reaches 25 cm in 11 min" is, on FloodNet's floods: what the engine told, against what the water did.

Every forecast that was told on an alarm counts once, at the moment it was told; nothing is picked. The *crossing* is where the
straight line between two samples meets the line. A forecast *came true* when the line was crossed within its row and after it was
told; its *error* is the told moment minus the crossing. *Naive*: at the same moments, the straight line through the last two
samples. *Inside*: the crossing lay between the told earliest and latest moment (no latest told = unbounded).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tests.proof.engines import FEED, edges_of, readings, real_data, rulebook, street_gauges
from tests.proof.floods import INCH_METRES, Profile, crossing, profiles

LINES_CM = (25.0, 4.005 * INCH_METRES * 100)
ABOVE_CM = 2.0
#: lead time (minutes) from the telling to the crossing
LEADS = ((0, 5), (5, 10), (10, 20), (20, 120))


class Told(NamedTuple):
    """A forecast: told at, the moment it named, its bounds (None: none told)."""

    site: str
    time: int
    at: int
    low: int | None
    high: int | None


class Outcome(NamedTuple):
    """What became of a forecast that came true: minutes; `naive` NaN where two samples say no rise."""

    lead: float
    error: float
    naive: float
    inside: bool


def rule(line_cm: float) -> dict:
    return {
        "name": "forecast", "kind": "forecast", "quantity": "water_depth", "unit": "cm", "value": round(line_cm, 6),
        "above": ABOVE_CM, "horizon_seconds": 1200, "window_seconds": 600, "severity": 2,
    }  # fmt: skip


def told_by_engine(rows: list[Profile], line_cm: float) -> list[Told]:
    """Every forecast on an edge, once for each new moment it names."""
    found, last = [], {}
    for edge in edges_of(rulebook(rule(line_cm)), [*street_gauges(rows), *readings(rows)]):
        forecast = edge.data.get("forecast")
        if edge.move == "return" or not forecast or last.get(edge.site) == forecast["at"]:
            continue
        last[edge.site] = forecast["at"]
        found.append(
            Told(edge.site.removeprefix(f"{FEED}/"), edge.time, forecast["at"], forecast.get("low"), forecast.get("high"))
        )
    return found


def row_of(rows: list[Profile], told: Told) -> Profile | None:
    return next((row for row in rows if row.site == told.site and row.start <= told.time <= row.end), None)


def outcome(row: Profile, told: Told, line_cm: float) -> Outcome | None:
    """None: the line was not crossed after it was told."""
    line = line_cm / 100 / INCH_METRES
    later = np.flatnonzero((row.times > told.time) & (row.inches >= line))
    if not len(later):
        return None
    moment = crossing(row.times, row.inches, int(later[0]), line)
    newest = int(np.searchsorted(row.times, told.time, side="right")) - 1
    inside = (told.low is None or told.low <= moment) and (told.high is None or moment <= told.high)
    error, lead = (told.at - moment) / 60_000, (moment - told.time) / 60_000
    return Outcome(lead, error, (naive(row, newest, line) - moment) / 60_000, inside)


def naive(row: Profile, newest: int, line: float) -> float:
    """When the straight line through the last two samples is at the line, NaN where it does not rise."""
    if newest < 1:
        return float("nan")
    rise, span = row.inches[newest] - row.inches[newest - 1], row.times[newest] - row.times[newest - 1]
    return float(row.times[newest] + (line - row.inches[newest]) / rise * span) if rise > 0 else float("nan")


def figures() -> Iterator[str]:
    rows = profiles(real_data())
    by_site: dict[str, list[Profile]] = {}
    for row in rows:
        by_site.setdefault(row.site, []).append(row)
    for line_cm in LINES_CM:
        told = told_by_engine(rows, line_cm)
        yield from _about(by_site, told, line_cm)
        yield ""


def _about(by_site: dict[str, list[Profile]], told: list[Told], line_cm: float) -> Iterator[str]:
    placed = [(row_of(by_site.get(one.site, []), one), one) for one in told]
    judged = [(row, one, outcome(row, one, line_cm)) for row, one in placed if row is not None]
    true = [found for _, _, found in judged if found is not None]
    line = line_cm / 100 / INCH_METRES
    crossed = {(row.site, row.start) for rows in by_site.values() for row in rows if (row.inches >= line).any()}
    warned = {(row.site, row.start) for row, _, found in judged if found is not None}
    rows_told = {(row.site, row.start) for row, _, _ in judged}
    yield (
        f"Line {line_cm:.1f} cm: {len(told):,} forecasts told in {len(rows_told):,} floods; {len(true):,} came true. "
        f"{len(crossed):,} floods crossed the line, {len(warned & crossed):,} of them with a forecast before; "
        f"{len(rows_told - crossed):,} floods with a forecast never reached it."
    )
    yield ""
    yield "| lead time | forecasts | error, median / 90 % (min) | bias, median | where naive has one, too: ours | naive | has none | inside the spread |"
    yield "|---|---|---|---|---|---|---|---|"
    for low, high in (*LEADS, (0, float("inf"))):
        yield _row(low, high, [one for one in true if low <= one.lead < high])


def _row(low: float, high: float, found: list[Outcome]) -> str:
    name = "all" if high == float("inf") else f"{low:g}-{high:g} min"
    if not found:
        return f"| {name} | 0 | - | - | - | - | - | - |"
    errors = np.array([one.error for one in found])
    peers = np.array([one.naive for one in found])
    both = ~np.isnan(peers)
    median, p90 = np.percentile(np.abs(errors), [50, 90])
    ours, other = (
        " / ".join(f"{x:.1f}" for x in np.percentile(np.abs(part[both]), [50, 90])) if both.any() else "-"
        for part in (errors, peers)
    )
    inside = np.mean([one.inside for one in found])
    return (
        f"| {name} | {len(found):,} | {median:.1f} / {p90:.1f} | {np.median(errors):+.1f} | {ours} | {other} | "
        f"{int((~both).sum()):,} | {inside:.0%} |"
    )
