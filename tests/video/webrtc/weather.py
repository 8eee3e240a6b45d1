"""Bad weather between player and relay: a UDP way that loses, delays and shakes. In user space, because kernels without
sch_netem have no `tc netem`, and because it may be asked what it did."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter


class Weather(asyncio.DatagramProtocol):
    """Stands where the relay's port is said to be: `answer(text)` is the relay's answer with this way in it. `loss`: share lost,
    each way; `delay`, `jitter`: ms, each way, evenly from delay to delay + jitter; `order`: packets never overtake each other."""

    def __init__(self, loss: float = 0.0, delay: float = 0.0, jitter: float = 0.0, order: bool = True, seed: int = 3) -> None:
        self.loss, self.delay, self.jitter, self.order = loss, delay, jitter, order
        self.luck, self.counters = random.Random(seed), Counter()
        self._ways: dict = {}
        self._last: dict = {}

    async def open(self) -> Weather:
        self.loop = asyncio.get_running_loop()
        self.transport, _ = await self.loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self.transport.get_extra_info("sockname")[1]
        return self

    def answer(self, text: str) -> str:
        host, port = re.search(r"a=candidate:1 1 udp \d+ (\S+) (\d+) typ host", text).groups()
        self.target = (host, int(port))
        return re.sub(r"(a=candidate:1 1 udp \d+) \S+ \d+ typ host", rf"\1 127.0.0.1 {self.port} typ host", text)

    def datagram_received(self, data: bytes, address) -> None:
        """From a player: each has a socket of its own towards the relay."""
        if address in self._ways:
            self._later(("up", address), lambda: self._ways[address].sendto(data))
        else:
            self.loop.create_task(self._way(data, address))

    async def _way(self, data: bytes, address) -> None:
        weather = self

        class Back(asyncio.DatagramProtocol):
            def datagram_received(self, back: bytes, _) -> None:
                weather._later(("down", address), lambda: weather.transport.sendto(back, address))

        if address not in self._ways:
            made, _ = await self.loop.create_datagram_endpoint(Back, remote_addr=self.target)
            self._ways.setdefault(address, made)
        self.datagram_received(data, address)

    def _later(self, way, send) -> None:
        self.counters[way[0]] += 1
        if self.luck.random() < self.loss:
            self.counters[f"{way[0]} lost"] += 1
            return
        due = self.loop.time() + (self.delay + self.luck.random() * self.jitter) / 1000
        if self.order:
            due = self._last[way] = max(due, self._last.get(way, 0.0) + 1e-6)
        self.loop.call_at(due, lambda: None if self.transport.is_closing() else send())

    def close(self) -> None:
        self.transport.close()
        for way in self._ways.values():
            way.close()
