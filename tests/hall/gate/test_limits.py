"""What one client may cost the gate: every bound is met with a reason, and others go on undisturbed."""

from __future__ import annotations

import json
import time

import pytest
import websockets

from hall.access import Identity, open_session
from hall.core.board import Board, Position
from hall.core.errors import Refused
from hall.gate import groups as groups_module
from hall.gate import requests, server
from hall.gate.filters import Filter
from hall.gate.hub import Hub
from hall.gate.keeper import Keeper
from hall.gate.listener import Asked, Listener
from hall.gate.screens import Screens
from tests.hall.gate.conftest import Screen, event


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        self.aborted = True

    def ops(self) -> list[str]:
        return [json.loads(data[data.index(b"{") :])["op"] for data in self.written if data[0] == 0x81]


def ask(hub: Hub, where: dict | None = None, since: Position | None = None) -> tuple[Wire, Listener]:
    wire = Wire()
    listener = Listener(wire, False, lambda: not wire.aborted, lambda _, work: work())
    hub.enter(listener)
    found = Filter(where)
    listener.asked = Asked(("case",), found, since, groups_module.stamp("x", ["case"], found))
    hub.ask(listener)
    return wire, listener


def hub_with(count: int) -> Hub:
    hub = Hub(Board(), {}, "x")
    pack = b",".join(event(n, f"case/x/{n}", n, {"n": n, "pad": "x" * 900}) for n in range(count))
    hub.take("bulk", (1, 0), b"[%b]" % pack)
    return hub


def test_many_new_filters_at_once_are_answered_one_per_tick_and_all_in_the_end():
    hub = hub_with(3)
    wires = [ask(hub, {"case": {"n": [n]}})[0] for n in range(5)]
    plain, same = ask(hub)[0], ask(hub, {"case": {"n": [0]}})[0]
    hub.tick(0.0)
    assert [wire.ops() for wire in wires] == [["state"], [], [], [], []]
    assert plain.ops() == same.ops() == ["state"], "who asks for what is there already waits for nobody"
    for n in range(4):
        hub.tick(0.1 * (n + 1))
    assert all(wire.ops() == ["state"] for wire in wires)


def test_more_filters_than_the_gate_serves_are_refused_until_somebody_leaves(monkeypatch):
    monkeypatch.setattr("hall.gate.hub.MAX_FILTERED", 2)
    hub = hub_with(3)
    first, listener = ask(hub, {"case": {"n": [0]}})
    ask(hub, {"case": {"n": [1]}})
    third, _ = ask(hub, {"case": {"n": [2]}})
    for n in range(4):
        hub.tick(n / 10)
    assert third.ops() == ["refused"] and third.aborted
    assert b"too-many-filters" in third.written[0] and third.written[1][2:4] == (4429).to_bytes(2, "big")
    hub.leave(listener)
    fourth, _ = ask(hub, {"case": {"n": [2]}})
    hub.tick(1.0)
    assert fourth.ops() == ["state"]


def test_states_kept_for_reuse_are_bounded_in_bytes(monkeypatch):
    monkeypatch.setattr(groups_module, "_ANSWER_BYTES", 1_000_000)
    hub = hub_with(400)
    hub.take("bulk", (2, 0), b"[%b]" % event(1000, "case/x/1000", 1000))
    hub.tick(0.0)
    kept = []
    for n in range(1, 20):
        ask(hub, since=Position((0, n), (0, 0)))
        hub.tick(n / 1000)
        group = next(iter(hub.groups))
        kept.append(sum(len(part.plain) for answer in group._answers.values() for part in answer.parts))
    assert max(kept) < 1_000_000 + 450_000, "at most one more than the bound"


async def test_who_subscribes_without_end_is_told_to_stop(gate):
    async with websockets.connect(gate.url, proxy=None) as socket:
        ask = json.dumps({"op": "subscribe", "topics": ["case"]})
        with pytest.raises(websockets.ConnectionClosed) as closed:
            for _ in range(int(requests.SUBSCRIPTIONS[1]) + 5):
                await socket.send(ask)
            while True:
                await socket.recv()
        assert closed.value.rcvd.code == 4429


