"""What flows through this room: coded pictures, made once and shared by everybody who sends, stores or decodes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from hall.core.errors import HallError

CLOCK_RATE = 90_000  # ticks per second of `pts`, as RTP carries video (RFC 6184)
QUALITIES = ("main", "sub")

START_CODE = b"\x00\x00\x00\x01"


class StreamInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a source sends, known before its first picture. Width and height in pixels, 0 where unknown."""

    family: str  # h264 | h265 | jpeg
    codec: str  # RFC 6381, as browsers ask for it: avc1.42c01f, hvc1.1.6.L93.B0, jpeg
    width: int = 0
    height: int = 0
    fps: float | None = None
    reorders: bool = False  # has B frames: WebRTC cannot show it, WebCodecs can
    parameter_sets: tuple[bytes, ...] = ()  # NAL units without start codes: SPS, PPS; H.265: VPS, SPS, PPS
    converted: str = ""  # why the hall re-encoded it ("h265", "b-frames", "mjpeg"); empty: as the camera sent it


class AccessUnit:
    """One coded picture. Never changed after it was made; of its two forms one is kept, the other made from it.

    `number` counts within the track, without gaps; `pts` runs on over reconnects (90 kHz); `captured` is when the camera
    took it (RTCP sender report) or, where it does not say, when it arrived: real ms. `payloads` are RTP payloads
    (RFC 6184/7798), a camera's own where it sends RTP; `annexb` has start codes, and parameter sets before a key picture.
    """

    __slots__ = ("number", "key", "pts", "captured", "_payloads", "_annexb", "_packetise", "_size")

    def __init__(
        self,
        number: int,
        key: bool,
        pts: int,
        captured: float,
        *,
        payloads: Sequence[bytes] = (),
        annexb: bytes = b"",
        info: StreamInfo,
    ) -> None:
        self.number, self.key, self.pts, self.captured = number, key, pts, captured
        self._payloads, self._annexb, self._packetise = tuple(payloads), annexb, info
        self._size = len(annexb) if annexb else sum(map(len, payloads))

    @property
    def size(self) -> int:
        """Bytes, near enough for budgets and bounds."""
        return self._size

    @property
    def info(self) -> StreamInfo:
        return self._packetise

    @property
    def payloads(self) -> tuple[bytes, ...]:
        """RTP payloads, none longer than 1,200 bytes unless the camera sent it so; made at the first call, then kept."""
        if not self._payloads:
            from video.bitstream import packetise

            self._payloads = packetise(self._annexb, self._packetise.family)
        return self._payloads

    @property
    def annexb(self) -> bytes:
        """The picture with start codes; a JPEG as it is. Made at each call where there are payloads: nobody needs it for long,
        and kept it would take as much memory again."""
        return self._annexb or b"".join(self.pieces())

    def pieces(self, shared: bool = False) -> list[Any]:
        """What `annexb` is, to be joined; `shared`: views of what is kept here, so that who queues them holds no copy."""
        if self._annexb:
            return [self._annexb]
        from video.bitstream import pieces

        return pieces([memoryview(part) for part in self._payloads] if shared else self._payloads, self.key, self._packetise)


class SourceFailed(HallError):
    """A source cannot go on. `reason` is a stable code (`unreachable`, `unauthorised`, `no-such-stream`, `silent`, `codec`,
    `refused-address`, `garbled`, `gone`), `detail` a sentence; `lasting`: asking again soon is no use."""

    def __init__(self, reason: str, detail: str, *, lasting: bool = False) -> None:
        self.reason, self.detail, self.lasting = reason, detail, lasting
        super().__init__(f"{reason}: {detail}")


class Intake(Protocol):
    """Where a source puts what it gets; never blocks."""

    def begin(self, info: StreamInfo) -> None:
        """The stream (re)starts or changes: the next picture is a key picture."""

    def picture(
        self, key: bool, pts: int, *, payloads: Sequence[bytes] = (), annexb: bytes = b"", captured: float | None = None
    ) -> None:
        """One coded picture in decoding order; `pts` in the source's own 90 kHz clock (any origin, 64 bit, unwrapped)."""

    def damaged(self, why: str) -> None:
        """Pictures were lost or broken: what follows is suspect until the next key picture."""


class SourceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to open. `url` may hold a password: it is never logged, shown or sent; `shown` may be."""

    subject: str
    url: str
    quality: str = "main"
    feed: str = ""
    #: folders that this feed's file:// channels may be read from
    roots: tuple[str, ...] = ()
    #: addresses of the hall itself and private ranges it may not reach; see video.guard
    guard: Any = None

    @property
    def shown(self) -> str:
        """Scheme and host only."""
        from urllib.parse import urlsplit

        try:
            parts = urlsplit(self.url)
            return f"{parts.scheme}://{parts.hostname or ''}"
        except ValueError:
            return "an address that cannot be read"


class Source(Protocol):
    """One attempt at one source."""

    async def run(self, intake: Intake) -> None:
        """Delivers pictures until cancelled or until the other side ends; raises SourceFailed. Everything it opened is
        closed when it returns. Bounds its own waiting: connect 3 s, first picture 8 s, silence 5 s."""


class SourceKind(msgspec.Struct, frozen=True, kw_only=True):
    """The seam of sources: each module of `video.sources` defines `SOURCE`, found by its schemes."""

    name: str
    schemes: tuple[str, ...]
    open: Any  # Callable[[SourceRequest], Source]
    #: it makes a smaller stream itself when `quality` is sub; other kinds need an address for it, or the main stream serves
    scales: bool = False


class TrackState(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel's pictures are doing, for screens."""

    state: str  # starting | live | stalled | waiting | failed | ended
    since: int  # real ms
    reason: str = ""
    detail: str = ""
    attempts: int = 0
    again_at: int | None = None  # real ms of the next attempt


class Sink(Protocol):
    """Who takes a track's pictures: a viewer's egress, a recorder, a decoder. Must neither block nor raise."""

    def begin(self, info: StreamInfo) -> None:
        """The stream (re)started or changed; the next unit is a key picture."""

    def take(self, unit: AccessUnit) -> None:
        """One picture, in decoding order, as it arrives."""

    def tell(self, state: TrackState) -> None:
        """The track's state changed."""
