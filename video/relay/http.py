"""The relay's HTTP for the hall's own processes: on this machine's loopback only, whatever HALL_HOST says."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from hall.core.errors import HallError
from hall.core.process import Process

log = logging.getLogger("hall.relay")
HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """Signals belong to the process, not to uvicorn."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def app(process: Process, more: Sequence[BaseRoute] = ()) -> Starlette:
    """The relay's own routes and `more`, those of the egresses."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse(process.counters)

    # a foreign page whose name was made to lead to this machine is not ours
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"], www_redirect=False)
    return Starlette(routes=[Route("/healthz", healthz), *more], middleware=[guard])


def listen(port: int) -> socket.socket:
    """A socket bound on loopback, port 0: any free one. Raises HallError that says which port is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
    except OSError as error:
        found.close()
        raise HallError(f"port {port} on {HOST} cannot be used ({error.strerror}); set HALL_RELAY_PORT") from None
    return found


async def serve(site: Starlette, listener: socket.socket) -> None:
    """Answers on `listener` until cancelled."""
    config = uvicorn.Config(
        site, log_config=None, access_log=False, lifespan="off", ws="none", timeout_keep_alive=30, limit_concurrency=512,
        server_header=False,
    )  # fmt: skip
    server = _Server(config)
    try:
        await server.serve(sockets=[listener])
    finally:
        server.should_exit = True
        listener.close()
