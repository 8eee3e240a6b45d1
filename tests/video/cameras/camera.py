"""A fake camera: an RTSP server of asyncio whose pictures are due at wall times k / fps, and which can misbehave.

`FakeCamera` runs on the event loop it is started on; `running(...)` puts one on a thread of its own for synchronous tests;
`python -m tests.video.cameras` is one in a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import ssl
import threading
from collections.abc import Iterator

import msgspec

from tests.video.cameras import packets
from tests.video.cameras.clip import Clip, Recipe, make


class Mount(msgspec.Struct, kw_only=True):
    """One stream of a camera and what is odd about it. May be changed while it plays."""

    clip: Clip = msgspec.field(default_factory=lambda: make(Recipe()))
    phase: float = 0.0  # seconds after the full tick at which its pictures go out
    # who may
    auth: str = ""  # basic | digest | digest-sha256 | both
    user: str = "admin"
    password: str = "p@ss:w/rd"
    stale_every: int = 0  # a new nonce after so many answered requests
    # what it says
    sdp_sets: bool = True
    inline_sets: bool = True
    lie: Clip | None = None  # its SDP describes this clip instead
    control: str = "relative"  # relative | absolute | none
    content_base: bool = True
    audio: bool = False  # an audio stream first, which must not be chosen
    timeout: int | None = 60  # what the Session header promises
    keepalive: str = "GET_PARAMETER"  # the only keep-alive it knows ("OPTIONS" for old ones)
    eol: str = "\r\n"
    lower_case: bool = False
    redirect: str = ""  # DESCRIBE answers 302 with this address
    status: int = 200  # DESCRIBE answers this when it is not 200
    # how it sends
    marker: bool = True
    aggregate: bool = False
    extension: bool = False
    longest: int = 1400
    rtcp: float | None = 1.0  # seconds between sender reports
    clock_off: float = 0.0  # its clock is this many seconds wrong
    early: int = 0  # pictures sent before the answer to PLAY
    starts_with_key: bool = False
    # what goes wrong
    slow: float = 0.0  # seconds before each answer
    drop: float = 0.0  # share of packets that are lost
    silent_after: float | None = None  # seconds of playing after which it sends nothing more
    dies_after: float | None = None  # seconds of playing after which it hangs up
    half_open: bool = False  # takes connections and never answers
    garbage_after: float | None = None  # seconds of playing after which it sends rubbish
    garbage: bytes = b""  # which; empty: at random
    frozen: bool = False  # sends the same key picture again and again, with new times


class Broadcast:
    """What one mount sends: picture k of the world's clock, the same bytes for all its listeners."""

    def __init__(self, mount: Mount) -> None:
        self.mount, self.ssrc = mount, random.Random(repr(mount.phase)).getrandbits(32)
        self._made_of, self._payloads, self._made = None, [], {}
        self._seq = self.ssrc & 0xFFFF  # runs on, whatever is sent
        self.last = math.floor((packets.now() - mount.phase) * mount.clip.fps)  # the tick that was due last

    def _prepare(self) -> None:
        m = self.mount
        form = (m.inline_sets, m.aggregate, m.longest)
        if (id(m.clip), form) == self._made_of:
            return
        self._made_of = (id(m.clip), form)
        self._payloads = packed(m.clip, form)

    def stamp(self, k: int) -> int:
        """RTP time of the picture shown at tick k."""
        return round(k * 90_000 / self.mount.clip.fps)

    def picture(self, tick: int) -> tuple[bool, list[bytes]]:
        """Key or not, and the RTP packets that go out at `tick` (in decoding order, held back as the coder does)."""
        if tick not in self._made:
            self._made[tick] = self._make(tick)
            for old in [t for t in self._made if t < tick - 16]:
                del self._made[old]
        return self._made[tick]

    def _make(self, tick: int) -> tuple[bool, list[bytes]]:
        self._prepare()
        m, clip = self.mount, self.mount.clip
        loop, place = (0, 0) if m.frozen else divmod(tick - clip.delay, len(clip.pictures))
        picture, parts = clip.pictures[place], self._payloads[place]
        stamp = self.stamp(tick if m.frozen else loop * len(clip.pictures) + picture.shows)
        first, last = self._seq, len(parts) - 1
        self._seq += len(parts)
        return picture.key, [
            packets.rtp(first + i, stamp, self.ssrc, part, marker=m.marker and i == last, extension=m.extension)
            for i, part in enumerate(parts)
        ]


_packed: dict = {}  # id(clip), form → clip (which keeps its id its own), payloads


def packed(clip: Clip, form: tuple[bool, bool, int]) -> list[list[bytes]]:
    """Payloads of each picture of a clip; made once for all mounts."""
    if (id(clip), form) not in _packed:
        inline, aggregate, longest = form
        parts = [
            packets.payloads(clip, i, inline_sets=inline, aggregate=aggregate, longest=longest)
            for i in range(len(clip.pictures))
        ]
        _packed[id(clip), form] = clip, parts
    return _packed[id(clip), form][1]


