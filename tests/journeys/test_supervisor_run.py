"""`hall run` from its first line to its last process: ends cleanly, leaves no orphan, keeps what it took, says what is wrong."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import time

import httpx
import psutil
import pytest

from tests.push import push, write_city
from tests.running import ROOT, RunningHall
from tests.stream import Screen

CASES = 40
END_SECONDS = 10


def _rows(first: int, count: int = CASES) -> list[dict]:
    now = int(time.time() * 1000)
    return [
        {"case_id": f"n{n}", "state": "handling", "class_name": "积水", "lon": 113.9, "lat": 35.3, "reported": now, "time": now}
        for n in range(first, first + count)
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


def _all_there(hall: RunningHall, count: int) -> None:
    screen = Screen(hall.stream, ["case"])
    screen.start()
    screen.wait_until(lambda s: len(s.present("case")) == count, 20, f"{count} cases on the board")
    screen.end()


@pytest.mark.timeout(150)
def test_a_hall_ends_cleanly_keeps_its_cases_and_refuses_a_second_one_meanwhile(tmp_path):
    city = write_city(tmp_path / "hall.toml", {"cases": "case"})
    hall = RunningHall(tmp_path / "v", city)
    with hall:
        push(hall.url, "cases", _rows(0))
        _check_tools(hall)
        _check_second_run(hall)
        children = psutil.Process(hall.process.pid).children(recursive=True)
        assert len(children) >= 6
        began = time.monotonic()
        assert hall.stop() == 0
        assert time.monotonic() - began < END_SECONDS
        assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
        assert not [line for line in hall.lines if "Traceback" in line or "killing it" in line]
    with sqlite3.connect(tmp_path / "v" / "cases.db") as book:
        assert book.execute("select count(*) from cases").fetchone() == (CASES,)
    with RunningHall(tmp_path / "v", city) as again:
        _all_there(again, CASES)


def _check_tools(hall: RunningHall) -> None:
    listed = _tool(hall, "list")
    assert listed.returncode == 0 and {"mqtt", "cap", "routine"} <= set(re.findall(r"\w+", listed.stdout))
    looked = _tool(hall, "doctor")
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert f"port {hall.port} (web) is in use" in looked.stdout and "the bus answers" in looked.stdout
    assert re.search(rf"feed cases: live, {CASES} taken, 0 parked", looked.stdout), looked.stdout
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
def test_a_killed_supervisor_leaves_no_orphan_and_the_next_run_goes_on(tmp_path):
    city = write_city(tmp_path / "hall.toml", {"cases": "case"})
    with RunningHall(tmp_path / "v", city) as hall:
        push(hall.url, "cases", _rows(0))
        children = psutil.Process(hall.process.pid).children(recursive=True)
        hall.process.send_signal(signal.SIGKILL)
        hall.process.wait(10)
        _, left = psutil.wait_procs(children, END_SECONDS)
        assert left == [], "these live on without their supervisor"
        again = RunningHall(tmp_path / "v", city)
        again.port, again.env = hall.port, hall.env
        with again:
            push(again.url, "cases", _rows(CASES))
            _all_there(again, 2 * CASES)


@pytest.mark.timeout(120)
def test_a_configuration_broken_meanwhile_does_not_take_the_running_hall_down(tmp_path):
    city = write_city(tmp_path / "hall.toml", {"cases": "case"})
    good = city.read_text(encoding="utf-8")
    with RunningHall(tmp_path / "v", city) as hall:
        city.write_text(good + "\n[nonsense]\n", encoding="utf-8")
        hall.kill("dispatch")
        hall.wait_for_line("dispatch ended with code 2")
        assert any("nonsense" in line for line in hall.lines), "what is wrong is said"
        assert push(hall.url, "cases", _rows(0))["outcome"]["accepted"] == CASES
        city.write_text(good, encoding="utf-8")
        screen = Screen(hall.stream, ["kpi"])
        screen.start()
        screen.wait_until(lambda s: _reported(s) == CASES, 30, "dispatch is back and has counted")
        screen.end()
        assert hall.process.poll() is None


def _reported(screen: Screen) -> int | None:
    cards = screen.present("kpi").get("kpi/today", {}).get("cards", [])
    return next((card["value"] for card in cards if card["key"] == "reported"), None)
