"""A busy afternoon of the demo city: documents of every kind the map draws, seeded."""

from __future__ import annotations

import random

import msgspec

from hall.core.clock import real_ms
from hall.core.raster import grid_over

CENTRE = (113.92, 35.30)
CLASSES = (("市容环境", "暴露垃圾"), ("公用设施", "井盖破损"), ("街面秩序", "占道经营"), ("突发事件", "道路积水"))


def around(chance: random.Random, spread: float = 0.05) -> dict[str, float]:
    return {"lon": round(chance.gauss(CENTRE[0], spread), 6), "lat": round(chance.gauss(CENTRE[1], spread * 0.8), 6)}


def cases(chance: random.Random, count: int) -> list[tuple]:
    now, rows = real_ms(), []
    for number in range(count):
        big, small = chance.choice(CLASSES)
        severity = chance.choices((0, 1, 2, 3, 4), (50, 25, 14, 8, 3))[0]
        data = {
            "feed": "cases", "case_id": f"410700-{number:05d}", "state": "handling", "severity": severity,
            "kind": chance.choice(("component", "occurrence", "service")), "class_name": big, "subclass_name": small,
            "unit": "红旗区市政养护一队", "district": "红旗区", "due": now + chance.randint(-3, 20) * 3_600_000,
            "stages": {"reported": now - chance.randint(1, 300) * 60_000}, "address": "平原路与胜利路交叉口东南角",
        }  # fmt: skip
        if number % 25:
            data |= around(chance)
        rows.append((f"case/cases/{number}", data))
    return rows


def gauges(chance: random.Random, count: int) -> list[tuple]:
    rows = []
    lines = [{"value": v, "severity": s} for v, s in ((0.10, 1), (0.15, 2), (0.25, 3), (0.40, 4))]
    for number in range(count):
        place = {"feed": "gauges", "sensor_id": f"g{number}", **around(chance, 0.03)}
        rows.append(
            (f"sensor/gauges/g{number}", place | {"name": f"{number} 号积水点", "quantity": "water_depth", "thresholds": lines})
        )
        value = max(0.0, chance.gauss(0.08, 0.13))
        reading = {"feed": "gauges", "sensor_id": f"g{number}", "quantity": "water_depth", "value": value, "unit": "m"}
        rows.append((f"observation/gauges/g{number}/water_depth", reading))
    return rows


def units(chance: random.Random, count: int, feed: str = "crews") -> list[tuple]:
    rows = []
    for number in range(count):
        kind = ("vehicle", "vehicle", "crew", "pump")[number % 4]
        data = {"feed": feed, "unit_id": f"u{number}", "name": f"排水 {number} 车", "kind": kind, **around(chance)}
        if kind != "crew":
            data["heading_deg"] = chance.uniform(0, 360)
        if number % 9 == 0:
            data["accuracy_m"] = 350.0
        rows.append((f"position/{feed}/u{number}", data, real_ms() - (900_000 if number % 11 == 0 else 0)))
    return rows


def cameras(chance: random.Random, count: int) -> list[tuple]:
    return [
        (
            f"channel/cameras/c{number}",
            {"feed": "cameras", "channel_id": f"c{number}", "name": f"路口 {number}", "has_stream": number % 3 == 0,
             "state": "offline" if number % 7 == 0 else "online", **around(chance)},
        )
        for number in range(count)
    ]  # fmt: skip


def warning(severity: int = 3, status: str = "Actual") -> tuple:
    ring = [[113.80, 35.24], [113.93, 35.22], [113.97, 35.30], [113.88, 35.36], [113.79, 35.32], [113.80, 35.24]]
    data = {
        "feed": "warnings", "warning_id": "w1", "status": status, "event": "暴雨", "severity": severity,
        "headline": {"zh-CN": "暴雨橙色预警", "en": "Orange rainstorm warning"}, "areas": [{"polygons": [ring]}],
    }  # fmt: skip
    return ("warning/warnings/w1", data)


