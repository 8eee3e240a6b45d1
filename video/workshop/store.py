"""Clips that the hall had to convert, kept on disk so that it happens once: bounded bytes, the longest unused goes first.

A clip is `CLIP1\\n`, then per picture u32 length, u8 key, u64 pts (90 kHz), the bytes; last a length of 0 with the clip's whole
duration as its pts. While it is being made it is `<key>.part`, and can already be played as far as it has got.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from video.workshop.containers import Coded

MAGIC = b"CLIP1\n"
RECORD = struct.Struct(">IBQ")
_FORM = "1"  # changes when clips are coded otherwise


class Store:
    """One folder of converted clips; `most` bytes in all, a third of that for one clip."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def longest(self) -> int:
        return self.most // 3

    def key(self, path: Path) -> str:
        """Of a file as it is now; another one when it was replaced or changed. Raises OSError."""
        state = path.stat()
        told = f"{path}\n{state.st_mtime_ns}\n{state.st_size}\n{_FORM}"
        return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:40]

    def whole(self, key: str) -> Path | None:
        """The finished clip, marked as used now; None when there is none."""
        path = self.folder / f"{key}.clip"
        try:
            os.utime(path)
        except OSError:
            return None
        return path

    def part(self, key: str) -> Path:
        return self.folder / f"{key}.part"

    def finish(self, key: str) -> Path:
        """Makes the part the clip, and makes room for it."""
        path = self.folder / f"{key}.clip"
        self.part(key).replace(path)
        self.tidy(keep=path)
        return path

    def tidy(self, keep: Path | None = None) -> int:
        """Removes what has been unused longest until the rest fits; how many. Parts of a process that died go too."""
        kept = []
        for path in self.folder.glob("*.clip"):
            with contextlib.suppress(OSError):
                state = path.stat()
                kept.append((path == keep, state.st_mtime_ns, state.st_size, path))
        total, gone = sum(size for _, _, size, _ in kept), 0
        for _, _, size, path in sorted(kept):
            if total <= self.most or path == keep:
                break
            path.unlink(missing_ok=True)
            total, gone = total - size, gone + 1
        return gone


def record(picture: Coded) -> bytes:
    return RECORD.pack(len(picture.data), picture.key, picture.pts) + picture.data


def last(duration: int) -> bytes:
    """What ends a clip; `duration` in 90 kHz."""
    return RECORD.pack(0, 0, duration)


def read(file: BinaryIO) -> Iterator[Coded | int]:
    """Pictures as far as they are whole, then, of a finished clip, its duration. Goes on where it stopped when called again."""
    while True:
        at = file.tell()
        head = file.read(RECORD.size)
        if len(head) == RECORD.size:
            size, key, pts = RECORD.unpack(head)
            if size == 0:
                yield pts
                return
            data = file.read(size)
            if len(data) == size:
                yield Coded(data, bool(key), pts, pts)
                continue
        file.seek(at)
        return
