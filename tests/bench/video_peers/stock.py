"""aiortc as it is: MediaPlayer(decode=False) and MediaRelay, one RTCPeerConnection per viewer. Prints its address."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import aioice.ice
import uvicorn
import uvloop
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer, MediaRelay
from aiortc.rtcrtpsender import RTCRtpSender
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.bench.video_peers.clip import as_file


async def main(host: str) -> None:
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [host]
    player = MediaPlayer(str(as_file(Path(tempfile.mkdtemp()) / "clip.ts", 180)), decode=False, loop=True)
    relay, connections = MediaRelay(), []
    codecs = [codec for codec in RTCRtpSender.getCapabilities("video").codecs if codec.mimeType == "video/H264"]

    async def offer(request: Request) -> Response:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connections.append(connection)

        @connection.on("connectionstatechange")
        async def changed():
            if connection.connectionState in ("failed", "closed"):
                connections.remove(connection)

        connection.addTrack(relay.subscribe(player.video))
        connection.getTransceivers()[0].setCodecPreferences(codecs)  # before the offer: else it picks VP8
        await connection.setRemoteDescription(RTCSessionDescription((await request.body()).decode(), "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        return Response(connection.localDescription.sdp, 201, media_type="application/sdp")

    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=[Route("/whep", offer, methods=["POST"])]), port=0, log_config=None)
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]} -", flush=True)
    await serving


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
