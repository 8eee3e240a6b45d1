"""Who may come in."""

import json
import subprocess
import sys

import pytest
import websockets

from hall.access import close_session, lock_session, open_session, pair_wall, session_active, topics_for
from hall.gate.door import on_this_machine, same_host
from tests.hall.gate.conftest import CONFIG, RunningGate, Screen


async def _first(url: str, **options) -> dict:
    async with websockets.connect(url, proxy=None, **options) as socket:
        said = json.loads(await socket.recv())
        if said["op"] == "refused":
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket.recv()
            said["code"] = closed.value.rcvd.code
        return said


@pytest.fixture
async def city_gate(valkey, bus_prefix):
    """A gate of a real city: no demo, so nobody is let in unknown."""
    running = RunningGate(valkey, bus_prefix, config=CONFIG.replace("demo = true", "demo = false"))
    await running.start()
    yield running
    await running.stop()


async def test_the_demo_lets_this_machines_browser_in_as_a_wall(gate):
    said = await _first(gate.url, origin=f"http://127.0.0.1:{gate.port}")
    assert said["who"]["role"] == "wall" and "case" in said["topics"] and "audit" not in said["topics"]
    assert said["tick"] == 10


async def test_a_city_lets_nobody_in_unknown(city_gate):
    said = await _first(city_gate.url)
    assert (said["reason"], said["code"]) == ("no-identity", 4401)


async def test_a_session_cookie_and_a_wall_token_say_who_it_is(city_gate, bus):
    secret = await open_session(bus, "Li", "leader")
    said = await _first(city_gate.url, additional_headers={"Cookie": f"a=b; hall_session={secret}"})
    assert said["who"] == {"name": "Li", "role": "leader", "wall": ""}
    token = await pair_wall(bus, "main", "admin")
    said = await _first(f"{city_gate.url}?token={token}")
    assert said["who"]["wall"] == "main"
    assert (await _first(f"{city_gate.url}?token=x{token}"))["code"] == 4401


async def test_who_signs_out_is_sent_away_and_the_others_stay(valkey, bus_prefix, bus, monkeypatch):
    monkeypatch.setattr("hall.gate.server.RECHECK_SECONDS", 0.02)
    gate = RunningGate(valkey, bus_prefix)
    await gate.start()
    secret, other = await open_session(bus, "Li", "leader"), await open_session(bus, "Wu", "viewer")
    li, wu = (Screen(gate.url, additional_headers={"Cookie": f"hall_session={s}"}) for s in (secret, other))
    await li.connect()
    await wu.connect()
    await close_session(bus, secret)
    with pytest.raises(websockets.ConnectionClosed) as closed:
        while True:
            await li.next()
    assert closed.value.rcvd.code == 4401
    assert [m["reason"] for m in li.said if m["op"] == "refused"] == ["no-identity"]
    await wu.say(op="ping", n=1)
    await wu.until(lambda s: any(m["op"] == "pong" for m in s.said))
    await wu.close()
    await gate.stop()


async def test_a_console_that_is_locked_is_told_no_more_than_a_wall_until_it_is_unlocked(city_gate, bus):
    secret = await open_session(bus, "Li", "operator")
    cookie = {"Cookie": f"hall_session={secret}"}
    assert "notice" in (await _first(city_gate.url, additional_headers=cookie))["topics"]
    await lock_session(bus, secret)
    assert set((await _first(city_gate.url, additional_headers=cookie))["topics"]) == set(topics_for("wall"))
    async with websockets.connect(city_gate.url, proxy=None, additional_headers=cookie) as socket:
        await socket.send(json.dumps({"op": "subscribe", "topics": ["case", "notice"]}))
        said = [json.loads(await socket.recv()), json.loads(await socket.recv())]
    assert said[1]["reason"] == "topic-refused"
    await session_active(bus, secret, 0, unlock=True)
    assert "notice" in (await _first(city_gate.url, additional_headers=cookie))["topics"]


async def test_a_page_of_another_host_is_refused_even_with_a_session(city_gate, bus):
    secret = await open_session(bus, "Li", "leader")
    cookie = {"Cookie": f"hall_session={secret}"}
    said = await _first(city_gate.url, origin="http://evil.example", additional_headers=cookie)
    assert (said["reason"], said["code"]) == ("origin", 4403)


