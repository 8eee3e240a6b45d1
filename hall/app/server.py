"""The web process: uvicorn inside the process's own loop, on the address and port of the settings."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import socket
import sys

import uvicorn

from hall.app.patience import Patience
from hall.core.process import Process

log = logging.getLogger("hall.web")


#: what anybody on the network can make the server say, line after line; the other side's business
_STRANGERS = ("Invalid HTTP request received.", "ASGI callable returned without completing handshake.")


def _of_ours(record: logging.LogRecord) -> bool:
    return record.msg not in _STRANGERS


class _Server(uvicorn.Server):
    """Signals belong to the process, which ends us by cancelling."""

    @contextlib.contextmanager
    def capture_signals(self):
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; ends the process with code 2 and a clear line when the port is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(512)
    except OSError as error:
        sock.close()
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        print(f"hall web: port {port} on {host} {why}; choose another with HALL_PORT (now {port})", file=sys.stderr, flush=True)
        raise SystemExit(2) from None
    sock.setblocking(False)
    return sock


async def serve(process: Process) -> None:
    """Runs the web process until it is cancelled."""
    sock = listen(process.settings.host, process.settings.port)
    gc.disable()  # nothing of what is loaded now is ever garbage
    from hall.app.assembly import assemble  # after the port is ours: a second hall fails fast

    app = await assemble(process)
    gc.freeze()
    gc.enable()
    config = uvicorn.Config(
        app.door,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        http=Patience,
        ws="websockets-sansio",
        ws_max_size=16 * 1024 * 1024,  # twice what ingest takes: it can still say why it refuses, a cut connection cannot
        timeout_graceful_shutdown=2,
        proxy_headers=False,
    )
    logging.getLogger("uvicorn.error").addFilter(_of_ours)
    server = _Server(config)
    try:
        await server.serve(sockets=[sock])
    except asyncio.CancelledError:
        if server.started:
            await server.shutdown(sockets=[sock])
        raise
    finally:
        await app.close()
