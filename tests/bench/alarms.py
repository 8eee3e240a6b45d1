"""The alarm engine alone: readings per second through 2,000 rules on one core, in CPU seconds.

Beside it in the same run: a plain loop that asks every rule of every reading (the same lines, nothing else: no doubt, no joining,
no groups), and how long keeping and restoring its state takes.

python -m tests.bench.alarms [seconds of readings]
"""

from __future__ import annotations

import random
import sys
import time

from dispatch.alarming import Engine, rules_of
from dispatch.alarming.inputs import Reading, SensorSeen
from dispatch.alarming.part import PIECES
from hall.core.model import Sensor

RATE, RULES, SENSORS = 20_000, 2_000, 5_000
KINDS = ("road", "underpass", "river", "rain")
QUANTITY = {"road": "water_depth", "underpass": "water_depth", "river": "water_level", "rain": "rain_1h"}
UNIT = {"water_depth": "cm", "water_level": "m", "rain_1h": "mm"}
LINE = {"water_depth": 15.0, "water_level": 3.0, "rain_1h": 20.0}
DISTRICTS = 100
#: share of the readings that lie above a line
WET = 0.02


def table() -> dict:
    """2,000 rules: lines per district and kind, rates of rise, forecasts, silence."""
    made = []
    for n in range(RULES):
        kind = KINDS[n % len(KINDS)]
        quantity, district = QUANTITY[kind], f"d{n // 20 % DISTRICTS}"
        entry = {"name": f"r{n}", "quantity": quantity, "severity": 1 + n % 4, "where": {"kind": kind, "district": district}}
        what = n // len(KINDS) % 5
        if what == 3:
            entry |= {"kind": "rate", "unit": f"{UNIT[quantity]}/min", "rate": 5.0}
        elif what == 4 and quantity == "water_depth":
            entry |= {"kind": "forecast", "unit": "cm", "value": 25, "above": 5}
        else:
            entry |= {"kind": "threshold", "unit": UNIT[quantity], "value": LINE[quantity] * (1 + what / 4)}
        made.append(entry)
    return {"rules": made}


def sensors() -> list[Sensor]:
    return [
        Sensor(
            feed="g", sensor_id=f"s{n}", kind=KINDS[n % 4], quantity=QUANTITY[KINDS[n % 4]], district=f"d{n % DISTRICTS}",
            lon=113 + n % 70 / 500, lat=34 + n // 70 / 500,
        )
        for n in range(SENSORS)
    ]  # fmt: skip


def readings(seconds: int, found: list[Sensor]) -> list[Reading]:
    """Each sensor four times a second; the wet ones rise and fall over minutes."""
    generator = random.Random(1)
    wet = {sensor.sensor_id for sensor in found if generator.random() < WET}
    made = []
    for tick in range(seconds * RATE // SENSORS):
        for sensor in found:
            line = LINE[sensor.quantity] * (0.01 if sensor.quantity == "water_depth" else 1)
            level = 1.6 * abs((tick % 160) / 80 - 1) if sensor.sensor_id in wet else 0.2
            value = round(line * (level + generator.random() * 0.02), 4)
            made.append(
                Reading(
                    feed="g", sensor=sensor.sensor_id, quantity=sensor.quantity, value=value,
                    time=1_700_000_000_000 + tick * 250 * 60, unit="m",
                )
            )  # fmt: skip
    return made


def naive(rules: list[dict], found: list[Sensor], given: list[Reading]) -> int:
    """Every rule is asked of every reading, lines only: two readings that agree, a tenth of deadband."""
    of = {sensor.sensor_id: sensor for sensor in found}
    lines = [
        (r["where"], r["quantity"], r["value"] * (0.01 if r["unit"] == "cm" else 1)) for r in rules if r["kind"] == "threshold"
    ]
    active: dict[tuple, bool] = {}
    agree: dict[tuple, int] = {}
    edges = 0
    for reading in given:
        sensor = of[reading.sensor]
        for n, (where, quantity, value) in enumerate(lines):
            if quantity != reading.quantity or where["kind"] != sensor.kind or where["district"] != sensor.district:
                continue
            key = (n, reading.sensor)
            on = active.get(key, False)
            if (reading.value < value * 0.9) if on else (reading.value >= value):
                agree[key] = agree.get(key, 0) + 1
                if agree[key] == 2:
                    active[key], agree[key] = not on, 0
                    edges += 1
            else:
                agree[key] = 0
    return edges


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    found, rules = sensors(), table()
    given = readings(seconds, found)
    book = rules_of(rules)
    engine = Engine(book)
    engine.take([SensorSeen(sensor=sensor, time=given[0].time - 1) for sensor in found])
    edges, slowest = 0, 0.0
    began = time.process_time()
    for start in range(0, len(given), 250):
        one = time.process_time()
        edges += len(engine.take(given[start : start + 250]))
        slowest = max(slowest, time.process_time() - one)
    spent = time.process_time() - began
    few = given[: len(given) // 100]
    one = time.process_time()
    naive(rules["rules"], found, few)
    plain = len(few) / (time.process_time() - one)
    one = time.process_time()
    kept = engine.state()
    keeping = time.process_time() - one
    turns, done = [], False
    one = time.process_time()
    snapshot = engine.snapshot()
    while not done:
        turns.append(time.process_time() - one)
        one = time.process_time()
        done = snapshot.work(PIECES)
    turns.append(time.process_time() - one)
    assert snapshot.state == kept
    one = time.process_time()
    Engine(book).restore(kept)
    restoring = time.process_time() - one
    rate = len(given) / spent
    print("| what | measured |\n|---|---|")
    print(
        f"| readings/s of {SENSORS:,} sensors through {len(book.rules):,} rules, one core (goal {RATE:,}) | **{rate:,.0f}** |"
    )
    print(f"| a plain loop over the lines alone, readings/s | {plain:,.0f} |")
    print(f"| ratio | **{rate / plain:,.0f} x** |")
    print(f"| edges made, alarms active at the end | {edges:,}, {engine.active:,} |")
    print(f"| slowest slice of 250 readings | {slowest * 1000:.1f} ms |")
    print(
        f"| state: size, keeping it, restoring it | {len(kept) / 2**20:.1f} MiB, {keeping * 1000:.0f} ms, {restoring * 1000:.0f} ms |"
    )
    print(
        f"| keeping it while the engine goes on: turns of the loop, the first, the longest, the last | {len(turns)}, "
        f"{turns[0] * 1000:.1f}, **{max(turns) * 1000:.1f}**, {turns[-1] * 1000:.1f} ms |"
    )


if __name__ == "__main__":
    main()
