"""Tennessee Eastman: 521,685 raise and recover lines of 47 tags in 50 runs, as alarms that a supplier's own system makes.

Each run is one operator's watch and goes through an engine of its own, with the default figures; a tag is a site, its types (LL, L,
H, HH) are what raises it. *Announcement*: what asks for the operator's attention anew. Before: every raise line. After: every raise
of an alarm, and every change to a graver severity, that is not hidden by another alarm. *In flood* as EEMUA 191 has it: from ten
announcements within ten minutes until there are fewer than five. *First of its kind*: the first line of a tag and type in a run;
it is *hidden* when no edge that names it, not itself hidden, comes within ten minutes of the line.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dispatch.alarming.inputs import SensorSeen, Supplied, Tick
from dispatch.alarming.rulebook import Rulebook, rules_of
from hall.core.model import Sensor
from tests.proof.engines import edges_of, real_data

FILE = "sensors/tep_alarms_original_runs_01-50.tar.gz"
SEVERITY = {"LL": 3, "HH": 3, "L": 2, "H": 2}
WINDOW, BEGINS, ENDS = 600_000, 10, 5
FIRST_WITHIN = 600_000


class Line(NamedTuple):
    """One line of the log: `active` False = recovered."""

    time: int
    tag: str
    type: str
    active: bool


class Load(NamedTuple):
    """Announcements of all runs: windows of ten minutes from each run's first line to its last."""

    announcements: int
    per_window: float
    worst: int
    windows_over: float  # share of windows with more than one, EEMUA's steady target
    flood: float  # share of the time


def lines(folder: Path, most: int | None = None) -> dict[str, list[Line]]:
    """Run -> its lines, in the order of the file."""
    found: dict[str, list[Line]] = {}
    with tarfile.open(folder / FILE) as archive:
        names = sorted((m.name for m in archive if m.name.endswith(".csv")), key=lambda name: int(re.findall(r"\d+", name)[-1]))
        for name in names[:most]:
            text = io.TextIOWrapper(archive.extractfile(name), encoding="utf-8", newline="")  # type: ignore[arg-type]
            found[re.findall(r"\d+", name)[-1]] = [_line(row) for row in csv.DictReader(text)]
    return found


def _line(row: dict[str, str]) -> Line:
    moment = datetime.datetime.fromisoformat(row["timestamp"][:26]).replace(tzinfo=datetime.UTC)
    kind = row["type"].removesuffix(" NR")
    return Line(round(moment.timestamp()) * 1000, row["tag"], kind, kind == row["type"])


def inputs(run: list[Line]) -> Iterator[Any]:
    first = run[0].time
    for tag in sorted({line.tag for line in run}):
        yield SensorSeen(
            sensor=Sensor(feed="tep", sensor_id=tag, kind="process", quantity="state", unit=""), time=first, at=first
        )
    for line in run:
        yield Supplied(
            site=f"tep/{line.tag}", active=line.active, severity=SEVERITY[line.type], rule=f"{line.tag}.{line.type}",
            label={"en": f"{line.tag} {line.type}"}, family="process", time=line.time,
        )  # fmt: skip
    yield Tick(at=run[-1].time + WINDOW)


def default_rules() -> Rulebook:
    return rules_of({})


def announcements(edges: list[Any]) -> list[int]:
    """When something asked for attention anew (ms)."""
    return [edge.time for edge in _announced(edges)]


def _announced(edges: list[Any]) -> list[Any]:
    severity: dict[str, int] = {}
    found = []
    for edge in edges:
        if edge.move == "return":
            severity.pop(edge.site, None)
            continue
        now, before = edge.data.get("severity", 0), severity.get(edge.site, 0)
        if not edge.data.get("hidden_by") and now > before:
            found.append(edge)
            severity[edge.site] = now
    return found


def groups_begun(edges: list[Any]) -> list[int]:
    """When a group of alarms got its first one after having had none: what is left at the top of a list of groups."""
    member: dict[str, str] = {}
    found = []
    for edge in edges:
        if edge.move == "return":
            member.pop(edge.site, None)
            continue
        group = edge.data.get("group") or edge.site
        if group not in member.values() and not edge.data.get("hidden_by"):
            found.append(edge.time)
        member[edge.site] = group
    return found


def firsts(run: list[Line]) -> dict[tuple[str, str], int]:
    """The first raise line of each tag and type: from the file alone."""
    found: dict[tuple[str, str], int] = {}
    for line in run:
        if line.active:
            found.setdefault((line.tag, line.type), line.time)
    return found


