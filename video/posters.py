"""Posters: made in threads, at most a few at once, each once per five seconds, kept within a bound of bytes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zlib import crc32

import msgspec

from hall.core.config import HallConfig
from hall.core.errors import Refused
from video.clips import Clips, allowed
from video.directory import Picture

PERIOD_SECONDS = 5
WIDTHS = (64, 1280)
_CACHE_BYTES = 24 * 1024 * 1024
_THREADS, _WAITING = 2, 128
_TIMEOUT = 4.0
_QUALITY = 78


class Poster(msgspec.Struct, frozen=True):
    body: bytes  # JPEG
    etag: str


Key = tuple[str, int, int, int]


class Posters:
    """Makes and keeps posters. `counters`: made, cached, refused, bytes."""

    def __init__(self, config: HallConfig) -> None:
        self.roots = _roots(config)
        self.counters: dict[str, float] = {"made": 0, "cached": 0, "refused": 0, "cache_bytes": 0}
        self._kept: OrderedDict[Key, Poster] = OrderedDict()
        self._making: dict[Key, asyncio.Task[Poster]] = {}
        self._clips = Clips()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="poster")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

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
        scheme = picture.url.partition("://")[0].lower()
        seconds = key[2] * PERIOD_SECONDS
        if scheme == "test":
            work = (_test_card, picture, key[1], seconds)
        elif scheme == "file":
            path = allowed(picture.url, self.roots.get(picture.subject.split("/")[1], []))
            work = (_clip_frame, self._clips, path, key[1], seconds)
        else:
            raise Refused("no-picture-yet", "no picture yet", 404)
        body = await asyncio.get_running_loop().run_in_executor(self._threads, *work)
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


def _roots(config: HallConfig) -> dict[str, list[Path]]:
    """Folders that a feed's file:// channels may be read from; none unless configured. Raises ConfigError."""
    found = {}
    for index, feed in enumerate(config.feeds):
        roots = feed.options.get("video_roots", [])
        if not isinstance(roots, list) or not all(isinstance(root, str) for root in roots):
            raise config.error(f"feeds[{index}].options.video_roots", "give a list of folders")
        found[feed.name] = [config.path(root) for root in roots]
    return found


def _test_card(picture: Picture, width: int, seconds: int) -> bytes:
    from video.testcard import draw

    return _jpeg(draw(picture.subject, picture.name, picture.depth, width, seconds))


def _clip_frame(clips: Clips, path: Path, width: int, seconds: int) -> bytes:
    import cv2

    image = clips.frame(path, float(seconds))
    height = max(2, round(image.shape[0] * width / image.shape[1]))
    return _jpeg(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def _jpeg(image) -> bytes:
    import cv2

    good, body = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not good:
        raise Refused("picture-unencodable", "the picture cannot be encoded", 500)
    return body.tobytes()
