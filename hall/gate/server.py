"""The WebSocket server: handshakes, what clients say, and a clean end."""

from __future__ import annotations

import asyncio
import errno
import http
import logging
import sys
from collections import Counter
from typing import Any

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.protocol import State

from hall import __version__
from hall.access import Identity, is_loopback
from hall.core.clock import monotonic, real_ms
from hall.core.errors import Refused
from hall.core.process import Process
from hall.gate import requests
from hall.gate.door import admit
from hall.gate.follower import Follower
from hall.gate.frames import encode, say
from hall.gate.hub import Hub
from hall.gate.listener import Listener
from hall.gate.screens import Screens
from hall.roles import bounds, topics_for

log = logging.getLogger("hall.gate")
PATH = "/v1/stream"
MAX_CLIENTS = 5_000
#: from one other machine, so that no single one can take every place; a reverse proxy's screens count together
MAX_PER_ADDRESS = 2_000
#: how often it is looked up again whether connected people and walls still may
RECHECK_SECONDS = 20.0


class Gate:
    """Serves one hub to the network."""

    def __init__(self, process: Process, hub: Hub, follower: Follower, screens: Screens, name: str) -> None:
        self.process, self.hub, self.follower, self.screens, self.name = process, hub, follower, screens, name
        self._inside: dict[ServerConnection, tuple[Listener, Identity]] = {}
        self._places: Counter[str] = Counter()  # connections by the address they come from

    async def open(self) -> WebSocketServer:
        """Starts listening; ends the process with code 2 and a clear message when the port is taken."""
        settings = self.process.settings
        try:
            return await listen(
                self.serve,
                settings.host,
                settings.gate_port,
                process_request=self.on_request,
                compression=None,
                extensions=[ServerPerMessageDeflateFactory(True, True)],
                max_size=requests.MAX_BYTES,
                max_queue=8,
                close_timeout=2,
                logger=_quiet(),
            )
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
                raise
            place, port = f"{settings.host}:{settings.gate_port}", settings.port
            print(
                f"hall gate: cannot listen on {place}: {error.strerror or error}; the gate takes HALL_PORT + 1, "
                f"choose another HALL_PORT (now {port})",
                file=sys.stderr,
            )
            raise SystemExit(2) from None

    def on_request(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/healthz":
            body = encode({"ok": True, **self.facts()})
            headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"})
            return Response(200, "OK", headers, body)
        if path != PATH:
            return connection.respond(http.HTTPStatus.NOT_FOUND, f"the stream is at {PATH}\n")
        return None

    def facts(self) -> dict[str, Any]:
        return {
            "gate": self.name,
            "build": __version__,
            "clients": len(self.hub.listeners),
            "bus_age": self.follower.bus_age_ms,
        }

    async def serve(self, connection: ServerConnection) -> None:
        """One connection from handshake to end."""
        try:
            who = await self._admit(connection)
            listener, address = self._listener(connection), _address(connection)
            self.hub.enter(listener)
            self._inside[connection] = listener, who
            self._places[address] += 1
            try:
                self._hello(listener, who)
                await self._listen(connection, listener, who)
            finally:
                self._inside.pop(connection, None)
                self._places[address] -= 1
                self._places += Counter()  # drops addresses nobody is at
                self.hub.leave(listener)
                self.screens.ended(connection)
        except Refused as refusal:
            await self._refuse(connection, refusal)
        except ConnectionClosed:
            pass

    async def _admit(self, connection: ServerConnection) -> Identity:
        if len(self.hub.listeners) >= MAX_CLIENTS:
            raise Refused("too-many-clients", f"this gate serves {MAX_CLIENTS}")
        address = _address(connection)
        if self._places[address] >= MAX_PER_ADDRESS and not is_loopback(address):
            raise Refused("too-many-clients", f"this gate serves {MAX_PER_ADDRESS} from one address")
        return await self._identify(connection)

    async def _identify(self, connection: ServerConnection) -> Identity:
        request = connection.request
        assert request is not None
        demo = self.process.config.city.demo
        return await admit(self.process.bus, request.path, request.headers, _address(connection), demo=demo)

    async def recheck(self) -> None:
        """Sends away who signed out, expired, was unpaired, changed role or locked the console since they came in."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            for connection, (listener, who) in list(self._inside.items()):
                try:
                    if await self._identify(connection) == who:
                        continue
                except Refused as refusal:
                    if refusal.reason == "bus-lost":
                        break
                self.hub.leave(listener)  # nothing may follow the close frame
                await self._refuse(connection, Refused("no-identity", "signed out, or no longer the same"), wait=False)

    @staticmethod
    def _listener(connection: ServerConnection) -> Listener:
        found = [e for e in connection.protocol.extensions if isinstance(e, PerMessageDeflate)]
        # Shared deflate needs what a client may refuse: the full window and no context between messages.
        shared = bool(found) and found[0].local_no_context_takeover and found[0].local_max_window_bits == 15
        protocol, loop = connection.protocol, asyncio.get_running_loop()
        return Listener(connection.transport, shared, lambda: protocol.state is State.OPEN, loop.call_later)

    def _hello(self, listener: Listener, who: Identity) -> None:
        tick = round(self.process.settings.tick_seconds * 1000)
        about = {"name": who.name, "role": who.role, "wall": who.wall}
        topics = topics_for(who.role, who.districts, locked=who.locked)
        hello = say("hello", gate=self.name, build=__version__, now=real_ms(), tick=tick, who=about, topics=topics)
        listener.write(hello)

    async def _listen(self, connection: ServerConnection, listener: Listener, who: Identity) -> None:
        allowance, subscriptions = requests.Allowance(), requests.Allowance(*requests.SUBSCRIPTIONS)
        async for message in connection:
            if not allowance.take(monotonic()):
                raise Refused("too-many-messages", f"{allowance.rate:g} messages a second are enough")
            raw = message.encode() if isinstance(message, str) else bytes(message)
            op = requests.read_op(raw)
            if op == "subscribe" and not subscriptions.take(monotonic()):
                raise Refused("too-many-messages", f"{subscriptions.rate:g} subscriptions a second are enough")
            self._handle(connection, listener, who, op, raw)

    def _handle(self, connection: ServerConnection, listener: Listener, who: Identity, op: str, raw: bytes) -> None:
        if op == "subscribe":
            allowed = topics_for(who.role, who.districts, locked=who.locked)
            listener.asked = requests.read_subscribe(raw, allowed, bounds(who))
            self.hub.ask(listener)
        elif op == "ping":
            listener.write(say("pong", n=requests.read_ping(raw).n, now=real_ms()))
        elif op == "report":
            try:
                self.screens.report(connection, requests.read_report(raw), who)
            except Refused as refusal:
                listener.write(say("told", kind="report-refused", detail=refusal.detail))
        else:
            raise Refused("op-unknown", f"{op[:40]!r}: use subscribe, ping or report")

    async def _refuse(self, connection: ServerConnection, refusal: Refused, wait: bool = True) -> None:
        self.hub.counters["refused"] += 1
        listener = self._listener(connection)
        listener.write(say("refused", reason=refusal.reason, detail=refusal.detail))
        listener.cut(requests.CLOSE_CODES[refusal.reason], refusal.reason)
        if wait:
            await connection.wait_closed()

    async def close(self, server: WebSocketServer) -> None:
        """Says 1012 to everybody and ends within about a second, whether they read or not."""
        server.close(close_connections=False)
        for connection in server.all_connections:
            self._listener(connection).cut(1012, "the gate is stopping")
        try:
            async with asyncio.timeout(1.5):
                await server.wait_closed()
        except TimeoutError:
            log.debug("some connections did not close in time")


def _address(connection: ServerConnection) -> str:
    peer = connection.remote_address
    return str(peer[0]) if peer else ""


def _quiet() -> logging.Logger:
    """The library logs every broken handshake with a traceback; those are the other side's business."""
    logger = logging.getLogger("hall.gate.websockets")
    logger.setLevel(logging.CRITICAL)
    return logger
