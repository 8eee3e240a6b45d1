"""A relay inside the test: cameras moved by hand, and viewers of a library that is not ours."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import struct
from collections.abc import Sequence

import msgspec
import websockets

from hall.core import secrets, tickets
from hall.core.clock import real_ms
from hall.core.config import VideoConfig, parse
from hall.core.process import Process
from hall.core.settings import Settings
from video.egress.websocket import Pictures
from video.egress.websocket_viewer import Viewer as VideoViewer
from video.media import SourceFailed, SourceRequest, StreamInfo
from video.relay.documents import Documents, Watched
from video.relay.hub import Hub

CONFIG = '[city]\nname = {en = "Test"}\ncentre = [113.9, 35.3]\ndemo = true\n'
INFO = StreamInfo(family="h264", codec="avc1.42c01f", width=640, height=360, fps=25.0)
STEP = 3600  # 90 kHz ticks of a picture at 25 a second
START = b"\x00\x00\x00\x01"


class HandCamera:
    """A source that does what the test says: `up`, `send`, `die`. One object for all attempts at one address."""

    def __init__(self) -> None:
        self.up = True
        self.lasting, self.refusal = False, "unreachable"
        self.opened = self.running = 0
        self.origin = 1_000_000
        self.info = INFO
        self.intake = None
        self.present = asyncio.Event()  # set while a source runs
        self.requests: list[SourceRequest] = []
        self._end: asyncio.Future | None = None
        self._sent = itertools.count()

    def open(self, request: SourceRequest) -> HandCamera:
        self.requests.append(request)
        return self

    async def run(self, intake) -> None:
        self.opened += 1
        if not self.up:
            raise SourceFailed(self.refusal, "nobody there", lasting=self.lasting)
        self.running += 1
        self.intake, self._end = intake, asyncio.get_running_loop().create_future()
        intake.begin(self.info)
        self.present.set()
        try:
            await self._end
        finally:
            self.present.clear()
            self.running -= 1

    def send(self, key: bool = False, size: int = 100, pts: int | None = None) -> bytes:
        """One picture; returns its Annex-B, which names itself."""
        n = next(self._sent)
        body = START + bytes((0x65 if key else 0x41,)) + struct.pack("!I", n + 0x01010101) + b"\x55" * max(0, size - 9)
        self.intake.picture(key, self.origin + n * STEP if pts is None else pts, annexb=body)
        return body

    def group(self, deltas: int = 4, size: int = 100) -> list[bytes]:
        return [self.send(True, size), *(self.send(False, size) for _ in range(deltas))]

    def die(self, reason: str = "gone") -> None:
        if self._end and not self._end.done():
            self._end.set_exception(SourceFailed(reason, "it went"))


class Stage:
    """One relay: `hub`, `pictures`, cameras by subject. `url` is where its viewers come in."""

    def __init__(self, process: Process, folder, video: VideoConfig) -> None:
        self.process, self.keys = process, secrets.load(folder)
        self.cameras: dict[tuple[str, str], HandCamera] = {}
        self.subs: set[str] = set()
        self.hub = Hub(video, self._look, lambda request: self.camera(request.subject, request.quality).open(request))
        self.documents, self.hub.watched = Documents(process, self.hub), Watched(process, self.hub)
        self.pictures = Pictures(process, self.hub, self.keys)

    def camera(self, subject: str, quality: str = "main") -> HandCamera:
        return self.cameras.setdefault((subject, quality), HandCamera())

    async def _look(self, subject: str, quality: str) -> SourceRequest:
        has = quality == "main" or subject in self.subs
        return SourceRequest(subject=subject, url="hand://x", quality=quality if has else "main")

    def ticket(self, *channels: str, **more) -> str:
        ticket = {"view": "v1", "person": "p", "role": "wall", "until": real_ms() + 60_000} | more
        return tickets.issue(self.keys, tickets.Ticket(channels=channels, **ticket))

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/video"

    async def start(self) -> None:
        self.door = await self.pictures.open(0)
        self.port = self.door.sockets[0].getsockname()[1]
        for work in (self.hub.run(), self.documents.run(), self.pictures.watch_over(), self.pictures.recheck()):
            self.process.spawn(work)
        for lane in (self.process.bulk, self.process.fast):
            self.process.spawn(lane.run())

    async def stop(self) -> None:
        await self.pictures.close(self.door)
        await self.hub.close()
        await self.process.end_tasks()
        await self.process.bus.close()

    @contextlib.asynccontextmanager
    async def viewer(self, **options):
        async with websockets.connect(
            self.url, compression=None, max_size=None, max_queue=None, ping_interval=None, **options
        ) as link:
            viewer = Viewer(link, self)
            await viewer.until("hello")
            yield viewer


class Shown(msgspec.Struct):
    """A received picture, read by the test's own understanding of docs/VIDEO.md."""

    handle: int
    flags: int
    version: int
    pts: int
    captured: float
    body: bytes


