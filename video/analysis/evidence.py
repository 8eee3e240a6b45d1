"""The picture behind a reading: kept as JPEG on disk for as long as there is room, found again by channel and time."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from pathlib import Path
from zlib import crc32

from hall.core.errors import Refused
from video.decode import Picture

_MOST = 20_000  # pictures, some 600 MB: an alarm's picture must still be there when somebody asks
_WIDTH = 640


class Evidence:
    """A folder of pictures, the oldest of which go first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: deque[str] | None = None

    def keep(self, channel: str, at: int, picture: Picture) -> str:
        """Keeps a picture; returns its address below /video/poster/. Called in a thread. Raises OSError."""
        import cv2

        good, body = cv2.imencode(".jpg", picture.bgr(min(_WIDTH, picture.width)), [cv2.IMWRITE_JPEG_QUALITY, 80])
        if not good:
            raise OSError("a picture cannot be encoded")
        self._folder.mkdir(parents=True, exist_ok=True)
        name = _name(channel, at)
        draft = self._folder / f".{name}"
        draft.write_bytes(body.tobytes())
        os.replace(draft, self._folder / name)
        self._prune(name)
        return f"analysis/{at}/{channel}.jpg"

    def picture(self, channel: str, at: int) -> bytes:
        """The JPEG; raises Refused 404."""
        try:
            return (self._folder / _name(channel, at)).read_bytes()
        except OSError:
            raise Refused("picture-gone", "this picture is no longer kept", 404) from None

    def _prune(self, newest: str) -> None:
        if self._kept is None:
            found = [(path.stat().st_mtime_ns, path.name) for path in self._folder.glob("*.jpg")]
            self._kept = deque(name for _, name in sorted(found) if name != newest)
        self._kept.append(newest)
        while len(self._kept) > _MOST:
            with contextlib.suppress(OSError):
                (self._folder / self._kept.popleft()).unlink()


def _name(channel: str, at: int) -> str:
    return f"{crc32(channel.encode()):08x}-{at}.jpg"
