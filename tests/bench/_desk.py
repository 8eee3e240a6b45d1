"""What the measurements of the desk share: a hall with open cases, twenty operators, screens in a process of their own, and the
peer: a table that is asked every three seconds for at most fifty rows, as TicketsCAD v4 tells its browsers.

`python -m tests.bench._desk STREAM COOKIE COUNT` is the process of the screens: it prints `ready`, then for every revision of a
case file the moment (CLOCK_MONOTONIC, s) at which each screen had it, until its standard input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from websockets.asyncio.client import connect

from hall import access
from hall.core.bus import Bus
from hall.core.settings import bus_socket
from tests.journeys.shift.city import flood
from tests.journeys.shift.link import Hall, Seat
from tests.running import ROOT, RunningHall

OPERATORS, SCREENS, CASES = 20, 20, 600
#: figures of TicketsCAD v4 on a machine like this, ../shared/findings/peers.md section 3: it could not be had for this run
PEER_P50_S, PEER_BURST_S = 1.51, 30.1
PEER_POLL_S, PEER_ROWS = 3.0, 50


@contextlib.asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[tuple[RunningHall, Hall, list[Seat]]]:
    """A hall whose replay is over, with CASES open files, and its operators, who hear of files as the console does."""
    city = flood(folder, CASES, 4, ended=False)
    with RunningHall(folder / "v", city.config) as hall:
        place = Hall(hall.url, hall.stream, f"unix://{bus_socket(hall.data_dir)}")
        async with contextlib.AsyncExitStack() as stack:
            people = [Seat(place, f"operator-{n}", "operator", ["file"] if n < 2 else []) for n in range(OPERATORS)]
            for seat in people:
                await stack.enter_async_context(seat)
            await people[0].until(lambda: len(people[0].present("file")) == CASES, 120, "every case has its file")
            yield hall, place, people


async def secret_of(place: Hall, name: str, role: str) -> str:
    """A session for a screen or a browser."""
    bus = Bus(place.bus_url)
    secret = await access.open_session(bus, name, role)
    await bus.close()
    return secret


class Screens:
    """COUNT screens in a process of their own; after the block `arrived[subject, revision]` has a moment per screen."""

    def __init__(self, place: Hall, count: int = SCREENS) -> None:
        self.place, self.count = place, count
        self.arrived: dict[tuple[str, int], list[float]] = {}

    async def __aenter__(self) -> Screens:
        secret = await secret_of(self.place, "a-wall", "viewer")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench._desk", self.place.stream, secret, str(self.count),
            cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**28,
        )  # fmt: skip
        assert (await self._process.stdout.readline()).strip() == b"ready"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.stdin.close()
        told = json.loads(await self._process.stdout.readline())
        self.arrived = {(subject, revision): moments for subject, revision, moments in told}
        await self._process.wait()


class Browser:
    """The network half of a browser: as many connections to the hall as a browser opens, requests written as bytes.

    httpx needs 2 ms of computing for a request, more than the hall: 500 at once would measure the client.
    """

    CONNECTIONS = 6

    def __init__(self, seat: Seat) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in seat.http.cookies.items())
        self._address = seat.http.base_url.host, seat.http.base_url.port
        self._head = f"host: {self._address[0]}:{self._address[1]}\r\ncookie: {cookies}\r\nx-hall-csrf: {seat.http.headers['x-hall-csrf']}\r\n"
        self._free: asyncio.Queue = asyncio.Queue()

    async def __aenter__(self) -> Browser:
        for _ in range(self.CONNECTIONS):
            self._free.put_nowait(await asyncio.open_connection(*self._address))
        return self

    async def __aexit__(self, *_: object) -> None:
        while not self._free.empty():
            self._free.get_nowait()[1].close()

    async def post(self, path: str, body: object) -> tuple[int, bytes]:
        """Status and body of the answer; waits for a free connection, as a browser does."""
        data = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\n{self._head}content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        reader, writer = connection = await self._free.get()
        try:
            writer.write(head.encode() + data)
            lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
            return int(lines[0].split()[1]), await reader.readexactly(length)
        finally:
            self._free.put_nowait(connection)


class Peer:
    """The same events through a table that is polled; `took` has the seconds each needed to one screen."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "peer.db", isolation_level=None)
        self._db.execute("create table events (id integer primary key, made real)")
        self.took: list[float] = []
        self._last = 0

    def tell(self, moments: Iterable[float]) -> None:
        self._db.executemany("insert into events (made) values (?)", [(moment,) for moment in moments])

    async def poll(self, until: int) -> None:
        """Asks until `until` events were shown."""
        while len(self.took) < until:
            await asyncio.sleep(PEER_POLL_S)
            found = "select id, made from events where id > ? order by id limit ?"
            for number, made in self._db.execute(found, (self._last, PEER_ROWS)).fetchall():
                self._last = number
                self.took.append(time.monotonic() - made)


def parts(values: list[float]) -> tuple[float, float, float]:
    """p50, p95, p99."""
    ordered = sorted(values)
    return statistics.median(ordered), *(ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.95, 0.99))


def row(name: str, seconds: list[float]) -> str:
    """A line of a table in ms."""
    return f"| {name} | {' | '.join(f'{value * 1000:.0f}' for value in (*parts(seconds), max(seconds)))} | {len(seconds)} |"


HEADER = "| what | p50 ms | p95 ms | p99 ms | worst ms | samples |\n|---|---|---|---|---|---|"


# -- the process of the screens ----------------------------------------------------------------------------------------------


async def _screen(url: str, cookie: str, arrived: dict[tuple[str, int], list[float]], first: asyncio.Semaphore) -> None:
    async with connect(
        url, additional_headers={"Cookie": f"{access.COOKIE}={cookie}"}, max_size=2**26, compression=None
    ) as socket:
        await socket.send(json.dumps({"op": "subscribe", "topics": ["file", "crew", "kpi"], "from": None}))
        async for text in socket:
            message, now = json.loads(text), time.monotonic()
            if message["op"] == "state" and message["part"] == message["parts"]:
                first.release()
            if message["op"] == "frame":
                for event in message["e"]:
                    if event["subject"].startswith("file/") and event.get("data"):
                        arrived.setdefault((event["subject"], event["data"]["revision"]), []).append(now)


async def _screens(url: str, cookie: str, count: int) -> None:
    arrived: dict[tuple[str, int], list[float]] = {}
    first = asyncio.Semaphore(0)
    watching = [asyncio.create_task(_screen(url, cookie, arrived, first)) for _ in range(count)]
    for _ in range(count):
        await first.acquire()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in watching:
        task.cancel()
    print(json.dumps([[subject, revision, moments] for (subject, revision), moments in arrived.items()]))


if __name__ == "__main__":
    asyncio.run(_screens(sys.argv[1], sys.argv[2], int(sys.argv[3])))
