"""A full disk: said clearly, nothing acknowledged is lost, nothing is damaged; with space again it goes on by itself."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.push import TOKEN, write_city
from tests.running import ROOT, RunningHall
from tests.stream import Screen

SIZE = "128m"
REPLAYED, REPLAY_SECONDS = 300, 14
FULL_SECONDS = 4
PATIENCE = 40  # seconds: a busy machine is slow, and it costs time only where a test fails
REPLAY = """
[[feeds]]
name = "past"
kind = "case"
url = "replay://past.csv"
format = "csv"
expected_seconds = 60
[feeds.mapping]
case_id = "id"
class_name = {const = "积水"}
state = {const = "handling"}
lon = {const = 113.9}
lat = {const = 35.3}
time = {path = "at", time = "iso"}
stages.reported = {path = "at", time = "iso"}
"""


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own that is full soon."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("a small file system needs root on Linux")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> Path:
    """Takes every block that is left."""
    ballast = disk / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    assert os.statvfs(disk).f_bavail == 0
    return ballast


def _write_past(folder: Path) -> None:
    start = datetime(2011, 8, 28, 6, 0, tzinfo=UTC)
    with (folder / "past.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "at"])
        for number in range(REPLAYED):
            rows.writerow([f"r{number}", (start + timedelta(seconds=number * REPLAY_SECONDS / REPLAYED)).isoformat()])


def _case(number: int) -> dict:
    now = int(time.time() * 1000)
    return {
        "case_id": f"n{number}",
        "state": "handling",
        "class_name": "积水",
        "lon": 113.9,
        "lat": 35.3,
        "reported": now,
        "time": now,
        "description": "水" * 200,
    }


class Supplier:
    """Pushes case after case; keeps what was acknowledged and what was refused."""

    def __init__(self, base: str) -> None:
        self.client = httpx.Client(base_url=base, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)
        self.taken: list[int] = []
        self.refused: list[int] = []
        self.answers: list[httpx.Response] = []
        self.next = 0

    def push(self, number: int) -> bool:
        answer = self.client.post("/api/v1/ingest/cases", json=[_case(number)])
        if answer.status_code == 202:
            self.taken.append(number)
        else:
            self.refused.append(number)
            self.answers.append(answer)
        return answer.status_code == 202

    def push_next(self) -> bool:
        self.next += 1
        return self.push(self.next - 1)

    def push_refused_again(self, seconds: float) -> None:
        limit, again, self.refused = time.monotonic() + seconds, self.refused, []
        for number in again:
            while not self.push(number):
                self.refused.pop()
                assert time.monotonic() < limit, self.answers[-1].text
                time.sleep(0.1)


def _admin(hall: RunningHall) -> httpx.Client:
    """Signed in as the first admin, whose password was printed once."""
    password = re.search(r"with the password\s+(\S+)", "\n".join(hall.lines))[1]
    client = httpx.Client(base_url=hall.url, timeout=20, headers={"Origin": hall.url})
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/sign-in").text)[1]
    answer = client.post("/sign-in", data={"name": "admin", "password": password, "csrf": csrf, "new": f"{password}-own"})
    assert answer.status_code == 303, answer.text
    page = client.get("/admin/users").text
    client.headers["X-Hall-CSRF"] = _csrf(client, page)
    return client


def _csrf(client: httpx.Client, page: str) -> str:
    from hall.access import COOKIE, csrf_token

    return csrf_token(client.cookies[COOKIE])


def _doctor(hall: RunningHall) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "hall.cli", "doctor"], cwd=ROOT, env=hall.env, capture_output=True, text=True, timeout=60
    )


def _wait_until(held, seconds: float, what: str) -> None:
    limit = time.monotonic() + seconds
    while not held():
        assert time.monotonic() < limit, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def _children(hall: RunningHall) -> dict[str, int]:
    return {name: hall.child(name).pid for name in ("bus", "gate", "web", "feeds", "dispatch", "video")}


@pytest.mark.timeout(180)
def test_nothing_acknowledged_is_lost_on_a_full_disk_and_it_heals_by_itself(tmp_path, small_disk):
    city = write_city(tmp_path / "hall.toml", {"cases": "case"}, expected_seconds=60, extra=REPLAY)
    _write_past(tmp_path)
    data = small_disk / "v"
    with RunningHall(data, city) as hall:
        admin, supplier, pids = _admin(hall), Supplier(hall.url), _children(hall)
        screen = Screen(hall.stream, ["case", "kpi", "process", "feed"])
        screen.start()
        while supplier.next < 20:
            assert supplier.push_next()
        screen.wait_until(lambda s: len(_names(s, "past")) >= 20, PATIENCE, "the replay runs")

        ballast = fill(small_disk)
        _wait_until(lambda: not supplier.push_next(), PATIENCE, "a full disk refuses")
        _check_what_is_said(hall, screen, supplier, admin)
        ballast.unlink()

        supplier.push_refused_again(PATIENCE)
        expected = {f"n{n}" for n in supplier.taken}
        assert len(expected) == len(supplier.taken) == supplier.next
        screen.wait_until(lambda s: _names(s, "cases") == expected, PATIENCE, "what was acknowledged")
        screen.wait_until(lambda s: len(_names(s, "past")) == REPLAYED, REPLAY_SECONDS + PATIENCE, "the whole replay")
        screen.wait_until(lambda s: _reported(s) == supplier.next + REPLAYED, PATIENCE, "each case counted once")
        assert _children(hall) == pids, "no process ended"
        user = {"name": "later", "role": "operator", "password": "long enough 1"}
        assert admin.post("/api/v1/users", json=user).status_code == 201
        _stop_while_full(hall, screen, supplier, small_disk)
        expected |= {f"n{n}" for n in supplier.taken}
    with RunningHall(data, city) as again:
        screen = Screen(again.stream, ["case", "kpi"])
        screen.start()
        screen.wait_until(
            lambda s: _names(s, "cases") == expected and len(_names(s, "past")) == REPLAYED, PATIENCE, "after a restart"
        )
        screen.wait_until(lambda s: _reported(s) == len(expected) + REPLAYED, PATIENCE, "counted once, after a restart too")
        screen.end()
    _check_files(data, expected)


def _stop_while_full(hall: RunningHall, screen: Screen, supplier: Supplier, disk: Path) -> None:
    """Somebody finds the disk full in the middle of everything, stops the hall, makes room."""
    before = len(supplier.taken)
    while len(supplier.taken) < before + 10:
        assert supplier.push_next()
    ballast = fill(disk)
    _wait_until(lambda: not supplier.push_next(), PATIENCE, "a full disk refuses")
    screen.end()
    assert hall.stop() == 0
    ballast.unlink()


def _check_what_is_said(hall: RunningHall, screen: Screen, supplier: Supplier, admin: httpx.Client) -> None:
    until = time.monotonic() + FULL_SECONDS
    while time.monotonic() < until:
        supplier.push_next()
        time.sleep(0.02)
    assert {(answer.status_code, answer.json()["reason"]) for answer in supplier.answers} == {(507, "disk-full")}
    assert all("disk" in answer.json()["detail"] and "Retry-After" in answer.headers for answer in supplier.answers)
    answer = admin.post("/api/v1/users", json={"name": "now", "role": "operator", "password": "long enough 1"})
    assert answer.status_code in (503, 507) and answer.json()["detail"], answer.text
    # what the walls' freshness rests on: every process is silent for longer than they tolerate
    _wait_until(
        lambda: all(time.time() * 1000 - status["beat"] > 3000 for status in screen.present("process").values()),
        PATIENCE,
        "silence",
    )
    looked = _doctor(hall)
    assert looked.returncode == 1 and "refuses writes" in looked.stdout and "0.00 GiB free" in looked.stdout, looked.stdout
    for name in ("gate", "web", "feeds", "dispatch", "video"):
        said = [line for line in hall.lines if line.lstrip().startswith(f"{name} |") and "takes no events (bulk)" in line]
        assert len(said) == 1 and "No space left" in said[0], f"{name} says it once: {said}"
    assert not [line for line in hall.lines if "Traceback" in line]


def _check_files(data: Path, expected: set[str]) -> None:
    with sqlite3.connect(data / "cases.db") as book:
        assert book.execute("pragma integrity_check").fetchone() == ("ok",)
        assert {n for (n,) in book.execute("select number from cases where number like 'n%'")} == expected
        assert book.execute("select count(*) from cases").fetchone() == (len(expected) + REPLAYED,)
        assert book.execute("select count(*) from history").fetchone() == (len(expected) + REPLAYED,), "one version each"
    with sqlite3.connect(data / "users.db") as users:
        assert users.execute("pragma integrity_check").fetchone() == ("ok",)
        assert users.execute("select name from users order by name").fetchall() == [("admin",), ("later",)]


def _names(screen: Screen, feed: str) -> set[str]:
    return {doc["case_id"] for doc in screen.present("case").values() if doc["feed"] == feed}


def _reported(screen: Screen) -> int | None:
    cards = screen.present("kpi").get("kpi/today", {}).get("cards", [])
    return next((card["value"] for card in cards if card["key"] == "reported"), None)


@pytest.mark.timeout(60)
def test_a_start_on_a_full_disk_is_refused_with_the_way_out(small_disk):
    fill(small_disk)
    env = RunningHall(small_disk / "v").env
    ended = subprocess.run(
        [sys.executable, "-m", "hall.cli", "run"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=50
    )
    assert ended.returncode == 2 and "Traceback" not in ended.stderr
    assert "No space left" in ended.stderr and "HALL_DATA_DIR" in ended.stderr and str(small_disk) in ended.stderr
