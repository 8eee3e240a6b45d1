"""kill -9 of each process in turn, and of Valkey, during a replay: it heals, and no case is lost or doubled."""

import csv
import random
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from tests.running import RunningHall
from tests.stream import Screen

START = datetime(2011, 8, 28, 6, 0, tzinfo=UTC)
CASES, SECONDS, RATE = 1_500, 2_400, 90
PATIENCE = 40  # seconds for a process to be back; that ten are enough is measured in test_shift_replay.py


def _write_city(folder, rate=RATE):
    """A replay of 1,500 cases in 40 minutes of the city's, a third of which close again; returns the oracle `id -> closed?`."""
    dice, oracle = random.Random(7), {}
    with (folder / "cases.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "opened", "closed", "status", "kind", "lon", "lat"])
        for number, at in enumerate(sorted(dice.uniform(1, SECONDS * 0.8) for _ in range(CASES))):
            opened = START + timedelta(seconds=at)
            closed = opened + timedelta(seconds=dice.uniform(30, SECONDS * 0.15)) if number % 3 == 0 else None
            oracle[f"n{number}"] = closed is not None
            rows.writerow(
                [
                    f"n{number}",
                    opened.isoformat(),
                    closed.isoformat() if closed else "",
                    "closed" if closed else "",
                    "积水",
                    113.9 + dice.random() / 50,
                    35.3,
                ]
            )
    stop = START + timedelta(seconds=SECONDS)
    (folder / "hall.toml").write_text(
        f"""[city]
name = {{zh = "测试", en = "Test"}}
centre = [113.9, 35.3]
timezone = "UTC"
demo = true
[clock]
start = "{START.isoformat()}"
stop = "{stop.isoformat()}"
rate = {rate}
[[feeds]]
name = "cases"
kind = "case"
url = "replay://cases.csv"
format = "csv"
expected_seconds = 600
[feeds.mapping]
case_id = "id"
class_name = "kind"
lon = "lon"
lat = "lat"
state = {{path = "status", null = [""], default = "handling"}}
time = {{path = "opened", time = "iso"}}
stages.reported = {{path = "opened", time = "iso"}}
stages.closed = {{path = "closed", time = "iso"}}
[feeds.mapping.unfold]
opened = []
closed = ["status"]
""",
        encoding="utf-8",
    )
    return oracle


@pytest.mark.chaos
@pytest.mark.timeout(150)
def test_nothing_is_lost_or_doubled_whatever_is_killed(tmp_path):
    oracle = _write_city(tmp_path)
    with RunningHall(tmp_path / "v", tmp_path / "hall.toml") as hall:
        screen = Screen(hall.stream, ["case", "process", "kpi"])
        screen.start()
        for share, name in [
            (0.1, "feeds"),
            (0.25, "gate"),
            (0.4, "dispatch"),
            (0.5, "bus"),
            (0.65, "web"),
            (0.7, "video"),
            (0.8, "feeds"),
        ]:
            screen.wait_until(
                lambda s, n=share * CASES: len(s.present("case")) >= n, 60, f"{share} of the cases before killing {name}"
            )
            pid = hall.kill(name)
            if name != "bus":
                screen.wait_until(
                    lambda s, n=name, p=pid: s.present("process").get(f"process/{n}", {}).get("pid", p) != p,
                    PATIENCE,
                    f"{name} back",
                )
        screen.wait_until(lambda s: len(s.present("case")) == CASES, 60, "all cases")
        screen.wait_until(
            lambda s: sum(d["state"] == "closed" for d in s.present("case").values()) == sum(oracle.values()),
            30,
            "all closures",
        )
        shown = {d["case_id"]: d["state"] == "closed" for d in screen.present("case").values()}
        assert shown == oracle
        expected = {"reported": CASES, "open": CASES - sum(oracle.values()), "closed": sum(oracle.values())}
        screen.wait_until(lambda s: _cards(s, expected) == expected, PATIENCE, "the indicators count each case once")
        screen.end()
        assert not screen.faults
    with sqlite3.connect(tmp_path / "v" / "cases.db") as book:
        assert book.execute("select count(*) from cases").fetchone() == (CASES,)


def _cards(screen: Screen, keys) -> dict[str, int]:
    cards = screen.present("kpi").get("kpi/today", {}).get("cards", [])
    return {card["key"]: card["value"] for card in cards if card["key"] in keys}
