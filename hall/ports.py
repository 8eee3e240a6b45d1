"""Ports of this machine: a free one, whether one is taken, and whether a process answers on it."""

from __future__ import annotations

import http.client
import socket

from hall.core.errors import HallError


def free_port() -> int:
    """A port of loopback, where the pictures listen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def require_port(host: str, port: int, what: str) -> None:
    """Raises HallError saying which port is taken and how to choose another."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise HallError(
                f"port {port} on {host} ({what}) is taken: {error.strerror}. Another hall may be running; "
                f"choose another port with HALL_PORT, for example: HALL_PORT={port + 100 if port < 65000 else 18050} make run"
            ) from None


def healthz(host: str, port: int) -> bool:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    door = http.client.HTTPConnection(shown, port, timeout=2)
    try:
        door.request("GET", "/healthz")
        return door.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        door.close()
