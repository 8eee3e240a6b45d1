"""A relay with WebRTC only: the real hub, sources that play clips by the wall clock, WHEP on a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from hall.core import secrets, settings, tickets
from hall.core.config import HallConfig, VideoConfig, parse
from hall.core.process import Process
from tests.video.cameras import Clip, packets
from video.egress import webrtc
from video.media import SourceFailed, SourceRequest, StreamInfo
from video.relay.hub import Hub

SUBJECT = "channel/cams/a"
CITY = '[city]\nname={en="T"}\ncentre=[113.92,35.3]\n'


def info_of(clip: Clip, **more) -> StreamInfo:
    name = f"avc1.{clip.sets[0][1:4].hex()}" if clip.family == "h264" else "hvc1.1.6.L93.B0"
    return StreamInfo(family=clip.family, codec=name, width=clip.width, height=clip.height, fps=clip.fps,
                      parameter_sets=clip.sets, **more)  # fmt: skip


class ClipSource:
    """Picture k of the clip, over and over, due at wall time k / fps. `on` is an event: unset, the source dies."""

    def __init__(self, stage: Stage, request: SourceRequest) -> None:
        self.stage, self.request = stage, request

    async def run(self, intake) -> None:
        stage, clip = self.stage, self.stage.clips[self.request.quality]
        if not stage.on:
            raise SourceFailed("unreachable", "the test switched it off")
        made = [
            packets.payloads(clip, place, longest=1200, inline_sets=stage.inline_sets) for place in range(len(clip.pictures))
        ]
        if stage.info_after:
            await asyncio.sleep(stage.info_after)
        intake.begin(stage.info or info_of(clip))
        tick = math.ceil(time.time() * clip.fps)
        while stage.on:
            await asyncio.sleep(max(0.0, tick / clip.fps - time.time()))
            place = tick % len(clip.pictures)
            intake.picture(
                clip.pictures[place].key, round(tick * 90_000 / clip.fps), payloads=made[place], captured=tick / clip.fps * 1000
            )
            tick += 1
        raise SourceFailed("gone", "the test switched it off")


class Stage:
    """`post(offer)` joins as a player does; `url` is where; `sessions` are the product's."""

    def __init__(self, process: Process, clip: Clip, sub: Clip | None = None) -> None:
        self.process, self.clips = process, {"main": clip, "sub": sub or clip}
        self.on, self.inline_sets, self.info_after, self.info = True, True, 0.0, None
        self.keys = secrets.load(process.settings.data_dir)
        self.page = ""
        self.url = ""
        self.hub: Hub
        self.sessions: webrtc.Sessions

    def ticket(self, *channels: str, until: int = 2**53, **more) -> str:
        given = tickets.Ticket(
            view=more.pop("view", "v1"), person="li", role="dispatcher", channels=channels or (SUBJECT,), until=until, **more
        )
        return tickets.issue(self.keys, given)

    @contextlib.asynccontextmanager
    async def running(self, host: str = "127.0.0.1"):
        async def look(subject: str, quality: str) -> SourceRequest:
            return SourceRequest(subject=subject, url="clip://", quality=quality)

        self.hub = Hub(self.process.config.video, look, lambda request: ClipSource(self, request))
        watching = asyncio.create_task(self.hub.run())
        caught: list[webrtc.Sessions] = []
        made = webrtc.Sessions

        def keep(*given):
            caught.append(made(*given))
            return caught[-1]

        webrtc.Sessions = keep
        try:
            routes = webrtc.routes(self.hub, self.process)
        finally:
            webrtc.Sessions = made
        self.sessions = caught[0]
        page = Route("/page", lambda _: HTMLResponse(self.page))
        config = uvicorn.Config(Starlette(routes=[page, *routes]), host=host, port=0, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        self.url = f"http://{host}:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.should_exit = True
            await self.sessions.close()
            await self.hub.close()
            watching.cancel()
            await self.process.end_tasks()
            await self.process.bus.close()
            await asyncio.wait_for(serving, 5)


def process_at(folder: Path, url: str = "redis://127.0.0.1:1", prefix: str = "{t}", **video) -> Process:
    """A process that needs no bus but for sign-ins."""
    given = settings.Settings(data_dir=folder, host="127.0.0.1", port=1, video_port=0, redis_url=url, embedded=False,
                              bus_prefix=prefix, tick_seconds=0.04, config_path="")  # fmt: skip
    config: HallConfig = parse(CITY, str(folder / "hall.toml"))
    config.video = VideoConfig(webrtc_ports=(0, 0), linger_seconds=0.2, **video)
    return Process("relay", given, config)
