"""The demo city's components, brought in when somebody first asks for them: a start need not wait for them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

from hall.core.process import Process


def first_import(process: Process) -> Callable[[], Awaitable[str]] | None:
    """The demo city's components come in by the command that any city's do, when somebody first asks for them."""
    if not process.config.city.demo or "demo" not in process.config.components:
        return None
    command = (sys.executable, "-m", "hall.cli", "components", "import", "demo://city", "--mapping", "demo")
    own = {"HALL_CONFIG": process.config.file, "HALL_DATA_DIR": str(process.settings.data_dir)}

    async def imported() -> str:
        quiet = asyncio.subprocess.DEVNULL
        made = await asyncio.create_subprocess_exec(
            *command, env=os.environ | own, stdout=quiet, stderr=asyncio.subprocess.PIPE
        )
        try:
            _, said = await made.communicate()
        except asyncio.CancelledError:
            made.terminate()
            raise
        return said.decode("utf-8", "replace").strip() if made.returncode else ""

    return imported
