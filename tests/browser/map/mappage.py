"""One page with nothing but the city map, fed by a scripted gate: for tests and for looking at it.

`serve(config)` gives the page's address and a `Gate` that speaks the wire format of docs/PROTOCOL.md. The gate keeps the
documents it was given, so a page that connects later gets a snapshot of the same picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import html as escaping
import itertools
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import dash
from dash import html
from fastapi import APIRouter, Depends, FastAPI
from websockets.asyncio.server import serve as serve_websocket

from hall.access import Identity
from hall.app import answers, boundaries, geography, tiles
from hall.app.bundle import Bundle
from hall.app.mapservices import MapServices
from hall.app.visit import Visit, set_visit
from hall.core import config as config_module
from hall.core import settings
from hall.core.clock import real_ms
from hall.core.process import Process
from layouts import catalogue
from layouts.context import context_of
from layouts.wall import Wall, wall
from tests.browser import address

ROOT = Path(__file__).parent.parent.parent.parent
INDEX = """<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><meta name="hall-page" content="{page}">
<title>map</title>{css}</head><body class="on-wall">{app_entry}{catalogue}
<footer>{config}{scripts}{renderer}</footer></body></html>"""
ONLY_MAP = Wall(name="only-map", title="panel.city_map", about="panel.city_map", plan="1\n1 | city_map")

#: no picture is owed (after a costly one the map rests), and what is drawn is the view that is shown
PAINTED = "(({ pace, stage }) => !pace.soon && stage.steady() && !stage.pending)([...hall.citymap.live][0])"
#: goes to a place; a zoom that is animated has begun when it returns: Leaflet begins it in the next frame
GO = "([lon, lat, zoom]) => new Promise((done) => (hall.map.focus(lon, lat, zoom), requestAnimationFrame(done))).then(() => 0)"


def go(page, lon, lat, zoom) -> None:
    """`hall.map.focus`; the view is painted when it returns."""
    page.evaluate(GO, [lon, lat, zoom])
    page.wait_for_function(PAINTED)


class Gate:
    """A gate for one page after another: `put(subject, data, time)` and it is on its way."""

    def __init__(self) -> None:
        self.events: dict[str, dict] = {}
        self._ids, self._clients = itertools.count(1), set()
        self.loop = asyncio.new_event_loop()
        self.port, self.ended = 0, asyncio.Event()
        self.told: dict | None = None  # said to each page before its snapshot

    def event(self, subject: str, data, time: int | None = None) -> dict:
        now = real_ms()
        made = {"id": f"t-{next(self._ids):09d}", "source": "t", "subject": subject, "time": time or now, "recordedtime": now}
        return made | {"data": data}

    def put(self, *rows: tuple) -> None:
        """Sends one frame with all `rows` = (subject, data[, time])."""
        events = [self.event(*row) for row in rows]
        self.events.update({event["subject"]: event for event in events})
        with contextlib.suppress(RuntimeError):  # the loop has ended with the test
            self.loop.call_soon_threadsafe(self._send, {"op": "frame", "pos": "1-0/0-0", "e": events})

    def _send(self, message: dict) -> None:
        text = json.dumps(message)
        for client in list(self._clients):
            self.loop.create_task(self._send_one(client, text))

    async def _send_one(self, client, text: str) -> None:
        with contextlib.suppress(Exception):
            await client.send(text)

    async def handle(self, client) -> None:
        await client.send(json.dumps({"op": "hello", "now": real_ms(), "build": ""}))
        async for raw in client:
            message = json.loads(raw)
            if message["op"] == "ping":
                await client.send(json.dumps({"op": "pong", "n": message["n"], "now": real_ms()}))
            elif message["op"] == "subscribe":
                self._clients.discard(client)
                present = [event for event in list(self.events.values()) if event["data"] is not None]
                if self.told:
                    self.loop.create_task(self._send_one(client, json.dumps(self.told)))
                state = {"op": "state", "reset": True, "part": 1, "parts": 1, "pos": "1-0/0-0", "e": present}
                self.loop.create_task(self._send_one(client, json.dumps(state)))
                self._clients.add(client)  # at once: what is put while the snapshot is on its way comes after it

    async def beat(self) -> None:
        while True:
            self._send({"op": "beat", "now": real_ms(), "pos": "1-0/0-0", "bus_age": 0})
            await asyncio.sleep(1)

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
    bundle: Bundle

    def interpolate_index(self, **parts: str) -> str:
        page = escaping.escape(json.dumps(self.page))
        parts["scripts"] = self.bundle.gather(parts["scripts"], "hall.js", '<script src="{}"></script>')
        parts["css"] = self.bundle.gather(parts["css"], "hall.css", '<link rel="stylesheet" href="{}">')
        return INDEX.format(**{**parts, "page": page, "catalogue": catalogue.script()})


def application(found: config_module.HallConfig, page: dict, routers: Sequence[APIRouter] = ()) -> FastAPI:
    """The page's web side: assets, the map panel on a wall of its own, geography, and further `routers` for an operator."""
    server = FastAPI()
    answers.install(server)
    server.include_router(MapServices(Process("web", settings.read(), found)).router)
    for part in (geography, boundaries, tiles):
        server.include_router(part.router(Process("web", settings.read(), found)))
    for router in routers:
        server.include_router(router, dependencies=[Depends(_operator)])
    bundle = Bundle(ROOT / "assets")  # our files as the hall serves them
    server.router.routes.append(bundle.route())
    app = _Page(
        "map",
        server=server,
        backend="fastapi",
        assets_folder=str(ROOT / "assets"),
        update_title=None,
        add_log_handler=False,
        assets_path_ignore=["^field$"],
    )
    app.page, app.bundle = page, bundle
    app.layout = html.Div(wall(ONLY_MAP, context_of(found, "only-map", catalogue.texts())))
    for prepare in app.backend._before_request_funcs:
        prepare()
    return server


async def _operator() -> None:
    set_visit(Visit(page="/", identity=Identity("op", "operator")))


@contextlib.contextmanager
def serve(found: config_module.HallConfig, routers: Sequence[APIRouter] = ()):
    """Yields `(address, gate)` while page and gate are served from two threads."""
    gate, ready = Gate(), threading.Event()
    playing = threading.Thread(target=gate.run, args=(ready,), daemon=True)
    playing.start()
    assert ready.wait(10)
    page = {"stream": f"ws://127.0.0.1:{gate.port}/v1/stream", "timezone": found.city.timezone, "demo": found.city.demo}
    try:
        with address.serve(application(found, page, routers)) as at:
            yield f"{at}/", gate
    finally:
        gate.loop.call_soon_threadsafe(gate.ended.set)
        playing.join(10)
