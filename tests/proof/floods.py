"""The floods of FloodNet's file, read and judged by numpy alone: the measure that the engine is held against.

Read with the csv and json modules, not with the hall's feeds; times as UTC, as examples/floodnet-nyc says. No rule of the hall is
used here:

* a *flood* is one row of the supplier: water at one site from dry to dry, as FloodNet itself delimits it;
* it *goes over the line* when a sample of its profile is above 4 inches; the *first sample above* is the earliest moment at which
  anybody could know, the *crossing* is where the straight line from the sample before meets 4 inches;
* a *bout* is a stretch above the line at one site, dips below it of up to an hour included: a row whose water was away for longer
  holds more than one.
"""

from __future__ import annotations

import csv
import datetime
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

LINE_INCHES = 4.0
INCH_METRES = 0.0254
BOUT_GAP_MS = 60 * 60_000
FILE = "sensors/floodnet_nyc_flood-events.csv"


class Profile(NamedTuple):
    """One row: samples at `times` (ms) in inches. Before the first and after the last nothing is known."""

    site: str
    times: np.ndarray
    inches: np.ndarray
    max_inches: float  # as the supplier's own column says
    minutes_above: float

    @property
    def start(self) -> int:
        return int(self.times[0])

    @property
    def end(self) -> int:
        return int(self.times[-1])

    @property
    def over(self) -> bool:
        return bool((self.inches > LINE_INCHES).any())

    @property
    def first_above(self) -> int:
        return int(self.times[np.argmax(self.inches > LINE_INCHES)])

    @property
    def crossing(self) -> float:
        """ms, on the straight line between the sample before and the first above."""
        return crossing(self.times, self.inches, int(np.argmax(self.inches > LINE_INCHES)), LINE_INCHES)


def crossing(times: np.ndarray, values: np.ndarray, index: int, line: float) -> float:
    """Where the values go over the line, `index` being the first one above."""
    if index == 0 or values[index] == values[index - 1]:
        return float(times[index])
    share = (line - values[index - 1]) / (values[index] - values[index - 1])
    return float(times[index - 1] + max(0.0, share) * (times[index] - times[index - 1]))


def profiles(real_data: Path) -> list[Profile]:
    """Every row of the file."""
    with (real_data / FILE).open(encoding="utf-8", newline="") as file:
        return [_profile(row) for row in csv.DictReader(file)]


def _profile(row: dict[str, str]) -> Profile:
    begin = datetime.datetime.fromisoformat(row["flood_start_time"]).replace(tzinfo=datetime.UTC).timestamp() * 1000
    seconds = np.array(json.loads(row["flood_profile_time_secs"]), dtype=float)
    inches = np.array(json.loads(row["flood_profile_depth_inches"]), dtype=float)
    times = np.round(begin + seconds * 1000).astype(np.int64)
    return Profile(
        row["sensor_id"], times, inches, float(row["max_depth_inches"]), float(row["duration_above_4_inches_mins"] or 0)
    )  # fmt: skip


def bouts(rows: list[Profile], line: float = LINE_INCHES, gap_ms: int = BOUT_GAP_MS) -> dict[str, list[tuple[int, int]]]:
    """Site -> stretches above the line: from a first sample above to the last one before more than `gap_ms` without any."""
    found: dict[str, list[tuple[int, int]]] = {}
    for site in {row.site for row in rows}:
        mine = [row for row in rows if row.site == site]
        times = np.concatenate([row.times for row in mine])
        inches = np.concatenate([row.inches for row in mine])
        order = np.argsort(times, kind="stable")
        above = times[order][inches[order] > line]
        if not len(above):
            continue
        cuts = np.flatnonzero(np.diff(above) > _reach(times[order], inches[order], above, line, gap_ms))
        starts, ends = above[np.r_[0, cuts + 1]], above[np.r_[cuts, len(above) - 1]]
        found[site] = list(zip(starts.tolist(), ends.tolist(), strict=True))
    return found


def _reach(times: np.ndarray, inches: np.ndarray, above: np.ndarray, line: float, gap_ms: int) -> np.ndarray:
    """How far apart two samples above may lie and still be of one bout: the time the water stays up counts, the dip does not."""
    following = np.searchsorted(times, above[:-1], side="right")
    fell = np.array([_first_not_above(times, inches, start, line) for start in following])
    return np.where(fell < 0, np.iinfo(np.int64).max, fell - above[:-1] + gap_ms)


def _first_not_above(times: np.ndarray, inches: np.ndarray, start: int, line: float) -> int:
    return int(times[start]) if start < len(times) and inches[start] <= line else -1
