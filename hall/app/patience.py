"""HTTP connections that get to the point: who opens one and does not finish a request's head is hung up on.

Uvicorn bounds the time between requests only; half a head would hold a connection, and its file, for ever.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0


class Patience(H11Protocol):
    """uvicorn's protocol on h11, which bounds a head at 64 kB (httptools takes headers without end), with a time limit."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self._limit = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._waits():
            self._end()
        elif self._limit is None:
            self._limit = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _waits(self) -> bool:
        """Whether a request's head is still to come: none is being answered, and it did not become a WebSocket."""
        answering = self.cycle is not None and not self.cycle.response_complete
        return not answering and self.transport.get_protocol() is self

    def _end(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _give_up(self) -> None:
        self._limit = None
        if self._waits():
            self.transport.close()