@pytest.mark.parametrize(
    ("origin", "host", "good"),
    [
        ("http://hall.city:8050", "hall.city:8051", True),
        ("https://HALL.city", "hall.city:8051", True),
        ("http://[::1]:8050", "[::1]:8051", True),
        ("http://hall.city.evil.example", "hall.city:8051", False),
        ("null", "hall.city:8051", False),
        ("http://hall.city", "", False),
        ("http://[", "hall.city", False),
    ],
)
def test_a_page_talks_to_its_own_host_on_any_port(origin, host, good):
    assert same_host(origin, host) is good


@pytest.mark.parametrize(
    ("peer", "headers", "good"),
    [
        ("127.0.0.1", {"Host": "localhost:8051"}, True),
        ("::1", {"Host": "[::1]:8051"}, True),
        ("::ffff:127.0.0.1", {"Host": "127.0.0.1:8051"}, True),
        ("192.0.2.7", {"Host": "localhost:8051"}, False),
        ("127.0.0.1", {"Host": "rebound.example:8051"}, False),
        ("127.0.0.1", {"Host": "localhost:8051", "X-Forwarded-For": "192.0.2.7"}, False),
        ("", {"Host": "localhost"}, False),
    ],
)
def test_this_machine_is_loopback_by_address_and_by_name(peer, headers, good):
    assert on_this_machine(peer, headers) is good


async def test_a_screens_report_becomes_a_document_and_its_end_too(gate, bus):
    secret = await open_session(bus, "Wang", "supervisor")
    watcher = Screen(gate.url, topics=("screen",), additional_headers={"Cookie": f"hall_session={secret}"})
    await watcher.connect()
    await watcher.until(lambda s: s.pos)
    wall = Screen(gate.url)
    await wall.connect()
    report = {"id": "main-1", "layout": "flood", "hash": "9c", "oldest_frame_ms": 12, "tiles": {"kpi": "live"}, "part": [0, 1]}
    await wall.say(op="report", **report, heap_mb=None)
    await wall.say(op="report", **{**report, "hash": "too soon"})
    await wall.say(op="report", id="no good\n")
    await watcher.until(lambda s: "screen/main-1" in s.picture)
    shown = watcher.picture["screen/main-1"]
    assert {**report, "state": "live", "who": "demo-screen", "role": "wall"}.items() <= shown.items()
    await wall.until(lambda s: any(m["op"] == "told" for m in s.said))
    assert next(m for m in wall.said if m["op"] == "told")["kind"] == "report-refused"
    wall.abort()
    await watcher.until(lambda s: s.picture["screen/main-1"]["state"] == "gone")
    assert watcher.picture["screen/main-1"]["hash"] == "9c"
    await watcher.close()


async def test_screens_of_a_gate_that_died_are_said_to_be_gone_and_forgotten_after_a_day(gate, bus):
    from hall.core.board import Board
    from hall.gate.hub import Hub
    from hall.gate.keeper import Keeper
    from hall.gate.screens import REMOVED_MS, SILENT_MS, Screens
    from tests.hall.gate.conftest import event

    hub = Hub(Board(), {}, "x")
    hub.take("bulk", (1, 0), b"[%b]" % event(1, "screen/a", 1000, {"id": "a", "state": "live", "at": 1000}))
    hub.take("bulk", (2, 0), b"[%b]" % event(2, "screen/b", 1000, {"id": "b", "state": "gone", "at": 1000}))
    screens = Screens(gate.process, hub, Keeper(bus, hub.board, "x", "x"), "x")
    published = []
    screens._publish = lambda screen, document: published.append((screen, document and document["state"]))
    screens.sweep_once(1000 + SILENT_MS)
    assert published == []
    screens.sweep_once(1001 + SILENT_MS)
    assert published == [("a", "gone")]
    screens.sweep_once(1001 + REMOVED_MS)
    assert published[1:] == [("a", "gone"), ("b", None)]


def test_a_taken_port_ends_the_gate_with_code_two_and_says_what_to_do(valkey, bus_prefix, tmp_path):
    import socket

    from tests.hall.gate.conftest import free_port_below

    (tmp_path / "hall.toml").write_text(CONFIG, encoding="utf-8")
    port = free_port_below()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()
        ended = subprocess.run(
            [sys.executable, "-c", "from hall.core.process import main; from hall.gate import serve; main('gate', serve)"],
            env={
                "HALL_REDIS_URL": valkey, "HALL_BUS_PREFIX": bus_prefix, "HALL_PORT": str(port),
                "HALL_CONFIG": str(tmp_path / "hall.toml"), "PATH": "", "HALL_DATA_DIR": str(tmp_path),
            },
            capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    assert ended.returncode == 2
    assert str(port + 1) in ended.stderr and "HALL_PORT" in ended.stderr and "Traceback" not in ended.stderr
