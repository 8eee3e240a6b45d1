"""A real dispatch process on the test's own bus keys, and a way to see what it publishes."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from hall.core.board import Board
from hall.core.bus import apply_entry
from hall.core.event import Event, encode
from tests.prefork import prefork

CONFIG = """
[city]
name = {{en = "Test"}}
centre = [1.0, 2.0]
timezone = "{timezone}"
languages = ["en"]

[clock]
start = "{start}"
stop = "{stop}"
rate = {rate}

[[thresholds]]
quantity = "water_depth"
value = 0.15
severity = 2
label = {{en = "pass with care"}}

[[thresholds]]
quantity = "water_depth"
value = 0.27
severity = 4
label = {{en = "close the road"}}
"""

IMPORTED = (
    "dispatch.service", "dispatch.evaluation.keeper", "alembic.command", "alembic.ddl.sqlite", "sqlalchemy.dialects.sqlite", "uvloop",
)  # fmt: skip


class Hall:
    """One test's hall: publishes what a feed would, runs dispatch, reads the board."""

    def __init__(self, bus, valkey, prefix, folder):
        self.bus, self.folder, self._made, self.process = bus, folder, 0, None
        self._env = os.environ | {
            "HALL_REDIS_URL": valkey,
            "HALL_BUS_PREFIX": prefix,
            "HALL_DATA_DIR": str(folder),
            "HALL_CONFIG": str(folder / "hall.toml"),
        }

    def configure(self, start, stop=None, rate=1.0, timezone="America/New_York"):
        text = CONFIG.format(start=start, stop=stop or start, rate=rate, timezone=timezone)
        (self.folder / "hall.toml").write_text(text)

    def event(self, subject, time, data, source="feeds", name=""):
        self._made += 1
        name = name or f"{source}-{self._made:08d}"
        return Event(id=name, source=source, subject=subject, time=time, recordedtime=time, data=data)

    async def publish(self, *events, lane="bulk"):
        return await self.bus.publish([encode(event) for event in events], lane)

    async def start(self):
        code = "import dispatch; from hall.core.process import main; main('dispatch', dispatch.run)"
        self.process = prefork().start(code, after=IMPORTED, env=self._env)

    async def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)
            await asyncio.to_thread(self.process.wait, 20)

    async def until(self, found, seconds=30):
        """The board once `found(board)` is true, followed live."""
        board = Board()
        await self.bus.load_board(board)
        async with asyncio.timeout(seconds):
            while not found(board):
                for lane in ("bulk", "fast"):
                    after = getattr(board.position, lane)
                    for at, fields in await self.bus.queue_read(lane, after=after, block_ms=50):
                        apply_entry(board, lane, at, fields["p"])
        return board


def data_of(board, subject):
    event = board.decode(subject)
    return None if event is None else event["data"]


def cards(board):
    """kpi/today as {key: (value, of)}, None while there is none."""
    data = data_of(board, "kpi/today")
    return data and {card["key"]: (card["value"], card["of"]) for card in data["cards"]}


@pytest.fixture
async def hall(bus, valkey, bus_prefix, tmp_path):
    made = Hall(bus, valkey, bus_prefix, tmp_path)
    yield made
    await made.stop()
