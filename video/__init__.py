"""The pictures room: posters of shared channels over HTTP. Only this room imports cv2, and only at the first picture."""

from __future__ import annotations

import gc

from hall.core.process import Process


async def run(process: Process) -> None:
    """Serves posters on this machine's loopback, settings.video_port, until cancelled (`hall video`)."""
    gc.disable()  # nothing of what is loaded now is ever garbage
    from video.server import serve

    gc.freeze()
    gc.enable()
    await serve(process)
