"""A private PostgreSQL server on a unix socket, from Debian's packages; ended with whoever started it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


def binaries() -> Path | None:
    """The newest server installed, None when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[4]))
    other = shutil.which("postgres")
    return found[-1].parent if found else Path(other).parent if other else None


@contextlib.contextmanager
def running(*, fsync: bool) -> Iterator[str]:
    """Yields the folder of the socket; user `hall`, trusted. PostgreSQL refuses to run as root, so it runs as `postgres`."""
    home = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    person = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if person:
        shutil.chown(home, **person)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **person}
    server = None
    try:
        tools = binaries()
        subprocess.run(
            [tools / "initdb", "-D", home / "d", "-A", "trust", "-U", "hall", "-E", "UTF8", "--no-sync"], check=True, **quiet
        )
        options = [
            "-c",
            "listen_addresses=",
            "-k",
            home,
            "-c",
            f"fsync={'on' if fsync else 'off'}",
            "-c",
            "max_connections=200",
        ]
        server = subprocess.Popen([tools / "postgres", "-D", home / "d", *options], **quiet)
        ready = [tools / "pg_isready", "-q", "-h", home, "-d", "postgres", "-U", "hall"]
        while subprocess.run(ready, **quiet).returncode:
            assert server.poll() is None, "PostgreSQL ended at once"
        yield str(home)
    finally:
        if server is not None:
            server.terminate()  # "smart" would wait for every client; a second signal makes it "fast"
            server.send_signal(2)
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
    return f"postgresql+psycopg://hall@/{name}?host={folder}"
