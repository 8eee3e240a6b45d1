"""What other rules would have made of what has been: both sets of rules hear the same history, and their alarms are laid side
by side. Pure: engines and inputs are given, time is in the inputs.

Two alarms of the two sides are the same when they are of one site and overlap in time. A flood that is known to have happened
is *found* when an alarm of its site overlaps it, else *missed* (dispatch/alarming/episodes.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import msgspec

from dispatch.alarming.episodes import Episode, Flood, Overlaps, episodes, found_by, known_as, load, without

#: inputs given to the engines in one go, and how often progress is told
BATCH = 4_000


class Rules(Protocol):
    """An engine: dispatch.alarming.Engine."""

    def take(self, inputs: list[Any]) -> list[Any]: ...

    def advance(self, now: int) -> list[Any]: ...


class Side(msgspec.Struct, omit_defaults=True):
    """What one set of rules made of the history. `by_rule`: alarms by the rule that raised them; `missed`: floods without an
    alarm; `delays`: of the found floods, from their start to the alarm (ms, sorted, never below 0)."""

    alarms: int = 0
    hidden: int = 0
    sites: int = 0
    by_rule: dict[str, int] = {}
    by_severity: dict[int, int] = {}
    found: int = 0
    missed: list[Flood] = []
    delays: list[int] = []
    outside: int = 0  # alarms that meet no flood at all; says something only where the floods are all there were
    peak: int = 0  # most alarms within ten minutes
    flooded_share: float = 0.0  # of the ten-minute windows of the history, those with ten alarms or more


class Change(msgspec.Struct, omit_defaults=True):
    """One rule before and after."""

    rule: str
    before: int
    after: int


class Comparison(msgspec.Struct, omit_defaults=True):
    """The whole answer. `anew`: alarms only the changed rules raise; `gone`: alarms they no longer raise; `newly_missed`:
    floods that the rules in force had found; `newly_found` the other way round."""

    since: int
    until: int
    inputs: int
    floods: int
    before: Side
    after: Side
    rules: list[Change]
    anew: list[Episode]
    gone: list[Episode]
    newly_missed: list[Flood]
    newly_found: list[Flood]


def run(engine: Rules, inputs: Iterator[Any], told: Callable[[int], None] | None = None) -> list[Any]:
    """The edges of a history."""
    edges, count, last = [], 0, 0
    for batch in batches(inputs):
        edges += engine.take(batch)
        count, last = count + len(batch), max([last, *map(_moment, batch)])
        if told is not None:
            told(count)
    return edges + (engine.advance(last) if count else [])


def batches(inputs: Iterator[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for one in inputs:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _moment(one: Any) -> int:
    return next((found for name in ("at", "time") if (found := getattr(one, name, None)) is not None), 0)


def compare(
    before: Rules, after: Rules, inputs: Iterator[Any], floods: list[Flood], told: Callable[[int], None] | None = None
) -> Comparison:
    """Both engines over the same inputs, batch by batch. Floods of which the history says nothing are not judged."""
    edges: tuple[list[Any], list[Any]] = ([], [])
    first, last, count = None, 0, 0
    for batch in batches(inputs):
        for engine, found in zip((before, after), edges, strict=True):
            found += engine.take(batch)
        moments = [moment for one in batch if (moment := _moment(one))]
        first = min(moments, default=0) if first is None else first
        last, count = max([last, *moments]), count + len(batch)
        if told is not None:
            told(count)
    for engine, found in zip((before, after), edges, strict=True):
        found += engine.advance(last) if count else []
    within = [flood for flood in floods if flood.end >= (first or 0) and flood.start <= last]
    return laid_side_by_side(episodes(edges[0]), episodes(edges[1]), within, first or 0, last, count)


def laid_side_by_side(
    before: list[Episode], after: list[Episode], floods: list[Flood], since: int, until: int, inputs: int
) -> Comparison:
    """Pure arithmetic over the alarms of both sides."""
    found = [found_by(side, floods) for side in (before, after)]
    shown = [[alarm for alarm in side if not alarm.hidden] for side in (before, after)]
    sides = [side_of(side, floods, since, until) for side in (before, after)]
    rules = sorted({*sides[0].by_rule, *sides[1].by_rule})
    return Comparison(
        since=since,
        until=until,
        inputs=inputs,
        floods=len(floods),
        before=sides[0],
        after=sides[1],
        rules=[Change(rule, *(side.by_rule.get(rule, 0) for side in sides)) for rule in rules],
        anew=without(shown[1], shown[0]),
        gone=without(shown[0], shown[1]),
        newly_missed=[flood for flood, was, now in zip(floods, *found, strict=True) if was is not None and now is None],
        newly_found=[flood for flood, was, now in zip(floods, *found, strict=True) if was is None and now is not None],
    )


def side_of(alarms: list[Episode], floods: list[Flood], since: int, until: int) -> Side:
    shown = [e for e in alarms if not e.hidden]
    found = found_by(alarms, floods)
    met = Overlaps((f.site, f.start, f.end) for f in floods)
    peak, share = load([e.at for e in shown], since, until)
    return Side(
        alarms=len(shown),
        hidden=len(alarms) - len(shown),
        sites=len({e.site for e in shown}),
        by_rule=dict(Counter(e.rule for e in shown).most_common()),
        by_severity=dict(sorted(Counter(e.severity for e in shown).items())),
        found=sum(one is not None for one in found),
        missed=[flood for flood, one in zip(floods, found, strict=True) if one is None],
        delays=sorted(max(0, one.at - flood.start) for flood, one in zip(floods, found, strict=True) if one is not None),
        outside=sum(met.first(name, e.at, e.until) is None for e in shown for name in [known_as(met, e.site)]) if floods else 0,
        peak=peak,
        flooded_share=share,
    )