class FakeCamera:
    """Serves `mounts` at rtsp://127.0.0.1:port/<name>. `stop()` hangs up on everybody, `start()` comes back on the same port."""

    def __init__(
        self, mounts: dict[str, Mount], *, tls: ssl.SSLContext | None = None, port: int = 0, host: str = "127.0.0.1"
    ) -> None:
        self.mounts, self.tls, self.port, self.host = mounts, tls, port, host
        self.sessions: set = set()
        self.asked: list[str] = []  # methods in the order they came
        self.reports = 0  # RTCP packets received
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._broadcasts = {name: Broadcast(mount) for name, mount in mounts.items()}
        self._tickers: list[asyncio.Task] = []

    def url(self, name: str, *, login: bool = True) -> str:
        """The address of a mount, with its user and password where it wants one."""
        from urllib.parse import quote

        mount = self.mounts[name]
        who = f"{quote(mount.user, safe='')}:{quote(mount.password, safe='')}@" if mount.auth and login else ""
        return f"rtsp{'s' if self.tls else ''}://{who}{self.host}:{self.port}/{name}"

    async def start(self) -> FakeCamera:
        from tests.video.cameras.session import Session

        self._server = await asyncio.start_server(
            lambda reader, writer: Session(self, reader, writer).run(), self.host, self.port, ssl=self.tls, backlog=2000
        )
        self.port = self._server.sockets[0].getsockname()[1]
        groups: dict[tuple[float, float], list[str]] = {}
        for name, mount in self.mounts.items():
            groups.setdefault((mount.clip.fps, mount.phase), []).append(name)
        self._tickers = [asyncio.ensure_future(self._tick(fps, phase, names)) for (fps, phase), names in groups.items()]
        return self

    async def stop(self) -> None:
        for ticker in self._tickers:
            ticker.cancel()
        await asyncio.gather(*self._tickers, return_exceptions=True)
        self._server.close()
        for session in list(self.sessions):
            session.hang_up()
        await asyncio.sleep(0)

    async def __aenter__(self) -> FakeCamera:
        return await self.start()

    async def __aexit__(self, *error) -> None:
        await self.stop()

    def listeners(self, name: str) -> int:
        return sum(s.playing and s.name == name for s in self.sessions)

    async def _tick(self, fps: float, phase: float, names: list[str]) -> None:
        tick = self._broadcasts[names[0]].last
        while True:
            due = math.floor((packets.now() - phase) * fps)
            tick = tick + 1 if due - tick < 2 * fps else due  # a busy machine makes it late, not lossy
            await asyncio.sleep(max(0.0, tick / fps + phase - packets.now()))
            for name in names:
                self._broadcasts[name].last = tick
                self._send(name, tick)

    def _send(self, name: str, tick: int) -> None:
        heard = [s for s in self.sessions if s.playing and s.name == name]
        if not heard:
            return
        mount, broadcast = self.mounts[name], self._broadcasts[name]
        key, found = broadcast.picture(tick)
        framed: dict[int, bytes] = {}
        for session in heard:
            if mount.drop:
                kept = [p for p in found if session.luck.random() >= mount.drop]
                session.picture(tick, key, b"".join(packets.interleaved(session.channel, p) for p in kept))
                continue
            if session.channel not in framed:
                framed[session.channel] = b"".join(packets.interleaved(session.channel, p) for p in found)
            session.picture(tick, key, framed[session.channel])

    def report(self, name: str, tick: int) -> bytes:
        """A sender report that is true at this moment (or as wrong as the mount's clock)."""
        mount, broadcast = self.mounts[name], self._broadcasts[name]
        wall = tick / mount.clip.fps + mount.phase
        return packets.sender_report(broadcast.ssrc, broadcast.stamp(tick), wall + mount.clock_off)

    def early(self, name: str, channel: int, count: int) -> bytes:
        tick = self._broadcasts[name].last - count + 1  # up to what the others have seen
        found = [p for k in range(count) for p in self._broadcasts[name].picture(tick + k)[1]]
        return b"".join(packets.interleaved(channel, p) for p in found)


class Threaded:
    """A camera on a thread of its own. `do(coroutine)` runs something on its loop."""

    def __init__(self, camera: FakeCamera) -> None:
        self.camera, self.loop = camera, asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="fake camera", daemon=True)
        self.thread.start()
        self.do(camera.start())

    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.do(self.camera.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


@contextlib.contextmanager
def running(mounts: dict[str, Mount], **more) -> Iterator[Threaded]:
    """A camera on a thread: `with running({"a": Mount()}) as t: t.camera.url("a")`; `t.do(t.camera.stop())` lets it die."""
    threaded = Threaded(FakeCamera(mounts, **more))
    try:
        yield threaded
    finally:
        threaded.close()
