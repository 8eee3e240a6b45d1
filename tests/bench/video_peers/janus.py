"""Janus with its streaming plugin (Debian's packages), fed over RTP by a sender of ours; and how its players join."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import httpx

PROGRAM = Path("/usr/bin/janus")
PLUGINS = Path("/usr/lib/x86_64-linux-gnu/janus")

_MAIN = """general: {{ configs_folder = "{folder}"  plugins_folder = "{plugins}/plugins"  transports_folder = "{plugins}/transports"
  events_folder = "{plugins}/events"  log_to_stdout = true  debug_level = 3  admin_secret = "x"  session_timeout = 600 }}
nat: {{ ice_enforce_list = "{host}"  nice_debug = false  ignore_mdns = true }}
media: {{ }}
plugins: {{ disable = "{disabled}" }}
transports: {{ disable = "libjanus_pfunix.so,libjanus_websockets.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_rabbitmq.so" }}
"""
_HTTP = 'general: {{ json = "compact" base_path = "/janus" http = true port = {port} ip = "127.0.0.1" https = false }}\nadmin: {{ admin_http = false }}\n'
_STREAM = """general: {{ }}
bench: {{ type = "rtp"  id = 1  description = "bench"  media = ( {{ type = "video"  mid = "v"  label = "v"  port = {port}  pt = 102
  codec = "h264"  fmtp = "profile-level-id=42e01f;packetization-mode=1" }} ) }}
"""


def _free(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def start(folder: Path, host: str) -> tuple[subprocess.Popen, str, int]:
    """The server, the address of its API, the UDP port that takes RTP."""
    api, rtp = _free(socket.SOCK_STREAM), _free(socket.SOCK_DGRAM)
    plugins = [p.name.split(".so")[0] + ".so" for p in (PLUGINS / "plugins").glob("*.so*") if "streaming" not in p.name]
    (folder / "janus.jcfg").write_text(
        _MAIN.format(folder=folder, plugins=PLUGINS, host=host, disabled=",".join(sorted(set(plugins))))
    )
    (folder / "janus.transport.http.jcfg").write_text(_HTTP.format(port=api))
    (folder / "janus.plugin.streaming.jcfg").write_text(_STREAM.format(port=rtp))
    log = (folder / "janus.log").open("w")
    server = subprocess.Popen([PROGRAM, "-F", folder, "-C", folder / "janus.jcfg"], stdout=log, stderr=subprocess.STDOUT)
    return server, f"http://127.0.0.1:{api}/janus", rtp


async def join(client: httpx.AsyncClient, base: str, player) -> None:
    """Watches stream 1: Janus offers, the player answers. The API session is kept by a long poll."""

    async def ask(path: str, **message) -> dict:
        message["transaction"] = f"{random.getrandbits(60)}"
        return (await client.post(base + path, json=message)).json()

    session = (await ask("", janus="create"))["data"]["id"]
    handle = (await ask(f"/{session}", janus="attach", plugin="janus.plugin.streaming"))["data"]["id"]
    await ask(f"/{session}/{handle}", janus="message", body={"request": "watch", "id": 1})
    while True:
        event = (await client.get(f"{base}/{session}?maxev=1", timeout=40)).json()
        if "jsep" in event:
            break
    answer = player.answer(event["jsep"]["sdp"])
    jsep = {"type": "answer", "sdp": answer}
    await ask(f"/{session}/{handle}", janus="message", body={"request": "start"}, jsep=jsep)


async def send(port: int) -> None:
    """The channel as RTP over UDP, each picture when it is due."""
    from tests.bench.video_peers.clip import payloads

    pictures, out, sequence = payloads(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0
    began, number = time.monotonic(), 0
    while True:
        await asyncio.sleep(max(0.0, began + number / 25 - time.monotonic()))
        found = pictures[number % len(pictures)]
        for index, payload in enumerate(found):
            marker = 0x80 if index == len(found) - 1 else 0
            out.sendto(
                struct.pack("!BBHII", 0x80, marker | 102, sequence & 0xFFFF, number * 3600 & 0xFFFFFFFF, 7) + payload,
                ("127.0.0.1", port),
            )
            sequence += 1
        number += 1


if __name__ == "__main__":
    asyncio.run(send(int(sys.argv[1])))
