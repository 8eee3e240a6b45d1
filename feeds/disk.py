"""Sources wait while the disk is nearly full: what a supplier still keeps is not lost with us."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from hall.core.clock import monotonic
from hall.core.room import has_room
from hall.core.settings import Settings

log = logging.getLogger("hall.feeds")
LOOK_SECONDS = 0.2


class Disk:
    """The disk as one feed sees it; `note(text)` shows on screens why it waits."""

    def __init__(self, settings: Settings, feed: str, note: Callable[[str], None]) -> None:
        self._settings, self._feed, self._note = settings, feed, note
        self._next_look = 0.0

    async def room(self) -> None:
        """Returns when there is room; looks now and then only."""
        if monotonic() < self._next_look:
            return
        if not has_room(self._settings):
            log.error("feed %s: the disk is nearly full; nothing is taken until there is room again", self._feed)
            self._note("the disk is nearly full: nothing is taken")
            while not has_room(self._settings):
                await asyncio.sleep(LOOK_SECONDS)
            log.warning("feed %s: there is room on the disk again", self._feed)
            self._note("")
        self._next_look = monotonic() + LOOK_SECONDS