async def test_a_connection_is_few_screens_and_pushes_nobody_out(gate, bus):
    secret = await open_session(bus, "Wang", "supervisor")
    watcher = Screen(gate.url, topics=("screen",), additional_headers={"Cookie": f"hall_session={secret}"})
    await watcher.connect()
    flood, wall = Screen(gate.url), Screen(gate.url)
    await flood.connect()
    for n in range(30):
        await flood.say(op="report", id=f"flood-{n}")
    await flood.until(lambda s: sum(m.get("kind") == "report-refused" for m in s.said) == 26)
    await wall.connect()
    await wall.say(op="report", id="main-1")
    await watcher.until(lambda s: "screen/main-1" in s.picture)
    assert sorted(watcher.picture) == [*(f"screen/flood-{n}" for n in range(4)), "screen/main-1"]
    for one in (watcher, flood, wall):
        await one.close()


WALL = Identity("wall:east", "wall", "east")


@pytest.fixture
async def gate_screens(gate, bus, monkeypatch):
    """Screens of a gate and what they publish; the clock stands still."""
    monkeypatch.setattr("hall.gate.screens.monotonic", lambda: 100.0)
    hub = Hub(Board(), {}, "x")
    screens = Screens(gate.process, hub, Keeper(bus, hub.board, "x", "x"), "x")
    published: list[tuple] = []
    screens._publish = lambda screen, document: published.append((screen, document))
    return screens, published


async def test_two_connections_that_take_turns_do_not_publish_a_screen_more_often(gate_screens):
    screens, published = gate_screens
    report = requests.read_report(b'{"op":"report","id":"main-1"}')
    connections = [object(), object()]
    for n in range(20):
        screens.report(connections[n % 2], report, WALL)
    assert len(published) == 1
    screens.ended(connections[0])
    assert len(published) == 1, "the newest connection is the screen"
    screens.ended(connections[1])
    assert [document["state"] for _, document in published] == ["live", "gone"]


@pytest.mark.parametrize("value", ["9" * 400, "-" + "9" * 400, "1e400"])
async def test_a_bound_beyond_all_numbers_is_refused_with_a_reason(gate, value):
    async with websockets.connect(gate.url, proxy=None) as socket:
        await socket.recv()
        await socket.send(f'{{"op":"subscribe","topics":["case"],"where":{{"case":{{"n":{{"min":{value}}}}}}}}}')
        while (said := json.loads(await socket.recv()))["op"] == "beat":
            pass
        assert said["op"] == "refused" and said["reason"] in ("filter-malformed", "malformed")


@pytest.mark.parametrize("depth", [100, 500, 900, 1500])
def test_a_part_of_any_depth_is_taken_or_refused_never_a_fault(depth):
    try:
        requests.read_report(b'{"op":"report","id":"a","part":%b%b}' % (b"[" * depth, b"]" * depth))
    except Refused as refused:
        assert refused.reason == "malformed"


async def test_one_machine_cannot_take_every_place(gate, monkeypatch):
    monkeypatch.setattr(server, "MAX_PER_ADDRESS", 2)
    monkeypatch.setattr(server, "is_loopback", lambda address: False)
    inside = [await websockets.connect(gate.url, proxy=None) for _ in range(2)]
    for socket in inside:
        assert json.loads(await socket.recv())["op"] == "hello"
    async with websockets.connect(gate.url, proxy=None) as third:
        assert json.loads(await third.recv())["reason"] == "too-many-clients"
    await inside[0].close()
    limit = time.monotonic() + 5
    while True:
        async with websockets.connect(gate.url, proxy=None) as again:
            if json.loads(await again.recv())["op"] == "hello":
                break
        assert time.monotonic() < limit
    await inside[1].close()


# -- a topic that is too large for a stream --------------------------------------------------------------------------------


