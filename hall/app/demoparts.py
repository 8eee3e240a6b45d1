"""What the demo city has beside its files, made when somebody first asks for it: a start need not wait for it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from hall.core.process import Process


def first_import(process: Process) -> Callable[[], Awaitable[str]] | None:
    """The demo city's components come in by the command that any city's do, when somebody first asks for them."""
    if not process.config.city.demo or "demo" not in process.config.components:
        return None
    command = (sys.executable, "-m", "hall.cli", "components", "import", "demo://city", "--mapping", "demo")
    return lambda: _run(process, command)


def first_map(process: Process) -> Callable[[], Awaitable[str]] | None:
    """The demo city's map is built from its own streets by the command that any city's is; anew when the streets are newer."""
    name, found = "demo", process.config
    if not found.city.demo or name not in found.map.tiles or not found.city.basemap:
        return None
    streets, built = found.path(found.city.basemap[0]), found.path(found.map.tiles[name])
    command = (sys.executable, "-m", "hall.cli", "map", "build", str(streets), "--out", str(built))
    turn = asyncio.Lock()

    async def current() -> str:
        async with turn:  # who asks meanwhile waits for the same build
            return "" if await asyncio.to_thread(_newer, built, streets) else await _run(process, command)

    return current


def _newer(built: Path, source: Path) -> bool:
    return built.is_file() and built.stat().st_mtime_ns >= source.stat().st_mtime_ns


async def _run(process: Process, command: tuple[str, ...]) -> str:
    """What went wrong, empty when nothing did."""
    own = {"HALL_CONFIG": process.config.file, "HALL_DATA_DIR": str(process.settings.data_dir)}
    quiet = asyncio.subprocess.DEVNULL
    made = await asyncio.create_subprocess_exec(*command, env=os.environ | own, stdout=quiet, stderr=asyncio.subprocess.PIPE)
    try:
        _, said = await made.communicate()
    except asyncio.CancelledError:
        made.terminate()
        raise
    return said.decode("utf-8", "replace").strip() if made.returncode else ""
