"""HTTP of relay and video process for the hall's own processes: on this machine's loopback only, whatever HALL_HOST says."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.routing import BaseRoute

from hall.core.errors import HallError, Refused

HOST = "127.0.0.1"
MOST_BODY = 64 * 1024  # bytes; the hall's own processes send little


class _Server(uvicorn.Server):
    """Signals belong to the process, not to uvicorn."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def site(routes: Sequence[BaseRoute]) -> Starlette:
    """Answers to loopback names only: a foreign page whose name was made to lead to this machine is not ours."""
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"], www_redirect=False)
    return Starlette(routes=routes, middleware=[guard])


def listen(port: int, setting: str) -> socket.socket:
    """A socket bound on loopback, port 0: any free one. Raises HallError that says which port is taken and what sets it."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
    except OSError as error:
        found.close()
        raise HallError(f"port {port} on {HOST} cannot be used ({error.strerror}); set {setting}") from None
    return found


async def body_of(request: Request, kind: Any = Any, most: int = MOST_BODY) -> Any:
    """A request's JSON as `kind`, read as far as `most` bytes. Raises Refused `too-large` (413), `malformed` (422)."""
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > most:
            raise Refused("too-large", f"at most {most} bytes", 413)
    try:
        return msgspec.json.decode(found, type=kind)
    except msgspec.MsgspecError as error:
        raise Refused("malformed", f"JSON is needed: {error}", 422) from None


async def serve(app: Starlette, listener: socket.socket, at_once: int) -> None:
    """Answers on `listener`, to so many requests at once, until cancelled."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_keep_alive=30, limit_concurrency=at_once,
        server_header=False,
    )  # fmt: skip
    server = _Server(config)
    try:
        await server.serve(sockets=[listener])
    finally:
        server.should_exit = True
        listener.close()
