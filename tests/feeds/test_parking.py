"""Refused input is kept, counted, bounded, and can go through a corrected mapping."""

from __future__ import annotations

import asyncio
import json
import re

from feeds import parking
from feeds.runner import Runner
from hall.core.board import START
from layouts import catalogue
from tests.conftest import ROOT
from tests.feeds.conftest import running

WRONG = """
[[feeds]]
name = "f"
kind = "case"
url = "push://"
format = "json"
[feeds.mapping]
case_id = "id"
time = {path = "t", time = "%Y/%m/%d"}
"""
RIGHT = WRONG.replace("%Y/%m/%d", "iso")


async def test_parked_input_passes_after_the_mapping_is_corrected(bench):
    bench.configure(WRONG)
    process = bench.process
    runner = Runner(process)
    await runner.start()
    rim = runner.running["f"].rim
    for number in range(10):
        await rim.bytes(json.dumps({"id": str(number), "t": "2024-01-02"}).encode())
    await rim.bytes(b"{never readable")
    await rim.durable()
    assert len(await bench.parked("f")) == 11

    (bench.folder / "hall.toml").write_text((bench.folder / "hall.toml").read_text().replace("%Y/%m/%d", "iso"))
    bus = process.bus
    await bus.queue_add({"command": b'{"do": "reload"}'}, "commands", "feeds")
    await bus.queue_add({"command": b'{"do": "replay-parked", "feed": "f"}'}, "commands", "feeds")
    await bus.queue_add({"command": b"{broken"}, "commands", "feeds")
    async with running(runner.obey()):
        async with asyncio.timeout(20):
            while await bus.queue_length("commands", "feeds"):
                await asyncio.sleep(0.02)
    assert len(await bench.documents("case")) == 10
    left = await bench.parked("f")
    assert [entry["raw"] for entry in left] == ["{never readable"]
    counts = {k: int(v) for k, v in (await bus.hash_all("parked-counts", "f")).items()}
    assert {k: v for k, v in counts.items() if v} == {"json-malformed": 1}
    for found in runner.running.values():
        found.task.cancel()


async def test_a_reload_that_cannot_be_used_leaves_the_feeds_as_they_run(bench):
    bench.configure(RIGHT)
    runner = Runner(bench.process)
    await runner.start()
    before = runner.running["f"].rim
    (bench.folder / "hall.toml").write_text("[city")
    await runner.reload()
    assert runner.running["f"].rim is before
    assert "reload refused" in before.life.note
    runner.running["f"].task.cancel()


async def test_the_oldest_parked_go_when_the_bound_is_reached_and_are_counted(bench, monkeypatch):
    monkeypatch.setattr(parking, "QUEUE_BOUND", 300)
    bench.configure(RIGHT)
    rim = await bench.rim("f")
    for number in range(1000):
        await rim.park(b"%d" % number, "odd", "")
    await rim.durable()
    kept = await bench.process.bus.queue_length("parked", "f")
    # the server trims whole nodes: a little more than the bound may stay
    assert 300 <= kept <= 500
    assert rim.parking.dropped == 1000 - kept
    newest = (await bench.parked("f"))[-1]
    assert newest["raw"] == "999"


async def test_a_flood_of_large_refused_input_does_not_fill_the_bus(bench):
    bench.configure(RIGHT)
    rim = await bench.rim("f")
    for number in range(3_000):
        await rim.park(b"%06d" % number + b"x" * 60_000, "odd", "")
    await rim.durable()
    entries = await bench.parked("f")
    assert sum(len(entry["raw"]) for entry in entries) < 24 * 1024 * 1024
    assert entries[-1]["raw"].startswith("002999") and rim.parking.dropped == 3_000 - len(entries)


async def test_two_flushes_at_once_keep_each_item_once(bench):
    bench.configure(RIGHT)
    rim = await bench.rim("f")
    for number in range(500):
        rim.parking.add(b"%d" % number, "odd", "", "body:", 0)
    await asyncio.gather(rim.parking.flush(), rim.parking.flush(), rim.durable())
    assert [entry["raw"] for entry in await bench.parked("f")] == [str(number) for number in range(500)]
    assert await rim.bus.hash_all("parked-counts", "f") == {"odd": b"500"}


async def test_what_was_cut_is_kept_for_looking_at_and_not_replayed(bench):
    bench.configure(RIGHT)
    runner = Runner(bench.process)
    await runner.start()
    rim = runner.running["f"].rim
    await rim.bytes(b'{"id": "' + b"x" * 50_000)
    await rim.durable()
    await runner.replay_parked("f")
    (entry,) = await rim.bus.queue_read("parked", "f", after=START)
    assert entry[1]["form"] == b"cut:body:" and len(entry[1]["raw"]) == parking.RAW_BOUND
    runner.running["f"].task.cancel()


def test_every_reason_for_parking_has_words():
    raised = re.compile(r'BadInput\(\s*"([a-z0-9-]+)"')
    sources = [path for folder in ("feeds", "hall/core") for path in (ROOT / folder).rglob("*.py")]
    reasons = {reason for path in sources for reason in raised.findall(path.read_text("utf-8"))}
    assert len(reasons) > 80
    for words in catalogue.texts().values():
        assert {reason for reason in reasons if f"desk.reason.{reason}" not in words} == set()
