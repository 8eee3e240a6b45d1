"""Documents of a small city on a wet morning, as rows (subject, data[, time]) for wallstage.Gate.put."""

from __future__ import annotations

from hall.core.clock import real_ms

MINUTE = 60_000
KINDS = ("case", "observation", "position", "channel", "warning", "sensor")
CARDS = (
    ("reported", 312, None, ""), ("accepted", 298, 312, "reported"), ("dispatched", 255, 298, "accepted"),
    ("handled", 143, 260, "to_handle"), ("closed", 120, 301, "to_close"), ("overdue", 17, 203, "open"), ("open", 203, None, ""),
)  # fmt: skip


def kpi(values: dict[str, int] | None = None) -> list[tuple]:
    """The indicator documents; `values` replaces single card values."""
    now = real_ms()
    cards = [{"key": k, "value": (values or {}).get(k, v), "of": of, "of_key": key or None} for k, v, of, key in CARDS]
    rows = [
        {"name": f"{name}", "today": 40 - 3 * i, "open": 20 - i, "overdue": i % 3, "closed": 9}
        for i, name in enumerate("甲乙丙丁戊己庚辛壬癸")
    ]
    trend = {"as_of": now, "start": now - 8 * 60 * MINUTE, "bucket_seconds": 3600, "reference_day": "2026-11-13"}
    trend |= {"today": [*range(9), *[None] * 15], "reference": [5] * 24}
    documents = [("kpi/today", {"as_of": now, "since": now - 3600_000, "cards": cards}), ("kpi/trend", trend)]
    return documents + [(f"kpi/by_{what}", {"as_of": now, "rows": rows}) for what in ("class", "district", "source")]


def feeds() -> list[tuple]:
    now = real_ms()
    return [
        (f"feed/{kind}s", {"name": f"{kind}s", "kind": kind, "state": "live", "last_seen": now, "accepted": 5,
                           "label": {"zh-CN": f"{kind} 源", "en": f"{kind} source"}})
        for kind in KINDS
    ]  # fmt: skip


def gauges(count: int = 28) -> list[tuple]:
    """Gauges G0.. with depth 0.02 * number: those at or above 0.15 m are yellow, at or above 0.27 m red."""
    lines = [{"value": 0.15, "severity": 2}, {"value": 0.27, "severity": 4}]
    rows = []
    for n in range(count):
        site = f"gauges/G{n:02d}"
        sensor = {"feed": "gauges", "sensor_id": f"G{n:02d}", "name": f"{n:02d} 号积水点", "kind": "road", "thresholds": lines}
        reading = {
            "feed": "gauges",
            "sensor_id": f"G{n:02d}",
            "quantity": "water_depth",
            "value": round(0.02 * n, 2),
            "unit": "m",
        }
        values = [round(0.02 * n * step / 60, 3) for step in range(61)]
        series = {"start": real_ms() - 60 * MINUTE, "step": MINUTE, "values": values}
        rows += [
            (f"sensor/{site}", sensor),
            (f"observation/{site}/water_depth", reading),
            (f"series/{site}/water_depth", series),
        ]
    return rows


def cases(count: int = 40) -> list[tuple]:
    now = real_ms()
    return [
        (f"case/c/{n:04d}", {"feed": "c", "case_id": f"{n:04d}", "state": "handling", "subclass_name": f"事项 {n}", "severity": n % 5,
                             "district": "甲区", "address": "人民路 1 号", "stages": {"reported": now - (count - n) * MINUTE}})
        for n in range(count)
    ]  # fmt: skip


def warnings() -> list[tuple]:
    now = real_ms()
    base = {"feed": "w", "onset": now - MINUTE, "expires": now + 120 * MINUTE, "areas": [{"description": "甲区"}]}
    return [
        ("warning/w/1", base | {"warning_id": "1", "status": "Exercise", "severity": 4, "headline": {"zh-CN": "暴雨红色预警", "en": "Red rain warning"}}),
        ("warning/w/2", base | {"warning_id": "2", "severity": 2, "headline": {"zh-CN": "暴雨黄色预警", "en": "Yellow rain warning"}}),
        ("warning/w/4", base | {"warning_id": "4", "status": "Test", "severity": 1, "headline": {"zh-CN": "链路检查", "en": "Link check"}}),
        ("warning/w/5", base | {"warning_id": "5", "status": "Draft", "severity": 1, "headline": {"zh-CN": "拟稿", "en": "Being written"}}),
        ("warning/w/6", base | {"warning_id": "6", "status": "System", "severity": 1, "headline": {"zh-CN": "平台", "en": "Platform"}}),
        ("warning/w/3", base | {"warning_id": "3", "severity": 3, "expires": now - MINUTE, "headline": {"zh-CN": "已过期", "en": "Expired"}}),
    ]  # fmt: skip


def alarms() -> list[tuple]:
    now = real_ms()
    base = {"rule": "level", "cause": "x", "value": 0.4, "unit": "m", "threshold": 0.27, "since": now - MINUTE}
    return [
        ("alarm/gauges/G20", base | {"alarm_id": "G20", "severity": 4, "acknowledged": True}),
        ("alarm/gauges/G09", base | {"alarm_id": "G09", "severity": 2}),
        ("alarm/gauges/G21", base | {"alarm_id": "G21", "severity": 4}),
    ]


def others() -> list[tuple]:
    rain = {"feed": "r", "sensor_id": "R1", "quantity": "rain_1h", "value": 12.5, "unit": "mm"}
    unit = {"feed": "u", "name": "一号泵车", "kind": "pump", "state": "on_scene", "lon": 113.9, "lat": 35.3}
    camera = {"feed": "v", "state": "online", "owner": "交警", "lon": 113.9, "lat": 35.3}
    rows = [("observation/r/R1/rain_1h", rain), ("position/u/1", unit | {"unit_id": "1"})]
    return rows + [(f"channel/v/{n}", camera | {"channel_id": str(n), "name": f"路口 {n}"}) for n in range(30)]


def city() -> list[tuple]:
    return [*feeds(), *kpi(), *gauges(), *cases(), *warnings(), *alarms(), *others()]
