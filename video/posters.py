"""Posters: made in threads, at most a few at once, each once per five seconds, kept within a bound of bytes.

A camera's poster is made from a key picture, never from a full decode: the relay's newest where somebody watches, else one
fetched by a visit, at most once in five minutes: a wall of posters must not keep a city's cameras busy.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from zlib import crc32

import msgspec

from hall.core.config import HallConfig
from hall.core.errors import Refused
from video.decode import Decoders
from video.directory import Picture
from video.keypictures import KeyPictures
from video.stills import Stills

PERIOD_SECONDS = 5
WIDTHS = (64, 1280)
_CACHE_BYTES = 24 * 1024 * 1024
_THREADS, _WAITING = 2, 128
_TIMEOUT = 4.0  # a visit that takes longer goes on, and its picture is there when it is asked for again
_VISIT_AGE_MS = 300_000
_QUALITY = 78


class Poster(msgspec.Struct, frozen=True):
    body: bytes  # JPEG
    etag: str


Key = tuple[str, int, int, int]


class Posters:
    """Makes and keeps posters. `counters`: made, cached, refused, bytes."""

    def __init__(self, config: HallConfig, key_pictures: KeyPictures | None = None) -> None:
        self._decoders = Decoders(_THREADS)
        self.stills = Stills(config, self._decoders, key_pictures)
        self.counters: dict[str, float] = {"made": 0, "cached": 0, "refused": 0, "cache_bytes": 0}
        self._kept: OrderedDict[Key, Poster] = OrderedDict()
        self._making: dict[Key, asyncio.Task[Poster]] = {}

    def close(self) -> None:
        self._decoders.close()

    async def poster(self, picture: Picture, width: int, now: int) -> Poster:
        """The poster at city time `now` (ms); raises Refused when there is none, or when too many are wanted at once."""
        key = self._key(picture, width, now)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            self.counters["cached"] += 1
            return kept
        task = self._making.get(key)
        if task is None:
            if len(self._making) >= _WAITING:
                self.counters["refused"] += 1
                raise Refused("busy", "too many posters are being made; ask again", 503)
            task = self._making[key] = asyncio.create_task(self._make(key, picture))
            task.add_done_callback(lambda done: self._made(key, done))
        try:
            async with asyncio.timeout(_TIMEOUT):
                return await asyncio.shield(task)
        except TimeoutError:
            self.counters["refused"] += 1
            raise Refused("slow", "the picture took too long; ask again", 503) from None

    def _key(self, picture: Picture, width: int, now: int) -> Key:
        wet = -1 if picture.depth is None else min(60, round(picture.depth * 100))
        return f"{picture.subject}\n{picture.name}\n{picture.url}", width, now // (PERIOD_SECONDS * 1000), wet

    async def _make(self, key: Key, picture: Picture) -> Poster:
        image = await self.stills.image(picture, key[1], key[2] * PERIOD_SECONDS, _VISIT_AGE_MS)
        body = await self._decoders.run(_jpeg, image)
        return Poster(body, f'"{crc32(repr(key).encode()):08x}-{len(body):x}"')

    def _made(self, key: Key, task: asyncio.Task[Poster]) -> None:
        del self._making[key]
        if task.cancelled() or task.exception() is not None:
            self.counters["refused"] += 1
            return
        self.counters["made"] += 1
        self._kept[key] = task.result()
        self.counters["cache_bytes"] += len(task.result().body)
        while self.counters["cache_bytes"] > _CACHE_BYTES:
            self.counters["cache_bytes"] -= len(self._kept.popitem(last=False)[1].body)


def _jpeg(image) -> bytes:
    import cv2

    good, body = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not good:
        raise Refused("picture-unencodable", "the picture cannot be encoded", 500)
    return body.tobytes()
