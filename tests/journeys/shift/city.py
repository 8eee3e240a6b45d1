"""The cities a shift is worked in: a synthetic flood, and the hurricane day over Boston, each with units and crews."""

from __future__ import annotations

import csv
import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from hall.core.bus import Bus
from hall.core.clock import ClockState, real_ms
from hall.replay import steered
from tests.running import ROOT

START = datetime(2011, 8, 28, 6, 0, tzinfo=UTC)
UNITS = ("drains", "roads", "parks")
#: departments of Boston's file that have most cases of the day
BOSTON_UNITS = ("PARK", "PWDx", "BTDT", "ISD", "INFO")


@dataclass
class City:
    """`seconds`: real seconds of the replay. `crews`: unit -> crew ids."""

    config: Path
    units: tuple[str, ...]
    seconds: float
    crews: dict[str, list[str]] = field(default_factory=dict)
    ends: list[datetime] = field(default_factory=list)  # of the waves that have not come yet

    async def goes_on(self, bus_url: str, seconds: float) -> None:
        """The clock of the running hall goes on for as many waves as `seconds` hold, as `hall replay pause MOMENT` lets it."""
        for _ in range(round(seconds / self.seconds)):
            end = self.ends.pop(0)
        bus = Bus(bus_url)
        state = msgspec.json.decode(await bus.get("clock"), type=ClockState)
        state = steered(state, real_ms(), "pause", end.replace(tzinfo=None).isoformat(), "UTC")
        await bus.set(msgspec.json.encode(state), "clock")
        await bus.close()


def _roster(folder: Path, units: tuple[str, ...], each: int, lon: float, lat: float) -> dict[str, list[str]]:
    crews = {unit: [f"{unit}-{n}" for n in range(each)] for unit in units}
    with (folder / "crews.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["crew_id", "name", "unit", "lon", "lat"])
        for unit, names in crews.items():
            rows.writerows([name, name, unit, lon + n / 500, lat] for n, name in enumerate(names))
    return crews


def flood(folder: Path, cases: int, seconds: float, seed: int = 1, rate: int = 60, ended: bool = True, waves: int = 1) -> City:
    """A short replay of `cases` reports; with `ended` a seventh of them are ended again by their supplier while people work
    on them. With more than one of these `waves` the city's clock stands still before each, until `City.goes_on`."""
    dice, span = random.Random(seed), seconds * rate
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "opened", "closed", "status", "kind", "unit", "lon", "lat"])
        times = [wave * span + at for wave in range(waves) for at in sorted(dice.uniform(1, span * 0.7) for _ in range(cases))]
        for number, at in enumerate(times):
            opened = START + timedelta(seconds=at)
            closed = opened + timedelta(seconds=dice.uniform(300, span * 0.3)) if ended and number % 7 == 0 else None
            end = (closed.isoformat(), "closed") if closed else ("", "")
            place = (113.9 + dice.random() / 50, 35.3 + dice.random() / 50)
            rows.writerow([f"n{number}", opened.isoformat(), *end, "积水", dice.choice(UNITS), *place])
    config = folder / "hall.toml"
    ends = [START + timedelta(seconds=span * (wave + 1)) for wave in range(waves)]
    stop = ends[0] if waves == 1 else START + timedelta(seconds=1)
    config.write_text(_FLOOD % (START.isoformat(), stop.isoformat(), rate) + _RULES, encoding="utf-8")
    return City(config, UNITS, seconds, _roster(folder, UNITS, 4, 113.9, 35.3), ends if waves > 1 else [])


def boston(folder: Path, start: str, stop: str, rate: int = 60) -> City:
    """examples/boston-irene from `start` to `stop` (local, ISO), with a roster."""
    text = (ROOT / "examples/boston-irene/hall.toml").read_text(encoding="utf-8")
    text = re.sub(r'^start = "[^"]*"', f'start = "{start}"', text, count=1, flags=re.M)
    text = re.sub(r"^rate = \d+", f"rate = {rate}", text, count=1, flags=re.M)
    text = re.sub(r'^stop = "[^"]*"', f'stop = "{stop}"', text, count=1, flags=re.M)
    config = folder / "hall.toml"
    config.write_text(text + _RULES + _BOSTON_LIMITS, encoding="utf-8")
    seconds = (datetime.fromisoformat(stop) - datetime.fromisoformat(start)).total_seconds() / rate
    return City(config, BOSTON_UNITS, seconds, _roster(folder, BOSTON_UNITS, 6, -71.08, 42.33))


#: a roster, and time enough to take a move back though the city's clock runs sixty times as fast
_RULES = """
[dispatch.crews]
roster = "crews.csv"
[dispatch.casefile]
undo_seconds = 600
"""
#: short enough to come near, to be postponed and to pass within the shift
_LIMITS = {"Trees": "60分钟", "Street Lights": "2紧急工作时", "Signs & Signals": "30分钟", "Sanitation": "1工作日"}
_BOSTON_LIMITS = "".join(
    f'[[dispatch.limits.rules]]\nclass_name = "{name}"\nlimit = "{limit}"\n' for name, limit in _LIMITS.items()
)
_FLOOD = """[city]
name = {zh = "测试", en = "Test"}
centre = [113.9, 35.3]
timezone = "UTC"
[clock]
start = "%s"
stop = "%s"
rate = %d
[[dispatch.limits.rules]]
class_name = "积水"
limit = "10分钟"
[[feeds]]
name = "flood"
kind = "case"
url = "replay://cases.csv"
format = "csv"
expected_seconds = 600
[feeds.mapping]
case_id = "id"
class_name = "kind"
unit = "unit"
lon = "lon"
lat = "lat"
state = {path = "status", null = [""], default = "reported"}
time = {path = "opened", time = "iso"}
stages.reported = {path = "opened", time = "iso"}
stages.closed = {path = "closed", time = "iso"}
[feeds.mapping.unfold]
opened = []
closed = ["status"]
"""
