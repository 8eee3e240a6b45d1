"""RTSP cameras as sources: pictures as long as they come (`RtspSource`), or one look (`visit`)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

from hall.core.clock import monotonic
from video.bitstream.pictures import Pictures
from video.media import AccessUnit, Intake, SourceFailed, SourceRequest, StreamInfo
from video.rtsp import rtcp
from video.rtsp.connection import Connection
from video.rtsp.opening import FIRST_PICTURE_SECONDS, Opening, Playing
from video.rtsp.rtcp import CameraClock
from video.rtsp.sdp import Video

SILENCE_SECONDS = 5.0
#: from the connection to the first key picture while others come: cameras with long groups of pictures get this time
FIRST_KEY_SECONDS = 14.0
REPORT_SECONDS = 5.0
LONGEST_KEEPALIVE_SECONDS = 25.0
_LOOK_SECONDS = 1.0


class Receiver:
    """Takes the packets of one stream: pictures to the intake, the camera's clock from its reports."""

    def __init__(self, intake: Intake, *, any_picture: bool = False) -> None:
        self._intake, self._any = intake, any_picture
        self.channel = -1
        self.pictures: Pictures | None = None
        self.clock: CameraClock | None = None
        self.ssrc = 0
        self.report_ntp, self.report_at = 0, 0.0
        self._connection: Connection | None = None

    def __call__(self, connection: Connection, video: Video, channel: int) -> Receiver:
        """Itself, ready for the packets of this stream on `channel`; its reports come on the next one."""
        self._connection, self.clock, self.channel = connection, CameraClock(video.rate), channel
        self.pictures = Pictures(
            video.family, self._intake, kind=video.payload_type, sets=video.sets, fps=video.fps, rate=video.rate,
            captured=self._captured, channel=channel,
        )  # fmt: skip
        if self._any:
            self.pictures.begin_early()
        return self

    def packet(self, channel: int, data: bytes, start: int, stop: int) -> None:
        """A packet that is none of the pictures'."""
        if channel != self.channel + 1:
            return
        found, bye = rtcp.read(data, start, stop)
        if found is not None:
            self.ssrc, seconds, fraction, stamp = found
            self.clock.report(seconds, fraction, stamp, self._connection.now)
            self.report_ntp, self.report_at = (seconds << 16 | fraction >> 16) & 0xFFFFFFFF, monotonic()
        if bye:
            self._connection.fail(SourceFailed("gone", "the camera says goodbye"))

    def _captured(self, stamp: int) -> float:
        return self.clock.captured(stamp, self._connection.now)