class Viewer:
    """A client: texts and pictures in the order they came."""

    def __init__(self, link, stage: Stage) -> None:
        self.link, self.stage = link, stage
        self.texts: list[dict] = []
        self.pictures: list[Shown] = []

    async def ask(self, op: str, **fields) -> None:
        await self.link.send(json.dumps({"op": op, **fields}))

    async def watch(self, n: int, channel: str, **more) -> dict:
        """Asks and returns the `watching` or `refused` answer."""
        fields = {"ticket": self.stage.ticket(channel), "channel": channel} | more
        await self.ask("watch", n=n, **fields)
        return await self.until("watching", "refused", n=n)

    async def next(self, seconds: float = 5.0) -> dict | Shown:
        raw = await asyncio.wait_for(self.link.recv(), seconds)
        if isinstance(raw, str):
            self.texts.append(json.loads(raw))
            return self.texts[-1]
        handle, flags, version, _, pts, captured = struct.unpack(">IBBHQd", raw[:24])
        self.pictures.append(Shown(handle, flags, version, pts, captured, raw[24:]))
        return self.pictures[-1]

    async def until(self, *ops: str, seconds: float = 5.0, **fields) -> dict:
        """The next text of one of these kinds with these fields; pictures before it are kept in `pictures`."""
        while True:
            got = await self.next(seconds)
            if isinstance(got, dict) and got["op"] in ops and all(got.get(k) == v for k, v in fields.items()):
                return got

    async def show(self, count: int, seconds: float = 5.0) -> list[Shown]:
        """The next `count` pictures."""
        got: list[Shown] = []
        while len(got) < count:
            found = await self.next(seconds)
            if isinstance(found, Shown):
                got.append(found)
        return got

    async def quiet(self) -> list[Shown]:
        """What is under way: everything up to the answer to a ping."""
        n, seen = len(self.texts) + 1000, len(self.pictures)
        await self.ask("ping", n=n)
        await self.until("pong", n=n)
        return self.pictures[seen:]


class Lazy:
    """A viewer with the smallest possible socket that reads only when told to."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setblocking(False)

    async def come(self, channel: str, quality: str = "main") -> VideoViewer:
        """Connects, asks for one channel and reads nothing of it. Returns the relay's side of the connection."""
        loop, known = asyncio.get_running_loop(), set(self.stage.pictures.viewers)
        await loop.sock_connect(self.socket, ("127.0.0.1", self.stage.port))
        head = "GET /v1/video HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        await loop.sock_sendall(
            self.socket, f"{head}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        asked = {"op": "watch", "n": 1, "ticket": self.stage.ticket(channel), "channel": channel, "quality": quality}
        body = json.dumps(asked).encode()  # a mask of zeros leaves it as it is
        await loop.sock_sendall(self.socket, struct.pack("!BBH", 0x81, 0x80 | 126, len(body)) + b"\0\0\0\0" + body)
        while not (new := set(self.stage.pictures.viewers) - known):
            await asyncio.sleep(0.01)
        self.side = self.stage.pictures.viewers[new.pop()]
        while not self.side.tiles:
            await asyncio.sleep(0.01)
        return self.side

    async def read_all(self) -> int:
        """Reads until nothing comes for a while; the bytes."""
        count = 0
        with contextlib.suppress(TimeoutError):
            while True:
                got = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.socket, 1 << 20), 0.15)
                count += len(got)
                if not got:
                    break
        return count


def settings(folder, url: str, prefix: str, port: int = 1) -> Settings:
    return Settings(
        data_dir=folder, host="127.0.0.1", port=port, video_port=0, redis_url=url, embedded=False,
        bus_prefix=prefix, tick_seconds=0.01, config_path="",
    )  # fmt: skip


def make_stage(folder, url: str, prefix: str, **video) -> Stage:
    options = {"linger_seconds": 0.2} | video
    process = Process("relay", settings(folder, url, prefix), parse(CONFIG))
    return Stage(process, folder, VideoConfig(**options))


def bodies(pictures: Sequence[Shown]) -> list[bytes]:
    return [picture.body for picture in pictures]
