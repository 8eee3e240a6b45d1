"""A still picture of a channel, whatever its address: drawn for test cards, read from clips, else its newest key picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hall.core.config import HallConfig
from hall.core.errors import Refused
from video.clips import Clips, allowed
from video.decode import Decoders, Undecodable, decode
from video.directory import Picture
from video.keypictures import KeyPictures
from video.media import SourceFailed

if TYPE_CHECKING:
    import numpy as np

#: reasons of a source that a person can act on; all others are "no picture yet"
_TOLD = {"unauthorised", "refused-address", "no-such-stream", "unreachable", "silent", "codec", "sealed"}


class Stills:
    """Makes still pictures in the decoders' threads. `key_pictures` None: only what needs no camera."""

    def __init__(self, config: HallConfig, decoders: Decoders, key_pictures: KeyPictures | None = None) -> None:
        self.roots, self.decoders, self.key_pictures = clip_roots(config), decoders, key_pictures
        self._clips = Clips()

    async def image(self, picture: Picture, width: int, seconds: int, age_ms: int) -> np.ndarray:
        """BGR (h, width, 3) of uint8 as of city time `seconds`; of a camera at most `age_ms` old, or newly fetched. Raises
        Refused with why there is none."""
        work = self.local(picture, width, seconds)
        if work is not None:
            return await self.decoders.run(*work)
        if self.key_pictures is None or not picture.url:
            raise Refused("no-picture-yet", "no picture yet", 404)
        try:
            coded = await self.key_pictures.newest(picture.subject, age_ms)
            return await self.decoders.run(_decoded, coded.body, coded.family, width)
        except SourceFailed as error:
            reason = error.reason if error.reason in _TOLD else "no-picture-yet"
            raise Refused(reason, f"no picture: {error.detail}", 404) from None
        except Undecodable as error:
            raise Refused("picture-undecodable", f"the camera's picture cannot be decoded: {error.detail}", 404) from None

    def local(self, picture: Picture, width: int, seconds: int) -> tuple[Any, ...] | None:
        """Function and arguments that make the picture without a camera; None for cameras. Raises Refused."""
        scheme = picture.url.partition("://")[0].lower()
        if scheme == "test":
            return _test_card, picture, width, seconds
        if scheme == "file":
            path = allowed(picture.url, self.roots.get(picture.subject.split("/")[1], []))
            return _clip_frame, self._clips, path, width, seconds
        return None


def clip_roots(config: HallConfig) -> dict[str, list[Path]]:
    """Folders that a feed's file:// channels may be read from; none unless configured. Raises ConfigError."""
    found = {}
    for index, feed in enumerate(config.feeds):
        roots = feed.options.get("video_roots", [])
        if not isinstance(roots, list) or not all(isinstance(root, str) for root in roots):
            raise config.error(f"feeds[{index}].options.video_roots", "give a list of folders")
        found[feed.name] = [config.path(root) for root in roots]
    return found


def _test_card(picture: Picture, width: int, seconds: int) -> np.ndarray:
    from video.testcard import draw

    return draw(picture.subject, picture.name, picture.depth, width, seconds)


def _clip_frame(clips: Clips, path: Path, width: int, seconds: int) -> np.ndarray:
    import cv2

    image = clips.frame(path, float(seconds))
    height = max(2, round(image.shape[0] * width / image.shape[1]))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _decoded(body: bytes, family: str, width: int) -> np.ndarray:
    return decode(body, family).bgr(width)
