"""The stream end to end: a real bus, a real gate, clients written from the protocol."""

import asyncio
import json

import httpx
import pytest
import websockets

from hall.core.board import Position
from tests.hall.gate.conftest import Screen, event


async def test_a_screen_gets_the_snapshot_and_everything_after_it(bus, screen):
    await bus.publish([event(n, f"case/x/{n}", n) for n in range(5)])
    first = await screen()
    await first.until(lambda s: len(s.picture) == 5)
    await bus.publish([event(9, "case/x/9", 9)])
    await first.until(lambda s: "case/x/9" in s.picture)
    second = await screen()
    await second.until(lambda s: len(s.picture) == 6)
    assert second.states[0]["op"] == "state" and second.states[0]["reset"] is True
    assert second.picture == first.picture == {f"case/x/{n}": {"n": n} for n in (0, 1, 2, 3, 4, 9)}


async def test_events_travel_byte_for_byte_and_newest_wins(bus, screen):
    watcher = await screen()
    await watcher.until(lambda s: s.pos)
    await bus.publish([event(1, "case/x/1", 10), event(2, "case/x/1", 5), event(3, "kpi/today", 1)])
    await watcher.until(lambda s: s.picture)
    told = [e for m in watcher.said if m["op"] == "frame" for e in m["e"]]
    assert told == [json.loads(event(1, "case/x/1", 10))]


async def test_a_removed_subject_is_told_and_missing_from_later_snapshots(bus, screen):
    await bus.publish([event(1, "case/x/1", 1), event(2, "case/x/2", 1)])
    watcher = await screen()
    await watcher.until(lambda s: len(s.picture) == 2)
    await bus.publish([event(3, "case/x/1", 2, data=None)])
    await watcher.until(lambda s: len(s.picture) == 1)
    later = await screen()
    await later.until(lambda s: s.pos)
    assert later.picture == {"case/x/2": {"n": 2}}
    assert "case/x/1" not in later.events


async def test_a_filter_tells_what_matches_and_takes_back_what_left(bus, screen):
    red = {"severity": 4, "district": "A"}
    await bus.publish([event(1, "case/x/1", 1, red), event(2, "case/x/2", 1, {"district": "A"})])
    await (await screen()).until(lambda s: len(s.picture) == 2)
    where = {"case": {"severity": {"min": 2}, "district": ["A"]}}
    watcher = await screen(where=where)
    await watcher.until(lambda s: s.pos)
    assert watcher.picture == {"case/x/1": red}
    await bus.publish([event(3, "case/x/2", 2, red), event(4, "case/x/3", 2, {**red, "district": "B"})])
    await watcher.until(lambda s: len(s.picture) == 2)
    await bus.publish([event(5, "case/x/1", 3, {"district": "A"})])
    await watcher.until(lambda s: len(s.picture) == 1)
    assert set(watcher.events) == {"case/x/1", "case/x/2"}
    # A field at its default is not sent: severity 0 is what its absence means.
    calm = await screen(where={"case": {"severity": [0]}})
    await calm.until(lambda s: s.pos)
    assert set(calm.picture) == {"case/x/1"}


async def test_a_resuming_screen_with_a_filter_is_told_what_left_meanwhile(bus, gate, screen):
    await bus.publish([event(1, "case/x/1", 1, {"severity": 4}), event(2, "case/x/2", 1, {"severity": 4})])
    where = {"case": {"severity": {"min": 2}}}
    watcher = Screen(gate.url, where=where)
    await watcher.connect()
    await watcher.until(lambda s: len(s.picture) == 2)
    watcher.abort()
    await bus.publish([event(3, "case/x/1", 2, {"severity": 1})])
    other = await screen()
    await other.until(lambda s: s.picture.get("case/x/1") == {"severity": 1})
    await watcher.connect()
    await watcher.until(lambda s: len(s.picture) == 1)
    assert [m["reset"] for m in watcher.said if m["op"] == "state"] == [True, False]
    await watcher.close()


async def test_resume_tells_only_what_was_missed(bus, gate, screen):
    await bus.publish([event(n, f"case/x/{n}", n) for n in range(100)])
    watcher = Screen(gate.url)
    await watcher.connect()
    await watcher.until(lambda s: len(s.picture) == 100)
    watcher.abort()
    await bus.publish([event(200, "case/x/7", 200)])
    await (other := await screen()).until(lambda s: s.picture.get("case/x/7") == {"n": 200})
    watcher.said.clear()
    await watcher.connect()
    await watcher.until(lambda s: s.states)
    assert watcher.states[0]["reset"] is False
    assert [e["id"] for e in watcher.states[0]["e"]] == ["e200"]
    assert other.picture == watcher.picture
    await watcher.close()


