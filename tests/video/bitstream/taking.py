"""An intake that remembers, and packets by hand."""

from __future__ import annotations

from tests.video.cameras import packets
from tests.video.cameras.clip import Clip, split
from video.bitstream import Pictures
from video.media import AccessUnit, StreamInfo


class Remembering:
    """What a source told, in order: `told` has StreamInfo, AccessUnit and str (damage)."""

    def __init__(self) -> None:
        self.told: list = []

    def begin(self, info: StreamInfo) -> None:
        self.told.append(info)

    def picture(self, key, pts, *, payloads=(), annexb=b"", captured=None) -> None:
        self.told.append(AccessUnit(len(self.units), key, pts, captured, payloads=payloads, annexb=annexb, info=self.infos[-1]))

    def damaged(self, why: str) -> None:
        self.told.append(why)

    @property
    def infos(self) -> list[StreamInfo]:
        return [t for t in self.told if isinstance(t, StreamInfo)]

    @property
    def units(self) -> list[AccessUnit]:
        return [t for t in self.told if isinstance(t, AccessUnit)]

    @property
    def damages(self) -> list[str]:
        return [t for t in self.told if isinstance(t, str)]


class Line:
    """Sends pictures of clips as RTP to a `Pictures`; can lose packets on the way."""

    def __init__(
        self, clip: Clip, sets: tuple[bytes, ...] = (), *, seq: int = 65_530, stamp: int = 2**32 - 9000, **form
    ) -> None:
        self.clip, self.seq, self.stamp, self.form, self.marker = clip, seq, stamp, form, True
        self.heard = Remembering()
        self.pictures = Pictures(clip.family, self.heard, kind=96, sets=sets)

    def send(
        self, *places: int, lose: tuple[int, ...] = (), clip: Clip | None = None, step: int = 3600, every_marker: bool = False
    ) -> None:
        """The pictures at these places of the clip; of each, the packets whose number is in `lose` do not arrive."""
        clip = clip or self.clip
        for place in places:
            parts = packets.payloads(clip, place, **self.form)
            stamp = self.stamp + clip.pictures[place].shows * step
            for index, part in enumerate(parts):
                last = index == len(parts) - 1
                if index not in lose and index - len(parts) not in lose:
                    self.raw(packets.rtp(self.seq, stamp, 7, part, marker=self.marker and (last or every_marker)))
                self.seq += 1

    def raw(self, packet: bytes) -> None:
        data = b"before" + packet + b"behind"
        self.pictures.packet(data, 6, 6 + len(packet))


def same(unit: AccessUnit, clip: Clip, place: int) -> bool:
    """Whether a unit has exactly the slices of the clip's picture, with sets before a key picture."""
    return split(unit.annexb) == split(clip.annexb(place))
