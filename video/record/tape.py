"""One channel of one recording on disk: segments of about ten seconds, each whole by itself, and an index with a hash chain.

Blocking; the recorder's thread calls it. In the channel's folder: `init-<k>.mp4`, `<number>.m4s`, `index.jsonl`, and while it
is being written `<number>.part`, which holds only whole fragments after at most a second: whatever ends the process, what was
written before can be played. `chain` of an index line = SHA-256 of the chain before it and of the line itself, so that no
line can be changed, taken out or put in without all later ones telling.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec

from video.media import CLOCK_RATE, AccessUnit, StreamInfo
from video.record import boxes
from video.record.model import Gap, Line
from video.record.samples import Samples

SEGMENT_SECONDS = 10.0
LONGEST_SEGMENT = 64 * 1024 * 1024  # bytes: a stream without key pictures is cut here all the same
FLUSH_SECONDS = 1.0
GAP_SECONDS = 2.0  # after a longer one the next segment begins
_BACK = 5 * CLOCK_RATE  # a picture shown so much earlier than the newest belongs to another count
FIRST_CHAIN = "0" * 64
INDEX, GAPS = "index.jsonl", "gaps.jsonl"


def chained(before: str, line: Line) -> str:
    """The chain's value at `line`."""
    body = msgspec.json.encode(msgspec.structs.replace(line, chain=""), order="sorted")
    return hashlib.sha256(before.encode() + body).hexdigest()


