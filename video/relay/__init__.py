"""The relay (`hall relay`): takes pictures in and passes them on; nothing in this process decodes."""

from __future__ import annotations

from hall.core.process import Process


async def run(process: Process) -> None:
    """Serves moving pictures until cancelled."""
    from video.relay import http

    await http.serve(http.app(process), http.listen(process.settings.relay_port))
