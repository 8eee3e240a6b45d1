"""A real web process (and a gate where asked for) on free ports, a real Valkey, one data directory per process."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import re
import sqlite3
import ssl
import time
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher

from hall import access
from hall.app.users import Users
from hall.core.bus import Bus
from tests.prefork import Child, prefork
from tests.running import free_port_pair

#: for clients of plain http: by default each loads all certificates of the world, a twentieth of a second
NO_HTTPS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
#: what the processes import sooner or later; a process forked before has to do it by itself
IMPORTED = {
    "hall.app": (
        "hall.app.server", "hall.app.assembly", "layouts.walls", "dash.backends._fastapi", "dash_leaflet", "flask", "httpcore",
        "alembic.command", "alembic.ddl.sqlite", "sqlalchemy.dialects.sqlite", "anyio._backends._asyncio", "uvloop",
        "uvicorn.lifespan.on", "uvicorn.protocols.websockets.websockets_sansio_impl",
    ),
    "hall.gate": ("hall.gate", "uvloop"),
    "video.server": ("video.server", "uvicorn", "uvloop"),
    "video.relay": ("video.relay", "uvloop"),
}  # fmt: skip
ROOT = Path(__file__).parent.parent.parent.parent
_numbers = itertools.count()

CITY = """
[city]
name = { "zh-CN" = "试验市", en = "Trial City" }
centre = [113.92, 35.30]
demo = %s
[walls.east]
columns = 2
layout = "flood"
[[feeds]]
name = "probe"
kind = "case"
url = "push://"
token = "supplier-secret"
label = { "zh-CN" = "探针", en = "Probe" }
"""


class Hall:
    """Processes of one hall in a test: `url` of the web, `bus()` for the test's own use."""

    def __init__(self, home: Path, valkey: str, demo: bool, video_port: int = 0) -> None:
        self.home, self.valkey, self.prefix = home, valkey, f"{{web{next(_numbers)}}}"
        (home / "hall.toml").write_text(CITY % ("true" if demo else "false"), encoding="utf-8")
        self.port = free_port_pair()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = dict(
            os.environ,
            HALL_CONFIG=str(home / "hall.toml"),
            HALL_DATA_DIR=str(home / "var"),
            HALL_PORT=str(self.port),
            HALL_VIDEO_PORT=str(video_port),
            HALL_REDIS_URL=valkey,
            HALL_BUS_PREFIX=self.prefix,
        )
        self.log = home / "log"
        self._processes: list[Child] = []

    def bus(self) -> Bus:
        return Bus(self.valkey, self.prefix)

    def spawn(self, name: str, package: str, body: str = "serve") -> Child:
        code = f"from hall.core.process import main; from {package} import {body}; main({name!r}, {body})"
        with self.log.open("ab") as out:
            process = prefork().start(code, after=IMPORTED[package], env=self.env, out=out, err=out)
        self._processes.append(process)
        return process

    def start(self) -> Hall:
        self._wait(self.spawn("web", "hall.app"), self.port)
        return self

    def start_gate(self) -> None:
        self._wait(self.spawn("gate", "hall.gate"), self.port + 1)

    def _wait(self, process: Child, port: int) -> None:
        limit = time.monotonic() + 90  # two busy cores
        while process.poll() is None and time.monotonic() < limit:
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            with contextlib.closing(asked), contextlib.suppress(OSError, http.client.HTTPException):
                asked.request("GET", "/healthz")
                asked.getresponse().read()
                return
            time.sleep(0.03)
        raise AssertionError(self.log.read_text())

    @property
    def admin_password(self) -> str:
        return re.search(r"with the password\s+(\S+)", self.log.read_text())[1]

    @property
    def people(self) -> Users:
        """Who may sign in here; passwords that a test gives are hashed cheaply, and so are checked cheaply."""
        return Users(self.home / "var" / "users.db", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))

    def keep_first_password(self) -> None:
        """Lets the tests of one module share the printed password, which otherwise must be changed at the first sign-in."""
        with contextlib.closing(sqlite3.connect(self.home / "var" / "users.db")) as db, db:
            db.execute("update users set must_change = 0")

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            assert process.wait(10) in (0, -15), self.log.read_text()

    async def client(self, role: str | None = None, name: str = "", **known) -> httpx.AsyncClient:
        """A browser-like client, signed in as `role`; its changes carry the page's CSRF token."""
        client = httpx.AsyncClient(base_url=self.url, timeout=10, verify=NO_HTTPS)
        if role:
            bus = self.bus()
            secret = await access.open_session(bus, name or f"a-{role}", role, **known)
            await bus.close()
            client.cookies.set(access.COOKIE, secret)
            client.headers["x-hall-csrf"] = access.csrf_token(secret)
        return client


@pytest.fixture(scope="module")
def city_hall(valkey, tmp_path_factory):
    """A configured city's hall: nobody enters without signing in."""
    hall = Hall(tmp_path_factory.mktemp("city"), valkey, demo=False).start()
    hall.keep_first_password()
    yield hall
    hall.stop()


@pytest.fixture(scope="module")
def demo_hall(valkey, tmp_path_factory):
    """The demo on this machine."""
    hall = Hall(tmp_path_factory.mktemp("demo"), valkey, demo=True).start()
    yield hall
    hall.stop()


@pytest.fixture
def new_hall(valkey, tmp_path):
    """A hall that the test starts itself."""
    made: list[Hall] = []

    def make(**options) -> Hall:
        made.append(Hall(tmp_path, valkey, **{"demo": False, **options}))
        return made[-1]

    yield make
    for hall in made:
        hall.stop()
