"""What the environment says: where data is kept, which ports, which bus. Every variable is listed in `VARIABLES`."""

from __future__ import annotations

import os
import tempfile
import zlib
from pathlib import Path

import msgspec

from hall.core import config
from hall.core.errors import ConfigError

#: name -> (default, meaning); the README's table is tested against this one
VARIABLES: dict[str, tuple[str, str]] = {
    "HALL_CONFIG": ("", "the city's hall.toml; empty: ./hall.toml if there is one, else the demo city"),
    "HALL_DATA_DIR": ("./var", "where the hall keeps its data"),
    "HALL_HOST": ("127.0.0.1", "address to listen on; anything but loopback must be asked for"),
    "HALL_PORT": ("8050", "port of the web pages; the gate takes the next one, the relay of pictures the one after"),
    "HALL_VIDEO_PORT": ("0", "port of the video process; 0: a free one, chosen by `hall run`"),
    "HALL_RELAY_PORT": ("0", "port of the relay on loopback, for the hall itself; 0: a free one, chosen by `hall run`"),
    "HALL_SECRET": ("", "key that seals stream addresses, 32 bytes as base64; empty: secret.key in the data directory"),
    "HALL_REDIS_URL": ("", "an outside Redis/Valkey; empty: the embedded server"),
    "HALL_DATABASE_URL": ("", "the ledger's PostgreSQL, `postgresql+psycopg://user:password@host/name`; empty: SQLite"),
    "HALL_BUS_PREFIX": ("{hall}", "first part of every key on the bus"),
    "HALL_REAL_DATA": ("../shared/data", "real input for tests and `make demo-real`"),
    "HALL_TICK_MS": ("40", "how often changes are framed, in milliseconds"),
    "HALL_LOG": ("INFO", "log level"),
}


def variable(name: str) -> str:
    return os.environ.get(name) or VARIABLES[name][0]


class Settings(msgspec.Struct, kw_only=True):
    """One process's environment, read once."""

    data_dir: Path
    host: str
    port: int
    video_port: int
    redis_url: str  # as used: the embedded server's socket when no outside server is named
    embedded: bool
    bus_prefix: str
    tick_seconds: float
    config_path: str
    relay_port: int = 0  # loopback only
    database_url: str = ""  # of the ledger, as SQLAlchemy takes it

    @property
    def gate_port(self) -> int:
        return self.port + 1

    @property
    def pictures_port(self) -> int:
        """Where browsers reach the relay's WebSocket."""
        return self.port + 2

    @property
    def loopback(self) -> bool:
        return self.host in ("127.0.0.1", "localhost", "::1")


def _number(name: str, low: int, high: int) -> int:
    text = variable(name)
    if not text.isdigit() or not low <= int(text) <= high:
        raise ConfigError(f"{text!r}: give a whole number from {low} to {high}", file="environment", key=name)
    return int(text)


def bus_socket(data_dir: Path) -> Path:
    """Path of the embedded server's socket; a short one elsewhere when the data directory's is too long for a socket."""
    path = data_dir / "run" / "bus.sock"
    if len(str(path)) < 100:
        return path
    return Path(tempfile.gettempdir()) / f"hall-{zlib.crc32(str(path).encode()):08x}.sock"


def read() -> Settings:
    """Reads the environment; raises ConfigError naming the variable."""
    data_dir = Path(variable("HALL_DATA_DIR")).resolve()
    outside = variable("HALL_REDIS_URL")
    chosen = variable("HALL_CONFIG")
    if not chosen and Path("hall.toml").exists():
        chosen = str(Path("hall.toml").resolve())
    return Settings(
        data_dir=data_dir,
        host=variable("HALL_HOST"),
        port=_number("HALL_PORT", 1, 65533),
        video_port=_number("HALL_VIDEO_PORT", 0, 65535),
        relay_port=_number("HALL_RELAY_PORT", 0, 65535),
        redis_url=outside or f"unix://{bus_socket(data_dir)}",
        embedded=not outside,
        bus_prefix=variable("HALL_BUS_PREFIX"),
        tick_seconds=_number("HALL_TICK_MS", 5, 1000) / 1000,
        config_path=chosen,
        database_url=variable("HALL_DATABASE_URL") or f"sqlite:///{data_dir / 'ledger.db'}",
    )


def load_config(settings: Settings) -> config.HallConfig:
    """The city's configuration; `hall run` has put the demo city's path into HALL_CONFIG when there was none."""
    if not settings.config_path:
        raise ConfigError("no configuration: start with `hall run`, or set HALL_CONFIG", file="environment", key="HALL_CONFIG")
    return config.load(settings.config_path)
