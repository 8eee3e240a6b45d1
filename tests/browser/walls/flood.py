"""Documents of a flood with known numbers, as rows (subject, data) for wallstage.Gate.put; on top of scenery.city()."""

from __future__ import annotations

from hall.core.clock import real_ms

MINUTE = 60_000
LINES = [{"value": 0.15, "severity": 2}, {"value": 0.25, "severity": 3}, {"value": 0.27, "severity": 4}]
#: name -> depth in m, of gauges F0 .. in this order
DEPTHS = {"京广路隧道": 0.46, "农业路下穿": 0.31, "陇海路涵洞": 0.26, "紫荆山路": 0.12}
PLACE = (113.9, 35.3)


def _now() -> int:
    """A little ahead: minutes are told rounded, and the same ones for most of a minute, however long a page takes to open."""
    return real_ms() + 24_000


def place(n: int) -> dict[str, float]:
    return {"lon": PLACE[0] + 0.01 * n, "lat": PLACE[1]}


def gauges() -> list[tuple]:
    """Four gauges; the last is below its lines and reaches 0.25 m in 11 minutes."""
    rows, now = [], _now()
    for n, (name, depth) in enumerate(DEPTHS.items()):
        key, site = f"F{n}", f"flood/F{n}"
        rising = [round(depth - 0.03 * (60 - minute) / 10, 4) for minute in range(61)]
        alarm = {
            "alarm_id": key, "rule": "level", "cause": f"observation/{site}/water_depth", "severity": [4, 4, 3, 2][n],
            "since": now - 5 * MINUTE, "value": depth, "unit": "m", "threshold": 0.25,
        }  # fmt: skip
        if n == 0:
            alarm["cases"] = ["case/c/0001", "case/c/0002"]
        if n == 3:
            alarm["forecast"] = {
                "at": now + 11 * MINUTE, "low": now + 8 * MINUTE, "high": now + 15 * MINUTE, "value": 0.25, "unit": "m",
            }  # fmt: skip
        rows += [
            (
                f"sensor/{site}",
                {"feed": "flood", "sensor_id": key, "name": name, "kind": "underpass", "thresholds": LINES, **place(n)},
            ),
            (
                f"observation/{site}/water_depth",
                {"feed": "flood", "sensor_id": key, "quantity": "water_depth", "value": depth, "unit": "m"},
            ),
            (f"series/{site}/water_depth", {"start": now - 60 * MINUTE, "step": MINUTE, "values": rising}),
            (f"alarm/{site}", alarm),
        ]
    return rows


def closures() -> list[tuple]:
    """One in each state, at the four gauges; an ended one at none."""
    now = _now()
    acts = {
        "confirmed": {
            "ordered": {"at": now - 12 * MINUTE, "by": "李调度"},
            "on_site": {"at": now - 6 * MINUTE, "by": "一号泵车"},
        },
        "ordered": {"ordered": {"at": now - 3 * MINUTE, "by": "李调度"}, "missing": ["on_site", "by_video"]},
        "proposed": {"proposed": {"at": now - 2 * MINUTE, "by": "system"}},
        "reopening_proposed": {"reopening": {"at": now - MINUTE, "by": "system"}},
    }
    rows = []
    for n, (state, more) in enumerate(acts.items()):
        name = list(DEPTHS)[n]
        closure = {"closure_id": f"C{n}", "name": name, "kind": "underpass", "site": f"flood/F{n}", "state": state, **place(n)}
        rows.append((f"closure/C{n}", {**closure, "since": now - 2 * MINUTE, **more}))
    return [*rows, ("closure/C9", {"closure_id": "C9", "name": "旧", "state": "reopened"})]


def response(**more) -> tuple:
    now = _now()
    levels = {level: {"sign": ["leader"]} for level in ("I", "II")}
    proposed = {"level": "I", "direction": "up", "at": now - 4 * MINUTE, "by": "system", "why": []}
    data = {"plan": "flood", "state": "in_force", "level": "II", "signed_by": "赵副市长", "signed_role": "leader"}
    times = {"since": now - 35 * MINUTE, "red_since": now - 72 * MINUTE}
    return ("response/flood", {**data, **times, "levels": levels, "proposed": proposed, **more})


def reporting(missing: tuple[str, ...], waiting: tuple[str, ...] = ()) -> tuple:
    now = _now()
    told = {"at": now - 9 * MINUTE, "by": "值班员", "text": "", "numbers": {}}
    units = {unit: {} if unit in missing else told for unit in ("金水区", "二七区", "中原区")}
    data = {"plan": "flood", "every_minutes": 60, "due": now + 22 * MINUTE, "units": units, "missing": list(missing)}
    return ("reporting/flood", {**data, "late": [], "waiting": list(waiting), "excused": {}, "figures": [], "periods": []})


def crews() -> list[tuple]:
    """A crew on the way to the first gauge's case, and two free ones: one with the skill that water asks for, one nearer without."""
    rows = []
    for key, state, skills, lon in (
        ("P1", "en_route", ["排水"], 0.02),
        ("P2", "available", ["排水"], 0.05),
        ("S1", "available", [], 0.011),
    ):
        row = {"feed": "u", "unit_id": key, "name": key, "kind": "pump", "state": state, "lon": PLACE[0] + lon, "lat": PLACE[1]}
        work = [{"subject": "file/c/0001", "state": state}] if state == "en_route" else []
        crew = {"crew_id": key, "name": key, "kind": "pump", "state": state, "skills": skills, "position": f"position/u/{key}"}
        rows += [
            (f"position/u/{key}", row),
            (f"crew/{key}", {**crew, "assignments": work, "assignment": "file/c/0001" if work else ""}),
        ]
    return rows
