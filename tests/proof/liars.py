"""Sensors that lie, put into real series: how often the hall doubts them, and whether a road would be closed.

Truth: windows of a day of real gauges (FloodNet rows under 4.5 in, USGS stage, the Housemill's water level), each laid so that its
highest value is at most 12 cm: whatever speaks of closing is the lie. The gauge stands in an underpass, with the default rules of
alarms and closures. The lie begins at a random sample of the middle third. Clocks that are a day off are put into real floods over
12 in, too: there the water was real, but on another day.

*Alarm*: the hall raised one. *Believed*: at some moment it was active with a line of 25 cm or more crossed and nobody doubted it.
*Proposed*: the hall asked a person whether to close; *asked to look first*: the proposal began with its doubt. *Ordered*: closed without a person; the table of moves has no such move for
the hall (tests/proof/test_proof.py asks every state).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dispatch.alarming import Engine
from dispatch.alarming.inputs import Reading, SensorSeen
from dispatch.alarming.rulebook import Rulebook, rules_of
from dispatch.closures.advice import Advisor
from dispatch.closures.settings import ClosureRules, settings_of
from hall.core import config
from hall.core.model import Sensor
from tests.proof.engines import real_data
from tests.proof.floods import INCH_METRES, Profile, profiles

SEED, EACH = 20260722, 200
HIGHEST = 0.12
CLOSE = 0.25
DAY = 86_400_000
SITE = ("lie", "gauge")


class Series(NamedTuple):
    """`heard`: when the hall got each reading; `times`: when the gauge says it was (ms); metres."""

    heard: np.ndarray
    times: np.ndarray
    metres: np.ndarray


class Result(NamedTuple):
    alarm: bool
    believed: bool
    proposed: int  # ms of the first proposal, -1 none
    doubt: tuple[str, ...] = ()  # why that proposal asked to look first


Lie = Callable[[Series, int, np.random.Generator], Series]


def truths(folder: Path, rng: np.random.Generator, each: int) -> dict[str, list[Series]]:
    """Source -> windows of the truth."""
    quiet = [row for row in profiles(folder) if row.max_inches <= 4.5 and len(row.times) >= 60]
    chosen = [quiet[i] for i in rng.choice(len(quiet), each)]
    return {
        "FloodNet": [_series(row) for row in chosen],
        "USGS": _windows(_usgs(folder), rng, each, 288),
        "Housemill": _windows(_housemill(folder), rng, each, 144),
    }


def _series(row: Profile) -> Series:
    times, keep = np.unique(row.times, return_index=True)
    return Series(times, times, np.minimum(row.inches[keep] * INCH_METRES, HIGHEST))


def _usgs(folder: Path) -> pd.Series:
    frame = pd.read_parquet(folder / "sensors" / "usgs_2gauges_9series_2019-05.parquet")
    return frame["USGS:01589330:00065:00000"].dropna() * 0.3048


def _housemill(folder: Path) -> pd.Series:
    with gzip.open(folder / "sensors" / "housemill_water_height_2024.csv.gz", "rt", encoding="utf-8") as file:
        frame = pd.read_csv(file, comment="#")
    frame = frame[pd.to_numeric(frame.water_height_mm, errors="coerce").notna()]
    return pd.Series(frame.water_height_mm.astype(float).to_numpy() / 1000, pd.to_datetime(frame._time, format="ISO8601"))


def _windows(series: pd.Series, rng: np.random.Generator, each: int, length: int) -> list[Series]:
    times = (series.index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[ms]")).astype(np.int64)
    values, made = series.to_numpy(), []
    for start in rng.integers(0, len(values) - length, each):
        part = values[start : start + length] - values[start : start + length].min()
        stamps, keep = np.unique(times[start : start + length], return_index=True)
        part = part[keep]
        made.append(Series(stamps, stamps, part * min(1.0, HIGHEST / max(part.max(), 1e-9))))
    return made


# -- lies --------------------------------------------------------------------------------------------------------------------


def _spike(samples: int) -> Lie:
    def lie(truth: Series, k: int, rng: np.random.Generator) -> Series:
        metres = truth.metres.copy()
        metres[k : k + samples] += rng.uniform(0.5, 2.0)
        return truth._replace(metres=metres)

    return lie


def _frozen_high(truth: Series, k: int, rng: np.random.Generator) -> Series:
    metres = truth.metres.copy()
    metres[k:] = rng.uniform(0.3, 2.0)
    return truth._replace(metres=metres)


def _frozen(truth: Series, k: int, rng: np.random.Generator) -> Series:
    metres = truth.metres.copy()
    metres[k:] = metres[k]
    return truth._replace(metres=metres)


def _unit(factor: float) -> Lie:
    def lie(truth: Series, k: int, rng: np.random.Generator) -> Series:
        metres = truth.metres.copy()
        metres[k:] *= factor
        return truth._replace(metres=metres)

    return lie


def _clock(shift: int) -> Lie:
    def lie(truth: Series, k: int, rng: np.random.Generator) -> Series:
        times = truth.times.copy()
        times[k:] += shift
        return truth._replace(times=times)

    return lie


LIES: dict[str, Lie] = {
    "nothing (the truth)": lambda truth, k, rng: truth,
    "stuck at its value": _frozen,
    "jumps to 30-200 cm and sticks": _frozen_high,
    "one spike of 50-200 cm": _spike(1),
    "three spikes in a row": _spike(3),
    "unit changes, in for cm (x 2.54)": _unit(2.54),
    "unit changes, mm for cm (x 10)": _unit(10.0),
    "unit changes, cm for m (x 100)": _unit(100.0),
    "clock a day ahead": _clock(DAY),
    "clock a day behind": _clock(-DAY),
}


# -- the hall's part -----------------------------------------------------------------------------------------------------------


def default_closures() -> ClosureRules:
    return settings_of(config.parse('[city]\nname = {en = "x"}\ncentre = [0, 0]\n'))


def heard(series: Series, rules: Rulebook, closures: ClosureRules) -> Result:
    """One gauge from its first reading to its last, as the dispatch process would hear it."""
    engine, advisor = Engine(rules), Advisor(closures)
    site, subject = "/".join(SITE), f"observation/{'/'.join(SITE)}/water_depth"
    begin = int(series.heard[0])
    edges = engine.take([SensorSeen(sensor=Sensor(feed=SITE[0], sensor_id=SITE[1], kind="underpass"), time=begin, at=begin)])
    alarm = believed = False
    proposed, doubt = -1, ()
    for at, time, metres in zip(series.heard.tolist(), series.times.tolist(), series.metres.tolist(), strict=True):
        reading = Reading(feed=SITE[0], sensor=SITE[1], quantity="water_depth", value=round(metres, 4), time=time, at=at)
        edges = engine.take([reading])
        for edge in edges:
            wet = edge.data.get("family") != "sensor" and edge.data.get("quantity") == "water_depth"
            alarm = alarm or (edge.move == "raise" and wet)
            grave = (edge.data.get("threshold") or 0) >= CLOSE and edge.data.get("severity", 0) >= 3
            believed = believed or (edge.move != "return" and grave and not edge.data.get("doubtful"))
            advisor.alarm(site, _document(edge))
        if advisor.watches(subject):
            advisor.reading(subject, round(metres, 4), time, at)
        asked = [advice for advice in advisor.advise(at) if advice.move == "propose"] if proposed < 0 else []
        if asked:
            proposed, doubt = at, tuple(sign["code"] for sign in asked[0].data.get("doubt", ()))
    return Result(alarm, believed, proposed, doubt)


def _document(edge: Any) -> dict[str, Any]:
    """The alarm's document as closures read it."""
    if edge.move == "return":
        return {"kind": "underpass", "quantity": "water_depth", "active": False}
    return {"kind": "underpass", "active": True, "alarm_id": f"{edge.site}@{edge.data.get('since', edge.time)}", **edge.data}


