"""`[map] history` and `history_megabytes` of hall.toml, and what is kept."""

from __future__ import annotations

import re
from typing import NamedTuple

from hall.core.config import HallConfig

FILE = "history.db"  # in the data directory
HOUR_MS = 3_600_000
#: one file of tracks; a browser at 600x needs one a second
SEGMENT_MS = 600_000
#: how long nothing at all may be heard until that is a gap (city ms at the pace of a live city)
SILENT_MS = 30_000
#: topics whose numbers are kept as tracks, the rest of the document as a document
TRACKS = ("position", "observation")
#: topics kept as documents
STATES = (
    "case",
    "file",
    "sensor",
    "alarm",
    "closure",
    "warning",
    "crew",
    "incident",
    "depot",
    "response",
    "raster",
    "kpi",
    "shape",
)
#: of the figures, those that maps draw; kept once a minute
FIGURES = frozenset({"kpi/cells", "kpi/rain"})
FIGURE_MS = 60_000
#: heard for nothing but that the hall was there
BEATS = frozenset({"process"})
TOPICS = frozenset({*TRACKS, *STATES, *BEATS})
_DURATION = re.compile(r"(\d{1,4}) ?(h|d)")


class Rules(NamedTuple):
    """`keep_ms` 0: nothing is kept."""

    keep_ms: int
    most_bytes: int


def settings_of(config: HallConfig) -> Rules:
    """Raises ConfigError naming file, line and key."""
    found = _DURATION.fullmatch(config.map.history)
    hours = int(found[1]) * (24 if found[2] == "d" else 1) if found else -1
    if not 0 <= hours <= 24 * 31:
        raise config.error("map.history", 'write "72 h" or "3 d", at most 31 days; "0 h" keeps nothing')
    if not 16 <= config.map.history_megabytes <= 1_000_000:
        raise config.error("map.history_megabytes", "from 16 to 1000000")
    return Rules(hours * HOUR_MS, config.map.history_megabytes * 1024 * 1024)
