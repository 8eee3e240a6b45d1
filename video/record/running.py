"""One recording that is going on: a deck and a track per channel. What the relay does not let in is asked for again."""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import Any

from hall.core.clock import monotonic
from hall.core.errors import Refused
from video.record.archive import Archive
from video.record.deck import Deck, Writer
from video.record.model import Recording

log = logging.getLogger("hall.record")

#: seconds until a channel that was refused is asked for again, as a source is; twice as long each time in vain
AGAIN_SECONDS, AGAIN_MOST_SECONDS = 0.5, 10.0


class Running:
    """Watches the channels of `recording` until `leave`. `told_at`: when screens last heard of it."""

    def __init__(self, hub: Any, recording: Recording, archive: Archive, writer: Writer) -> None:
        self.recording, self.told_at = recording, 0.0
        self._hub, self._left = hub, False
        self._tracks: dict[str, Any] = {}  # by channel
        self._again: dict[str, tuple[float, float]] = {}  # channel without a track: asked again at, and the wait after that
        unfit = functools.partial(asyncio.get_running_loop().call_soon, self._convert)
        self.decks = [
            Deck(channel, archive.channel(recording, index), writer, unfit, recording.started)
            for index, channel in enumerate(recording.order.channels)
        ]

    def begin(self, pre_roll: bool, resumed: bool = False) -> None:
        """`pre_roll`: with what the relay keeps of running channels; `resumed`: the relay was away meanwhile."""
        for deck in self.decks:
            if resumed:
                deck.absent("restarted")
            self._watch(deck, pre_roll)

    def ask_again(self) -> None:
        """For what was refused and is due. What the relay keeps of it by then was not recorded yet."""
        now = monotonic()
        for deck in self.decks:
            if now >= self._again.get(deck.taping.channel, (now + 1, 0))[0]:
                self._watch(deck, True)

    def leave(self) -> None:
        self._left = True
        for channel in list(self._tracks):
            self._leave(channel)

    def _leave(self, channel: str) -> None:
        deck = next(deck for deck in self.decks if deck.taping.channel == channel)
        self._hub.leave(self._tracks.pop(channel), deck)

    def _watch(self, deck: Deck, pre_roll: bool, **more: Any) -> None:
        channel, order = deck.taping.channel, self.recording.order
        try:
            track = self._hub.watch(channel, order.quality, deck, **more)
        except Refused as refused:
            return self._refused(deck, refused)
        self._again.pop(channel, None)
        self._tracks[channel] = track
        if track.info is not None:
            deck.begin(track.info)
            for unit in list(track.gop) if pre_roll else ():
                deck.take(unit)
        deck.tell(track.state)

    def _refused(self, deck: Deck, refused: Refused) -> None:
        channel = deck.taping.channel
        if channel not in self._again:
            log.warning("recording %s: %s cannot be watched yet: %s", self.recording.id, channel, refused.reason)
        _, wait = self._again.get(channel, (0.0, AGAIN_SECONDS))
        self._again[channel] = monotonic() + wait, min(2 * wait, AGAIN_MOST_SECONDS)
        deck.taping.state = "lost"
        deck.absent(refused.reason, refused.detail)

    def _convert(self, deck: Deck) -> None:
        """From now on the channel as the relay converts it for browsers; not from within the track's own round."""
        before = self._tracks.pop(deck.taping.channel, None)
        if before is not None and not self._left:
            self._watch(deck, True, plain=True)
            self._hub.leave(before, deck)
