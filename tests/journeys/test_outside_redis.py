"""HALL_REDIS_URL: an outside Valkey over TCP with a password carries the hall; killed and started again, all heals."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from urllib.parse import quote

import httpx
import psutil
import pytest

from hall.core.embedded import server_binary
from tests.push import push, write_city
from tests.running import ROOT, RunningHall, free_port_pair
from tests.stream import Screen

PASSWORD = "p@ss/w0rd:of another"  # needs escaping in an address
PATIENCE = 40  # seconds for what comes back; that ten are enough is measured in test_shift_replay.py


class OutsideServer:
    """Somebody's Valkey: TCP, password, append-only file."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.port = free_port_pair()
        self.url = f"redis://:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/0"
        self.process = None

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "requirepass": PASSWORD, "dir": self.folder,
                   "appendonly": "yes", "save": ""}  # fmt: skip
        command = [server_binary(), *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        limit = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None and time.monotonic() < limit, "the outside Valkey did not start"
            time.sleep(0.02)

    def end(self, kill: bool) -> None:
        self.process.kill() if kill else self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    server = OutsideServer(folder)
    server.start()
    yield server
    server.end(kill=True)


def _rows(names: range) -> list[dict]:
    now = int(time.time() * 1000)
    return [
        {"case_id": f"n{n}", "state": "handling", "class_name": "积水", "lon": 113.9, "lat": 35.3, "reported": now, "time": now}
        for n in names
    ]


def _push_patiently(hall: RunningHall, rows: list[dict], seconds: float) -> list[httpx.Response]:
    """As a supplier would: again until taken; returns what it was refused with."""
    limit, refusals = time.monotonic() + seconds, []
    while True:
        try:
            push(hall.url, "cases", rows, wait=False)
            return refusals
        except httpx.HTTPStatusError as error:
            refusals.append(error.response)
            assert time.monotonic() < limit, f"still refused after {seconds} s: {error.response.text}"
            time.sleep(0.1)


@pytest.mark.timeout(150)
def test_a_hall_lives_on_an_outside_server_and_heals_when_that_comes_back(tmp_path, outside):
    city = write_city(tmp_path / "hall.toml", {"cases": "case"}, expected_seconds=600)
    with RunningHall(tmp_path / "v", city, HALL_REDIS_URL=outside.url) as hall:
        commands = [" ".join(child.cmdline()) for child in psutil.Process(hall.process.pid).children(recursive=True)]
        assert sorted(line.rsplit(" ", 1)[-1] for line in commands) == ["dispatch", "feeds", "gate", "relay", "video", "web"]
        assert not (tmp_path / "v" / "bus").exists()
        screen = Screen(hall.stream, ["case", "kpi", "process", "feed"])
        screen.start()
        push(hall.url, "cases", _rows(range(20)))
        screen.wait_until(lambda s: len(s.present("case")) == 20, PATIENCE, "the first cases")

        outside.end(kill=False)
        answer = httpx.post(
            f"{hall.url}/api/v1/ingest/cases", content=b"[]", headers={"Authorization": "Bearer supplier-secret"}
        )
        assert (answer.status_code, answer.json()["reason"]) == (503, "bus-lost") and "Retry-After" in answer.headers
        outside.start()
        refused = _push_patiently(hall, _rows(range(20, 40)), PATIENCE)
        assert {answer.status_code for answer in refused} <= {503}
        screen.wait_until(lambda s: len(s.present("case")) == 40, PATIENCE, "all cases, before and after")
        screen.wait_until(lambda s: _reported(s) == 40, PATIENCE, "the indicators count each case once")
        screen.wait_until(lambda s: _feed(s) == ("live", 40), PATIENCE, "the feed says so too")
        doctor = subprocess.run(
            [sys.executable, "-m", "hall.cli", "doctor"], cwd=ROOT, env=hall.env, capture_output=True, text=True, timeout=60
        )
        assert re.search(r"feed cases: live, 40 taken", doctor.stdout), doctor.stdout + doctor.stderr
        assert PASSWORD not in doctor.stdout + doctor.stderr and quote(PASSWORD, safe="") not in doctor.stdout + doctor.stderr
        screen.end()
        assert not screen.faults and hall.stop() == 0
        printed = "\n".join(hall.lines)
        assert PASSWORD not in printed and quote(PASSWORD, safe="") not in printed
        assert outside.process.poll() is None, "an outside server is not ours to end"
    with sqlite3.connect(tmp_path / "v" / "cases.db") as book:
        assert book.execute("select count(*) from cases").fetchone() == (40,)


def _reported(screen: Screen) -> int | None:
    cards = screen.present("kpi").get("kpi/today", {}).get("cards", [])
    return next((card["value"] for card in cards if card["key"] == "reported"), None)


@pytest.mark.timeout(90)
def test_a_wrong_password_is_said_and_not_repeated(tmp_path, outside):
    city = write_city(tmp_path / "hall.toml", {"cases": "case"}, expected_seconds=600)
    wrong = f"redis://:wrong-secret@127.0.0.1:{outside.port}/0"
    env = RunningHall(tmp_path / "v", city, HALL_REDIS_URL=wrong).env
    with subprocess.Popen(
        [sys.executable, "-m", "hall.cli", "run"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as hall:
        printed = []
        for line in hall.stdout:
            printed.append(line)
            if "waiting for" in line:
                hall.send_signal(signal.SIGINT)
        assert hall.wait(30) == 0
    said = "".join(printed)
    assert re.search("(?i)HALL_REDIS_URL.*(password|WRONGPASS)", said), said
    assert "wrong-secret" not in said and "Traceback" not in said


def _feed(screen: Screen) -> tuple[str | None, int]:
    status = screen.present("feed").get("feed/cases", {})
    return status.get("state"), status.get("accepted", 0)