def trial(folder: Path, each: int = EACH, only: tuple[str, ...] = tuple(LIES)) -> dict[tuple[str, str], list[Result]]:
    """(lie, source) -> what became of each series."""
    rng = np.random.default_rng(SEED)
    rules, closures = rules_of({}), default_closures()
    found: dict[tuple[str, str], list[Result]] = {}
    for source, windows in truths(folder, rng, each).items():
        for name in only:
            lie = LIES[name]
            made = [lie(one, int(len(one.heard) * rng.uniform(1 / 3, 2 / 3)), rng) for one in windows]
            found[name, source] = [heard(one, rules, closures) for one in made]
    return found


def deep_floods(folder: Path) -> list[Profile]:
    return [row for row in profiles(folder) if row.max_inches > 12 and row.inches[0] < 4]


def floods_with(folder: Path, shift: int, most: int | None = None) -> list[tuple[Profile, Result]]:
    """Real floods over 12 in whose gauge's clock is off by `shift` ms."""
    rules, closures = rules_of({}), default_closures()
    rows = deep_floods(folder)[:most]
    return [(row, heard(_flood(row, shift), rules, closures)) for row in rows]


def _flood(row: Profile, shift: int) -> Series:
    times, keep = np.unique(row.times, return_index=True)
    return Series(times, times + shift, row.inches[keep] * INCH_METRES)


def figures(each: int = EACH) -> Iterator[str]:
    folder = real_data()
    found = trial(folder, each)
    yield f"{each} windows of each source; FloodNet / USGS / Housemill."
    yield ""
    yield "| lie | alarm raised | believed at 25 cm or more | asked to look first | closing proposed | closed by the hall itself |"
    yield "|---|---|---|---|---|---|"
    for name in LIES:
        counts = [found[name, source] for source in ("FloodNet", "USGS", "Housemill")]
        cells = [
            " / ".join(str(sum(test(r) for r in part)) for part in counts)
            for test in (lambda r: r.alarm, lambda r: r.believed, lambda r: bool(r.doubt), _plainly)
        ]
        yield f"| {name} | {' | '.join(cells)} | 0 |"
    yield ""
    yield "Real floods over 12 in, in an underpass:"
    yield ""
    yield (
        "| clock | floods | alarm raised | believed at 25 cm or more | asked to look first | closing proposed |"
        " after the first sample at 25 cm, median / 90 % |"
    )
    yield "|---|---|---|---|---|---|---|"
    for name, shift in (("right", 0), ("a day ahead", DAY), ("a day behind", -DAY)):
        results = floods_with(folder, shift)
        delays = [r.proposed - _first(row) for row, r in results if r.proposed >= 0]
        spread = " / ".join(f"{x / 1000:.0f} s" for x in np.percentile(delays, [50, 90])) if delays else "-"
        counts = [
            sum(test(r) for _, r in results)
            for test in (lambda r: r.alarm, lambda r: r.believed, lambda r: bool(r.doubt), _plainly)
        ]
        yield f"| {name} | {len(results)} | {' | '.join(map(str, counts))} | {spread} |"


def _plainly(result: Result) -> bool:
    return result.proposed >= 0 and not result.doubt


def _first(row: Profile) -> int:
    return int(row.times[np.argmax(row.inches * INCH_METRES >= CLOSE)])
