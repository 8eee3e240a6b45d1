"""The wall proves its freshness: each process and each feed is stopped in turn; tiles that look live but are not: zero."""

import contextlib
import signal
import threading
import time

import httpx
import pytest

from tests.browser.walls.wallstage import HELD_UP
from tests.push import TOKEN, write_city
from tests.running import RunningHall

FEEDS = {"cases": "case", "gauges": "observation", "places": "sensor", "crews": "position", "cameras": "channel"}
WALLS = ("routine", "flood", "video", "briefing")
PATIENCE = 40  # seconds for what comes back: a busy machine is slow, and it costs time only where a test fails
#: moving pictures come from cameras through the relay: they are no older when a feed is silent
BY_ITSELF = {"video_wall"}
#: what people decided is as true while no source can be heard
DECIDED = {"closures", "tasks_due", "resources", "reporting"}
#: what each panel truly depends on, written from what it shows, not from what it declares:
#: kinds of feeds, and processes beyond gate, bus and feeds (which everything depends on but what moves by itself)
TRUTH = {
    "masthead": (set(), set()),
    "feed_health": (set(), set()),
    "kpi_strip": ({"case"}, {"dispatch"}),
    "cases_by_class": ({"case"}, {"dispatch"}),
    "cases_by_district": ({"case"}, {"dispatch"}),
    "cases_by_source": ({"case"}, {"dispatch"}),
    "trend": ({"case"}, {"dispatch"}),
    "case_ticker": ({"case"}, set()),
    "alarms": ({"observation"}, {"dispatch"}),
    "response_strip": (set(), {"dispatch"}),
    "wet_spots": ({"observation", "position"}, {"dispatch"}),
    "closures": (set(), {"dispatch"}),
    "tasks_due": (set(), {"dispatch"}),
    "resources": (set(), {"dispatch"}),
    "reporting": (set(), {"dispatch"}),
    "alarm_health": ({"observation"}, {"dispatch"}),
    "rainfall": ({"observation"}, {"dispatch"}),
    "city_map": ({"case", "observation", "position", "channel"}, {"dispatch"}),
    "warnings": (set(), set()),
    "video_directory": ({"channel"}, set()),
    "video_health": ({"channel"}, {"video"}),
    "video_wall": (set(), {"relay"}),  # each tile says itself how old its picture is
    "brief_event": ({"case", "observation"}, {"dispatch"}),
    "brief_direction": ({"case", "observation"}, {"dispatch"}),
    "brief_people": ({"position"}, set()),
    "brief_closed": ({"observation"}, {"dispatch"}),
    "brief_warning": (set(), {"dispatch"}),
    "brief_silent": (set(), set()),
}


def supplier(base: str) -> httpx.Client:
    """One connection for many pushes: a client for each would cost more than what they push."""
    return httpx.Client(base_url=base, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)


def tell(http: httpx.Client, feed: str, row: dict) -> None:
    http.post(f"/api/v1/ingest/{feed}", json=[row]).raise_for_status()


class Town(threading.Thread):
    """Pushes one row for each feed twice a second, except those in `silent`."""

    def __init__(self, base: str) -> None:
        super().__init__(daemon=True)
        self.http, self.silent, self.ended = supplier(base), set(), threading.Event()

    def close(self) -> None:
        self.ended.set()
        self.join(25)
        self.http.close()

    def run(self) -> None:
        while not self.ended.wait(0.4):
            now = int(time.time() * 1000)
            rows = {
                "cases": {"case_id": "c1", "state": "handling", "class_name": "积水", "reported": now - 60_000, "severity": 2},
                "gauges": {"sensor_id": "g1", "quantity": "water_depth", "value": 0.2 + now % 7 / 100},
                "places": {"sensor_id": "g1", "name": "桥下", "quantity": "water_depth"},
                "crews": {"unit_id": "u1", "name": "一队", "lon": 113.9 + now % 100 / 1e5, "lat": 35.3},
                "cameras": {"channel_id": "41070000001310000001", "name": "桥下", "state": "online", "stream_url": "test://1"},
            }
            for feed, row in rows.items():
                if feed in self.silent:
                    continue
                try:
                    tell(self.http, feed, {"lon": 113.9, "lat": 35.3, **row, "time": now})
                except httpx.HTTPError:  # the bus is one of those that are stopped
                    break


