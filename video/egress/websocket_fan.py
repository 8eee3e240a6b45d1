"""From one track to all tiles that show it. The loop over them is the hottest of the hall: it touches nothing per tile but the
connection's own two methods; whatever is out of the ordinary (waiting for a key picture, key pictures only, a handle of its
own) stands in other lists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from video.egress.websocket_wire import framed
from video.media import StreamInfo, TrackState
from video.relay.hub import Hub
from video.relay.track import Track, Unit

if TYPE_CHECKING:
    from video.egress.websocket_tile import Tile

#: unsent bytes of a connection beyond which its tiles are skipped to their next key pictures
UNSENT_BYTES = 256 * 1024

Key = tuple[str, str, bool]  # channel, quality, whether plain


class Fan:
    """A sink (video.media.Sink) of one track. `pictures`, `bytes`: what every tile in step was sent so far."""

    def __init__(self) -> None:
        self.track: Track
        self.key: Key = ("", "", False)
        self.pictures = self.bytes = 0
        self.tiles: dict[Tile, None] = {}
        self._step: dict[Tile, tuple[Callable[[bytes], None], Callable[[], int], Tile]] = {}
        self._odd: dict[Tile, None] = {}
        self._rest: dict[Tile, None] = {}

    @property
    def audience(self) -> int:
        return len(self.tiles)

    def add(self, tile: Tile) -> None:
        """A tile that waits for a key picture, or wants key pictures only."""
        self.tiles[tile] = self._rest[tile] = None

    def remove(self, tile: Tile) -> None:
        for kept in (self.tiles, self._step, self._odd, self._rest):
            kept.pop(tile, None)

    def in_step(self, tile: Tile) -> None:
        """The tile has what was sent up to now: it gets every picture from here on."""
        self._rest.pop(tile, None)
        if tile.is_alias:
            self._odd[tile] = None
        else:
            self._step[tile] = tile.write, tile.unsent, tile

    def out_of_step(self, tile: Tile) -> None:
        """The tile gets nothing but key pictures, until it is put in step again."""
        self._step.pop(tile, None)
        self._odd.pop(tile, None)
        self._rest[tile] = None

    def begin(self, info: StreamInfo) -> None:
        for tile in list(self.tiles):
            tile.begin(info)

    def tell(self, state: TrackState) -> None:
        for tile in list(self.tiles):
            tile.tell(state)

    def take(self, unit: Unit) -> None:
        """One picture to everybody in step, and a key picture to the rest."""
        if not (self._step or self._odd or unit.key):  # nobody's: it is not even framed
            return
        wire = framed(unit, self.track.handle)
        rest, behind = list(self._rest) if unit.key else [], []
        for write, unsent, tile in self._step.values():
            try:
                if unsent() <= UNSENT_BYTES or tile.has_room():
                    write(wire)
                    continue
            except (OSError, RuntimeError):  # the other side went in this very moment
                pass
            behind.append(tile)
        for tile in behind:
            tile.fall_behind()
        self.pictures += 1
        self.bytes += len(wire)
        for tile in list(self._odd):
            tile.take(unit, wire)
        for tile in rest:
            tile.take(unit, wire)


class Fans:
    """The fans of one hub, by channel and quality."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._fans: dict[Key, Fan] = {}

    def join(self, channel: str, quality: str, plain: bool, tile: Tile) -> Fan:
        """Adds a tile; the first one starts the track. Raises Refused."""
        key = channel, quality, plain
        fan = self._fans.get(key) or Fan()
        fan.track = self.hub.watch(channel, quality, fan, plain=plain)
        fan.key = key
        self._fans[key] = fan
        fan.add(tile)
        return fan

    def part(self, fan: Fan, tile: Tile) -> None:
        """Takes a tile off; the last one lets the track go."""
        fan.remove(tile)
        if not fan.tiles:
            self._fans.pop(fan.key, None)
            self.hub.leave(fan.track, fan)
