"""A comparison of rules in words, for the people who decide whether to switch them on. Pure."""

from __future__ import annotations

import datetime
import tomllib
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dispatch.alarming.episodes import Episode, Flood
from dispatch.alarming.trial import Comparison, Side

LANGUAGES: dict[str, dict[str, str]] = tomllib.loads(
    (Path(__file__).parent.parent / "defaults" / "trial-text.toml").read_text(encoding="utf-8")
)


def lines_of(found: Comparison, language: str, most: int, zone: str) -> Iterator[str]:
    """The text; of each kind of difference at most `most` are named."""
    words, at = LANGUAGES[language], _Times(zone)
    missed = len(found.after.missed)
    counts = {"after": found.after.alarms, "before": found.before.alarms, "missed": missed, "floods": found.floods}
    yield words["head" if found.floods else "no_floods"].format(**counts)
    yield words["span"].format(since=at(found.since), until=at(found.until), inputs=found.inputs)
    for key, side in (("before", found.before), ("after", found.after)):
        yield from _side(words, words[key], side, bool(found.floods))
    if found.rules:
        yield words["rules"]
        yield from (f"  {change.rule}: {change.before:,} → {change.after:,}" for change in found.rules)
    for key in ("newly_missed", "newly_found", "anew", "gone"):
        yield from _differences(words, key, getattr(found, key), most, at)


def _side(words: dict[str, str], name: str, side: Side, floods: bool) -> Iterator[str]:
    counts = {"alarms": side.alarms, "hidden": side.hidden, "sites": side.sites, "peak": side.peak}
    yield words["side"].format(name=name, share=side.flooded_share, **counts)
    if floods:
        median, p90, worst = (_minutes(words, quantile(side.delays, share)) for share in (0.5, 0.9, 1.0))
        counts = {"found": side.found, "missed": len(side.missed), "outside": side.outside}
        yield words["floods"].format(name=name, median=median, p90=p90, worst=worst, **counts)


def quantile(ordered: list[int], share: float) -> int | None:
    """The smallest value that at least `share` of them do not exceed; None of none."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else None


def _minutes(words: dict[str, str], value: int | None) -> str:
    return words["none"] if value is None else words["minutes"].format(value=value / 60_000)


def _differences(words: dict[str, str], key: str, rows: list[Any], most: int, at: _Times) -> Iterator[str]:
    if not rows:
        return
    yield words[key].format(count=len(rows))
    for row in rows[:most]:
        yield f"  {_flood(row, at) if isinstance(row, Flood) else _episode(row, words, at)}"
    if len(rows) > most:
        yield f"  {words['more'].format(count=len(rows) - most)}"


def _flood(flood: Flood, at: _Times) -> str:
    return f"{at(flood.start)}  {flood.site}" + (f"  {flood.name}" if flood.name else "")


def _episode(alarm: Episode, words: dict[str, str], at: _Times) -> str:
    return f"{at(alarm.at)}  {alarm.site}  {alarm.label}  {words['level'].format(value=alarm.severity)}  {alarm.rule}"


class _Times:
    """City time as people write it."""

    def __init__(self, zone: str) -> None:
        self._zone = zoneinfo.ZoneInfo(zone)

    def __call__(self, moment: int) -> str:
        return f"{datetime.datetime.fromtimestamp(moment / 1000, self._zone):%Y-%m-%d %H:%M:%S}"