class Tape:
    """Writes one channel. `lines` is the index so far. Methods raise OSError as the disk does: `drop`, `begin` again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.lines = read_index(folder)
        self.bytes = sum(line.bytes for line in self.lines)
        self._info: StreamInfo | None = None
        self._init = ""
        self._part: Any = None
        self._samples = Samples()
        self._origin: int | None = None  # pts of the track at time 0 of this tape
        self._end = max((line.pts + line.duration for line in self.lines), default=0)
        self._number = max((line.number for line in self.lines), default=0)
        self._fragments = 0
        self._torn = self._keyed = False
        self.recover()

    # -- writing -------------------------------------------------------------------------------------------------

    def begin(self, info: StreamInfo) -> None:
        """The stream (re)starts: another one gets an init segment of its own. Raises HallError for what MP4 cannot hold."""
        self.cut()
        if self._torn:
            self.recover()
            self._torn = False
        if self._info is None or _sets(info) != _sets(self._info):
            self._init = self._kept_init(boxes.init(info))
        self._info, self._keyed = info, False

    def _kept_init(self, body: bytes) -> str:
        number = 0
        while True:
            number += 1
            path = self.folder / f"init-{number}.mp4"
            if not path.exists():
                _write(path, body)
                return path.name
            if path.read_bytes() == body:
                return path.name

    @property
    def begun(self) -> bool:
        """Whether a key picture came since the last `begin`."""
        return self._keyed

    def take(self, unit: AccessUnit, suspect: bool = False) -> None:
        """One picture, in decoding order; the first after `begin` is a key picture."""
        assert self._info is not None, "begin first"
        if self._origin is None or unit.pts - self._origin < self._end - _BACK:
            # after a restart the track counts from elsewhere: the tape's own time goes on behind what it holds
            self.cut()
            self._origin = unit.pts - self._end - CLOCK_RATE
        at = unit.pts - self._origin
        gap = self._samples.newest is not None and at - self._samples.newest > GAP_SECONDS * CLOCK_RATE
        if self._part is not None and (gap or unit.key and self._samples.lasts(at) >= SEGMENT_SECONDS * CLOCK_RATE):
            self.cut()
        elif self._part is not None and self._part.tell() > LONGEST_SEGMENT:
            self.cut()
        self._keyed = True
        if self._part is None:
            self._open(at, unit.captured)
        elif self._samples.due(at, unit.key, self._info.reorders, FLUSH_SECONDS * CLOCK_RATE):
            self._flush(at)
        self._samples.add(boxes.prefixed(unit.annexb, self._info), unit.key, at, unit.captured, suspect)

    def _open(self, at: int, captured: float) -> None:
        self._number += 1
        self._part = (self.folder / f"{self._number:06d}.part").open("wb")
        self._samples.start(at, captured)

    def _flush(self, following: int | None) -> None:
        fps = self._info.fps if self._info and self._info.fps else 25.0
        found = self._samples.taken(following, round(CLOCK_RATE / fps))
        if found is None:
            return
        self._fragments += 1
        self._part.write(boxes.fragment(self._fragments, found.at, found.captured, found.samples))
        self._part.flush()
        self._end = max(self._end, found.at + sum(s.duration for s in found.samples))

    def cut(self) -> Line | None:
        """Closes the segment that is being written: on disk, hashed, in the index. None when there was none."""
        if self._part is None:
            return None
        part, path = self._part, self.folder / f"{self._number:06d}.part"
        try:
            self._flush(None)
            os.fsync(part.fileno())
        finally:
            self._part = None
            part.close()
        return self._index(path, self._samples.suspects, recovered=False)

    def drop(self) -> None:
        """Forgets what is not on disk yet, after the disk failed; what is in the open segment stays as it is."""
        part, self._part = self._part, None
        self._samples = Samples()
        self._info, self._torn = None, True
        with contextlib.suppress(OSError):
            if part is not None:
                part.close()

    # -- the index -----------------------------------------------------------------------------------------------

    def _index(self, path: Path, suspects: int, *, recovered: bool) -> Line | None:
        data = path.read_bytes()
        found = boxes.whole(data)
        if found is None:
            path.unlink()
            return None
        if found.size < len(data):
            os.truncate(path, found.size)
        digest = hashlib.sha256(data[: found.size]).hexdigest()
        done = path.with_suffix(".m4s")
        path.replace(done)
        line = Line(
            number=int(path.stem), init=self._init or self._newest_init(), start=round(found.start),
            end=round(found.start + found.duration * 1000 / CLOCK_RATE), pts=found.at, duration=found.duration,
            bytes=found.size, pictures=found.pictures, keys=found.keys, suspect=suspects, sha256=digest, recovered=recovered,
        )  # fmt: skip
        line = msgspec.structs.replace(line, chain=chained(self.lines[-1].chain if self.lines else FIRST_CHAIN, line))
        _append(self.folder / INDEX, msgspec.json.encode(line) + b"\n")
        self.lines.append(line)
        self.bytes += line.bytes
        self._end = max(self._end, line.pts + line.duration)
        return line

    def _newest_init(self) -> str:
        found = sorted(self.folder.glob("init-*.mp4"), key=lambda p: int(p.stem.partition("-")[2]))
        return found[-1].name if found else ""

    def recover(self) -> int:
        """Takes in what a process that was killed had written; how many segments."""
        known, found = {line.number for line in self.lines}, 0
        for path in sorted([*self.folder.glob("[0-9]*.part"), *self.folder.glob("[0-9]*.m4s")], key=lambda p: p.stem):
            if path.stem.isdigit() and int(path.stem) not in known:
                found += self._index(path, 0, recovered=True) is not None
        self._number = max((line.number for line in self.lines), default=self._number)
        return found


def _sets(info: StreamInfo) -> tuple:
    return info.family, info.parameter_sets, info.width, info.height


def _write(path: Path, body: bytes) -> None:
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _append(path: Path, row: bytes) -> None:
    """The whole row or nothing of it."""
    with path.open("ab") as file:
        before = file.tell()
        try:
            file.write(row)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                file.close()
            os.truncate(path, before)
            raise


def read_index(folder: Path) -> list[Line]:
    """The lines of a channel's index up to the first that is none. What is behind that is taken off the file: one line that
    was cut off is lost, more is kept beside it."""
    path = folder / INDEX
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    found, good = [], 0
    for row in data.splitlines(keepends=True):
        try:
            if not row.endswith(b"\n"):
                break
            found.append(msgspec.json.decode(row, type=Line))
        except msgspec.DecodeError:
            break
        good += len(row)
    if good < len(data):
        if b"\n" in data[good:]:
            _write(path.with_name(f"index-broken-{len(data)}.jsonl"), data)
        os.truncate(path, good)
    return found


def note_gap(folder: Path, gap: Gap) -> None:
    """Writes down a time without pictures that is over. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _append(folder / GAPS, msgspec.json.encode(gap) + b"\n")


def read_gaps(folder: Path) -> list[Gap]:
    """The times without pictures that were written down; a line that was cut off is left out."""
    found = []
    with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
        for row in (folder / GAPS).read_bytes().splitlines():
            found.append(msgspec.json.decode(row, type=Gap))
    return found
