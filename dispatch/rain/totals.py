"""Rain of every gauge over the spans that duty officers ask for. Pure: time is an argument; bounded.

What a gauge says of 10 minutes, an hour or a day is laid end to end by gauge.py; here are their names, and which
spans are covered by what was heard: where it is less, the sum is a lower bound and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dispatch.rain.gauge import BOUND, MINUTE, WINDOWS, Gauge, Gauges

TEN = 10
#: minutes that are told
SPANS = (TEN, 60, 180, 360, 720, 1440)
#: gauges that one document names, wettest first
SHOWN = 60
#: gauges added up in one step, so that a large city's rain never holds up anything else
_STEP = 25
#: ms after which a sum is worked out again: where nothing was said (it runs out with time), where something was
_AGAIN, _SOON = MINUTE, MINUTE // 6


class _Site(msgspec.Struct):
    gauge: Gauge
    first: int = 0  # begin of the earliest window that was heard of
    newest: tuple[int, float] | None = None  # of rain_10min: time, mm; None: it tells no such
    sums: dict[int, float] = {}
    at: int = 0  # when `sums` were worked out
    stale: bool = True


class RainTotals:
    """`reading` and `named` take what is heard; `step` adds up; `document` is `kpi/rain`."""

    def __init__(self, gauges: Gauges | None = None) -> None:
        self.gauges = gauges if gauges is not None else Gauges()
        self._sites: dict[str, _Site] = {}
        self._named: dict[str, dict[str, Any]] = {}

    def reading(self, site: str, quantity: str, value: Any, time: int) -> None:
        """One reading in mm; anything that is no rain is left out."""
        if quantity not in WINDOWS or isinstance(value, bool) or not isinstance(value, int | float):
            return
        gauge = self.gauges.put(site, quantity, value, time)
        if gauge is None:
            return
        kept = self._sites.setdefault(site, _Site(gauge))
        begin = time - WINDOWS[quantity]
        kept.first = min(kept.first or begin, begin)
        if quantity == "rain_10min" and (kept.newest is None or time >= kept.newest[0]):
            kept.newest = (time, value)
        kept.stale = True

    def named(self, site: str, document: dict[str, Any] | None) -> None:
        """What the document of a rain gauge's sensor says of it; None: it is gone."""
        if document is None:
            self._named.pop(site, None)
        elif site in self._named or len(self._named) < BOUND:
            told = ("name", "lon", "lat", "district")
            self._named[site] = {key: document[key] for key in told if document.get(key) is not None}

    def step(self, now: int) -> int:
        """Adds up some of the gauges that changed; returns how many are left."""
        waiting = [kept for kept in self._sites.values() if now - kept.at >= (_SOON if kept.stale else _AGAIN)]
        for kept in waiting[:_STEP]:
            kept.sums = {hours * 60: mm for hours, mm in kept.gauge.sums(now).items()}
            if kept.newest is not None:
                kept.sums[TEN] = round(kept.newest[1], 2) if now - kept.newest[0] < TEN * MINUTE else 0.0
            kept.at, kept.stale = now, False
        return max(0, len(waiting) - _STEP)

    def current(self, now: int) -> Iterator[tuple[str, dict[str, Any], dict[int, float], int]]:
        """Of every gauge heard within a day: site, what its sensor says of it, mm by minutes, when it was heard."""
        for site, kept in self._sites.items():
            if kept.sums and kept.gauge.time > now - max(SPANS) * MINUTE:
                yield site, self._named.get(site, {}), kept.sums, kept.gauge.time

    def document(self, now: int) -> dict[str, Any]:
        """`{as_of, count, gauges: [{site, name, mm {minutes: mm}, covers, at, lon, lat, district}], most {minutes: mm}}`.

        `covers`: minutes back from `as_of` that were heard of; a longer span's sum is at least what stands there.
        """
        since = now - max(SPANS) * MINUTE
        known = [(site, kept) for site, kept in self._sites.items() if kept.sums and kept.gauge.time > since]
        known.sort(key=lambda one: (-one[1].sums.get(60, 0.0), -one[1].sums.get(1440, 0.0), one[0]))
        most = {str(span): max((kept.sums.get(span, 0.0) for _, kept in known), default=0.0) for span in SPANS}
        return {
            "as_of": now,
            "count": len(known),
            "gauges": [self._row(site, kept, now) for site, kept in known[:SHOWN]],
            "most": most,
        }

    def _row(self, site: str, kept: _Site, now: int) -> dict[str, Any]:
        covers = max(0, min(max(SPANS), (now - kept.first) // MINUTE))
        told = {str(span): kept.sums[span] for span in SPANS if span in kept.sums}
        return {"site": site, "mm": told, "covers": covers, "at": kept.gauge.time, **self._named.get(site, {})}
