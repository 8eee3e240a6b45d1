"""Cut anywhere, resume anywhere: no gap and no repeat, against a dict that never saw the gate."""

from __future__ import annotations

import asyncio
import json
import random

from tests.hall.gate.conftest import RunningGate, Screen, event

SUBJECTS = 40


class Supplier:
    """Publishes numbered events and keeps the oracle: newest data per subject, and every history id in order."""

    def __init__(self, bus, seed: int) -> None:
        self.bus, self.random = bus, random.Random(seed)
        self.count = 0
        self.newest: dict[str, tuple[tuple, object]] = {}

    async def publish(self, events: int) -> None:
        packs: dict[str, list[bytes]] = {"bulk": [], "fast": []}
        for _ in range(events):
            self.count += 1
            subject = f"case/x/{self.random.randrange(SUBJECTS)}"
            time = self.count - self.random.randrange(15)
            data = None if self.random.random() < 0.15 else {"n": self.count}
            packs[self.random.choice(["bulk", "bulk", "bulk", "fast"])].append(event(self.count, subject, time, data))
            key = (time, time, f"e{self.count}")
            if subject not in self.newest or key > self.newest[subject][0]:
                self.newest[subject] = (key, data)
        for lane, pack in packs.items():
            if pack:
                await self.bus.publish(pack, lane)

    @property
    def picture(self) -> dict[str, object]:
        return {subject: data for subject, (_, data) in self.newest.items() if data is not None}


async def _read_until_cut(screen: Screen, messages: int) -> None:
    for _ in range(messages):
        async with asyncio.timeout(5):
            await screen.next()
    screen.abort()


async def test_a_connection_cut_at_random_points_misses_nothing_and_hears_nothing_twice(bus, gate):
    supplier, chance = Supplier(bus, 7), random.Random(11)
    watcher = Screen(gate.url)
    snapshots = 0
    for turn in range(25):
        await watcher.connect()
        reading = asyncio.create_task(_read_until_cut(watcher, chance.randrange(1, 8)))
        while not reading.done():
            await supplier.publish(chance.randrange(1, 12))
            await asyncio.sleep(0.004)
        await reading
        if turn % 3 == 0:
            await supplier.publish(30)
    await watcher.connect()
    await watcher.until(lambda s: s.picture == supplier.picture)
    snapshots = sum(m["op"] == "state" and m["reset"] for m in watcher.said)
    ids = [e["id"] for e in watcher.history]
    assert snapshots == 1, "every return resumed"
    assert len(ids) == len(set(ids)), "an event was told twice"
    await watcher.close()


async def test_five_hundred_screens_are_fresh_again_soon_after_their_gate_is_replaced(bus, valkey, bus_prefix):
    gate = RunningGate(valkey, bus_prefix)
    await gate.start()
    await bus.publish([event(n, f"case/x/{n}", n) for n in range(1000)])
    screens = [Screen(gate.url) for _ in range(60)]
    await asyncio.gather(*(s.connect() for s in screens))
    await asyncio.gather(*(s.until(lambda s: len(s.picture) == 1000) for s in screens))
    await gate.stop()
    await bus.publish([event(5000, "case/x/1", 5000)])
    await gate.start()
    for one in screens:
        one.said.clear()
    await asyncio.gather(*(s.connect() for s in screens))
    await asyncio.gather(*(s.until(lambda s: s.picture.get("case/x/1") == {"n": 5000}) for s in screens))
    assert all(m["reset"] is False for s in screens for m in s.said if m["op"] == "state"), "the new gate let them resume"
    assert all([e["id"] for e in s.states[0]["e"]] == ["e5000"] for s in screens)
    for one in screens:
        await one.close()
    await gate.stop()


async def test_two_gates_on_one_bus_answer_each_others_positions(bus, gate, valkey, bus_prefix):
    other = RunningGate(valkey, bus_prefix)
    await other.start()
    supplier = Supplier(bus, 3)
    watcher = Screen(gate.url)
    for turn in range(6):
        watcher.url = (gate, other)[turn % 2].url
        await supplier.publish(50)
        await watcher.connect()
        await watcher.until(lambda s: s.picture == supplier.picture)
        watcher.abort()
    assert sum(m["op"] == "state" and m["reset"] for m in watcher.said) <= 3  # a gate may stand a moment behind the other
    await other.stop()


async def test_a_new_gate_on_a_trimmed_bus_shows_the_checkpoint_and_says_what_is_missing(bus, valkey, bus_prefix):
    from hall.core.board import Board
    from hall.core.bus import apply_entry
    from hall.gate.filters import Filter
    from hall.gate.groups import stamp

    board = Board()
    at = await bus.publish([event(1, "case/x/1", 1)])
    apply_entry(board, "bulk", at, b"[%b]" % event(1, "case/x/1", 1))
    await bus.save_checkpoint(list(board.entries()), board.position)
    old = Screen("")
    await bus.publish([event(2, "case/x/2", 1)])
    await bus.publish([event(3, "case/x/3", 1)])
    await bus.call("XTRIM", bus.key("bulk"), "MAXLEN", 1)
    gate = RunningGate(valkey, bus_prefix)
    await gate.start()
    old.url = gate.url
    old.pos = f"{stamp((await bus.get('epoch')).decode(), ['case'], Filter())}@{board.position}"
    await old.connect()
    await old.until(lambda s: s.states)
    assert gate.counters["gaps"] == 1
    assert old.states[0]["reset"] is True, "nobody resumes over a gap"
    assert set(old.picture) == {"case/x/1", "case/x/3"}
    await old.close()
    await gate.stop()


