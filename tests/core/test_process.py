"""What every process shares: its events never go back in time, whatever the machine's clock does."""

from pathlib import Path

import pytest

from hall.core import clock
from hall.core.config import parse
from hall.core.event import encode, envelope
from hall.core.process import Process
from hall.core.settings import Settings

CONFIG = parse('[city]\nname = {en = "X"}\ncentre = [1.0, 2.0]\n')


@pytest.fixture
def make(valkey, bus_prefix):
    def build() -> Process:
        settings = Settings(
            data_dir=Path("."),
            host="127.0.0.1",
            port=1,
            video_port=1,
            redis_url=valkey,
            embedded=False,
            bus_prefix=bus_prefix,
            tick_seconds=0.04,
            config_path="",
        )
        return Process("p", settings, CONFIG)

    return build


def _key(event):
    head = envelope(encode(event))
    return head.time, head.recordedtime, head.id


async def test_a_machine_clock_set_back_an_hour_does_not_freeze_documents(make, monkeypatch):
    now = [1_800_000_000_000]
    monkeypatch.setattr(clock, "real_ms", lambda: now[0])
    first = make()
    await first.load_clock()
    before = first.event("process/p", 1)
    first.bulk.put(before)
    await first.bulk.flush()
    now[0] -= 3_600_000
    same_run = first.event("process/p", 2)
    restarted = make()
    await restarted.load_clock()
    after_restart = restarted.event("process/p", 3)
    assert _key(before) < _key(same_run) < _key(after_restart)
    await first.bus.close()
    await restarted.bus.close()
