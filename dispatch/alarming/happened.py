"""What this hall knows to have happened, for trying rules on it: alarms that somebody confirmed, closures that were confirmed
on site or by video, and alarms whose linked case was registered. From lines of the ledger; exercises are none of it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dispatch.alarming.episodes import Flood

CONFIRMING = frozenset({"confirm_site", "confirm_video"})


def happened(alarms: Iterable[Any], closures: Iterable[Any], case: Callable[[str], Iterable[Any]]) -> list[Flood]:
    """Lines of the streams `alarm/` and `closure/` in order, lines of one case file. What overlaps at one site is one."""
    lines = list(alarms)
    return merged([*confirmed_in(lines), *verified_in(lines, case), *closed_in(closures)])


def confirmed_in(entries: Iterable[Any]) -> list[Flood]:
    """One flood for each occurrence of an alarm whose newest disposition is `confirmed`: from its raise to its return, or to
    the last line about it where it has not returned."""
    spans = Spans()
    verdicts: dict[tuple[str, int], str] = {}
    for entry in entries:
        span = spans.take(entry)
        if span is not None and entry.move == "dispose":
            verdicts[span] = entry.data.get("found", "")
    return [spans.flood(span) for span, found in verdicts.items() if found == "confirmed"]


def verified_in(entries: Iterable[Any], case: Callable[[str], Iterable[Any]]) -> list[Flood]:
    """Occurrences with a linked case that somebody registered: what the citizen reported was so."""
    spans, linked = Spans(), dict[tuple[str, int], list[str]]()
    for entry in entries:
        span = spans.take(entry)
        if span is not None and entry.move == "link_case":
            linked.setdefault(span, []).append(entry.data.get("case", ""))
        elif span is not None and entry.move == "unlink_case" and entry.data.get("case") in linked.get(span, ()):
            linked[span].remove(entry.data["case"])
    known: dict[str, bool] = {}
    for name in {name for names in linked.values() for name in names if name.startswith("file/")}:
        known[name] = any(entry.move == "register" for entry in case(name))
    return [spans.flood(span) for span, names in linked.items() if any(known.get(name) for name in names)]


def closed_in(entries: Iterable[Any]) -> list[Flood]:
    """From a closure's proposal to its reopening, or the last line about it, where it was confirmed; at its gauge's site."""
    made: list[Flood] = []
    about: dict[str, dict[str, Any]] = {}
    spans: dict[str, list[int]] = {}
    confirmed: set[str] = set()

    def over(subject: str) -> None:
        span, data = spans.pop(subject, None), about.get(subject, {})
        if span and subject in confirmed and data.get("site") and not data.get("exercise"):
            made.append(Flood(data["site"], *span, name=data.get("name", "")))
        confirmed.discard(subject)

    for entry in entries:
        subject = entry.subject
        if entry.move == "propose":
            over(subject)
            about[subject], spans[subject] = entry.data, [entry.time, entry.time]
        if subject not in spans:
            continue
        spans[subject][1] = max(spans[subject][1], entry.time)
        if entry.move in CONFIRMING:
            confirmed.add(subject)
        if entry.move == "reopen":
            over(subject)
    for subject in list(spans):
        over(subject)
    return made


class Spans:
    """Occurrences of alarms: from raise to return, or to the engine's last word."""

    def __init__(self) -> None:
        self._now: dict[str, int] = {}  # site -> start of its occurrence
        self._ends: dict[tuple[str, int], int] = {}
        self._over: set[str] = set()

    def take(self, entry: Any) -> tuple[str, int] | None:
        """The occurrence that a line is about; None: of none that was raised."""
        site = entry.subject.partition("/")[2]
        if entry.move == "raise" and (site not in self._now or site in self._over):
            self._now[site] = entry.time
            self._over.discard(site)
        if site not in self._now:
            return None
        span = site, self._now[site]
        if entry.move == "return":
            self._over.add(site)
        if entry.move in ("raise", "change", "return"):
            self._ends[span] = max(self._ends.get(span, 0), entry.time)
        return span

    def flood(self, span: tuple[str, int]) -> Flood:
        return Flood(span[0], span[1], self._ends[span])


def merged(floods: Iterable[Flood]) -> list[Flood]:
    """Those of one site that overlap are one, with every name."""
    made: list[Flood] = []
    for flood in sorted(floods, key=lambda one: (one.site, one.start, one.end)):
        last = made[-1] if made else None
        if last is None or last.site != flood.site or flood.start > last.end:
            made.append(flood)
            continue
        names = dict.fromkeys(filter(None, [last.name, flood.name]))
        made[-1] = msgspec.structs.replace(last, end=max(last.end, flood.end), name=" · ".join(names))
    return sorted(made, key=lambda one: (one.start, one.site))