async def test_broken_packs_and_events_are_counted_and_do_not_stop_the_stream(bus, gate, screen):
    watcher = await screen()
    await watcher.until(lambda s: s.pos)
    for payload in (b"not json", b"[1,2]", b'[{"id":"a"}]', b"[" + event(1, "case/x/1", 1) + b',{"id":5}]', b"\xff\xfe"):
        await bus.call("XADD", bus.key("bulk"), "*", "p", payload)
    await bus.call("XADD", bus.key("bulk"), "*", "other", b"field")
    await bus.publish([event(2, "case/x/2", 1)])
    await watcher.until(lambda s: "case/x/2" in s.picture)
    assert set(watcher.picture) == {"case/x/1", "case/x/2"}
    assert gate.counters["broken"] == 6


async def test_the_checkpoint_is_written_by_one_gate_and_a_fresh_board_equals_the_live_one(bus, gate, screen):
    from hall.core.board import Board
    from hall.gate.keeper import Keeper

    supplier = Supplier(bus, 5)
    await supplier.publish(200)
    watcher = await screen()
    await watcher.until(lambda s: s.picture == supplier.picture)
    board = Board()
    await bus.load_board(board)
    first, second = Keeper(bus, board, "one", "x"), Keeper(bus, Board(), "two", "x")
    await bus.delete("lease", "keeper")
    assert await first.lease() and not await second.lease() and await first.lease()
    await first.save()
    await supplier.publish(20)
    await bus._catch_up(board, "bulk")
    await bus._catch_up(board, "fast")
    assert 0 < await first.save() <= 60, "only what changed is written again"
    await bus.call("XTRIM", bus.key("bulk"), "MAXLEN", 0)
    await bus.call("XTRIM", bus.key("fast"), "MAXLEN", 0)
    fresh = Board()
    await bus.load_board(fresh)
    cases = {e.subject: json.loads(e.raw)["data"] for e in fresh.current(["case"])}
    assert cases == supplier.picture
    await bus.delete("board", "position")
    assert await second.save() == 0 or fresh  # an empty gate has nothing to write
    await bus.delete("board", "position")
    assert await first.save() == len(list(board.entries())), "after the bus lost it, the whole picture is written"


async def test_a_screen_that_stops_reading_for_a_while_is_told_so_and_then_gets_the_newest_only(bus, gate, screen):
    sleeper = Screen(gate.url, max_queue=1, compression=None)
    await sleeper.connect()
    await sleeper.until(lambda s: s.pos)
    quick = await screen(max_queue=None)
    pad = "x" * 50_000
    sent = 0
    while not gate.counters["conflated"]:
        sent += 1
        await bus.publish([event(sent, f"case/x/{sent % 3}", sent, {"n": sent, "pad": pad})])
        assert sent < 2000, "the gate writes without end to somebody who does not read"
        await quick.until(lambda s, wanted=f"e{sent}": s.history and s.history[-1]["id"] == wanted)
    for _ in range(50):
        sent += 1
        await bus.publish([event(sent, f"case/x/{sent % 3}", sent, {"n": sent})])
    await quick.until(lambda s: s.picture.get(f"case/x/{sent % 3}") == {"n": sent})
    await sleeper.until(lambda s: s.picture == quick.picture)
    told = [m for m in sleeper.said if m["op"] == "told"]
    assert told and told[0]["kind"] == "conflated" and told[0]["skipped"] > 0
    after = sleeper.said[sleeper.said.index(told[0]) + 1]
    assert after["op"] == "state" and after["reset"] is False and len(after["e"]) <= 3
    await sleeper.close()


async def test_a_checkpoint_that_was_cut_short_is_made_good_from_the_stream(bus):
    from hall.core.board import Board
    from hall.core.bus import _checkpoint_fields

    supplier, live = Supplier(bus, 9), Board()
    await supplier.publish(150)
    await bus.load_board(live)
    await bus.save_checkpoint([(e.subject, e) for _, e in live.entries()], live.position, whole=True, horizon=live.horizon)
    saved = live.position
    await supplier.publish(150)
    for lane in ("bulk", "fast"):
        await bus._catch_up(live, lane)
    changed = live.since(saved, ["case"])
    await bus.hash_set(_checkpoint_fields([(e.subject, e) for e in changed[::2]]), "board")  # died before the position
    fresh = Board()
    await bus.load_board(fresh)
    cases = {e.subject: json.loads(e.raw)["data"] for e in fresh.current(["case"])}
    assert cases == supplier.picture and fresh.position == live.position
    assert {e.raw for e in fresh.since(saved, ["case"])} == {e.raw for e in changed}


async def test_a_gate_that_fell_so_far_behind_that_the_bus_dropped_entries_says_so_once(bus):
    from hall.core.board import Board
    from hall.gate.follower import Follower
    from hall.gate.hub import Hub

    counters: dict = {}
    hub = Hub(Board(), counters, "x")
    first = await bus.publish([event(0, "case/x/0", 0)])
    hub.take("bulk", first, b"[%b]" % event(0, "case/x/0", 0))
    stood = hub.board.position
    for n in range(1, 1300):
        await bus.publish([event(n, f"case/x/{n}", n)])
    await bus.call("XTRIM", bus.key("bulk"), "MAXLEN", 1100)
    following = asyncio.create_task(Follower(bus, hub, counters).run("bulk"))
    async with asyncio.timeout(10):
        while hub.board.get("case/x/1299") is None:
            await asyncio.sleep(0.01)
    following.cancel()
    assert counters["gaps"] == 1
    assert not hub.board.resumable(stood, ["case"]), "nobody resumes over a gap"
    assert hub.board.resumable(hub.board.position, ["case"])