async def test_a_position_of_another_bus_gets_the_whole_picture(bus, gate, screen):
    await bus.publish([event(1, "case/x/1", 1)])
    await (await screen()).until(lambda s: s.picture)
    stranger = Screen(gate.url)
    stranger.pos = "other@5-0/0-0"
    await stranger.connect()
    await stranger.until(lambda s: s.states)
    assert stranger.states[0]["reset"] is True and len(stranger.picture) == 1
    await stranger.close()


async def test_a_large_snapshot_comes_in_parts_and_joins_what_changed_meanwhile(bus, screen):
    await bus.publish([event(n, f"case/x/{n}", n, {"n": n, "pad": "x" * 1000}) for n in range(3000)])
    await (await screen(max_queue=None)).until(lambda s: len(s.picture) == 3000)
    watcher = await screen()
    await watcher.next()
    await bus.publish([event(5000, "case/x/5", 9999), event(5001, "case/x/6", 9999, data=None)])
    await watcher.until(lambda s: s.picture.get("case/x/5") == {"n": 5000} and len(s.picture) == 2999)
    states = [m for m in watcher.said if m["op"] == "state" and m["reset"]]
    assert [m["part"] for m in states] == list(range(1, states[0]["parts"] + 1)) and len(states) > 10
    assert all(len(json.dumps(m)) < 400_000 for m in states)


async def test_a_tick_with_very_many_changes_comes_as_several_frames_under_a_megabyte(bus, screen):
    watcher = await screen(max_queue=None)
    await watcher.until(lambda s: s.pos)
    await bus.publish([event(n, f"case/x/{n}", n, {"pad": "x" * 1000}) for n in range(3000)])
    await watcher.until(lambda s: len(s.picture) == 3000)
    frames = [m for m in watcher.said if m["op"] == "frame"]
    assert len(frames) > 3 and all(len(json.dumps(m)) < 2**20 for m in frames)


async def test_histories_are_told_whole_and_in_order(bus, gate):
    from hall.access import open_session

    secret = await open_session(bus, "someone", "supervisor")
    watcher = Screen(gate.url, topics=("log",), additional_headers={"Cookie": f"hall_session={secret}"})
    await watcher.connect()
    await watcher.until(lambda s: s.pos)
    await bus.publish([event(n, "log/desk", n) for n in range(50)])
    await bus.publish([event(n, "log/desk", n) for n in range(50)])
    await bus.publish([event(99, "log/desk", 99)])
    await watcher.until(lambda s: s.history and s.history[-1]["id"] == "e99")
    assert [e["id"] for e in watcher.history] == [*(f"e{n}" for n in range(50)), "e99"]
    await watcher.close()


async def test_the_fast_lane_does_not_wait_for_the_tick(valkey, bus_prefix, bus):
    from tests.hall.gate.conftest import RunningGate

    slow_ticks = RunningGate(valkey, bus_prefix, tick=1.0)
    await slow_ticks.start()
    try:
        watcher = Screen(slow_ticks.url, topics=("alarm", "case"))
        await watcher.connect()
        await watcher.until(lambda s: s.pos)
        loop = asyncio.get_running_loop()
        spans = []
        for n in range(5):
            began = loop.time()
            await bus.publish([event(n, f"alarm/x/{n}", n)], "fast")
            await watcher.until(lambda s, n=n: f"alarm/x/{n}" in s.picture)
            spans.append(loop.time() - began)
        assert min(spans) < 0.5, "an alarm waited for the tick of one second"
        await watcher.close()
    finally:
        await slow_ticks.stop()


async def test_deflated_and_plain_clients_are_told_the_same(bus, gate, screen):
    plain, deflated = await screen(compression=None), await screen(compression="deflate")
    await bus.publish([event(n, f"case/x/{n}", n, {"text": "积水" * 200}) for n in range(300)])
    for one in (plain, deflated):
        await one.until(lambda s: len(s.picture) == 300)
    assert plain.picture == deflated.picture
    assert deflated.socket.protocol.extensions and not plain.socket.protocol.extensions


async def test_beats_carry_a_position_and_the_age_of_the_bus(screen):
    watcher = await screen()
    await watcher.until(lambda s: any(m["op"] == "beat" for m in s.said))
    beat = next(m for m in watcher.said if m["op"] == "beat")
    if beat["pos"] is not None:  # of this subscription, and never before what this screen was told
        told, place = (text.split("@") for text in (watcher.pos, beat["pos"]))
        assert place[0] == told[0] and Position.parse(place[1]) >= Position.parse(told[1])
    assert 0 <= beat["bus_age"] < 3000 and beat["now"] > 1_600_000_000_000


