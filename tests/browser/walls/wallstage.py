"""A real wall page, rendered by Dash, fed by a gate that a test scripts: for tests and for looking at it.

`serve(config)` yields a `Stage`: `stage.url("flood")` is a page, `stage.gate` speaks docs/PROTOCOL.md. The gate keeps the
documents it was given; a page that connects later gets a snapshot of the same picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import html as escaping
import itertools
import json
import threading
from pathlib import Path
from typing import Any

import dash
from dash import html
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from websockets.asyncio.server import serve as serve_websocket

from hall.core.clock import real_ms
from hall.core.config import HallConfig
from layouts import catalogue, walls
from layouts.context import context_of
from layouts.wall import panels, wall
from tests.browser import address

ROOT = Path(__file__).parent.parent.parent.parent
INDEX = """<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><meta name="hall-page" content="{page}">
<title>wall</title><link rel="icon" href="data:,">{css}</head><body>{app_entry}{catalogue}
<footer>{config}{scripts}{renderer}</footer></body></html>"""
#: JavaScript: everything is mounted and fresh
ALL_LIVE = """() => window.hall && hall.store.ready && hall.panels.size === document.querySelectorAll('[data-panel]').length
  && Object.values(hall.panelStates()).every(state => state === 'live')"""
#: JavaScript: from now on `heldUp(since)` is how long this page could not run, ms: what a busy machine took is no time of the page's own
HELD_UP = """() => { const look = 25, held = []; let last = performance.now();
  const late = () => Math.max(0, performance.now() - last - 2 * look);
  setInterval(() => { if (late()) held.push([performance.now(), late()]); last = performance.now(); }, look);
  window.heldUp = (since) => held.reduce((sum, [at, ms]) => sum + Math.max(0, Math.min(ms, at - since)), Math.min(late(), performance.now() - since)); }"""
#: JavaScript: the number of elements, once it has stayed the same for so many frames
SETTLED = """() => new Promise((done) => { let [last, same] = [-1, 0];
  const look = () => { const count = document.querySelectorAll('*').length;
    same = count === last ? same + 1 : 0;
    last = count;
    if (same > 20) done(count); else requestAnimationFrame(look); };
  look(); })"""
PROCESSES = ("gate", "web", "feeds", "dispatch", "relay", "video")


class Gate:
    """What the page is connected to. `subscriptions`, `reports` are what screens sent; every method is thread safe."""

    def __init__(self) -> None:
        self.events: dict[str, dict] = {}
        self.subscriptions: list[dict] = []
        self.reports: list[dict] = []
        self.changed = threading.Condition()
        self.telling = threading.RLock()  # events are put by the test's thread and by the beat's: each looks and puts in one go
        self.beating = self.living = True
        self.silent = False  # a socket opens and nothing is said
        self.bus_age, self.build = 0, "b1"
        self._ids, self._clients, self._position = itertools.count(1), set(), 0
        self.loop, self.port, self.ended = asyncio.new_event_loop(), 0, asyncio.Event()

    @property
    def position(self) -> str:
        return f"g@{self._position}-0/0-0"

    def event(self, subject: str, data: Any, time: int | None = None) -> dict:
        now = real_ms()
        made = {"id": f"t-{next(self._ids):09d}", "source": "t", "subject": subject, "time": time or now, "recordedtime": now}
        return made | {"data": data}

    def put(self, *rows: tuple) -> None:
        """Sends one frame with all `rows` = (subject, data[, time])."""
        with self.telling:
            self.send_events([self.event(*row) for row in rows])

    def send_events(self, events: list[dict]) -> None:
        """Sends a frame of events as they are, and keeps the greatest per subject for later snapshots."""
        with self.telling:
            self._position += 1
            for event in events:
                known = self.events.get(event["subject"])
                key = (event["time"], event["recordedtime"], event["id"])
                if known is None or key > (known["time"], known["recordedtime"], known["id"]):
                    self.events[event["subject"]] = event
            self._tell({"op": "frame", "pos": self.position, "e": events})

    def cut(self) -> None:
        """Ends every connection without a word, as a broken network does."""
        self.loop.call_soon_threadsafe(lambda: [client.transport.abort() for client in list(self._clients)])

    def wait_for(self, what, seconds: float = 60) -> None:
        """Returns once `what()` holds; looked at whenever a screen says something."""
        with self.changed:
            assert self.changed.wait_for(what, seconds), "a screen never said it"

    def _tell(self, message: dict) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended with the test
            self.loop.call_soon_threadsafe(self._send, json.dumps(message))

    def _send(self, text: str) -> None:
        for client in list(self._clients):
            self.loop.create_task(self._send_one(client, text))

    async def _send_one(self, client, text: str) -> None:
        with contextlib.suppress(Exception):
            await client.send(text)

    async def _answer(self, client, message: dict) -> None:
        if message["op"] == "ping":
            await client.send(json.dumps({"op": "pong", "n": message["n"], "now": real_ms()}))
        elif message["op"] == "subscribe":
            self.subscriptions.append(message)
            present = [event for event in list(self.events.values()) if event["data"] is not None]
            wanted = [event for event in present if event["subject"].partition("/")[0] in message["topics"]]
            half = len(wanted) // 2
            for part, events in enumerate((wanted[:half], wanted[half:]), 1):
                state = {"op": "state", "reset": True, "part": part, "parts": 2, "pos": self.position, "e": events}
                self.loop.create_task(self._send_one(client, json.dumps(state)))
            self._clients.add(client)  # at once: what is put while the snapshot is on its way comes after it
        elif message["op"] == "report":
            self.reports.append(message)
        with self.changed:
            self.changed.notify_all()

    async def handle(self, client) -> None:
        if self.silent:
            return await client.wait_closed()
        await client.send(json.dumps({"op": "hello", "now": real_ms(), "build": self.build}))
        with contextlib.suppress(Exception):
            async for raw in client:
                await self._answer(client, json.loads(raw))
        self._clients.discard(client)

    async def beat(self) -> None:
        while True:
            if self.living:
                rows = [(f"process/{name}", {"name": name, "pid": 1, "started": 1, "beat": real_ms()}) for name in PROCESSES]
                with self.telling:
                    feeds = [row for row in self.events if row.startswith("feed/")]
                    self.put(*rows, *((row, self.events[row]["data"] | {"last_seen": real_ms()}) for row in feeds))
            if self.beating:
                self._send(json.dumps({"op": "beat", "now": real_ms(), "pos": self.position, "bus_age": self.bus_age}))
            await asyncio.sleep(0.5)

    def run(self, ready: threading.Event) -> None:
        async def body() -> None:
            async with serve_websocket(self.handle, "127.0.0.1", 0) as server:
                self.port = server.sockets[0].getsockname()[1]
                ready.set()
                beating = asyncio.create_task(self.beat())
                await self.ended.wait()
                beating.cancel()

        self.loop.run_until_complete(body())
        self.loop.close()


class _Page(dash.Dash):
    page: dict = {}

    def interpolate_index(self, **parts: str) -> str:
        page = escaping.escape(json.dumps(self.page))
        return INDEX.format(**{**parts, "page": page, "catalogue": catalogue.script()})


class Stage:
    """A served wall: `gate`, `address`, and the server's `build` that /healthz tells."""

    def __init__(self, gate: Gate, config: HallConfig) -> None:
        self.gate, self.config, self.build, self.shown = gate, config, "b1", "routine"
        self.address = ""
        self.more: dict = {}  # further page settings

    def prepare(self, server: FastAPI) -> None:
        """Further addresses, for stages that have some."""

    def url(self, layout: str, query: str = "") -> str:
        self.shown = layout
        return f"{self.address}/wall/{layout}{'?' + query if query else ''}"

    def application(self) -> FastAPI:
        server = FastAPI()
        server.add_api_route("/healthz", lambda: JSONResponse({"ok": True, "build": self.build}))

        @server.middleware("http")
        async def remember_page(request: Request, call_next):
            if request.url.path.startswith("/wall/"):
                self.shown = request.url.path.removeprefix("/wall/")
            return await call_next(request)

        self.prepare(server)
        panels()
        folder = str(ROOT / "assets")
        more = {"update_title": None, "add_log_handler": False, "assets_path_ignore": ["^field$"]}  # as hall.app.shell does
        app = _Page("w", server=server, backend="fastapi", assets_folder=folder, **more)
        app.page = {"stream": f"ws://127.0.0.1:{self.gate.port}/v1/stream", "build": self.build, "demo": self.config.city.demo}
        app.page |= self.more
        app.layout = lambda: html.Div(self._wall())
        for prepare in app.backend._before_request_funcs:
            prepare()
        return server

    def _wall(self):
        context = context_of(self.config, self.shown, catalogue.texts())
        context.approach = {"factor": 1.4, "kmh": 30.0, "skills": ["排水"]}
        return wall(walls.all()[self.shown], context)


@contextlib.contextmanager
def serve(config: HallConfig, kind: type[Stage] = Stage):
    """Yields a Stage while page and gate are served from two threads."""
    gate, ready = Gate(), threading.Event()
    playing = threading.Thread(target=gate.run, args=(ready,), daemon=True)
    playing.start()
    assert ready.wait(10)
    stage = kind(gate, config)
    try:
        with address.serve(stage.application()) as stage.address:
            yield stage
    finally:
        gate.loop.call_soon_threadsafe(gate.ended.set)
        playing.join(10)
