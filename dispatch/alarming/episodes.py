"""Alarms as stretches of time: what a course of edges comes to, and which stretch meets which. Pure.

An *episode* is one alarm of one site from its raise to its return. A *flood* is what is known to have happened at a site (an
alarm that somebody confirmed, a line of a list). They meet when they overlap in time at one site.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

FLOOD_WINDOW, FLOOD_BEGINS = 600_000, 10


class Flood(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened at a site from `start` to `end` (ms). A `site` without a slash is a sensor's id of any feed."""

    site: str
    start: int
    end: int
    name: str = ""


class Episode(msgspec.Struct, omit_defaults=True):
    """One alarm. `rule` raised it, `rules` all that held in its course, `until` None = still active. `hidden`: it was never on
    its own in front of an operator (something else explained it all the time); `doubtful`: its readings were never believed."""

    site: str
    at: int  # when the hall knew
    since: int  # when the condition began
    rule: str = ""
    rules: list[str] = []
    severity: int = 0
    priority: int = 0
    label: str = ""
    group: str = ""
    until: int | None = None
    hidden: bool = False
    doubtful: bool = False
    chattering: bool = False


def episodes(edges: Iterable[Any]) -> list[Episode]:
    """The alarms of a course of edges, in the order they were raised."""
    made: list[Episode] = []
    active: dict[str, Episode] = {}
    for edge in edges:
        data, now = edge.data, active.get(edge.site)
        if edge.move == "return":
            if now is not None:
                now.until = edge.time
                del active[edge.site]
            continue
        if now is None:
            now = active[edge.site] = Episode(
                site=edge.site, at=edge.time, since=data.get("since", edge.time), rule=data.get("rule", ""),
                label=data.get("label", ""), hidden=True, doubtful=True,
            )  # fmt: skip
            made.append(now)
        _note(now, data)
    return made


def _note(episode: Episode, data: dict[str, Any]) -> None:
    """What an edge says of an alarm; hidden and doubtful only while every edge says so."""
    rules = data.get("rules") or [data.get("rule", "")]
    episode.rules = sorted({*episode.rules, *filter(None, rules)})
    if data.get("severity", 0) > episode.severity:
        episode.severity, episode.label = data["severity"], data.get("label", episode.label)
    priorities = [p for p in (episode.priority, data.get("priority", 0)) if p]
    episode.priority = min(priorities, default=0)
    episode.group = episode.group or data.get("group", "")
    episode.hidden = episode.hidden and bool(data.get("hidden_by"))
    episode.doubtful = episode.doubtful and bool(data.get("doubtful"))
    episode.chattering = episode.chattering or bool(data.get("chattering"))


def load(moments: list[int], since: int, until: int) -> tuple[int, float]:
    """The most alarms within any ten minutes, and the share of ten-minute windows laid end to end with ten or more."""
    ordered, peak, low = sorted(moments), 0, 0
    for high, moment in enumerate(ordered):
        while ordered[low] <= moment - FLOOD_WINDOW:
            low += 1
        peak = max(peak, high - low + 1)
    windows = Counter((moment - since) // FLOOD_WINDOW for moment in ordered)
    total = max(1, -(-(until - since) // FLOOD_WINDOW))
    return peak, sum(count >= FLOOD_BEGINS for count in windows.values()) / total


# -- which overlaps which ----------------------------------------------------------------------------------------------------


class Overlaps:
    """Stretches of time by site, asked for the first that overlaps another one."""

    def __init__(self, stretches: Iterable[tuple[str, int, int | None]]) -> None:
        self._by_site: dict[str, list[tuple[int, float, int]]] = defaultdict(list)
        for index, (site, start, end) in enumerate(stretches):
            self._by_site[site].append((start, float("inf") if end is None else end, index))
        self._longest: dict[str, float] = {}
        for site, known in self._by_site.items():
            known.sort()
            self._longest[site] = max(end - start for start, end, _ in known)

    def __contains__(self, site: str) -> bool:
        return site in self._by_site

    def first(self, site: str, start: int, end: int | None) -> int | None:
        """Index of the earliest stretch of the site that overlaps `start`..`end`, both included."""
        known, stop = self._by_site.get(site, []), float("inf") if end is None else end
        low = bisect.bisect_left(known, (start - self._longest.get(site, 0), 0, 0))
        for begin, finish, index in known[low:]:
            if begin > stop:
                return None
            if finish >= start:
                return index
        return None


def found_by(alarms: list[Episode], floods: list[Flood]) -> list[Episode | None]:
    """For each flood the first alarm that overlaps it, shown or not doubted; one that nobody ever saw finds nothing."""
    shown = [e for e in alarms if not e.hidden]
    by_site = Overlaps((e.site, e.at, e.until) for e in shown)
    by_sensor = Overlaps((_sensor(e.site), e.at, e.until) for e in shown)
    made: list[Episode | None] = []
    for flood in floods:
        known = by_site if "/" in flood.site else by_sensor
        index = known.first(flood.site, flood.start, flood.end)
        made.append(None if index is None else shown[index])
    return made


def known_as(met: Overlaps, site: str) -> str:
    return site if site in met else _sensor(site)


def _sensor(site: str) -> str:
    """The sensor's id of a site `<feed>/<sensor_id>`."""
    return site.partition("/")[2] or site


def without(alarms: list[Episode], others: list[Episode]) -> list[Episode]:
    """Those of `alarms` that no alarm of `others` overlaps."""
    known = Overlaps((e.site, e.at, e.until) for e in others)
    return [e for e in alarms if known.first(e.site, e.at, e.until) is None]