class Told(Wire):
    """A transport that reduces what it is told."""

    def picture(self) -> tuple[set[str], dict]:
        """Subjects held, and the topics that were left out, after everything that was written."""
        held: set[str] = set()
        out: dict = {}
        for data in self.written:
            said = json.loads(data[data.index(b"{") :])
            if said["op"] == "told":
                out = said["topics"]
            if said["op"] == "state" and said["reset"] and said["part"] == 1:
                held.clear()
            for one in said.get("e", ()):
                (held.discard if one.get("data") is None else held.add)(one["subject"])
        return held, out


def follow(hub: Hub, where: dict | None = None) -> Told:
    wire = Told()
    listener = Listener(wire, False, lambda: not wire.aborted, lambda _, work: work())
    hub.enter(listener)
    listener.asked = Asked(("channel", "case"), Filter(where), None, "")
    hub.ask(listener)
    return wire


def say_channels(hub: Hub, numbers: range, at: int, gone: bool = False) -> None:
    """`numbers` of cameras, every fourth in the district "east"."""
    facts = [None if gone else {"n": n, "district": "" if n % 4 else "east"} for n in numbers]
    pack = b",".join(event(n, f"channel/x/{n}", at, data) for n, data in zip(numbers, facts, strict=True))
    hub.take("bulk", (at, 0), b"[%b]" % pack)
    hub.tick(float(at))


def test_twelve_thousand_channels_are_left_out_at_a_bound_of_ten_thousand_and_a_district_of_them_is_not():
    hub = Hub(Board(), {}, "x", bounds={"channel": 10_000})
    hub.take("bulk", (1, 0), b"[%b]" % event(0, "case/x/1", 1))
    whole, district = follow(hub), follow(hub, {"channel": {"district": ["east"]}})
    say_channels(hub, range(9_000), 2)
    cameras = {f"channel/x/{n}" for n in range(12_000)}
    assert whole.picture() == ({f"channel/x/{n}" for n in range(9_000)} | {"case/x/1"}, {})
    say_channels(hub, range(9_000, 12_000), 3)
    assert whole.picture() == ({"case/x/1"}, {"channel": 10_000}), "who had them is told that they are gone from the stream"
    east = {f"channel/x/{n}" for n in range(0, 12_000, 4)}
    assert district.picture() == (east | {"case/x/1"}, {})
    late, written = follow(hub), len(whole.written)
    say_channels(hub, range(5), 4)
    assert late.picture() == ({"case/x/1"}, {"channel": 10_000}) and len(whole.written) == written
    assert sum(map(len, late.written)) < 1_000, "not a byte of twelve thousand channels"
    say_channels(hub, range(9_500, 12_000), 5, gone=True)
    assert whole.picture()[1] == {"channel": 10_000}, "a count that wavers around the bound changes nothing"
    say_channels(hub, range(8_500, 9_500), 6, gone=True)
    assert whole.picture() == late.picture() == ({f"channel/x/{n}" for n in range(8_500)} | {"case/x/1"}, {})
    assert cameras > district.picture()[0] - {"case/x/1"} == {f"channel/x/{n}" for n in range(0, 8_500, 4)}


def test_a_position_told_with_a_topic_does_not_hold_without_it():
    hub = Hub(Board(), {}, "x", bounds={"channel": 2})
    say_channels(hub, range(2), 1)
    first = follow(hub)
    hub.tick(1.5)
    position = json.loads(first.written[-1][first.written[-1].index(b"{") :])["pos"]
    say_channels(hub, range(2, 4), 2)
    again = Told()
    listener = Listener(again, False, lambda: True, lambda _, work: work())
    hub.enter(listener)
    stamp, _, since = position.rpartition("@")
    listener.asked = Asked(("channel", "case"), Filter(None), Position.parse(since), stamp)
    hub.ask(listener)
    hub.tick(2.5)
    assert (
        again.picture() == (set(), {"channel": 2}) and json.loads(again.written[-1][again.written[-1].index(b"{") :])["reset"]
    )
