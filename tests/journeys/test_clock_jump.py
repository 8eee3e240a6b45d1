"""The machine's clock jumps an hour on, an hour back and a day back while the hall runs: walls go on, and tell the truth."""

from __future__ import annotations

import signal
import threading
import time

import httpx
import pytest

from tests.journeys.faketime import FakeClock
from tests.journeys.test_freshness import FEEDS, PATIENCE, _not_live, _wait, supplier, tell
from tests.journeys.test_kill_everything import SECONDS
from tests.journeys.test_kill_everything import _write_city as write_replay
from tests.push import write_city
from tests.running import RunningHall
from tests.stream import Screen

DAY = 86_400
JUMPS = {"an hour on": 3600, "an hour back": -3600, "a day back": -DAY}
RATE = 120  # of the replay: fast, and yet a jump is far from its end
PROCESSES = ("bus", "gate", "web", "feeds", "dispatch", "relay", "video")


class Town(threading.Thread):
    """Suppliers on a machine whose clock is the hall's: each feed some times a second, except those in `silent`."""

    def __init__(self, hall: RunningHall, clock: FakeClock) -> None:
        super().__init__(daemon=True)
        self.http, self.clock, self.silent, self.ended = supplier(hall.url), clock, set(), threading.Event()
        self.reported: list[int] = []  # of every case that was acknowledged
        self.told = 0

    def run(self) -> None:
        while not self.ended.wait(0.25):
            now = self.clock.now()
            self.told += 1
            value = 0.30 if self.told // 5 % 2 else 0.05  # in and out of the alarm
            rows = {
                "cases": {
                    "case_id": f"c{self.told}",
                    "state": "handling",
                    "class_name": "积水",
                    "reported": now - 500,
                    "severity": 2,
                },
                "gauges": {"sensor_id": "g1", "quantity": "water_depth", "value": value + self.told / 1e6},
                "places": {"sensor_id": "g1", "name": "桥下", "quantity": "water_depth"},
                "crews": {"unit_id": "u1", "name": "一队", "lon": 113.9 + self.told / 1e5, "lat": 35.3},
                "cameras": {"channel_id": "41070000001310000001", "name": "桥下", "state": "online", "stream_url": "test://1"},
            }
            for feed in rows.keys() - self.silent:
                row = {"lon": 113.9, "lat": 35.3, **rows[feed], "time": now}
                tell(self.http, feed, row)
                if feed == "cases":
                    self.reported.append(row["reported"])

    def counted(self, now: int) -> tuple[int, int]:
        """What the cards `reported` (today, in UTC) and `open` must say at `now`."""
        known = [moment for moment in self.reported if moment <= now]
        return sum(moment // (DAY * 1000) == now // (DAY * 1000) for moment in known), len(known)


@pytest.fixture
def clock(tmp_path) -> FakeClock:
    return FakeClock(tmp_path)


def _cards(screen: Screen) -> tuple[int, int]:
    cards = {card["key"]: card["value"] for card in screen.present("kpi").get("kpi/today", {}).get("cards", [])}
    return cards.get("reported", -1), cards.get("open", -1)


@pytest.mark.browser
@pytest.mark.timeout(240)
def test_walls_recover_and_go_on_after_every_jump_of_the_clock(tmp_path, open_page, clock):
    # the water comes and goes so fast that it would be held as chattering
    city = write_city(tmp_path / "hall.toml", FEEDS, expected_seconds=2, extra="\n[dispatch.alarms.calming]\ntimes = 1000\n\n")
    with RunningHall(tmp_path / "v", city, **clock.env) as hall:
        session = httpx.Client(base_url=hall.url)
        assert session.get(hall.desk_link).status_code == 303
        pids = {name: hall.child(name).pid for name in PROCESSES}
        town, screen = Town(hall, clock), Screen(hall.stream, ["kpi", "observation", "alarm", "process", "feed"])
        town.start()
        screen.start()
        pages = {wall: open_page(f"{hall.url}/wall/{wall}") for wall in ("routine", "flood")}
        assert not _wait(pages, PATIENCE, _not_live), "all live to begin with"

        for name, offset in JUMPS.items():
            clock.set(offset)
            for page in pages.values():
                page.wait_for_function("ahead => Math.abs(hall.clock.real() - Date.now() - ahead) < 4000", arg=offset * 1000)
                page.wait_for_function("hall.link.state === 'live'")
            assert not _wait(pages, PATIENCE, _not_live), f"all live again after {name}"
            _goes_on(screen, town, clock, name)
            assert not _wait(pages, PATIENCE, _not_live), f"still live after {name}"
            assert session.get("/api/v1/me").json()["role"] == "supervisor", f"still signed in after {name}"
        _still_honest(hall, town, pages)
        town.ended.set()
        town.join(10)
        now = clock.now() + 1000
        screen.wait_until(lambda s: _cards(s) == town.counted(now), PATIENCE, "every case is counted once")
        assert {process: hall.child(process).pid for process in PROCESSES} == pids, "no process ended"
        said = "\n".join(hall.lines)
        assert "Traceback" not in said, said[said.index("Traceback") - 300 :][:6000]
        screen.end()
        for page in pages.values():
            assert not page.faults


def _goes_on(screen: Screen, town: Town, clock: FakeClock, name: str) -> None:
    """Readings, alarms and indicators of after the jump arrive."""
    told, cases = town.told, len(town.reported)
    gauge = "observation/gauges/g1/water_depth"
    screen.wait_until(
        lambda s: round(s.present("observation")[gauge]["value"] % 0.05 * 1e6) > told, PATIENCE, f"new readings after {name}"
    )
    for active in (True, False):
        screen.wait_until(
            lambda s, a=active: _alarm(s) is a, PATIENCE, f"an alarm that is {'on' if active else 'off'} after {name}"
        )
    screen.wait_until(
        lambda s: len(town.reported) > cases + 2 and town.counted(clock.now() - 4000)[1] <= _cards(s)[1] <= len(town.reported),
        PATIENCE,
        f"indicators count after {name}",
    )


def _alarm(screen: Screen) -> bool | None:
    found = screen.present("alarm").get("alarm/gauges/g1")
    return None if found is None else found.get("active", True)


def _still_honest(hall: RunningHall, town: Town, pages) -> None:
    """With the clock a day back, what stops is still seen to have stopped."""
    town.silent = {"gauges"}
    assert not _wait(pages, PATIENCE, lambda s: {t for t, state in s.items() if state == "live" and t.endswith("/wet_spots")})
    town.silent = set()
    dispatch = hall.child("dispatch")
    dispatch.send_signal(signal.SIGSTOP)
    try:
        wrong = _wait(
            pages, PATIENCE, lambda s: {t for t, state in s.items() if state == "live" and t.endswith(("/kpi_strip", "/trend"))}
        )
    finally:
        dispatch.send_signal(signal.SIGCONT)
    assert not wrong, f"dispatch stands still, these look live: {wrong}"
    assert not _wait(pages, PATIENCE, _not_live), "all live again"


@pytest.mark.timeout(90)
def test_the_demo_city_lives_on_when_the_clock_is_set_back(tmp_path, clock):
    with RunningHall(tmp_path / "v", None, **clock.env) as hall:
        screen = Screen(hall.stream, ["position", "feed", "kpi"])
        screen.start()
        screen.wait_until(lambda s: len(s.present("position")) > 5, PATIENCE, "crews move")
        clock.set(-3600)
        screen.wait_until(lambda s: _seen(s, clock), PATIENCE, "the clock was set")
        before = screen.present("position")

        def moved(screen: Screen) -> bool:
            now = screen.present("position")
            return sum((now[s]["lon"], now[s]["lat"]) != (d["lon"], d["lat"]) for s, d in before.items() if s in now) >= 3

        screen.wait_until(moved, PATIENCE, "crews move on")
        screen.end()


def _seen(screen: Screen, clock: FakeClock) -> bool:
    feeds = [feed["last_seen_real"] for feed in screen.present("feed").values() if feed.get("last_seen_real")]
    return bool(feeds) and any(abs(seen - clock.now()) < 5000 for seen in feeds)


@pytest.mark.timeout(150)
def test_a_replay_keeps_its_pace_whatever_the_machines_clock_does(tmp_path, clock):
    oracle = write_replay(tmp_path, RATE)
    with RunningHall(tmp_path / "v", tmp_path / "hall.toml", **clock.env) as hall:
        screen = Screen(hall.stream, ["case", "process"])
        screen.start()
        screen.wait_until(lambda s: len(s.present("case")) >= 0.1 * len(oracle), PATIENCE, "the replay runs")
        told, since = len(screen.present("case")), time.monotonic()
        clock.set(3600)
        screen.wait_until(lambda s: _set(s, clock), PATIENCE, "the clock was set an hour on")
        due = len(oracle) * RATE * (time.monotonic() - since + 4) / (0.8 * SECONDS)  # by the pace, and four seconds more
        assert len(screen.present("case")) < told + 1.2 * due, "a hundred and twenty hours were not told at once"
        clock.set(-DAY)
        screen.wait_until(lambda s: _set(s, clock), PATIENCE, "the clock was set a day back")
        screen.wait_until(lambda s: len(s.present("case")) == len(oracle), 60, "the replay goes on")
        screen.wait_until(
            lambda s: {d["case_id"]: d["state"] == "closed" for d in s.present("case").values()} == oracle,
            PATIENCE,
            "to its end",
        )
        screen.end()


def _set(screen: Screen, clock: FakeClock) -> bool:
    """Whether every process has heard of the jump."""
    beats = [status["beat"] for status in screen.present("process").values()]
    return len(beats) == len(PROCESSES) - 1 and all(abs(beat - clock.now()) < 5000 for beat in beats)
