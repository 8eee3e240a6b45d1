"""`hall run` from its first line to its last process: ends cleanly, leaves no orphan, keeps what it took, says what is wrong."""

from __future__ import annotations

import contextlib
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.push import push, write_city
from tests.running import ROOT, RunningHall
from tests.stream import Screen

CASES = 40
END_SECONDS = 10


class Standing:
    """One hall's data, in which each test's cases have names of their own, and those whose feed is looked at that feed; `hall`
    is what runs on it now."""

    def __init__(self, folder: Path) -> None:
        self.city, self.data = write_city(folder / "hall.toml", {"cases": "case", "clean": "case"}, 600), folder / "v"
        self.start()

    def start(self) -> RunningHall:
        self.hall = RunningHall(self.data, self.city)
        return self.hall.__enter__()

    def close(self) -> None:
        self.hall.__exit__()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    with contextlib.closing(Standing(tmp_path_factory.mktemp("standing"))) as made:
        yield made


@pytest.fixture
def standing(kept):
    """The same one for every test, running."""
    if kept.hall.process.poll() is not None:  # a test before failed in between
        kept.start()
    return kept


def _rows(name: str, count: int = CASES) -> list[dict]:
    now = int(time.time() * 1000)
    return [
        {
            "case_id": f"{name}{n}",
            "state": "handling",
            "class_name": "积水",
            "lon": 113.9,
            "lat": 35.3,
            "reported": now,
            "time": now,
        }
        for n in range(count)
    ]


def _tool(hall: RunningHall, *arguments: str, **env: str) -> subprocess.CompletedProcess:
    """A `hall` command in the environment of a running hall."""
    return subprocess.run(
        [sys.executable, "-m", "hall.cli", *arguments],
        cwd=ROOT,
        env=hall.env | env,
        capture_output=True,
        text=True,
        timeout=60,
    )


def _all_there(hall: RunningHall, *names: str) -> None:
    """Every case of these names is on the board, and none of them twice or that was not told."""
    told = {row["case_id"] for name in names for row in _rows(name)}

    def shown(screen: Screen) -> list[str]:
        return sorted(doc["case_id"] for doc in screen.present("case").values() if doc["case_id"].startswith(names))

    screen = Screen(hall.stream, ["case"])
    screen.start()
    screen.wait_until(lambda s: shown(s) == sorted(told), 60, f"the cases {names} on the board")
    screen.end()


@pytest.mark.timeout(150)
def test_a_hall_ends_cleanly_keeps_its_cases_and_refuses_a_second_one_meanwhile(standing):
    hall = standing.hall
    push(hall.url, "clean", _rows("clean"))
    _check_tools(hall)
    _check_second_run(hall)
    children = psutil.Process(hall.process.pid).children(recursive=True)
    assert len(children) >= 6
    began = time.monotonic()
    assert hall.stop() == 0
    assert time.monotonic() - began < END_SECONDS
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    assert not [line for line in hall.lines if "Traceback" in line or "killing it" in line]
    with sqlite3.connect(standing.data / "cases.db") as book:
        assert book.execute("select count(*) from cases where number like 'clean%'").fetchone() == (CASES,)
    _all_there(standing.start(), "clean")


def _check_tools(hall: RunningHall) -> None:
    listed = _tool(hall, "list")
    assert listed.returncode == 0 and {"mqtt", "cap", "routine"} <= set(re.findall(r"\w+", listed.stdout))
    looked = _tool(hall, "doctor")
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert f"port {hall.port} (web) is in use" in looked.stdout and "the bus answers" in looked.stdout
    assert re.search(rf"feed clean: live, {CASES} taken, 0 parked", looked.stdout), looked.stdout
    assert looked.stdout.rstrip().endswith("0 faults")


def _check_second_run(hall: RunningHall) -> None:
    same_port = _tool(hall, "run", HALL_DATA_DIR=str(hall.data_dir) + "2")
    assert same_port.returncode == 2 and f"port {hall.port}" in same_port.stderr and "HALL_PORT=" in same_port.stderr
    other = RunningHall(hall.data_dir)
    same_data = _tool(hall, "run", HALL_PORT=str(other.port))
    assert same_data.returncode == 2 and "HALL_DATA_DIR" in same_data.stderr and str(hall.data_dir) in same_data.stderr
    assert httpx.get(f"{hall.url}/walls").status_code == 200, "the first hall is not disturbed"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux only")
@pytest.mark.timeout(120)
def test_a_killed_supervisor_leaves_no_orphan_and_the_next_run_goes_on(standing):
    hall = standing.hall
    push(hall.url, "cases", _rows("killed"))
    children = psutil.Process(hall.process.pid).children(recursive=True)
    hall.process.send_signal(signal.SIGKILL)
    hall.process.wait(10)
    _, left = psutil.wait_procs(children, 60)
    assert left == [], "these live on without their supervisor"
    again = standing.hall = RunningHall(standing.data, standing.city)
    again.port, again.env = hall.port, hall.env
    again.__enter__()
    push(again.url, "cases", _rows("later"))
    _all_there(again, "killed", "later")


@pytest.mark.timeout(120)
def test_a_configuration_broken_meanwhile_does_not_take_the_running_hall_down(standing):
    hall, city = standing.hall, standing.city
    good = city.read_text(encoding="utf-8")
    screen = Screen(hall.stream, ["kpi", "case"])
    screen.start()
    screen.wait_until(lambda s: _reported(s) == len(s.present("case")), 30, "dispatch has counted what other tests told")
    before = _reported(screen)
    city.write_text(good + "\n[nonsense]\n", encoding="utf-8")
    try:
        hall.kill("dispatch")
        hall.wait_for_line("dispatch ended with code 2")
        assert any("nonsense" in line for line in hall.lines), "what is wrong is said"
        assert push(hall.url, "cases", _rows("broken"))["outcome"]["accepted"] == CASES
    finally:
        city.write_text(good, encoding="utf-8")
    screen.wait_until(lambda s: _reported(s) == before + CASES, 30, "dispatch is back and has counted")
    screen.end()
    assert hall.process.poll() is None


def _reported(screen: Screen) -> int | None:
    cards = screen.present("kpi").get("kpi/today", {}).get("cards", [])
    return next((card["value"] for card in cards if card["key"] == "reported"), None)
