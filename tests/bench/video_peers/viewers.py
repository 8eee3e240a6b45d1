"""Many light players in one process: `python -m tests.bench.video_peers.viewers KIND URL TICKET COUNT LOSS`. A line on stdin asks
for a line of figures since the last one; an empty stdin ends it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter

import httpx
import uvloop

from tests.bench.video_peers import janus
from tests.video.webrtc.player import Player


async def join(kind: str, url: str, ticket: str, loss: float, client: httpx.AsyncClient, seed: int, host: str) -> Player:
    # SHA1_80 is what every player has; Chromium offers GCM too, which is cheaper for the sender
    player = await Player(loss=loss, keep=False, host=host, profiles=(b"SRTP_AES128_CM_SHA1_80",), rtx=False, seed=seed).open()
    if kind == "janus":
        await janus.join(client, url, player)
    else:
        path = "/whep" if kind == "stock" else "/whep/channel/cams/a"
        headers = {"content-type": "application/sdp", "x-hall-ticket": ticket}
        answer = await client.post(url + path, content=player.offer(), headers=headers)
        assert answer.status_code == 201, answer.text
        player.accept(answer.text)
    await asyncio.wait_for(player.connected.wait(), 20)
    return player


async def main(kind: str, url: str, ticket: str, count: str, loss: str, host: str) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        players = [await join(kind, url, ticket, float(loss), client, seed, host) for seed in range(int(count))]
        print("ready", flush=True)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        before, since = Counter(), time.monotonic()
        while await reader.readline():
            now, total = time.monotonic(), Counter()
            for player in players:
                total.update(player.counters)
                total["missing"] += len(player.missing)
            figures = {name: value - before[name] for name, value in total.items()}
            figures |= {"seconds": now - since, "silent": sum(1 for p in players if not p.counters["packets"])}
            print(json.dumps(figures), flush=True)
            before, since = total, now
        for player in players:
            await player.close()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