def _states(pages) -> dict[str, str]:
    found = {}
    for wall, page in pages.items():
        for name, state in page.evaluate("hall.panelStates()").items():
            found[f"{wall}/{name}"] = state
    return found


def _wait(pages, seconds: float, good) -> dict[str, str]:
    """Waits until `good(states)` is empty; returns what it last said."""
    limit = time.monotonic() + seconds
    while True:
        wrong = good(_states(pages))
        if not wrong or time.monotonic() > limit:
            return wrong
        next(iter(pages.values())).wait_for_timeout(250)


def _not_live(states):
    return {
        tile: state
        for tile, state in states.items()
        if state != "live" and tile.split("/")[1] not in ("warnings", "brief_warning", "brief_event")
    }


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    folder = tmp_path_factory.mktemp("freshness")
    with RunningHall(folder / "v", write_city(folder / "hall.toml", FEEDS, expected_seconds=2)) as running:
        yield running


@pytest.mark.browser
@pytest.mark.timeout(240)
def test_no_tile_looks_live_when_what_it_shows_has_stopped(hall, open_page):
    with contextlib.closing(Town(hall.url)) as town:
        town.start()
        pages = {wall: open_page(f"{hall.url}/wall/{wall}") for wall in WALLS}
        assert not _wait(pages, PATIENCE, _not_live), "all live to begin with"
        seen = {tile.split("/")[1] for tile in _states(pages)}
        assert seen <= TRUTH.keys(), f"say what these depend on: {seen - TRUTH.keys()}"

        for process in ("dispatch", "video", "relay", "feeds", "gate", "bus"):
            child = hall.child(process)
            child.send_signal(signal.SIGSTOP)

            def lying(states, process=process):
                return {
                    t
                    for t, s in states.items()
                    if s == "live"
                    and (
                        process in TRUTH[t.split("/")[1]][1]
                        or process in ("gate", "bus")
                        or process == "feeds"
                        and t.split("/")[1] not in BY_ITSELF | DECIDED
                    )
                }

            try:
                wrong = _wait(pages, PATIENCE, lying)
            finally:
                child.send_signal(signal.SIGCONT)
            assert wrong == set(), f"{process} stands still, these look live"
            assert not _wait(pages, PATIENCE, _not_live), f"all live again after {process}"

        for feed, kind in FEEDS.items():
            if kind == "sensor":
                continue  # a directory: its content is shown through the readings
            town.silent = {feed}
            wrong = _wait(
                pages,
                PATIENCE,
                lambda states, kind=kind: {t for t, s in states.items() if s == "live" and kind in TRUTH[t.split("/")[1]][0]},
            )
            assert wrong == set(), f"{feed} is silent, these look live"
            town.silent = set()
            assert not _wait(pages, PATIENCE, _not_live), f"all live again after {feed}"
        for page in pages.values():
            assert not page.faults


@pytest.mark.browser
@pytest.mark.timeout(90)
def test_a_lost_connection_is_seen_within_three_seconds(hall, open_page):
    page = open_page(f"{hall.url}/wall/routine")
    page.wait_for_function("window.hall && hall.link && hall.link.state === 'live'")
    page.evaluate(HELD_UP)
    page.evaluate("""() => { window.lost = null;
        hall.link.onState((state) => { if (state === 'lost') window.lost ??= performance.now() - hall.link.heard - heldUp(hall.link.heard); }); }""")
    gate = hall.child("gate")
    gate.send_signal(signal.SIGSTOP)
    try:
        page.wait_for_function("window.lost !== null")
        assert page.evaluate("window.lost") <= 3000
        page.locator(".hall-banner, [data-banner]").first.wait_for(state="visible")
    finally:
        gate.send_signal(signal.SIGCONT)
    page.wait_for_function("hall.link.state === 'live'")
