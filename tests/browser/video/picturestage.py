"""A wall page with a relay that a test scripts: speaks docs/VIDEO.md, sends coded clips whose pictures carry their number.

Picture k of a clip goes out at wall time k / fps, so the number on the glass tells how old it is. Independent of the
hall's own relay: written from the contract.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import struct
import threading
import time
from typing import Any

import msgspec
from fastapi import FastAPI, Query, Request
from starlette.responses import JSONResponse
from websockets.asyncio.server import serve as serve_websocket

from hall.core.clock import real_ms
from tests.browser.walls.wallstage import Stage
from tests.video.cameras.clip import Clip, Recipe, make

HEADER = struct.Struct(">IBBHQd")
CODECS = {"baseline": "avc1.42c01f", "main": "avc1.4d401f", "high": "avc1.64001f"}


class Channel(msgspec.Struct):
    """One camera: `quality -> recipe`; `frozen`: sends nothing; `gone`: told as failing."""

    recipes: dict[str, Recipe]
    frozen: bool = False
    state: dict | None = None
    refuse: str = ""
    converted: str = ""
    clips: dict[str, Clip] = {}


class _Watch(msgspec.Struct):
    n: int
    client: Any
    channel: str
    quality: str
    only: str
    handle: int
    waits: bool = True


class Relay:
    """`channels` by subject; `watched` is what screens asked, `left` what they let go, `reports` what they told."""

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.asked: list[dict] = []
        self.left: list[int] = []
        self.reports: list[dict] = []
        self.tickets: set[str] = set()
        self.loop, self.port, self.ended = asyncio.new_event_loop(), 0, asyncio.Event()
        self.watches: list[_Watch] = []
        self.clients: set = set()
        self.connections = 0
        self.mute = False  # the socket stands, nothing is said
        self._handles: dict[tuple, int] = {}
        self._numbers = itertools.count(17)
        self.changed = threading.Condition()

    def add(self, subject: str, **recipes: Recipe) -> Channel:
        found = Channel(recipes=recipes or {"main": Recipe(), "sub": Recipe()})
        found.clips = {quality: make(recipe) for quality, recipe in found.recipes.items()}
        self.channels[subject] = found
        return found

    def wait_for(self, what, seconds: float = 60) -> None:
        with self.changed:
            assert self.changed.wait_for(what, seconds), "a screen never said it"

    def cut(self) -> None:
        """Ends every socket without a word."""
        self.loop.call_soon_threadsafe(lambda: [client.transport.abort() for client in list(self.clients)])

    def tell(self, subject: str, **state: Any) -> None:
        """Tells all who watch `subject` a state, now and to whoever comes."""
        self.channels[subject].state = {"since": real_ms(), "reason": "", "detail": "", **state}
        self.loop.call_soon_threadsafe(self._tell, subject)

    def budget(self, subject: str, level: str) -> None:
        def send() -> None:
            for watch in self._of(subject):
                self._say(watch.client, {"op": "budget", "handle": watch.handle, "level": level, "why": "slow"})

        self.loop.call_soon_threadsafe(send)

    def again(self, subject: str, **info: Any) -> None:
        """The stream changes: told as `watching` anew, from the next key picture."""

        def send() -> None:
            for watch in self._of(subject):
                watch.waits = True
                self._say(watch.client, self._info(watch) | info)

        self.loop.call_soon_threadsafe(send)

    def _of(self, subject: str) -> list[_Watch]:
        return [watch for watch in self.watches if watch.channel == subject]

    def _tell(self, subject: str) -> None:
        for watch in self._of(subject):
            self._say(watch.client, {"op": "state", "handle": watch.handle, **self.channels[subject].state})

    def _say(self, client, message: dict) -> None:
        if not self.mute:
            self._write(client, json.dumps(message))

    def _write(self, client, message: str | bytes) -> None:
        async def send() -> None:
            with contextlib.suppress(Exception):
                await client.send(message)

        self.loop.create_task(send())

    def _info(self, watch: _Watch) -> dict:
        channel = self.channels[watch.channel]
        recipe, clip = channel.recipes[watch.quality], channel.clips[watch.quality]
        codec = CODECS[recipe.profile] if recipe.family == "h264" else "hvc1.1.6.L93.B0"
        return {"op": "watching", "n": watch.n, "handle": watch.handle, "channel": watch.channel, "quality": watch.quality,
                "codec": codec, "family": recipe.family, "width": clip.width, "height": clip.height, "fps": clip.fps,
                "reorders": recipe.bframes > 0, "converted": channel.converted}  # fmt: skip

    def _watch(self, client, message: dict) -> None:
        subject = message["channel"]
        channel = self.channels.get(subject)
        reason = "not-found" if channel is None else channel.refuse
        if message["ticket"] not in self.tickets:
            reason = "ticket-bad"
        if reason:
            return self._say(client, {"op": "refused", "n": message["n"], "reason": reason, "detail": ""})
        quality = message["quality"] if message["quality"] in channel.recipes else "main"
        handle = self._handles.setdefault((subject, quality), 0) or next(self._numbers)
        self._handles[subject, quality] = handle
        watch = _Watch(message["n"], client, subject, quality, message["only"], handle)
        self.watches.append(watch)
        self._say(client, self._info(watch))
        if channel.state:
            self._say(client, {"op": "state", "handle": handle, **channel.state})
        elif not channel.frozen:
            self._say(
                client, {"op": "state", "handle": handle, "state": "live", "since": real_ms(), "reason": "", "detail": ""}
            )
            self._since_key(watch, channel.clips[quality])

    def _since_key(self, watch: _Watch, clip: Clip) -> None:
        """Everything since the last key picture, as a relay with a GOP cache does."""
        tick = int(time.time() * clip.fps) - clip.delay
        count = len(clip.pictures)
        first = next(back for back in range(count) if clip.pictures[(tick - back) % count].key)
        watch.waits = False
        for number in range(tick - first, tick + 1):
            if watch.only == "all" or clip.pictures[number % count].key:
                self._write(watch.client, self._unit(watch.handle, clip, number))

    def _unit(self, handle: int, clip: Clip, tick: int) -> bytes:
        place = tick % len(clip.pictures)
        picture = clip.pictures[place]
        shows = tick - place + picture.shows
        head = HEADER.pack(handle, int(picture.key), 1, 0, int(shows * 90_000 / clip.fps), shows / clip.fps * 1000)
        return head + clip.annexb(place)

    async def _play(self) -> None:
        sent: dict[int, int] = {}
        while True:
            now = time.time()
            for (subject, quality), handle in list(self._handles.items()):
                channel = self.channels[subject]
                clip = channel.clips[quality]
                tick = int(now * clip.fps) - clip.delay
                if tick <= sent.get(handle, tick - 1):
                    continue
                sent[handle] = tick
                if not (channel.frozen or self.mute):
                    self._send(handle, clip, tick)
            await asyncio.sleep(0.002)

    def _send(self, handle: int, clip: Clip, tick: int) -> None:
        key, message = clip.pictures[tick % len(clip.pictures)].key, None
        for watch in self.watches:
            if watch.handle != handle or (not key and (watch.waits or watch.only == "keys")):
                continue
            watch.waits = False
            message = message or self._unit(handle, clip, tick)
            self._write(watch.client, message)

    def _answer(self, client, message: dict) -> None:
        op = message["op"]
        if op == "watch":
            self.asked.append(message)
            self._watch(client, message)
        elif op == "leave":
            self.left.append(message["n"])
            self.watches = [w for w in self.watches if not (w.client is client and w.n == message["n"])]
        elif op == "ping":
            self._say(client, {"op": "pong", "n": message["n"], "now": real_ms()})
        elif op == "report":
            self.reports.append(message)
        with self.changed:
            self.changed.notify_all()

    async def handle(self, client) -> None:
        self.connections += 1
        self.clients.add(client)
        self._say(client, {"op": "hello", "now": real_ms(), "build": "b1"})
        with contextlib.suppress(Exception):
            async for raw in client:
                self._answer(client, json.loads(raw))
        self.clients.discard(client)
        self.watches = [watch for watch in self.watches if watch.client is not client]
        with self.changed:
            self.changed.notify_all()

    def run(self, ready: threading.Event) -> None:
        async def body() -> None:
            async with serve_websocket(self.handle, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
                self.port = server.sockets[0].getsockname()[1]
                ready.set()
                playing = asyncio.create_task(self._play())
                await self.ended.wait()
                playing.cancel()

        self.loop.run_until_complete(body())
        self.loop.close()


class PictureStage(Stage):
    """A wall whose page finds `relay`; the hall's door gives tickets for the channels in `relay.channels`."""

    visitor = {"csrf": "x", "who": {"name": "dd", "role": "dispatcher"}}

    def __init__(self, *given) -> None:
        super().__init__(*given)
        self.relay, ready = Relay(), threading.Event()
        self.views: list[dict] = []
        self.refusals: dict[str, str] = {}
        self.until_ms = 3_600_000
        self.grids: dict[str, dict] = {}
        self.pointed: list[dict] = []
        self.steered: list[tuple[str, dict]] = []
        self.playing = threading.Thread(target=self.relay.run, args=(ready,), daemon=True)
        self.playing.start()
        assert ready.wait(10)
        self.more = {"pictures_port": self.relay.port, **self.visitor}

    def prepare(self, server: FastAPI) -> None:
        @server.post("/api/v1/video/views")
        async def views(request: Request):
            asked = await request.json()
            self.views.append(asked)
            ticket = f"t{len(self.views)}"
            self.relay.tickets.add(ticket)
            refused = [{"channel": c, "reason": self.refusals[c]} for c in asked["channels"] if c in self.refusals]
            granted = [c for c in asked["channels"] if c not in self.refusals]
            answer = {"view": ticket, "ticket": ticket, "stream_port": self.relay.port, "granted": granted, "refused": refused}
            return JSONResponse(answer | {"until": real_ms() + self.until_ms})

        self._catalogue(server)
        self._grids(server)
        self._turning(server)

    def rows(self) -> list[dict]:
        """The cameras that the hall told of, as the catalogue answers them."""
        return [
            {**event["data"], "subject": name} for name, event in list(self.gate.events.items()) if name.startswith("channel/")
        ]

    def _catalogue(self, server: FastAPI) -> None:
        def node(name: str, rows: list[dict]) -> dict:
            online = sum(row["state"] == "online" for row in rows)
            return {
                "id": name,
                "name": name.partition(":")[2],
                "kind": "",
                "online": online,
                "total": len(rows),
                "children": False,
            }

        @server.get("/api/v1/channels/tree")
        def tree(node_: str = Query("", alias="node")):
            rows = self.rows()
            owners = sorted({row["owner"] for row in rows}) if node_ == "owner" else []
            below = [node(f"owner:{name}", [row for row in rows if row["owner"] == name]) for name in owners]
            path = [{"id": "owner", "name": ""}] * (node_ != "") + [{"id": node_, "name": node_[6:]}] * (":" in node_)
            return {"node": node_, "path": path, "children": below if node_ else [node("region", rows), node("owner", rows)]}

        @server.get("/api/v1/channels/near")
        def near(lon: float, lat: float, k: int = 10):
            rows = sorted(self.rows(), key=lambda row: abs(row["lon"] - lon) + abs(row["lat"] - lat))[:k]
            return {"rows": [row | {"metres": 111_320 * abs(row["lon"] - lon), "sees": None} for row in rows]}

        @server.get("/api/v1/channels")
        def channels(text: str = "", node_: str = Query("", alias="node"), limit: int = 50):
            owner = node_.partition(":")[2]
            rows = [row for row in self.rows() if text in row["name"] and owner in ("", row["owner"])]
            online = sum(row["state"] == "online" for row in rows)
            return {"total": len(rows), "online": online, "rows": rows[:limit], "cursor": None}

    def _turning(self, server: FastAPI) -> None:
        @server.post("/api/v1/video/ptz/point")
        async def point(request: Request):
            asked = await request.json()
            self.pointed.append(asked)
            return {"turned": [{"channel": name, "before": {"pan": 0.25}} for name in asked["channels"]], "refused": []}

        @server.post("/api/v1/video/ptz/{subject:path}")
        async def steer(subject: str, request: Request):
            self.steered.append((subject, await request.json()))
            return {"lease": {}}

    def _grids(self, server: FastAPI) -> None:
        @server.get("/api/v1/video/walls/{wall}")
        def kept(wall: str):
            return self.grids.get(wall, {"presets": {}})

        @server.put("/api/v1/video/walls/{wall}")
        async def keep(wall: str, request: Request):
            change = await request.json()
            made = self.grids.setdefault(wall, {"presets": {}})
            if change.get("grid"):
                made["grid"] = change["grid"]
            if change.get("name"):
                made["presets"][change["name"]] = change.get("preset")
            made["at"] = real_ms()
            self.gate.put((f"scene/{wall}/video", made))
            return made

    def close(self) -> None:
        """Ends the relay."""
        self.relay.loop.call_soon_threadsafe(self.relay.ended.set)
        self.playing.join(10)


class Kiosk(PictureStage):
    """The same wall on a screen that nobody is signed in at."""

    visitor = {"csrf": "", "who": {"name": "", "role": "wall"}}
