"""Frames of clip files: a picture that advances with time, as if the clip were live and looped."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from hall.core.errors import Refused

_OPEN_CLIPS = 4
_SKIP_FRAMES = 40  # up to here reading on is cheaper than seeking


def allowed(url: str, roots: list[Path]) -> Path:
    """The clip's file; raises Refused unless it is a regular file below one of the configured roots (links resolved).
    An address without a leading slash (file://a/b.mp4) is looked for below each root."""
    named = unquote(url.partition("://")[2])
    path = next(filter(None, (_resolved(root / named) for root in roots or [Path("/")])), None)
    if path is None:
        raise Refused("clip-missing", "the clip is not there", 404)
    if not any(path.is_relative_to(root) for root in roots):
        raise Refused("clip-not-allowed", "the clip lies outside options.video_roots of its feed", 403)
    if not path.is_file():
        raise Refused("clip-missing", "the clip is no file", 404)
    return path


def _resolved(path: Path) -> Path | None:
    try:
        return path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None


class _Clip:
    """One open decoder. Calls are serialised by its lock."""

    def __init__(self, path: Path) -> None:
        import cv2

        self.lock = threading.Lock()
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 2000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 2000, cv2.CAP_PROP_N_THREADS, 1]
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, limits)
        if not self._capture.isOpened():
            raise Refused("clip-unreadable", f"{path.name} cannot be decoded", 404)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._rate = rate if 0.1 < rate < 1000 else 25.0
        self._count = max(1, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self._next = 0
        self._last: Any = None

    def frame(self, seconds: float) -> Any:
        """BGR frame (height, width, 3 of uint8) that a looped playing shows at `seconds`; raises Refused."""
        import cv2

        wanted = int(seconds * self._rate) % self._count
        if wanted == self._next - 1 and self._last is not None:
            return self._last
        if not 0 <= wanted - self._next <= _SKIP_FRAMES:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, wanted)
            self._next = wanted
        while self._next < wanted and self._capture.grab():
            self._next += 1
        good, image = self._capture.read()
        if not good:  # the container promised more frames than it has: begin again
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            good, image = self._capture.read()
            self._next = wanted = 0
        if not good:
            raise Refused("clip-unreadable", "no frame can be decoded", 404)
        self._next, self._last = wanted + 1, image
        return image


class Clips:
    """A few open clips, the longest unused closed first. For threads."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[str, int], _Clip] = OrderedDict()
        self._lock = threading.Lock()

    def frame(self, path: Path, seconds: float) -> Any:
        """As _Clip.frame; a file that was replaced is opened anew."""
        key = (str(path), path.stat().st_mtime_ns)
        with self._lock:
            clip = self._open.get(key)
        if clip is None:
            clip = _Clip(path)
            with self._lock:
                clip = self._open.setdefault(key, clip)
                while len(self._open) > _OPEN_CLIPS:
                    self._open.popitem(last=False)
        with self._lock:
            if key in self._open:
                self._open.move_to_end(key)
        with clip.lock:
            return clip.frame(seconds)
