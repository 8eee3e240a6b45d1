"""Follows topics of a Command Hall and prints what changes: python listen.py ws://127.0.0.1:8051/v1/stream case alarm

Written from docs/PROTOCOL.md alone; needs `pip install websockets`. Reconnects for ever and resumes where it was.
"""

import asyncio
import json
import random
import sys

import websockets

HISTORIES = {"log", "archive", "audit"}


class Picture:
    """The newest event per subject; `pos` is how far we have been told, None when we have to start afresh."""

    def __init__(self, show=print):
        self.events, self.pos, self.show = {}, None, show

    def take(self, message):
        if message["op"] == "state" and message["reset"] and message["part"] == 1:
            self.events, self.pos = {}, None
        for event in message["e"]:
            self.keep(event)
        if message["op"] == "frame" or message["part"] == message["parts"]:
            self.pos = message["pos"]

    def keep(self, event):
        name = event["id"] if event["subject"].split("/")[0] in HISTORIES else event["subject"]
        age = (event["time"], event["recordedtime"], event["id"])
        if name not in self.events or age > self.events[name][0]:
            self.events[name] = (age, event.get("data"))  # data None: the subject is gone
            self.show(event["subject"], json.dumps(event.get("data"), ensure_ascii=False))


async def listen(url, topics, picture):
    attempt = 0
    while True:
        try:
            async with websockets.connect(url, max_size=8 * 2**20) as socket:
                await socket.send(json.dumps({"op": "subscribe", "topics": topics, "from": picture.pos}))
                async for text in socket:
                    message, attempt = json.loads(text), 0
                    if message["op"] in ("state", "frame"):
                        picture.take(message)
                    elif message["op"] == "refused":
                        sys.exit(f"{message['reason']}: {message['detail']}")
        except (OSError, websockets.WebSocketException) as error:
            print("link lost:", error, file=sys.stderr)
        await asyncio.sleep(random.uniform(0, min(10, 0.25 * 2**attempt)))
        attempt = min(attempt + 1, 6)


if __name__ == "__main__":
    asyncio.run(listen(sys.argv[1], sys.argv[2:] or ["case"], Picture()))
