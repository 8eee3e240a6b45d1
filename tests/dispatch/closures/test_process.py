"""A real dispatch process, killed in mid-flood: readings become one proposal, and nothing is said twice."""

from __future__ import annotations

import signal
import sqlite3

from hall.core.process import parse_moment
from tests.dispatch.conftest import data_of, hall

__all__ = ["hall"]

START = "2021-07-20T16:00:00"
NOW = parse_moment(START, "America/New_York")
SUBJECT = "closure/g/1"


async def test_a_flooded_underpass_is_proposed_once_over_a_kill_and_a_gauge_that_only_spiked_never(hall):
    hall.configure(START)
    for name in ("1", "2"):
        sensor = {"feed": "g", "sensor_id": name, "name": f"{name}号下穿", "kind": "underpass", "lon": 1.0, "lat": 2.0}
        await hall.publish(hall.event(f"sensor/g/{name}", NOW - 600_000, sensor))
    await hall.start()

    async def water(name, *depths, begin):
        for number, depth in enumerate(depths):
            time = NOW - 300_000 + (begin + number) * 15_000
            reading = {"feed": "g", "sensor_id": name, "quantity": "water_depth", "value": depth, "unit": "m"}
            await hall.publish(hall.event(f"observation/g/{name}/water_depth", time, reading))

    await water("2", 0.02, 0.02, 0.6, 0.02, 0.02, 0.02, begin=0)
    await water("1", 0.05, 0.20, 0.22, 0.23, begin=0)
    await hall.until(lambda board: data_of(board, "alarm/g/1"))
    await water("1", 0.28, 0.29, 0.30, 0.30, 0.30, 0.30, begin=4)
    board = await hall.until(lambda board: data_of(board, SUBJECT))
    shown = data_of(board, SUBJECT)
    assert (shown["state"], shown["name"], shown["kind"], shown["proposed"]["by"]) == (
        "proposed",
        "1号下穿",
        "underpass",
        "system",
    )
    await hall.stop(signal.SIGKILL)
    await hall.start()
    await water("1", 0.31, 0.32, 0.32, 0.32, begin=10)
    await hall.until(
        lambda board: (data_of(board, SUBJECT) or {}).get("urgent") or (data_of(board, "kpi/closures") or {}).get("counts")
    )
    await hall.until(lambda board: (data_of(board, "alarm/g/1") or {}).get("closure") == SUBJECT)
    await hall.stop()
    with sqlite3.connect(hall.folder / "ledger.db") as ledger:
        moves = [row[0] for row in ledger.execute("select move from entries where subject = ? order by seq", [SUBJECT])]
        others = ledger.execute("select count(*) from entries where subject = 'closure/g/2'").fetchone()
    assert moves.count("propose") == 1 and set(moves) <= {"propose", "worsen"} and others == (0,)