def hidden_firsts(run: list[Line], edges: list[Any]) -> tuple[list[tuple[str, str]], list[int]]:
    """Kinds whose first line was hidden, and the delays (ms) of the others."""
    named: dict[str, list[int]] = {}
    for edge in edges:
        if edge.move != "return" and not edge.data.get("hidden_by"):
            for rule in {edge.data.get("rule", ""), *edge.data.get("rules", ())}:
                named.setdefault(rule, []).append(edge.time)
    hidden, delays = [], []
    for (tag, kind), time in firsts(run).items():
        after = [at - time for at in named.get(f"{tag}.{kind}", ()) if 0 <= at - time <= FIRST_WITHIN]
        (delays.append(min(after)) if after else hidden.append((tag, kind)))
    return hidden, delays


def announced_firsts(run: list[Line], edges: list[Any]) -> int:
    """How many first lines asked for attention by themselves; the others show on an alarm that stands already."""
    asked = {(edge.site, edge.time) for edge in _announced(edges)}
    return sum((f"tep/{tag}", time) in asked for (tag, _), time in firsts(run).items())


def most_lines(runs: dict[str, list[Line]]) -> int:
    """The most lines of any kind within ten minutes."""
    found = 0
    for run in runs.values():
        times = np.array([line.time for line in run])
        found = max(found, int((np.arange(len(times)) - np.searchsorted(times, times - WINDOW, side="right")).max()) + 1)
    return found


def in_flood(moments: list[int], end: int) -> int:
    """ms in flood until `end`: exact at every arrival and every departure from the window."""
    events = sorted([(at, 1) for at in moments] + [(at + WINDOW, -1) for at in moments])
    count, since, total = 0, None, 0
    for at, step in events:
        count += step
        if since is None and count >= BEGINS:
            since = at
        elif since is not None and count < ENDS:
            total, since = total + min(at, end) - min(since, end), None
    return total + (max(0, end - since) if since is not None else 0)


def load(runs: list[tuple[int, int, list[int]]]) -> Load:
    """`runs`: (first line, last line, announcements) of each."""
    counts, flood, time = [], 0, 0
    for start, end, moments in runs:
        edges = np.arange(start, end + WINDOW, WINDOW)
        counts.append(np.histogram(moments, bins=np.append(edges, edges[-1] + WINDOW))[0])
        flood, time = flood + in_flood(moments, end), time + end - start
    every = np.concatenate(counts)
    return Load(int(every.sum()), float(every.mean()), int(every.max()), float((every > 1).mean()), flood / max(1, time))


def figures(most: int | None = None) -> Iterator[str]:
    found = lines(real_data(), most)
    spans = {name: (run[0].time, run[-1].time) for name, run in found.items()}
    before = load([(*spans[name], [line.time for line in run if line.active]) for name, run in found.items()])
    made = {name: edges_of(default_rules(), inputs(run)) for name, run in found.items()}
    after = load([(*spans[name], announcements(edges)) for name, edges in made.items()])
    grouped = load([(*spans[name], groups_begun(edges)) for name, edges in made.items()])
    yield f"{sum(map(len, found.values())):,} lines, {len(found)} runs, {len({x.tag for run in found.values() for x in run})} tags; "
    yield f"up to {most_lines(found)} lines in ten minutes."
    yield ""
    yield "| what asks for attention | announcements | per 10 min | most in 10 min | windows with more than one | time in flood | ratio |"
    yield "|---|---|---|---|---|---|---|"
    for name, one in (("before: every raise line", before), ("after: alarms", after), ("after: groups", grouped)):
        ratio = f"{before.announcements / max(1, one.announcements):.1f}"
        yield (
            f"| {name} | {one.announcements:,} | {one.per_window:.2f} | {one.worst} | {one.windows_over:.1%} | {one.flood:.2%} | {ratio} |"
        )
    checked = {name: hidden_firsts(run, made[name]) for name, run in found.items()}
    hidden = [(name, *kind) for name, (kinds, _) in checked.items() for kind in kinds]
    delays = sorted(delay for _, some in checked.values() for delay in some)
    yield ""
    yield (
        f"First of its kind: {len(delays) + len(hidden):,} (run, tag, type); hidden: {len(hidden)}; "
        f"told at once {sum(delay == 0 for delay in delays):,}, latest after {max(delays, default=0) / 1000:.0f} s; "
        f"{sum(announced_firsts(run, made[name]) for name, run in found.items()):,} asked for attention by themselves, "
        f"the others show on an alarm of the tag that stood already. {hidden[:10] or ''}"
    )
