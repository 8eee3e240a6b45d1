"""A rim that records what a transport does with it, and a feed of one's own configuration."""

import asyncio
import contextlib
import json
import random
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from feeds.source import Outcome
from hall.core import config as config_module
from hall.core.clock import CityClock
from hall.core.embedded import server_binary
from hall.core.errors import ConfigError
from tests.running import free_port_pair
from tests.tasks import ended


class Recorder:
    """Keeps everything in plain lists; `until` waits for a condition without polling.

    `kept` is what a restart finds again (the cursor): hand it to the next Recorder.
    """

    def __init__(self, config, name, bus=None, kept=None):
        self.config, (self.index, self.feed), self.bus = config, config.feed(name), bus
        self.clock, self.random, self.data_dir = CityClock(), random.Random(1), Path(".")
        self.kept = {} if kept is None else kept
        self.bodies, self.taken_rows, self.parked, self.notes, self.losses = [], [], [], [], []
        self.connections = self.flushes = self.lives = 0
        self.hold = None  # an asyncio.Event: `durable` waits for it
        self._changed = asyncio.Event()

    def _tell(self):
        self._changed.set()

    async def until(self, condition, seconds=20):
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            counts = f"{len(self.bodies)} bodies, {len(self.taken_rows)} rows"
            raise AssertionError(f"did not come about: {counts}, {self.parked[-3:]}, {self.losses[-3:]}") from None

    async def bytes(self, body, content_type=""):
        self.bodies.append((body, content_type))
        self._tell()
        return Outcome(accepted=1)

    async def row(self, row):
        return await self.rows([row])

    async def rows(self, rows):
        rows = list(rows)
        self.taken_rows += rows
        self._tell()
        return Outcome(accepted=len(rows))

    async def park(self, raw, reason, detail="", content_type=""):
        self.parked.append((raw, reason, detail))
        self._tell()
        return Outcome(parked=1)

    def cursor(self, value):
        self.kept["cursor"] = value
        self._tell()

    async def load_cursor(self):
        return self.kept.get("cursor")

    async def durable(self):
        if self.hold is not None:
            await self.hold.wait()
        self.flushes += 1
        self._tell()

    def connected(self):
        self.connections += 1
        self._tell()

    def lost(self, reason):
        self.losses.append(reason)
        self._tell()

    def note(self, error):
        self.notes.append(error)
        self._tell()

    def seen(self):
        self.lives += 1
        self._tell()

    def wrong(self, key, problem):
        return self.config.error(f"feeds[{self.index}].{key}", problem)

    def json(self):
        return [json.loads(body) for body, _ in self.bodies]


@pytest.fixture
def rim(bus):
    """`rim(url, kind="observation", kept=None, **feed keys)` -> Recorder."""

    def make(url, kind="observation", kept=None, **keys):
        config = config_module.HallConfig(
            city=config_module.CityConfig(name={"en": "Test"}, centre=(114.0, 35.3)),
            feeds=[config_module.FeedConfig(name="f", kind=kind, url=url, **keys)],
            file=str(Path(__file__).with_name("hall.toml")),
        )
        return Recorder(config, "f", bus, kept)

    return make


@pytest.fixture
async def running():
    """`running(transport, rim)` runs it as the runner does: again after each loss, until the test ends."""
    tasks = []

    async def keep(transport, rim):
        while True:
            try:
                await transport.run(rim.feed, rim)
                return
            except ConfigError:
                raise
            except Exception as error:
                rim.lost(str(error) or type(error).__name__)
                await asyncio.sleep(0.02)

    def start(transport, rim):
        tasks.append(asyncio.create_task(keep(transport, rim)))
        return tasks[-1]

    yield start
    await ended(*tasks)
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError, ConfigError):
            task.result()


@pytest.fixture
def web_server():
    """`web_server(answer)` -> base address of a real HTTP server; `answer(path, query, headers)` -> (status, headers, body).

    `query` is a dict of single values.
    """
    servers = []

    def start(answer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                parts = urlsplit(self.path)
                status, headers, body = answer(parts.path, dict(parse_qsl(parts.query)), self.headers)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def tcp_valkey(tmp_path):
    """`redis://` address (database 0) of a second real Valkey: somebody else's server."""
    port = free_port_pair()
    command = [server_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(1000):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        assert server.poll() is None, "the second Valkey ended at once"
        threading.Event().wait(0.01)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait(10)
