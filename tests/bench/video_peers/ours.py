"""Our relay's hub and WebRTC egress with one channel, as a process: prints its address when it listens."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec
import uvloop

from tests.bench.video_peers.clip import clip
from tests.video.webrtc.stage import Stage, process_at


async def main(host: str, calls: str = "many") -> None:
    process = process_at(Path(tempfile.mkdtemp()))
    process.settings = msgspec.structs.replace(process.settings, host=host)
    stage = Stage(process, clip())
    async with stage.running():
        stage.sessions.port.segmenting = calls == "many"  # "one": as on a kernel without UDP_SEGMENT
        print(f"{stage.url} {stage.ticket(view='bench')}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
