"""Arithmetic of equal periods: which one a moment lies in, when it is over, when its reports were due. Pure; times city ms.

Period k of a schedule that began at `start` is [start + k*every, start + (k+1)*every); its reports are due `grace` later.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

MINUTE = 60_000


class Rhythm(NamedTuple):
    """`every` and `grace` in ms."""

    start: int
    every: int
    grace: int

    def begin(self, k: int) -> int:
        return self.start + k * self.every

    def end(self, k: int) -> int:
        return self.start + (k + 1) * self.every

    def due(self, k: int) -> int:
        """From this moment on a report of period k is late."""
        return self.end(k) + self.grace

    def at(self, moment: int) -> int:
        """The period a moment lies in; what is before the first lies in the first."""
        return max(0, (moment - self.start) // self.every)

    def closed(self, moment: int) -> int:
        """How many periods' reports were due at `moment` or before."""
        return max(0, (moment - self.start - self.grace) // self.every)


def aligned(moment: int, every: int, zone: tzinfo) -> int:
    """The last moment not after `moment` that lies a whole number of periods after the local midnight before it."""
    local = datetime.fromtimestamp(moment / 1000, zone)
    offset = local.utcoffset() or timedelta()
    of_day = moment + offset // timedelta(milliseconds=1)
    return moment - of_day % 86_400_000 % every