def cells(codes: list[str], chance: random.Random) -> tuple:
    rows = {code: [chance.randint(1, 6), chance.choices((0, 1, 2, 3, 4), (40, 30, 18, 9, 3))[0]] for code in codes}
    return ("kpi/cells", {"as_of": real_ms(), "rows": rows})


def signs(chance: random.Random, count: int) -> list[tuple]:
    """So many each of closed places, pump stations, incidents and drawn shapes."""
    now, rows = real_ms(), []
    for number in range(count):
        state = ("proposed", "ordered", "confirmed")[number % 3]
        closure = {"closure_id": f"c{number}", "name": f"{number} 号下穿", "state": state, "since": now, **around(chance)}
        rows.append((f"closure/c{number}", closure))
        depot = {"depot_id": f"d{number}", "name": f"{number} 号泵站", "kind": "pump_station", **around(chance)}
        rows.append((f"depot/d{number}", depot))
        incident = {"incident_id": f"i{number}", "name": f"{number} 号积水", "state": "open", "grade": "III", **around(chance)}
        rows.append((f"incident/i{number}", incident))
        west, south = around(chance).values()
        ring = [[west + dx, south + dy] for dx, dy in ((0, 0), (0.01, 0), (0.01, 0.01), (0, 0.01), (0, 0))]
        rows.append(drawn(f"s{number}", title=f"{number} 号片区", geometry={"type": "Polygon", "coordinates": [ring]}))
    return rows


def rain(side: int = 300, minutes: int = 1) -> tuple[tuple, bytes]:
    """A frame of radar over the city, `side` by `side` pixels that all differ from their neighbours, and its pixels."""
    at = real_ms() - minutes * 60_000
    grid = grid_over((113.70, 35.12, 114.14, 35.48), 40_000 // side, side)
    frame = {"time": at, "start": at, "run": at, "version": "v0", "most": 30.0, "covered": 1.0}
    data = {"feed": "rv", "product": "rain", "grid": msgspec.to_builtins(grid), "bounds": grid.bounds(), "step": 0.004,
            "breaks": [0.1, 1.6, 7.0, 15.0, 40.0, 50.0], "frames": [frame], "stale_seconds": 36_000, "label": {"zh-CN": "雷达"}}  # fmt: skip
    return ("raster/rv/rain", data), bytes((i * 7 + i // grid.width * 3) % 90 for i in range(grid.width * grid.height))


def drawn(name, share="walls", colour="violet", **more):
    ring = [[113.91, 35.29], [113.93, 35.29], [113.93, 35.31], [113.91, 35.31], [113.91, 35.29]]
    data = {"shape_id": name, "kind": "polygon", "title": f"<img src=x onerror=window.hacked=1> {name}", "owner": "li", "share": share,
            "colour": colour, "geometry": {"type": "Polygon", "coordinates": [ring]}, "changed": real_ms(), "revision": 1}  # fmt: skip
    return (f"shape/{name}", data | more)


def pushed(**view) -> tuple:
    """A console's push of a view to this wall."""
    content = {"lon": CENTRE[0], "lat": CENTRE[1], "zoom": 12, "view": view}
    push = {
        "number": 1,
        "what": "map",
        "content": content,
        "priority": 2,
        "since": real_ms(),
        "who": "li",
        "role": "dispatcher",
    }
    return ("show/only-map/all", {"wall": "only-map", "target": "all", "pushes": [push], "revision": 1})


def alive() -> list[tuple]:
    """What the map's freshness rests on."""
    now, rows = real_ms(), []
    for name in ("feeds", "dispatch"):
        rows.append((f"process/{name}", {"name": name, "pid": 1, "started": now, "beat": now}))
    kinds = {"cases": "case", "gauges": "observation", "crews": "position", "cameras": "channel", "warnings": "warning"}
    for name, kind in kinds.items():
        rows.append((f"feed/{name}", {"name": name, "kind": kind, "state": "live", "expected_seconds": 30, "last_seen": now}))
    rows.append(("kpi/today", {"as_of": now, "cards": []}))
    return rows
