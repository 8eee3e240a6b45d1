"""One frame as a reader of files makes it."""

from __future__ import annotations

from typing import NamedTuple


class Read(NamedTuple):
    """One frame: moments in ms, codes of `hall.core.raster` in the grid's rows."""

    time: int
    start: int
    run: int
    codes: bytes
    most: float
    covered: float
    source: str
    estimated: str
