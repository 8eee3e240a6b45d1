"""The video socket's server: `ws://host:HALL_PORT+2/v1/video` (docs/VIDEO.md)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import http
import ipaddress
import logging
import sys
from collections import Counter
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from hall import __version__
from hall.core import tickets
from hall.core.clock import monotonic, real_ms
from hall.core.errors import BusLost, Refused
from hall.core.process import Process
from hall.core.secrets import Secrets
from video.egress import websocket_requests as requests
from video.egress.websocket_fan import Fans
from video.egress.websocket_tile import Tile
from video.egress.websocket_viewer import Viewer
from video.egress.websocket_wire import say
from video.relay.hub import Hub
from video.relay.sessions import ended

log = logging.getLogger("hall.relay")
PATH = "/v1/video"
MAX_VIEWERS = 5_000
#: from one other machine, so that no single one can take every place; a reverse proxy's viewers count together
MAX_PER_ADDRESS = 2_000
#: whoever has shown no ticket by then makes room when the places run out
UNTICKETED_SECONDS = 30.0
RECHECK_SECONDS = 10.0


class Pictures:
    """Serves one hub's tracks to browsers that show a ticket."""

    def __init__(self, process: Process, hub: Hub, secrets: Secrets) -> None:
        self.process, self.hub, self._secrets = process, hub, secrets
        self.fans = Fans(hub)
        self.viewers: dict[ServerConnection, Viewer] = {}
        self.counters = {"refused": 0, "too_slow": 0, "signed_out": 0, "slow_times": 0}
        self._places: Counter[str] = Counter()  # viewers by the address they come from

    async def open(self, port: int | None = None) -> Server:
        """Starts listening; ends the process with code 2 and a clear message when the port is taken."""
        settings = self.process.settings
        port = settings.pictures_port if port is None else port
        try:
            return await listen(
                self.serve, settings.host, port, process_request=self._on_request, compression=None, ping_interval=None,
                max_size=requests.MAX_BYTES, max_queue=16, close_timeout=2, logger=_quiet(),
            )  # fmt: skip
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
                raise
            print(
                f"hall relay: cannot listen on {settings.host}:{port}: {error.strerror or error}; the relay takes "
                f"HALL_PORT + 2, choose another HALL_PORT (now {settings.port})",
                file=sys.stderr,
            )
            raise SystemExit(2) from None

    def _on_request(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/healthz":
            body = msgspec.json.encode({"ok": True, "build": __version__, "viewers": len(self.viewers)})
            headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"})
            return Response(200, "OK", headers, body)
        if path != PATH:
            return connection.respond(http.HTTPStatus.NOT_FOUND, f"pictures are at {PATH}\n")
        return None

    async def serve(self, connection: ServerConnection) -> None:
        """One viewer from handshake to end."""
        viewer, address = Viewer(self.fans, connection.transport), _address(connection)
        try:
            self._admit(connection, address)
            self.viewers[connection] = viewer
            self._places[address] += 1
            try:
                viewer.say(say("hello", now=real_ms(), build=__version__))
                await self._listen(connection, viewer)
            finally:
                del self.viewers[connection]
                self._places[address] -= 1
                self._places += Counter()  # drops addresses nobody is at
                self.counters["slow_times"] += viewer.slow_times
                viewer.close()
        except Refused as refusal:
            self._send_away(viewer, refusal)
            await connection.wait_closed()
        except ConnectionClosed:
            pass
        except Exception:  # our own fault: this viewer ends (1011), the others go on, the log says why
            log.exception("a viewer's connection failed")
            raise

    def _admit(self, connection: ServerConnection, address: str) -> None:
        headers = connection.request.headers if connection.request else Headers()
        origin = headers.get("Origin")
        if origin and not same_host(origin, headers.get("Host", "")):
            raise Refused("origin", f"a page of {origin[:200]} may not use this relay")
        if len(self.viewers) >= MAX_VIEWERS and not self._make_room(""):
            raise Refused("too-many-viewers", f"this relay serves {MAX_VIEWERS}")
        crowded = self._places[address] >= MAX_PER_ADDRESS and not _is_loopback(address)
        if crowded and not self._make_room(address):
            raise Refused("too-many-viewers", f"this relay serves {MAX_PER_ADDRESS} from one address")

    def _make_room(self, address: str) -> bool:
        """Cuts one connection (from `address`, where one is given) that showed no ticket in its first half minute: who only
        sits there keeps nobody out. Returns whether there was one."""
        latest = monotonic() - UNTICKETED_SECONDS
        for connection, viewer in self.viewers.items():
            idle = not viewer.ticketed and not viewer.closed and viewer.since <= latest
            if idle and (not address or _address(connection) == address):
                viewer.cut(4408, "no ticket was shown")
                return True
        return False

    def _send_away(self, viewer: Viewer, refusal: Refused) -> None:
        self.counters["refused"] += 1
        viewer.closed = False  # one last word
        viewer.say(say("refused", reason=refusal.reason, detail=refusal.detail))
        viewer.cut(requests.CLOSE_CODES.get(refusal.reason, 4400), refusal.reason)

    async def _listen(self, connection: ServerConnection, viewer: Viewer) -> None:
        allowance = requests.Allowance()
        async for message in connection:
            if not allowance.take(monotonic()):
                raise Refused("too-many-messages", f"{allowance.rate:g} messages a second are enough")
            if viewer.closed:
                return
            self._handle(viewer, requests.read(message))

    def _handle(self, viewer: Viewer, message: object) -> None:
        if isinstance(message, requests.Watch):
            self._watch(viewer, message)
        elif isinstance(message, requests.Leave):
            viewer.leave(message.n)
        elif isinstance(message, requests.Ping):
            viewer.say(say("pong", n=message.n, now=real_ms()))
        elif isinstance(message, requests.Report) and message.n in viewer.tiles:
            viewer.tiles[message.n].report(message.shown, message.dropped, message.latency_ms)

    def _watch(self, viewer: Viewer, wanted: requests.Watch) -> None:
        """Starts a tile, or says why not: the connection and its other tiles go on."""
        try:
            ticket = tickets.read(self._secrets, wanted.ticket, real_ms())
            viewer.ticketed = True
            wanted.channel = self.hub.mosaics.granted(wanted.channel, ticket.channels)
            viewer.show(Tile(viewer, wanted, ticket))
        except Refused as refusal:
            self.counters["refused"] += 1
            viewer.say(say("refused", n=wanted.n, reason=refusal.reason, detail=refusal.detail))

    # -- while it runs -------------------------------------------------------------------------------------------

    async def watch_over(self) -> None:
        """Every second: who is slow gets fewer pictures, who takes nothing goes, counters are brought up to date."""
        while True:
            await asyncio.sleep(1.0)
            self.look_over(monotonic())
            self.process.counters.update(self.facts())

    def look_over(self, now: float) -> None:
        """One look at everybody. Who said goodbye and does not go is cut: nothing can be written to him any more."""
        for connection, viewer in list(self.viewers.items()):
            if viewer.closed:
                continue
            if connection.state is not State.OPEN:
                viewer.cut(1000, "")
            elif not viewer.watch_over(now):
                self.counters["too_slow"] += 1
                viewer.cut(4408, "nothing was read")

    async def recheck(self) -> None:
        """Ends the pictures of who signed out, expired or was unpaired since the ticket was issued; goes on for ever."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            with contextlib.suppress(BusLost):
                await self.send_away_signed_out()

    async def send_away_signed_out(self) -> None:
        """Looks every sign-in up once. Raises BusLost: then nobody is sent away."""
        gone = await ended(self.process.bus, {key for viewer in self.viewers.values() for key in viewer.sessions})
        for viewer in list(self.viewers.values()):
            if not gone.isdisjoint(viewer.sessions):
                self.counters["signed_out"] += 1
                viewer.say(say("ended", reason="signed-out"))
                viewer.cut(4401, "signed-out")

    def facts(self) -> dict[str, float]:
        """Counters for the heartbeat."""
        viewers, tracks, budget = self.viewers.values(), self.hub.tracks.values(), self.hub.budget
        return {
            **self.counters,
            "viewers": len(viewers),
            "tiles": sum(len(viewer.tiles) for viewer in viewers),
            "unsent_kib": sum(viewer.transport.get_write_buffer_size() for viewer in viewers) // 1024,
            "tracks": len(tracks),
            "live": sum(track.state.state == "live" for track in tracks),
            "gop_mib": round(budget.used / 2**20, 1),
            "gop_dropped": budget.dropped,
        }

    async def close(self, server: Server) -> None:
        """Says 1012 to everybody and ends within about a second, whether they read or not."""
        server.close(close_connections=False)
        for viewer in list(self.viewers.values()):
            viewer.cut(1012, "the relay is stopping")
        try:
            async with asyncio.timeout(1.5):
                await server.wait_closed()
        except TimeoutError:
            log.debug("some connections did not close in time")


def same_host(origin: str, host: str) -> bool:
    """Whether a page of `origin` may talk to `host`: same host, any port (pages and pictures have ports of their own)."""
    try:
        wanted = (urlsplit(f"//{host}").hostname or "").lower()
        return bool(wanted) and (urlsplit(origin).hostname or "").lower() == wanted
    except ValueError:
        return False


def _address(connection: ServerConnection) -> str:
    peer = connection.remote_address
    return str(peer[0]) if peer else ""


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def _quiet() -> logging.Logger:
    """The library logs every broken handshake with a traceback; those are the other side's business."""
    logger = logging.getLogger("hall.relay.websockets")
    logger.setLevel(logging.CRITICAL)
    return logger
