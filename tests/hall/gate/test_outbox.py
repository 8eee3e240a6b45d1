"""What one connection still needs, decided without a socket."""

import json

from hypothesis import given
from hypothesis import strategies as st

from hall.core.board import LANES, Board, Position
from hall.gate.filters import Filter
from hall.gate.frames import say
from hall.gate.groups import stamp
from hall.gate.hub import Hub
from hall.gate.listener import Asked, Listener
from hall.gate.outbox import HIGH_BYTES, LOW_BYTES, PATIENCE_SECONDS, Outbox, Phase, Step
from tests.hall.gate.conftest import event


def test_parts_go_out_while_there_is_room_and_wait_while_there_is_none():
    outbox = Outbox()
    parts = [say("a"), say("b")]
    outbox.feed(parts, Position((1, 0), (0, 0)))
    assert outbox.step(0, 0.0) is parts[0]
    assert outbox.step(HIGH_BYTES + 1, 1.0) is Step.WAIT
    assert outbox.step(HIGH_BYTES, 2.0) is parts[1]
    assert outbox.step(HIGH_BYTES + 1, 3.0) is Step.DONE
    assert outbox.position == Position((1, 0), (0, 0))


def test_a_held_connection_is_caught_up_once_drained_and_cut_when_it_never_drains():
    outbox = Outbox()
    outbox.live()
    outbox.hold(Position((7, 0), (0, 0)), 100.0)
    outbox.pass_over(3)
    assert outbox.step(LOW_BYTES + 1, 100.0 + PATIENCE_SECONDS - 0.1) is Step.WAIT
    assert outbox.step(LOW_BYTES, 101.0) is Step.CATCH_UP
    assert outbox.take_skipped() == 3
    assert outbox.step(LOW_BYTES + 1, 100.0 + PATIENCE_SECONDS) is Step.CUT


def test_a_connection_that_stops_reading_its_snapshot_is_cut_too():
    outbox = Outbox()
    outbox.feed([say("a")] * 3, Position())
    outbox.step(0, 0.0)
    assert outbox.step(HIGH_BYTES + 1, 1.0) is Step.WAIT
    assert outbox.step(HIGH_BYTES + 1, 1.0 + PATIENCE_SECONDS) is Step.CUT


class Pipe:
    """A transport whose reader takes as much as the test lets it."""

    def __init__(self) -> None:
        self.unread: list[bytes] = []
        self.read: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.unread.append(data)

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.unread))

    def abort(self) -> None:
        self.aborted = True

    def drain(self, count: int | None = None) -> None:
        count = len(self.unread) if count is None else count
        self.read += self.unread[:count]
        del self.unread[:count]

    def messages(self) -> list[dict]:
        return [json.loads(data[data.index(b"{") :]) for data in self.read if data[0] == 0x81]


STAMP = stamp("x", ["case"], Filter())


def _join(hub: Hub, since: Position | None = None) -> tuple[Pipe, Listener]:
    pipe = Pipe()
    listener = Listener(pipe, False, lambda: not pipe.aborted, lambda _, work: work())
    hub.enter(listener)
    listener.asked = Asked(("case",), Filter(), since, STAMP)
    hub.ask(listener)
    return pipe, listener


def _reduce(messages: list[dict]) -> dict[str, object]:
    found: dict[str, dict] = {}
    for message in messages:
        if message["op"] == "state" and message["reset"] and message["part"] == 1:
            found = {}
        for told in message.get("e", ()):
            known = found.get(told["subject"])
            if known is None or (told["time"], told["id"]) > (known["time"], known["id"]):
                found[told["subject"]] = told
    return {s: e["data"] for s, e in found.items() if e.get("data") is not None}


def test_a_slow_screen_gets_the_newest_and_nothing_older_and_is_told_so():
    hub = Hub(Board(), {}, "x")
    pipe, listener = _join(hub)
    quick, _ = _join(hub)
    hub.tick(0.0)
    pad = "x" * 100_000
    for n in range(1, 60):
        hub.take("bulk", (n, 0), b"[%b]" % event(n, "case/a", n, {"n": n, "pad": pad}))
        hub.tick(n / 100)
        quick.drain()
    assert listener.outbox.phase is Phase.HELD
    assert pipe.get_write_buffer_size() < HIGH_BYTES + 200_000
    backlog = len(pipe.unread)
    pipe.drain()
    hub.tick(1.0)
    pipe.drain()
    told = pipe.messages()[backlog:]
    assert [m["op"] for m in told] == ["told", "state"]
    assert told[0] == {"op": "told", "kind": "conflated", "skipped": 59 - (backlog - 1)}
    assert [e["id"] for e in told[1]["e"]] == ["e59"] and told[1]["reset"] is False
    assert listener.outbox.phase is Phase.LIVE
    assert _reduce(pipe.messages()) == _reduce(quick.messages())
    assert hub.counters["conflated"] == 1


