"""One viewer: a connection with its tiles, and what becomes of it when it reads too slowly."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from hall.core.clock import monotonic
from hall.core.errors import Refused
from video.egress.websocket_fan import UNSENT_BYTES, Fans
from video.egress.websocket_tile import WORST, Tile
from video.egress.websocket_wire import close_frame, say

MAX_TILES = 128
#: so many times in so many seconds: it gets fewer pictures
SLOW_TIMES, SLOW_SECONDS = 3, 30.0
#: a viewer that took nothing for so long is sent away
STUCK_SECONDS = 30.0
#: quiet seconds before it is tried with more pictures again; doubled each time that was too early
PATIENCE_SECONDS, LONGEST_PATIENCE = 30.0, 600.0
#: bytes that the kernel may hold unsent (Linux): the rest waits where we see it
_NOTSENT_LOWAT, _NOTSENT_BYTES = 25, 128 * 1024


class Viewer:
    """Writes to `transport` (asyncio's), never through the library: its sending would copy and frame per viewer."""

    def __init__(self, fans: Fans, transport: Any) -> None:
        self.fans, self.transport = fans, transport
        self.tiles: dict[int, Tile] = {}
        self.handles: set[int] = set()
        self.sessions: dict[str, int] = {}  # bus key -> tiles that need it
        self.limit = UNSENT_BYTES
        self.level = 0
        self.slow_times = 0
        self.closed = False
        self.since, self.ticketed = monotonic(), False  # when it came; whether it ever showed a ticket of ours
        self._text_bytes = self._gone_bytes = 0
        self._held: float | None = None  # since when pictures are skipped
        self._slow: deque[float] = deque(maxlen=SLOW_TIMES)
        self._changed_at, self._patience = 0.0, PATIENCE_SECONDS
        self._drained, self._drained_at = 0, monotonic()
        _prepare(transport)

    def say(self, message: bytes) -> None:
        """Writes a small message."""
        if not self.closed:
            self._text_bytes += len(message)
            with contextlib.suppress(OSError, RuntimeError):  # the other side went in this very moment
                self.transport.write(message)

    # -- tiles ---------------------------------------------------------------------------------------------------

    def show(self, tile: Tile) -> None:
        """Starts a tile, in place of what it showed before. Raises Refused."""
        self.leave(tile.n)
        if len(self.tiles) >= MAX_TILES:
            raise Refused("too-many-watches", f"one connection shows {MAX_TILES} channels")
        tile.start(self.level)
        self.tiles[tile.n] = tile
        if key := tile.ticket.session:
            self.sessions[key] = self.sessions.get(key, 0) + 1

    def leave(self, n: int) -> None:
        tile = self.tiles.pop(n, None)
        if tile is None:
            return
        self._gone_bytes += tile.bytes
        tile.end()
        if key := tile.ticket.session:
            self.sessions[key] -= 1
            if not self.sessions[key]:
                del self.sessions[key]

    def close(self) -> None:
        """Leaves everything; nothing is written afterwards."""
        for n in list(self.tiles):
            self.leave(n)
        self.closed = True

    def cut(self, code: int, reason: str) -> None:
        """Closes without waiting for somebody who does not read: a close frame, a second to take it, then the end."""
        self.close()
        with contextlib.suppress(OSError, RuntimeError):
            self.transport.write(close_frame(code, reason))
        asyncio.get_running_loop().call_later(1.0, self.transport.abort)

    # -- the budget ----------------------------------------------------------------------------------------------

    @property
    def written(self) -> int:
        return self._text_bytes + self._gone_bytes + sum(tile.bytes for tile in self.tiles.values())

    def is_slow(self) -> None:
        """A picture was skipped: counted once until the connection has drained."""
        if self._held is not None:
            return
        now = self._held = monotonic()
        self.slow_times += 1
        self._slow.append(now)
        if len(self._slow) == SLOW_TIMES and now - self._slow[0] <= SLOW_SECONDS and self.level < WORST:
            self._patience = min(LONGEST_PATIENCE, self._patience * 2) if self._changed_at else PATIENCE_SECONDS
            # not from within the track's round of its sinks: going to another track changes them
            asyncio.get_running_loop().call_soon(self._go_to, self.level + 1, now)

    def watch_over(self, now: float) -> bool:
        """Called every second; False when this viewer takes nothing and has to go."""
        unsent = self.transport.get_write_buffer_size()
        drained = self.written - unsent
        if drained != self._drained or not unsent:
            self._drained, self._drained_at = drained, now
        elif now - self._drained_at >= STUCK_SECONDS:
            return False
        if unsent <= UNSENT_BYTES // 2:
            self.limit, self._held = UNSENT_BYTES, None
        quiet_since = max(self._changed_at, self._slow[-1] if self._slow else 0.0)
        if self.level and self._held is None and now - quiet_since >= self._patience:
            self._go_to(self.level - 1, now)
        return True

    def _go_to(self, level: int, now: float) -> None:
        if self.closed:
            return
        self.level, self._changed_at = level, now
        self._slow.clear()
        for tile in list(self.tiles.values()):
            self._change(tile, lambda tile=tile: tile.follow(level))

    def restart(self, tile: Tile) -> None:
        """The tile shows its channel in another way from now on."""
        if self.tiles.get(tile.n) is tile:
            self._change(tile, lambda: tile.start(self.level))

    def _change(self, tile: Tile, change: Callable[[], object]) -> None:
        try:
            change()
        except Refused as refusal:
            self.say(say("refused", n=tile.n, reason=refusal.reason, detail=refusal.detail))
            self.leave(tile.n)


def _prepare(transport: Any) -> None:
    """Little may wait in the kernel, and a peer that is gone without a word is found out within a minute."""
    found = transport.get_extra_info("socket")
    options = [(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _NOTSENT_BYTES), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    for option in options:
        with contextlib.suppress(OSError, AttributeError):
            found.setsockopt(*option)
