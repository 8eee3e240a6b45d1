"""What `hall run` does: picks the city, starts the supervisor, prints where to look."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path

import msgspec

from hall import access
from hall.core import settings as settings_module
from hall.core.bus import Bus
from hall.core.errors import HallError
from hall.core.settings import Settings
from hall.supervisor import Supervisor

LEAST_ROOM = 4 * 1024 * 1024  # bytes that a start writes at least
WALLS = ("routine", "flood", "video", "briefing")


def require_room(data_dir: Path) -> None:
    """Raises HallError when the data directory takes no more data: better said now than by every process in turn."""
    probe = data_dir / "run" / "room"
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        try:
            probe.write_bytes(bytes(LEAST_ROOM))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise HallError(f"data directory {data_dir}: {error.strerror}; free some space, or set HALL_DATA_DIR") from None


def city_config(settings: Settings) -> str:
    """Path of the configuration to run; without one, the demo city is made under the data directory first."""
    if settings.config_path:
        return settings.config_path
    from feeds.demo import prepare

    return str(prepare(settings.data_dir))


async def _announce(settings: Settings, demo: bool, tell) -> None:
    bus = Bus(settings.redis_url, settings.bus_prefix)
    shown = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    base = f"http://{shown}:{settings.port}"
    try:
        tell("")
        tell(f"  指挥大厅 Command Hall   {base}/walls")
        for wall in WALLS:
            tell(f"    /wall/{wall:<9} {base}/wall/{wall}")
        if demo:
            code = await access.make_link_code(bus, "demo", "supervisor")
            tell(f"    desk (once, 1 h)  {base}/enter/{code}")
        else:
            tell(f"    desk            {base}/desk   (sign in; the first admin password is printed above, once)")
        tell(f"    stream          ws://{shown}:{settings.gate_port}/v1/stream")
        if not settings.loopback:
            tell(f"  open to the network on {settings.host}, unencrypted: put a TLS proxy in front (docs/SECURITY.md)")
        tell("  Ctrl-C stops all of it.")
        tell("")
    finally:
        await bus.close()


def _tell(line: str) -> None:
    print(line, flush=True)


def run(fresh: bool) -> int:
    """Runs the hall until Ctrl-C; returns the exit code. Faults of set-up raise HallError before anything starts."""
    settings = settings_module.read()
    require_room(settings.data_dir)
    config_path = city_config(settings)
    config = settings_module.load_config(msgspec.structs.replace(settings, config_path=config_path))
    if importlib.util.find_spec("uvloop") is None:
        raise HallError("the packages are not installed: run `make install`")
    supervisor = Supervisor(settings, _tell)
    supervisor.prepare(fresh)
    supervisor.make_children(config_path, replays=bool(config.clock.start))
    _tell(f"starting {', '.join(supervisor.children)}; data in {settings.data_dir}")
    try:
        return asyncio.run(supervisor.run(lambda _bus: _announce(settings, config.city.demo, _tell)))
    except KeyboardInterrupt:
        return 0
    finally:
        sys.stdout.flush()