def test_a_screen_that_never_reads_is_cut_and_forgotten():
    hub = Hub(Board(), {}, "x")
    pipe, listener = _join(hub)
    hub.tick(0.0)
    for n in range(1, 30):
        hub.take("bulk", (n, 0), b"[%b]" % event(n, "case/a", n, {"pad": "x" * 100_000}))
        hub.tick(float(n))
    hub.tick(12.0 + PATIENCE_SECONDS)
    hub.tick(45.0)
    assert pipe.aborted and not hub.listeners and hub.counters["cut"] == 1


def test_two_thousand_screens_of_one_subscription_share_the_same_bytes():
    hub = Hub(Board(), {}, "x")
    pipes = [_join(hub)[0] for _ in range(2000)]
    hub.take("bulk", (1, 0), b"[%b]" % event(1, "case/a", 1))
    hub.tick(0.0)
    hub.take("bulk", (2, 0), b"[%b]" % event(2, "case/b", 2))
    hub.tick(0.1)
    for number in (0, 1):
        assert len({id(pipe.unread[number]) for pipe in pipes}) == 1
    assert hub.counters["frames"] == 1


def test_frames_never_claim_more_than_they_tell():
    hub = Hub(Board(), {}, "x")
    pipe, _ = _join(hub)
    hub.tick(0.0)
    hub.take("bulk", (1, 0), b"[%b]" % event(1, "case/a", 1))
    hub.take("fast", (1, 0), b"[%b]" % event(2, "case/b", 1))
    hub.flush(("fast",), 0.1)
    hub.tick(0.2)
    pipe.drain()
    first, second = [m for m in pipe.messages() if m["op"] == "frame"]
    assert [e["id"] for e in first["e"]] == ["e2"] and first["pos"] == f"{STAMP}@0-0/1-0"
    assert [e["id"] for e in second["e"]] == ["e1"] and second["pos"] == f"{STAMP}@1-0/1-0"


_ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from(LANES), st.integers(0, 5), st.integers(0, 9), st.booleans()),
        st.tuples(st.just("tick")),
        st.tuples(st.just("fast")),
        st.tuples(st.just("drain"), st.integers(0, 2), st.integers(0, 4)),
        st.tuples(st.just("cut"), st.integers(0, 2)),
    ),
    max_size=60,
)


@given(_ACTIONS)
def test_whatever_is_published_cut_or_not_read_every_screen_ends_with_the_same_picture(actions):
    hub = Hub(Board(), {}, "x")
    joined = [_join(hub) for _ in range(3)]
    told: list[list[dict]] = [[], [], []]
    published: dict[str, tuple] = {}
    at = dict.fromkeys(LANES, 0)
    for number, action in enumerate(actions):
        if action[0] == "publish":
            _, lane, subject, time, gone = action
            at[lane] += 1
            data = None if gone else {"n": number, "pad": "x" * 300_000}
            hub.take(lane, (at[lane], 0), b"[%b]" % event(number, f"case/{subject}", time, data))
            name, key = f"case/{subject}", (time, f"e{number}")
            if name not in published or key > published[name][0]:
                published[name] = (key, data)
        elif action[0] == "tick":
            hub.tick(number / 100)
        elif action[0] == "fast":
            hub.flush(("fast",), number / 100)
        elif action[0] == "drain":
            joined[action[1]][0].drain(action[2])
        else:
            who = action[1]
            pipe, listener = joined[who]
            told[who] += pipe.messages()
            hub.leave(listener)
            joined[who] = _join(hub, _position(told[who]))
    for turn in range(30):
        hub.tick(10 + turn / 100)
        for pipe, _ in joined:
            pipe.drain()
    wanted = {name: data for name, (_, data) in published.items() if data is not None}
    for who, (pipe, listener) in enumerate(joined):
        assert listener.outbox.phase is Phase.LIVE
        assert _reduce(told[who] + pipe.messages()) == wanted


def _position(messages: list[dict]) -> Position | None:
    """The newest position a client may resume from: a state counts when its last part has come."""
    found = None
    for message in messages:
        if message["op"] == "frame" or (message["op"] == "state" and message["part"] == message["parts"]):
            found = Position.parse(message["pos"].rpartition("@")[2])
        elif message["op"] == "state" and message["reset"]:
            found = None
    return found
