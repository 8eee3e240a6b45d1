"""The weather office's part: a warning before each storm, raised while it grows, lowered and cancelled as it passes.

All have the status Exercise, which every screen marks: nobody may take the demo's storm for a real one.
"""

from __future__ import annotations

import datetime

import shapely

from feeds.demo.city import City
from feeds.demo.plane import to_degrees
from feeds.demo.story import HOUR, MINUTE, Storm
from hall.core.model import PublicWarning, WarningArea

_LEVELS = {1: ("蓝色", "Blue"), 2: ("黄色", "Yellow"), 3: ("橙色", "Orange"), 4: ("红色", "Red")}
_TEXT = {
    1: ("12小时内降雨量将达50毫米以上", "50 mm or more within 12 hours"),
    2: ("6小时内降雨量将达50毫米以上", "50 mm or more within 6 hours"),
    3: ("3小时内降雨量将达50毫米以上，低洼路段和下穿通道可能积水", "50 mm or more within 3 hours; underpasses may flood"),
}
_GONE_AFTER = 75 * MINUTE


class Warnings:
    def __init__(self, city: City) -> None:
        town = [shape for row, shape in city.districts if row[0] in ("红旗区", "卫滨区", "牧野区", "凤泉区")]
        rim = shapely.union_all(town).simplify(250)
        rim = max(shapely.get_parts(rim), key=lambda part: part.area)
        ring = [list(to_degrees(point)) for point in shapely.get_coordinates(rim.exterior)]
        codes = [row[2] for row, _ in city.districts[:4]]
        self._area = WarningArea(description="红旗区、卫滨区、牧野区、凤泉区", polygons=[ring], geocodes=codes)

    def telling(self, storm: Storm, feed: str) -> list[tuple[int, PublicWarning | None]]:
        """(ms, document) in time order; None = no longer to be shown."""
        top = 3 if storm.strength > 0.85 else 2
        marks = [(-2.5, 1, "Alert"), (4.0, 2, "Update"), (9.0, top, "Update"), (26.0, 2, "Update"), (41.0, 2, "Cancel")]
        made = []
        for n, (minute, level, kind) in enumerate(marks, 1):
            at = storm.start + int(minute * MINUTE)
            made.append((at, self._document(storm, feed, n, at, level, kind)))
        return [*made, (storm.start + _GONE_AFTER, None)]

    def subject(self, storm: Storm, feed: str) -> str:
        return f"warning/{feed}/{_number(storm)}"

    def _document(self, storm: Storm, feed: str, n: int, at: int, level: int, kind: str) -> PublicWarning:
        zh, en = _LEVELS[level]
        done = kind == "Cancel"
        head = f"演示气象台{'解除' if done else '发布'}暴雨{zh}预警信号"
        english = f"Demo weather office: {en.lower()} rainstorm warning {'lifted' if done else 'in force'}"
        body, english_body = ("降雨趋于结束", "Rain is ending") if done else _TEXT[level]
        return PublicWarning(
            feed=feed, warning_id=_number(storm), sender="演示气象台", status="Exercise", message_type=kind,
            references=[f"{_number(storm)}_{n - 1}"] if n > 1 else [], event="暴雨", severity=level, severity_label=zh,
            urgency="Past" if done else "Immediate", certainty="Observed" if n > 1 else "Likely",
            headline={"zh-CN": head, "en": english}, description={"zh-CN": body, "en": english_body},
            onset=storm.start, expires=at if done else at + 3 * HOUR, areas=[self._area],
            extra={"number": n, "signal": {"kind": "rainstorm", "colour": en.lower()}},
        )  # fmt: skip


def _number(storm: Storm) -> str:
    """Issuer (14 characters), underscore, moment of issue: the form of GB/T 35965.1."""
    issued = datetime.datetime.fromtimestamp(storm.start / 1000 - 150, datetime.timezone(datetime.timedelta(hours=8)))
    return f"41070041600000_{issued:%Y%m%d%H%M%S}"
