"""Writes signals.cap, rain.csv, sensors.csv and water.csv of this exercise from the public figures below.

    python examples/zhengzhou-2021/write.py

What is public: FIGURES and SIGNALS, each with its source. What is not: how the rain was spread within the spans between those
figures (here: evenly, `basis` = interpolated), how long a signal held (here: the three hours its text speaks of), a second
gauge (here: the same values, `assumed`), and every depth of water (here: a script for the drill, `scripted`). No depth in this
exercise was measured.
"""

from __future__ import annotations

import csv
import datetime
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
ZONE = datetime.timezone(datetime.timedelta(hours=8))
STEP, MINUTE = datetime.timedelta(minutes=10), datetime.timedelta(minutes=1)


def at(day: int, hour: int, minute: int = 0) -> datetime.datetime:
    return datetime.datetime(2021, 7, day, hour, minute, tzinfo=ZONE)


BUREAU = "Zhengzhou weather bureau, 20 July 2021, as quoted by CCTV News"
PROVINCE = "Henan weather office, 20 July 2021, as quoted by Dahe Daily"
WEEKLY = "Southern Weekly, July 2021"
#: (from, to, mm fallen at Zhengzhou's national station, source)
FIGURES = (
    (at(17, 20), at(20, 20), 617.1, BUREAU),
    (at(19, 20), at(20, 20), 552.5, BUREAU),
    (at(19, 17), at(20, 17), 457.5, PROVINCE),
    (at(20, 16), at(20, 17), 201.9, BUREAU),
)
#: the five red rainstorm signals of Zhengzhou's weather office
SIGNALS = (
    (at(19, 21, 59), WEEKLY),
    (at(20, 6, 2), WEEKLY),
    (at(20, 9, 8), WEEKLY),
    (at(20, 11, 50), WEEKLY),
    (at(20, 16, 1), WEEKLY),
)
HELD = datetime.timedelta(hours=3)
#: the first signal's text is public and speaks of three hours; the others are written likewise
TEXT = "目前郑州市区局部降水量已达50毫米以上，预计未来3小时内降水持续，累积降水量将达100毫米以上，请注意防范。"
STATION = (113.66, 34.71)
#: places of the drill: id, name, kind, lon, lat, and depths in cm by time. All invented
SCRIPT = (
    (
        "drill-1",
        "下穿隧道A（演练布点）",
        "underpass",
        113.640,
        34.755,
        "14:00 0, 15:00 8, 15:30 22, 16:00 60, 16:30 140, 20:00 300",
    ),
    ("drill-2", "立交桥下B（演练布点）", "underpass", 113.665, 34.740, "14:30 0, 15:30 12, 16:00 26, 16:30 75, 20:00 110"),
    ("drill-3", "道路C（演练布点）", "road", 113.690, 34.765, "15:00 0, 16:00 18, 16:30 45, 20:00 60"),
    ("drill-4", "道路D（演练布点）", "road", 113.620, 34.720, "15:00 0, 16:10 16, 16:40 42, 20:00 55"),
)


def spans() -> list[tuple[datetime.datetime, datetime.datetime, float]]:
    """The figures as spans that follow each other: (from, to, mm)."""
    three_days, day, until_17, hour = (mm for _, _, mm, _ in FIGURES)
    before = three_days - day  # 17 July 20:00 to 19 July 20:00
    evening = before * 3 / 48  # of it 19 July 17:00 to 20:00, evenly
    night = until_17 - evening - hour  # 19 July 20:00 to 20 July 16:00
    after = day - night - hour  # 20 July 17:00 to 20:00
    return [
        (at(17, 20), at(19, 20), before),
        (at(19, 20), at(20, 16), night),
        (at(20, 16), at(20, 17), hour),
        (at(20, 17), at(20, 20), after),
    ]


def write_rain() -> None:
    with (HERE / "rain.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("sensor", "time", "rain_10min_mm", "basis"))
        for start, end, total in spans():
            count = (end - start) // STEP
            for n in range(1, count + 1):
                moment = (start + n * STEP).isoformat()
                out.writerow(("57083", moment, f"{total / count:.3f}", "interpolated"))
                out.writerow(("drill-rain", moment, f"{total / count:.3f}", "assumed"))


def write_sensors() -> None:
    rows = [("57083", "郑州国家气象站", "rain", "rain_10min", "mm", *STATION, "public")]
    rows.append(("drill-rain", "第二雨量站（演练布点，同值）", "rain", "rain_10min", "mm", 113.60, 34.76, "assumed"))
    rows += [(name, label, kind, "water_depth", "m", lon, lat, "scripted") for name, label, kind, lon, lat, _ in SCRIPT]
    with (HERE / "sensors.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("sensor", "name", "kind", "quantity", "unit", "lon", "lat", "basis"))
        out.writerows(rows)


def write_water() -> None:
    with (HERE / "water.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("sensor", "time", "depth_cm", "basis"))
        rows = []
        for name, _, _, _, _, script in SCRIPT:
            points = [_point(part) for part in script.split(", ")]
            for (start, low), (end, high) in zip(points, points[1:], strict=False):
                for n in range((end - start) // MINUTE):
                    rows.append((start + n * MINUTE, name, low + (high - low) * (n * MINUTE / (end - start))))
        for moment, name, depth in sorted(rows):
            out.writerow((name, moment.isoformat(), f"{depth:.1f}", "scripted"))


def _point(text: str) -> tuple[datetime.datetime, float]:
    """`14:00 8`: a moment of 20 July and the depth then (cm)."""
    clock, depth = text.split()
    hour, minute = clock.split(":")
    return at(20, int(hour), int(minute)), float(depth)


def write_signals() -> None:
    alerts = [_alert(n, moment, source) for n, (moment, source) in enumerate(SIGNALS)]
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<alerts>\n' + "".join(alerts) + "</alerts>\n"
    (HERE / "signals.cap").write_text(text, encoding="utf-8")


def _alert(n: int, moment: datetime.datetime, source: str) -> str:
    update = n and f"<references>zzqx,{_name(SIGNALS[n - 1][0])},{SIGNALS[n - 1][0].isoformat()}</references>"
    return f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{_name(moment)}</identifier><sender>zzqx</sender><sent>{moment.isoformat()}</sent>
  <status>Exercise</status><msgType>{"Update" if n else "Alert"}</msgType><scope>Public</scope>
  <note>{escape(f"Exercise made from public figures; time of issue: {source}.")}</note>{update or ""}
  <info><language>zh-CN</language><category>Met</category><event>暴雨</event>
    <urgency>Immediate</urgency><severity>Extreme</severity><certainty>Observed</certainty>
    <effective>{moment.isoformat()}</effective><expires>{(moment + HELD).isoformat()}</expires>
    <senderName>郑州市气象台（演练）</senderName>
    <headline>【演练】郑州市气象台{moment:%m月%d日%H时%M分}发布暴雨红色预警信号</headline>
    <description>{TEXT}</description>
    <parameter><valueName>signal</valueName><value>暴雨红色</value></parameter>
    <area><areaDesc>郑州市区</areaDesc><circle>34.75,113.65 20</circle></area>
  </info>
</alert>
"""


def _name(moment: datetime.datetime) -> str:
    """Issuer, underscore, moment of issue: the form of GB/T 35965.1."""
    return f"41010041600000_{moment:%Y%m%d%H%M%S}"


if __name__ == "__main__":
    write_rain()
    write_sensors()
    write_water()
    write_signals()
