"""Live test cards: every card of this child is drawn and coded by one thread, each on its own grid of moments."""

from __future__ import annotations

import heapq
import logging
import threading
from typing import Any
from zlib import crc32

import msgspec

from hall.core.clock import monotonic, real_ms
from video.media import CLOCK_RATE
from video.workshop import wire
from video.workshop.child import Outlet
from video.workshop.coding import Encoder
from video.workshop.scene import Scene

log = logging.getLogger("hall.workshop")


class Card:
    """One channel's card: scene, coder and the moments at which pictures are due."""

    def __init__(self, about: dict[str, Any], outlet: Outlet) -> None:
        self.outlet, self.open = outlet, True
        self._fps = float(about["fps"])
        self._about, self._wanted = about, (about["name"], about.get("depth"))
        self._shown = self._wanted
        self._scene = Scene(about["subject"], about["name"], int(about["width"]), about.get("depth"))
        self._coder = Encoder(self._scene.width, self._scene.height, self._fps)
        self._told = False
        # cards of one rate are spread over the period: a wall's worth of them at one moment would be a burst
        self._phase = crc32(str(about["subject"]).encode()) % 1000 / 1000
        self.number = int(monotonic() * self._fps - self._phase) + 1

    @property
    def due(self) -> float:
        """Monotonic seconds of the next picture."""
        return (self.number + self._phase) / self._fps

    def draw(self) -> None:
        """Makes the picture that is due and moves on, past those that were missed."""
        if self._wanted != self._shown:
            self._shown = self._wanted
            self._scene = Scene(self._about["subject"], self._shown[0], int(self._about["width"]), self._shown[1])
        at = real_ms()
        for data, key, pts in self._coder.encode(self._scene.frame(at), round(self.number * CLOCK_RATE / self._fps)):
            if not self._told:
                self.outlet.began(self._coder.info(data))
                self._told = True
            self.outlet.made(data, key, pts, float(at))
        self.number = max(self.number + 1, int(monotonic() * self._fps - self._phase) + 1)

    def feed(self, material: wire.Feed) -> None:
        """Another name or depth of water: `{name, depth}` as msgpack."""
        told = msgspec.msgpack.decode(material.data)
        depth = told.get("depth")
        self._wanted = str(told.get("name") or self._about["name"]), None if depth is None else round(float(depth), 2)

    def close(self) -> None:
        self.open = False


class Stage:
    """The thread that draws all cards; it ends with the last one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Card]] = []
        self._count = 0
        self._running = False

    def add(self, card: Card) -> None:
        with self._changed:
            self._count += 1
            heapq.heappush(self._due, (card.due, self._count, card))
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="cards", daemon=True).start()
            self._changed.notify()

    def _next(self) -> tuple[int, Card] | None:
        """Waits for the card that is due; None when there are none left."""
        with self._changed:
            while self._due:
                due, count, card = self._due[0]
                if not card.open:
                    heapq.heappop(self._due)
                elif (wait := due - monotonic()) > 0:
                    self._changed.wait(wait)
                else:
                    return heapq.heappop(self._due)[1:]
            self._running = False
            return None

    def _run(self) -> None:
        while found := self._next():
            count, card = found
            try:
                card.draw()
            except Exception as error:  # the others go on
                log.exception("workshop: a card cannot be drawn")
                card.outlet.ended("garbled", f"the card cannot be drawn: {error}")
                card.open = False
            with self._changed:
                heapq.heappush(self._due, (card.due, count, card))


_stage = Stage()


def work(about: dict[str, Any], outlet: Outlet) -> Card:
    """`about`: subject, name, width, fps, optionally depth (metres)."""
    card = Card(about, outlet)
    _stage.add(card)
    return card