class Watch:
    """Keeps one playing stream alive and notices when it is not, once a second."""

    def __init__(self, playing: Playing, receiver: Receiver) -> None:
        self._playing, self._receiver, self._connection = playing, receiver, playing.connection
        now = monotonic()
        self._began = playing.deadline - FIRST_PICTURE_SECONDS
        self._heard, self._packets, self._resyncs = now, -1, 0
        self._keepalive_every = max(1.0, min(playing.timeout / 2, LONGEST_KEEPALIVE_SECONDS))
        self._alive_at, self._reported_at = now, now
        self._own = secrets.randbits(32)
        self._method = "GET_PARAMETER" if "GET_PARAMETER" in playing.public else "OPTIONS"
        self._keeping: asyncio.Task | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._next()

    def close(self) -> None:
        """Ends the session at the camera, too, where it still listens."""
        if self._timer is not None:
            self._timer.cancel()
        if self._keeping is not None:
            self._keeping.cancel()
        if not self._connection.ended.done():
            self._connection.tell("TEARDOWN", self._playing.url, self._headers())
        self._connection.close()

    def _headers(self) -> dict[str, str]:
        return {"Session": self._playing.session} if self._playing.session else {}

    def _next(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        now = monotonic()
        if failure := self._judge(now):
            self._connection.fail(failure)
            return
        if now - self._reported_at >= REPORT_SECONDS:
            self._reported_at = now
            self._report(now)
        if now - self._alive_at >= self._keepalive_every and (self._keeping is None or self._keeping.done()):
            self._alive_at = now
            self._keeping = asyncio.get_running_loop().create_task(self._keep_alive())
        self._next()

    def _judge(self, now: float) -> SourceFailed | None:
        pictures = self._receiver.pictures
        if pictures.packets != self._packets:
            self._heard, self._packets, self._resyncs = now, pictures.packets, self._connection.resyncs
        waited = now - self._began
        if not pictures.packets:
            if waited < FIRST_PICTURE_SECONDS:
                return None
            if pictures.unusable or self._connection.resyncs:
                return SourceFailed("garbled", "what the camera sends is not the stream that it describes")
            return SourceFailed("silent", "the camera sends no pictures")
        if now - self._heard >= SILENCE_SECONDS:
            if self._connection.resyncs > self._resyncs:
                return SourceFailed("garbled", "what the camera sends is no longer a stream of packets")
            return SourceFailed("silent", "the camera has stopped sending")
        if pictures.info is None:
            if waited >= FIRST_KEY_SECONDS:
                return SourceFailed("codec", "no key picture came" + (f" ({pictures.trouble})" if pictures.trouble else ""))
            self._connection.send(rtcp.interleaved(self._playing.channel + 1, rtcp.picture_loss(self._own, self._source())))
        return None

    def _source(self) -> int:
        return self._receiver.pictures.ssrc or self._receiver.ssrc

    def _report(self, now: float) -> None:
        pictures, receiver = self._receiver.pictures, self._receiver
        since = now - receiver.report_at
        packet = rtcp.receiver_report(self._own, self._source(), pictures.highest, pictures.lost, receiver.report_ntp, since)
        self._connection.send(rtcp.interleaved(self._playing.channel + 1, packet))

    async def _keep_alive(self) -> None:
        """A camera that does not know the request is asked another way; one that forgot the session has ended it."""
        try:
            found = await self._connection.ask(self._method, self._playing.url, self._headers(), SILENCE_SECONDS)
        except SourceFailed:
            return  # no answer is no harm as long as pictures come; a lost connection says so itself
        if found.status == 454:
            self._connection.fail(SourceFailed("gone", "the camera has forgotten the session"))
        elif found.status >= 400:
            self._method = "OPTIONS"


class RtspSource:
    """One attempt at one camera: video.media.Source."""

    def __init__(self, request: SourceRequest) -> None:
        self._request = request

    async def run(self, intake: Intake) -> None:
        """See video.media.Source. A first key picture that takes long is waited for up to 14 s while others come."""
        receiver = Receiver(intake)
        playing = await Opening(self._request.url, self._request.guard, receiver).run()
        watch = Watch(playing, receiver)
        try:
            await asyncio.wait({playing.connection.ended})
            receiver.pictures.end()
            raise playing.connection.ended.result()
        finally:
            watch.close()


class _Look:
    """An intake that wants one picture."""

    def __init__(self) -> None:
        self.info: StreamInfo | None = None
        self.found: asyncio.Future[AccessUnit] = asyncio.get_running_loop().create_future()

    def begin(self, info: StreamInfo) -> None:
        self.info = info

    def picture(
        self, key: bool, pts: int, *, payloads: Sequence[bytes] = (), annexb: bytes = b"", captured: float | None = None
    ) -> None:
        if not self.found.done():
            self.found.set_result(AccessUnit(0, key, pts, captured or 0.0, payloads=payloads, annexb=annexb, info=self.info))

    def damaged(self, why: str) -> None:
        """Broken pictures are left out; the next one will do."""


async def visit(request: SourceRequest, want_key: bool = True) -> AccessUnit:
    """The first key picture of a camera (or, where `want_key` is False and the camera describes itself well, the first of
    any kind), and away again: the cheapest look there is. At most 3 s to connect and 14 s more. Raises SourceFailed."""
    look = _Look()
    receiver = Receiver(look, any_picture=not want_key)
    playing = await Opening(request.url, request.guard, receiver, ask_options=False).run()
    watch = Watch(playing, receiver)
    try:
        await asyncio.wait({look.found, playing.connection.ended}, return_when=asyncio.FIRST_COMPLETED)
        if look.found.done():
            return look.found.result()
        raise playing.connection.ended.result()
    finally:
        watch.close()