async def test_ping_is_answered_with_its_number(screen):
    watcher = await screen()
    await watcher.say(op="ping", n=41)
    await watcher.until(lambda s: any(m["op"] == "pong" for m in s.said))
    assert next(m for m in watcher.said if m["op"] == "pong")["n"] == 41


async def test_the_clock_is_published_at_the_start_and_when_it_changes(gate, screen):
    from hall.core.clock import ClockState

    watcher = await screen(topics=("clock",))
    await watcher.until(lambda s: "clock/city" in s.picture)
    gate.process.clock.state = ClockState(1, 2, 60.0, None)
    await watcher.until(lambda s: s.picture["clock/city"]["rate"] == 60.0)


async def test_a_second_subscription_replaces_the_first(bus, screen):
    await bus.publish([event(1, "case/x/1", 1), event(2, "kpi/today", 1)])
    watcher = await screen()
    await watcher.until(lambda s: s.picture)
    await watcher.say(op="subscribe", topics=["kpi"])
    await watcher.until(lambda s: set(s.picture) == {"kpi/today"})
    await bus.publish([event(3, "case/x/1", 5), event(4, "kpi/today", 5)])
    await watcher.until(lambda s: s.picture.get("kpi/today") == {"n": 4})
    assert "case/x/1" not in watcher.picture


async def test_health_is_answered_over_plain_http(gate):
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        answer = await client.get(f"http://127.0.0.1:{gate.port + 1}/healthz")
        assert answer.status_code == 200 and answer.json()["ok"] is True
        assert (await client.get(f"http://127.0.0.1:{gate.port + 1}/other")).status_code == 404


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ("{", 4400, "malformed"),
        ('{"op":"subscribe"}', 4400, "malformed"),
        ('{"op":"subscribe","topics":[]}', 4400, "malformed"),
        ('{"op":"dance"}', 4400, "op-unknown"),
        ('{"op":"subscribe","topics":["cases"]}', 4400, "topic-unknown"),
        ('{"op":"subscribe","topics":["audit"]}', 4403, "topic-refused"),
        ('{"op":"subscribe","topics":["case"],"from":"yesterday"}', 4400, "position-malformed"),
        ('{"op":"subscribe","topics":["case"],"where":{"case":{"severity":{"max":2}}}}', 4400, "filter-malformed"),
        ('{"op":"subscribe","topics":["case"],"where":{"kpi":{"severity":[2]}}}', 4400, "filter-malformed"),
        ("[" * 50_000, 4400, "malformed"),
    ],
)
async def test_nonsense_is_refused_with_a_reason_and_a_code(gate, message, code, reason):
    async with websockets.connect(gate.url, proxy=None) as socket:
        await socket.recv()
        await socket.send(message)
        while (refused := json.loads(await socket.recv()))["op"] == "beat":
            pass
        assert (refused["op"], refused["reason"]) == ("refused", reason)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd.code == code


async def test_a_message_over_the_bound_closes_the_connection_and_nobody_elses(gate, screen):
    watcher = await screen()
    async with websockets.connect(gate.url, proxy=None) as socket:
        await socket.recv()
        await socket.send("x" * 70_000)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            while True:
                await socket.recv()
        assert closed.value.rcvd.code == 1009
    await watcher.say(op="ping", n=1)
    await watcher.until(lambda s: any(m["op"] == "pong" for m in s.said))


async def test_who_talks_without_end_is_told_to_stop(gate):
    async with websockets.connect(gate.url, proxy=None) as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            for n in range(10_000):
                await socket.send(f'{{"op":"ping","n":{n}}}')
            while True:
                await socket.recv()
        assert closed.value.rcvd.code == 4429


async def test_a_position_told_for_one_subscription_does_not_resume_another(bus, gate, screen):
    await bus.publish([event(1, "case/x/1", 1), event(2, "kpi/today", 1)])
    await (await screen(topics=("case", "kpi"))).until(lambda s: len(s.picture) == 2)
    watcher = await screen()
    await watcher.until(lambda s: s.picture)
    returning = Screen(gate.url, topics=("case", "kpi"))
    returning.pos = watcher.pos  # as if the topics had grown just before the link was lost
    await returning.connect()
    await returning.until(lambda s: s.states)
    assert returning.states[0]["reset"] is True and len(returning.picture) == 2
    await returning.close()
