"""What screens say they show becomes documents `screen/<id>`, so that one page lists every screen with its state."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec

from hall.access import Identity
from hall.core.clock import monotonic, real_ms
from hall.core.errors import BusLost, Refused
from hall.core.process import Process
from hall.gate.hub import Hub
from hall.gate.keeper import Keeper
from hall.gate.requests import Report

log = logging.getLogger("hall.gate")
#: a screen's report is published at most this often
EVERY_SECONDS = 1.0
#: one that answers a push is not kept waiting
ANSWER_SECONDS = 0.1
#: a document nobody refreshed for so long belongs to a gate that died; one so old is removed
SILENT_MS, REMOVED_MS = 15_000, 24 * 3600 * 1000
MAX_SCREENS = 2_000
#: a page is one screen; a connection that reports ever new ones would push others out
PER_CONNECTION = 4


class Screens:
    """Reports by screen id. The newest connection of an id is the screen; an older one that ends says nothing."""

    def __init__(self, process: Process, hub: Hub, keeper: Keeper, gate: str) -> None:
        self._process, self._hub, self._keeper, self._gate = process, hub, keeper, gate
        self._shown: dict[str, tuple[Any, dict[str, Any], float]] = {}  # id -> connection, document, published at

    def report(self, connection: Any, report: Report, who: Identity) -> None:
        """Publishes what a screen says, at most once a second whoever says it; raises Refused for too many screens.

        That it shows something else now is told at once: somebody waits for the answer, or works on the same case.
        """
        known = self._shown.get(report.id)
        now = monotonic()
        answers = known is not None and (_shows(report), report.part) != (known[1].get("shows"), known[1].get("part"))
        if known and now - known[2] < (ANSWER_SECONDS if answers else EVERY_SECONDS):
            self._shown[report.id] = (connection, *known[1:])
            return
        if known is None and len(self._shown) >= MAX_SCREENS:
            raise Refused("too-many-screens", f"this gate knows {MAX_SCREENS} screens already")
        if (known is None or known[0] is not connection) and self._held(connection) >= PER_CONNECTION:
            raise Refused("too-many-screens", f"one connection is at most {PER_CONNECTION} screens")
        document = msgspec.to_builtins(report)
        document |= {"state": "live", "who": who.name, "role": who.role, "gate": self._gate, "at": real_ms()}
        self._shown[report.id] = (connection, document, now)
        self._publish(report.id, document)

    def _held(self, connection: Any) -> int:
        return sum(holder is connection for holder, _, _ in self._shown.values())

    def ended(self, connection: Any) -> None:
        for screen, (holder, document, _) in list(self._shown.items()):
            if holder is connection:
                del self._shown[screen]
                self._publish(screen, {**document, "state": "gone", "at": real_ms()})

    def _publish(self, screen: str, document: dict[str, Any] | None) -> None:
        try:
            self._process.bulk.put(self._process.event(f"screen/{screen}", document))
        except BusLost as error:
            log.debug("screen %s not published: %s", screen, error)

    async def sweep(self) -> None:
        """Says of screens whose gate died that they are gone, and forgets those gone for a day."""
        while True:
            await asyncio.sleep(SILENT_MS / 3000)
            if self._keeper.holds:
                self.sweep_once(real_ms())

    def sweep_once(self, now: int) -> None:
        for entry in list(self._hub.board.current(["screen"])):
            screen = entry.subject.partition("/")[2]
            document = msgspec.json.decode(entry.raw).get("data") or {}
            silent = now - int(document.get("at", 0))
            if screen in self._shown:
                continue
            if document.get("state") == "gone" and silent > REMOVED_MS:
                self._publish(screen, None)
            elif document.get("state") != "gone" and silent > SILENT_MS:
                self._publish(screen, {**document, "state": "gone"})


def _shows(report: Report) -> Any:
    return None if report.shows is None else msgspec.to_builtins(report.shows)
