"""A private PostgreSQL server on a unix socket, from Debian's packages; ended with whoever started it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil


def binaries() -> Path | None:
    """The newest server installed, None when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[4]))
    other = shutil.which("postgres")
    return found[-1].parent if found else Path(other).parent if other else None


def _person() -> dict[str, str]:
    """PostgreSQL refuses to run as root, so it runs as `postgres` then."""
    return {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}


def _quiet() -> dict:
    return {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **_person()}


def new_home() -> Path:
    """A folder for a server, with a path short enough for a socket, and in it `d`, an empty cluster of user `hall`."""
    home = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    if _person():
        shutil.chown(home, **_person())
    command = [binaries() / "initdb", "-D", home / "d", "-A", "trust", "-U", "hall", "-E", "UTF8", "--no-sync"]
    subprocess.run(command, check=True, **_quiet())
    return home


def start(home: Path, *, fsync: bool, data: str = "d", env: dict[str, str] | None = None) -> subprocess.Popen:
    """Returns once the server answers on its socket in `home`."""
    options = ["-c", "listen_addresses=", "-k", home, "-c", f"fsync={'on' if fsync else 'off'}", "-c", "max_connections=200"]
    command = [binaries() / "postgres", "-D", home / data, *options]
    server = subprocess.Popen(command, **_quiet(), env=os.environ | (env or {}))
    ready = [binaries() / "pg_isready", "-q", "-h", home, "-d", "postgres", "-U", "hall"]
    while subprocess.run(ready, **_quiet()).returncode:
        assert server.poll() is None, "PostgreSQL ended at once"
    return server


def kill(server: subprocess.Popen) -> None:
    """What a power cut does to its processes."""
    server.send_signal(signal.SIGSTOP)  # no new ones meanwhile
    family = psutil.Process(server.pid).children(recursive=True)
    for process in (*family, psutil.Process(server.pid)):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, 10)
    server.wait(10)


@contextlib.contextmanager
def running(*, fsync: bool) -> Iterator[str]:
    """A server of one's own; yields the folder of the socket."""
    home = new_home()
    server = None
    try:
        server = start(home, fsync=fsync)
        yield str(home)
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)  # "fast": does not wait for clients
            server.wait(30)
        shutil.rmtree(home, ignore_errors=True)


def new_database(folder: str, name: str) -> str:
    """Makes an empty database; its URL."""
    command = [
        binaries() / "psql",
        "-q",
        "-h",
        folder,
        "-U",
        "hall",
        "-d",
        "postgres",
        "-c",
        f'CREATE DATABASE "{name}" TEMPLATE template0',
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")
    return url_of(folder, name)


def url_of(folder: str, name: str) -> str:
    return f"postgresql+psycopg://hall@/{name}?host={folder}"
