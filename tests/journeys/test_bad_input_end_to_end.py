"""Two hundred malformed inputs of each kind, into every kind of feed of a running hall, over HTTP, WebSocket and MQTT:
each is parked or refused with a reason, good rows in between arrive, and what a corrected mapping can read comes in after all."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections import Counter, deque
from itertools import cycle

import httpx
import paho.mqtt.client as mqtt
import pytest
from websockets.sync.client import connect

from hall.access import COOKIE, csrf_token
from tests.feeds.transports.broker import MOSQUITTO
from tests.journeys.malformed import GOOD, CapSpoiler, Spoiler, cap, good
from tests.push import FIELDS, TOKEN, write_city
from tests.running import RunningHall, free_port_pair
from tests.stream import Screen

GOOD_ROWS = 30
PATIENCE = 60  # seconds: a busy machine is slow, and it costs time only where a test fails
PROCESSES = ("bus", "gate", "web", "feeds", "dispatch", "relay", "video")
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def broker(tmp_path):
    """Port of a Mosquitto of our own."""
    port = free_port_pair()
    file = tmp_path / "mosquitto.conf"
    file.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest none\nuser root\nmax_queued_messages 0\nmax_inflight_messages 100\n"
    )
    process = subprocess.Popen([MOSQUITTO, "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        assert process.poll() is None and time.monotonic() < limit, "Mosquitto did not start"
        time.sleep(0.02)
    yield port
    process.terminate()
    process.wait(10)


def _mapping(kind: str) -> str:
    text = '[feeds.mapping]\ntime = {path = "time", time = "epoch_ms"}\n'
    return text + "".join(f'{field} = "{field}"\n' for field in FIELDS[kind])


def _write_city(path, port: int) -> None:
    """A push feed and an MQTT feed of every kind that is mapped, and one of warnings."""
    feeds = ""
    for kind in GOOD:
        for name, url, more in (
            (kind, "push://", f'token = "{TOKEN}"'),
            (f"{kind}-mqtt", f"mqtt://127.0.0.1:{port}", f'options.topics = ["{kind}"]'),
        ):
            feeds += f'\n[[feeds]]\nname = "{name}"\nkind = "{kind}"\nurl = "{url}"\nformat = "json"\n{more}\n{_mapping(kind)}'
    feeds += f'\n[[feeds]]\nname = "warning"\nkind = "warning"\nurl = "push://"\nformat = "cap"\ntoken = "{TOKEN}"\n'
    feeds += '\n[[feeds]]\nname = "foreign"\nkind = "case"\nurl = "push://"\nformat = "json"\n'
    feeds += f'token = "{TOKEN}"\n[feeds.mapping]\ncase_id = "id"\nseverity = "grade"\ntime = {{path = "t", time = "epoch"}}\n'
    write_city(path, {}, extra=feeds)


class Ways:
    """The three ways in. `bad` and `good` count by feed what was taken at the door, `refused` keeps what was not."""

    def __init__(self, hall: RunningHall, port: int) -> None:
        self.http = httpx.Client(base_url=hall.url, headers=HEADERS, timeout=30)
        self.base, self.sockets, self.waiting = hall.url.replace("http", "ws", 1), {}, {}
        self.mqtt = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.mqtt.max_queued_messages_set(0)
        self.mqtt.connect("127.0.0.1", port)
        self.mqtt.loop_start()
        self.last: mqtt.MQTTMessageInfo | None = None
        self.bad, self.good = Counter(), Counter()
        self.refused: list[dict] = []

    def post(self, feed: str, body: bytes, counts: Counter) -> str:
        answer = self.http.post(f"/api/v1/ingest/{feed}", content=body)
        if answer.status_code == 202:
            counts[feed] += 1
        else:
            self.refused.append(answer.json() | {"status": answer.status_code})
        return feed

    def socket(self, feed: str, body: bytes, counts: Counter) -> str:
        if feed not in self.sockets:
            address = f"{self.base}/api/v1/ingest/{feed}"
            # room for all the answers that are read late: else none is taken from the wire meanwhile, nor a ping answered
            options = {"max_size": 2**24, "compression": None, "max_queue": 64}
            self.sockets[feed] = connect(address, additional_headers=HEADERS, **options)
            self.waiting[feed] = deque()
        self.sockets[feed].send(body)
        self.waiting[feed].append(counts)
        while len(self.waiting[feed]) > 32:
            self._answered(feed)
        return feed

    def _answered(self, feed: str) -> None:
        answer, counts = json.loads(self.sockets[feed].recv(timeout=30)), self.waiting[feed].popleft()
        if "entry" in answer:
            counts[feed] += 1
        else:
            self.refused.append(answer)

    def publish(self, feed: str, body: bytes, counts: Counter) -> str:
        self.last = self.mqtt.publish(feed, body, qos=1)
        counts[f"{feed}-mqtt"] += 1
        return f"{feed}-mqtt"

    def finish(self) -> None:
        for feed, found in self.sockets.items():
            while self.waiting[feed]:
                self._answered(feed)
            found.close()
        if self.last is not None:
            self.last.wait_for_publish(30)

    def close(self) -> None:
        self.mqtt.loop_stop()
        self.mqtt.disconnect()


@pytest.mark.timeout(600)
def test_everything_malformed_is_parked_or_refused_and_everything_good_arrives(tmp_path, broker):
    city = tmp_path / "hall.toml"
    _write_city(city, broker)
    with RunningHall(tmp_path / "v", city) as hall:
        desk = httpx.Client(base_url=hall.url, timeout=30, headers={"Origin": hall.url})
        assert desk.get(hall.desk_link).status_code == 303
        pids = {name: hall.child(name).pid for name in PROCESSES}
        screen = Screen(hall.stream, ["feed", "case", "sensor", "observation", "position", "channel", "warning"])
        screen.start()
        ways = Ways(hall, broker)
        _subscribed(ways, screen)
        expected = _send_everything(ways)
        ways.finish()
        screen.wait_until(lambda s: _arrived(s) == expected, PATIENCE, "every good row, and no malformed one")
        _check_parked(screen, desk, ways)
        _check_too_large(ways, screen)
        _check_repair(desk, ways, screen, city)
        assert {name: hall.child(name).pid for name in PROCESSES} == pids, "no process ended"
        assert not [line for line in hall.lines if "Traceback" in line]
        ways.close()
        screen.end()


def _subscribed(ways: Ways, screen: Screen) -> None:
    """Every MQTT feed takes a first good row: from then on the broker keeps what it is given."""
    now = int(time.time() * 1000)
    limit = time.monotonic() + 30
    while any(f"first-{kind}" not in _identifiers(screen) for kind in GOOD):
        assert time.monotonic() < limit, "the MQTT feeds do not subscribe"
        for kind in GOOD:
            row = {**good(kind, 0, now), GOOD[kind][0]: f"first-{kind}"}
            ways.mqtt.publish(kind, json.dumps(row).encode(), qos=1)
        time.sleep(0.2)


def _identifiers(screen: Screen) -> set[str]:
    names = [name for name, _ in GOOD.values()]
    found = (doc for topic in GOOD for doc in screen.present(topic).values())
    return {str(doc[name]) for doc in found for name in names if name in doc}


def _arrived(screen: Screen) -> set[tuple[str, str]]:
    """(feed, identifier) of everything on the board but the first rows."""
    found = set()
    for topic in [*GOOD, "warning"]:
        for doc in screen.present(topic).values():
            identifier = doc.get("warning_id") or doc[GOOD[topic][0]]
            if not identifier.startswith("first-"):
                found.add((doc["feed"], identifier))
    return found


def _send_everything(ways: Ways) -> set[tuple[str, str]]:
    """Malformed bodies by turns over the three ways, good ones between them; returns what must arrive."""
    expected, now = set(), int(time.time() * 1000)
    for kind in GOOD:
        bodies, way = Spoiler(kind, now).all(), cycle((ways.post, ways.socket, ways.publish))
        for number, body in enumerate(bodies):
            next(way)(kind, body, ways.bad)
            if number % (len(bodies) // GOOD_ROWS) == 0:
                chosen = (ways.post, ways.socket, ways.publish)[number // (len(bodies) // GOOD_ROWS) % 3]
                feed = chosen(kind, json.dumps(good(kind, number, now)).encode(), ways.good)
                expected.add((feed, f"good-{number}"))
    way = cycle((ways.post, ways.socket))
    for number, body in enumerate(CapSpoiler().all()):
        next(way)("warning", body, ways.bad)
        if number % 100 == 0:
            sent = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
            ways.post("warning", cap(f"good-{number}", sent).encode(), ways.good)
            expected.add(("warning", f"good-{number}"))
    return expected


def _check_parked(screen: Screen, desk: httpx.Client, ways: Ways) -> None:
    """Nothing was refused at the door; each malformed body is parked once, with a reason, where the API shows it."""
    assert ways.refused == []
    for feed, count in ways.bad.items():
        screen.wait_until(
            lambda s, f=feed, n=count: s.present("feed")[f"feed/{f}"].get("parked", 0) >= n, PATIENCE, f"{feed} parked"
        )
        rows, after = [], "0-0"
        while after:
            page = desk.get(f"/api/v1/feeds/{feed}/parked", params={"after": after, "limit": 200}).json()
            rows, after = rows + page["rows"], page["next"]
        assert len(rows) == page["kept"] == sum(page["counts"].values()) == count, feed
        assert all(row["reason"] and row["form"] and int(row["at"]) > 0 for row in rows), feed
        assert page["counts"] == Counter(row["reason"] for row in rows), feed
        status = screen.present("feed")[f"feed/{feed}"]
        assert status["accepted"] == ways.good[feed] + feed.endswith("-mqtt"), feed  # those had a first row


def _check_too_large(ways: Ways, screen: Screen) -> None:
    """What is larger than any body may be is refused at the door with a reason, and parked where there is no door."""
    big = json.dumps({"case_id": "big", "description": "x" * 9_000_000}).encode()
    ways.post("case", big, ways.bad)
    assert ways.refused.pop() | {"detail": ""} == {"accepted": False, "reason": "too-large", "detail": "", "status": 413}
    with connect(f"{ways.base}/api/v1/ingest/case", additional_headers=HEADERS, compression=None) as found:
        found.send(big)
        assert json.loads(found.recv(timeout=30))["refused"] == "too-large"
    ways.publish("case", big, ways.bad)
    screen.wait_until(
        lambda s: s.present("feed")["feed/case-mqtt"]["parked"] == ways.bad["case-mqtt"], PATIENCE, "9 MB over MQTT"
    )


def _check_repair(desk: httpx.Client, ways: Ways, screen: Screen, city) -> None:
    """Rows whose words no mapping knew come in once the mapping was corrected; what is broken beyond that stays parked."""
    now = int(time.time())
    rows = [{"id": f"f{n}", "grade": "高" if n % 2 else "低", "t": now + n % 3} for n in range(40)]
    broken = [{"id": "", "grade": "高", "t": now}, {"id": "f99", "grade": "没有", "t": now}]
    for row in rows + broken:
        ways.post("foreign", json.dumps(row).encode(), ways.bad)
    screen.wait_until(lambda s: s.present("feed")["feed/foreign"].get("parked") == 42, PATIENCE, "all are parked")
    assert desk.get("/api/v1/feeds/foreign/parked").json()["kept"] == 42
    text = city.read_text(encoding="utf-8")
    city.write_text(
        text.replace('severity = "grade"', 'severity = {path = "grade", map = {"高" = 3, "低" = 1}}'), encoding="utf-8"
    )
    token = {"X-Hall-CSRF": csrf_token(desk.cookies[COOKIE])}
    assert desk.post("/api/v1/feeds/reload", headers=token).status_code == 202
    assert desk.post("/api/v1/feeds/foreign/replay-parked", headers=token).status_code == 202
    expected = {f"f{n}": 3 if n % 2 else 1 for n in range(40)}
    screen.wait_until(
        lambda s: {d["case_id"]: d["severity"] for d in s.present("case").values() if d["feed"] == "foreign"} == expected,
        PATIENCE,
        "what the corrected mapping can read",
    )
    left = _eventually(lambda: desk.get("/api/v1/feeds/foreign/parked").json(), lambda page: page["kept"] == 2)
    assert len(left["rows"]) == sum(left["counts"].values()) == 2, left


def _eventually(look, right, seconds: float = PATIENCE):
    limit = time.monotonic() + seconds
    while not right(found := look()):
        assert time.monotonic() < limit, found
        time.sleep(0.1)
    return found
