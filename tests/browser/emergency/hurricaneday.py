"""The city of the hurricane day's journey: Boston on 28 August 2011 where the real input is there, else a small town of its own.

Both are replays at twenty times their speed, with a roster of one crew, one low spot beside the gauge that floods first, a camera
there, and a feed `signals` that takes CAP by push.
"""

from __future__ import annotations

import csv
import datetime
import re
from pathlib import Path
from typing import NamedTuple

from tests.push import TOKEN
from tests.running import ROOT

UNIT, CREW = "drains", "drains-1"
#: what both need
_COMMON = """
[dispatch.crews]
roster = "crews.csv"

[dispatch.plans.flood.spots.low]
name = {zh-CN = "低洼点", en = "Low spot"}
unit = "%(unit)s"
lon = %(lon)f
lat = %(lat)f

[[feeds]]
name = "signals"
kind = "warning"
url = "push://"
format = "cap"
token = "%(token)s"
expected_seconds = 86400

[[feeds]]
name = "spotcams"
kind = "channel"
url = "replay://spotcams.csv"
expected_seconds = 86400
options = {video_roots = [%(clips)s]}
[feeds.mapping]
channel_id = "id"
name = "name"
lon = "lon"
lat = "lat"
%(stream)s
"""
_TOWN = """
[city]
name = {zh-CN = "测试市（演练）", en = "Test town (exercise)"}
centre = [113.92, 35.30]
timezone = "America/New_York"
demo = true
[clock]
start = "2011-08-28T07:50:00"
rate = 20
stop = "2011-08-28T11:00:00"
[[feeds]]
name = "gauges"
kind = "sensor"
url = "replay://gauges.csv"
expected_seconds = 86400
[feeds.mapping]
sensor_id = "id"
name = "name"
kind = {const = "road"}
quantity = {const = "water_depth"}
unit = {const = "m"}
lon = "lon"
lat = "lat"
feed = {const = "floodnet"}
[[feeds]]
name = "depths"
kind = "observation"
url = "replay://depths.csv"
expected_seconds = 600
[feeds.mapping]
feed = {const = "floodnet"}
sensor_id = "id"
quantity = {const = "water_depth"}
value = {path = "cm", unit = "cm"}
time = {path = "time", time = "iso"}
[[feeds]]
name = "cases"
kind = "case"
url = "replay://cases.csv"
expected_seconds = 86400
[feeds.mapping]
case_id = "id"
class_name = {const = "突发事件"}
subclass_name = {const = "道路积水"}
time = {path = "time", time = "iso"}
stages.reported = {path = "time", time = "iso"}
lon = "lon"
lat = "lat"
"""


class Day(NamedTuple):
    """`config` of the hall, `gauge`: sensor that goes over 25 cm first, `channel`: the camera beside it, `moving`: whether that
    camera has a picture."""

    config: Path
    gauge: str
    channel: str
    moving: bool
    lon: float
    lat: float


def boston(folder: Path) -> Day:
    """examples/boston-irene from 11:50, a few minutes before Carroll Street floods, with a week of cases."""
    text = (ROOT / "examples/boston-irene/hall.toml").read_text(encoding="utf-8")
    text = re.sub(r'^start = "[^"]*"', 'start = "2011-08-28T11:50:00"', text, count=1, flags=re.M)
    text = re.sub(r"^rate = \d+", "rate = 20", text, count=1, flags=re.M)
    text = text.replace("preload_days = 60", "preload_days = 7")
    (folder / "clips.csv").write_bytes((ROOT / "examples/boston-irene/clips.csv").read_bytes())
    # Carroll Street at 4th Avenue, moved with the others
    return _day(folder, text, "BK-carroll-st-4th-av-0ery00", -73.984089 + 2.85, 40.676281 + 1.68, clips=True)


def town(folder: Path) -> Day:
    lon, lat = 113.921, 35.301
    start = datetime.datetime.fromisoformat("2011-08-28T07:40:00-04:00")
    _write(folder / "gauges.csv", ("id", "name", "lon", "lat"), [("g1", "一号桥", lon, lat), ("g2", "二号桥", lon + 0.02, lat)])
    minutes = [(start + datetime.timedelta(minutes=n), max(0.0, min(35.0, 4.0 * (n - 12)))) for n in range(180)]
    depths = [(name, at.isoformat(), cm if name == "g1" else cm / 6) for at, cm in minutes for name in ("g1", "g2")]
    _write(folder / "depths.csv", ("id", "time", "cm"), depths)
    cases = [(f"k{n}", (start + datetime.timedelta(minutes=3 * n)).isoformat(), lon + n / 2000, lat) for n in range(8)]
    _write(folder / "cases.csv", ("id", "time", "lon", "lat"), cases)
    return _day(folder, _TOWN, "g1", lon, lat, clips=False)


def _day(folder: Path, text: str, gauge: str, lon: float, lat: float, clips: bool) -> Day:
    crew = (CREW, "排水一队", UNIT, lon + 0.004, lat, "排水", "水泵*2")
    _write(folder / "crews.csv", ("crew_id", "name", "unit", "lon", "lat", "skills", "equipment"), [crew])
    _write(
        folder / "spotcams.csv",
        ("id", "name", "lon", "lat", "clip"),
        [("spot", "低洼点", lon + 0.0004, lat, "car-detection.mp4")],
    )
    stream = 'stream_url = {template = "file://{clip}"}' if clips else ""
    given = {"unit": UNIT, "lon": lon, "lat": lat, "token": TOKEN, "stream": stream}
    config = folder / "hall.toml"
    config.write_text(text + _COMMON % {**given, "clips": '"$HALL_REAL_DATA/video"' if clips else ""}, encoding="utf-8")
    return Day(config, gauge, "channel/spotcams/spot", clips, lon, lat)


def _write(path: Path, head: tuple[str, ...], rows: list[tuple]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def red_signal(now: int, day: Day) -> str:
    """A hurricane warning of the gravest kind, sent at `now` (city ms), for six hours: an exercise."""
    sent, until = (datetime.datetime.fromtimestamp(at // 1000, datetime.UTC).isoformat() for at in (now, now + 6 * 3_600_000))
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>41010041600000_20110828075900</identifier><sender>met@example.org</sender><sent>{sent}</sent>
  <status>Exercise</status><msgType>Alert</msgType><scope>Public</scope>
  <info><language>zh-CN</language><category>Met</category><event>台风</event><urgency>Immediate</urgency>
    <severity>Extreme</severity><certainty>Observed</certainty><expires>{until}</expires><senderName>气象台（演练）</senderName>
    <headline>【演练】发布台风红色预警信号</headline><description>风雨将持续增强</description>
    <area><areaDesc>全市</areaDesc><circle>{day.lat},{day.lon} 15</circle></area>
  </info>
</alert>"""
