"""An intake that keeps what a source delivered and lets a test wait for it; and pictures decoded by PyAV as the oracle."""

import asyncio
import contextlib

import av

from video import bitstream


class Collected:
    """`pictures` as (key, pts, annexb, captured); `infos` of each begin."""

    def __init__(self):
        self.infos, self.pictures, self.faults, self.task = [], [], [], None
        self._changed = asyncio.Condition()

    def begin(self, info):
        self.infos.append(info)
        self._notify()

    def picture(self, key, pts, *, payloads=(), annexb=b"", captured=None):
        if payloads:  # RTP payloads as they came: put together by the bitstream's own code, which has tests of its own
            annexb = bitstream.annexb(payloads, key, self.infos[-1])
        self.pictures.append((key, pts, annexb, captured))
        self._notify()

    def damaged(self, why):
        self.faults.append(why)
        self._notify()

    def _notify(self):
        async def tell():
            async with self._changed:
                self._changed.notify_all()

        self._told = asyncio.ensure_future(tell())

    async def wait(self, count, seconds=90):
        """Until that many pictures came; raises what ended the source before."""
        if self.task:
            self.task.add_done_callback(lambda _: self._notify())
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: len(self.pictures) >= count or self.task and self.task.done())
        if len(self.pictures) < count:
            raise self.task.exception() or AssertionError(f"ended after {len(self.pictures)} pictures")
        return self.pictures

    @property
    def info(self):
        return self.infos[-1]


@contextlib.asynccontextmanager
async def running(source):
    """The source running into a Collected; `.task` is its run, cancelled at the end."""
    found = Collected()
    found.task = asyncio.create_task(source.run(found))
    try:
        yield found
    finally:
        found.task.cancel()
        await asyncio.gather(found.task, return_exceptions=True)


def decoded(pictures, family="h264", form="gray"):
    """Decoded images of coded pictures, in display order."""
    codec = av.CodecContext.create({"h264": "h264", "h265": "hevc", "jpeg": "mjpeg"}[family], "r")
    frames = [f for data in pictures for f in codec.decode(av.Packet(data))] + codec.decode(None)
    return [f.to_ndarray(format=form) for f in frames]


def read_moment(image):
    """ms of the UTC day that a test card has burnt in at its foot; None when it cannot be read. Written from the format's
    description, not with the drawing code: cells of 1/80 of the width: white, black, 27 bits, even parity, white."""
    height, width = image.shape[:2]
    edge = width // 80
    row = image[height - edge // 2 - 1]
    cells = [float(row[int((i + 0.5) * edge)]) for i in range(31)]
    bits = [int(c > 128) for c in cells]
    if bits[0] != 1 or bits[1] != 0 or bits[30] != 1 or sum(bits[2:30]) % 2:
        return None
    return int("".join(map(str, bits[2:29])), 2)
