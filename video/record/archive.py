"""Recordings on disk: `<data>/recordings/<id>/recording.json` and a folder `c<k>` per channel. Blocking; call it in a thread.

Kept so many days and so many bytes; evidence (locked) is kept whatever its age. What is removed is counted and written down in
`removed.jsonl`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from hall.core.errors import Refused
from video.record.model import Line, Ordered, Recording, Taping
from video.record.tape import Tape, read_index

DAY_MS = 86_400_000
_GONE = ".gone-"


class Archive:
    """All recordings of this hall. `removed` counts recordings and bytes since the start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.removed = {"recordings": 0, "bytes": 0}
        for rest in folder.glob(f"{_GONE}*"):
            shutil.rmtree(rest, ignore_errors=True)

    def create(self, order: Ordered, now: int) -> Recording:
        """A new recording; raises Refused `disk-full` or `not-stored` (507)."""
        found = Recording(id=f"r{now:x}-{secrets.token_hex(3)}", order=order, started=now)
        try:
            (self.folder / found.id).mkdir(mode=0o700)
            self.save(found)
        except OSError as error:
            raise Refused("not-stored", f"the recording cannot be begun: {error.strerror}", 507) from None
        return found

    def save(self, recording: Recording) -> None:
        """Writes `recording.json` whole or not at all; raises OSError."""
        path = self.folder / recording.id / "recording.json"
        draft = path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(recording))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def load(self) -> list[Recording]:
        """All recordings, oldest first; a folder without a readable `recording.json` is left alone."""
        found = []
        for path in self.folder.glob("r*/recording.json"):
            with contextlib.suppress(OSError, msgspec.DecodeError):
                recording = msgspec.json.decode(path.read_bytes(), type=Recording)
                if recording.id == path.parent.name:
                    found.append(recording)
        return sorted(found, key=lambda one: one.started)

    def channel(self, recording: Recording, index: int) -> Path:
        """Folder of a recording's channel."""
        return self.folder / recording.id / f"c{index}"

    def lines(self, recording: Recording, index: int) -> list[Line]:
        """The closed segments of a channel."""
        return read_index(self.channel(recording, index))

    def recover(self, recording: Recording) -> int:
        """Takes in what a process that died left open, in every channel; how many segments."""
        found = 0
        for index in range(len(recording.order.channels)):
            if (folder := self.channel(recording, index)).exists():
                tape = Tape(folder)
                found += sum(line.recovered for line in tape.lines)
        return found

    def held(self, recording: Recording) -> list[Taping]:
        """What each channel of an ended recording holds."""
        tapings = []
        for index, channel in enumerate(recording.order.channels):
            lines = self.lines(recording, index)
            taping = Taping(channel=channel, state="ended", segments=len(lines), bytes=sum(line.bytes for line in lines))
            if lines:
                taping.start, taping.end = lines[0].start, lines[-1].end
                taping.pictures = sum(line.pictures for line in lines)
            tapings.append(taping)
        return tapings

    def bytes(self, recording: Recording) -> int:
        """On disk."""
        total = 0
        for folder, _, names in os.walk(self.folder / recording.id):
            for name in names:
                with contextlib.suppress(OSError):  # a segment that is just being closed changes its name
                    total += os.lstat(os.path.join(folder, name)).st_size
        return total

    # -- keeping -------------------------------------------------------------------------------------------------

    def retain(
        self, now: int, days: float, most: int, free: int = 0, spared: Callable[[str], bool] = lambda name: False
    ) -> list[Recording]:
        """Removes ended recordings that are no evidence: those older than `days`, then the oldest until all take at most `most`
        bytes and the disk has `free` bytes left. `spared(id)` is asked right before. Returns what was removed."""
        ended = [one for one in self.load() if one.ended is not None and not one.locked]
        aged = [one for one in ended if now - (one.ended or 0) > days * DAY_MS]
        gone = [one for one in aged if self._let_go(one, now, "age", spared) is not None]
        kept = [one for one in ended if one not in aged]
        total = sum(self.bytes(one) for one in self.load())
        while kept and (total > most or shutil.disk_usage(self.folder).free < free):
            one = kept.pop(0)
            if (size := self._let_go(one, now, "room", spared)) is not None:
                total -= size
                gone.append(one)
        return gone

    def _let_go(self, recording: Recording, now: int, why: str, spared: Callable[[str], bool]) -> int | None:
        """Its bytes; None where it has to stay, or cannot be removed: the others are."""
        with contextlib.suppress(OSError):
            return None if spared(recording.id) else self.remove(recording, now, why)
        return None

    def remove(self, recording: Recording, now: int, why: str) -> int:
        """Removes one recording and writes that down with `why`; returns its bytes. Raises OSError."""
        size = self.bytes(recording)
        away = self.folder / f"{_GONE}{recording.id}"
        (self.folder / recording.id).replace(away)
        shutil.rmtree(away, ignore_errors=True)
        self.removed["recordings"] += 1
        self.removed["bytes"] += size
        row = {"id": recording.id, "case": recording.order.case, "started": recording.started, "removed": now, "why": why}
        with contextlib.suppress(OSError), (self.folder / "removed.jsonl").open("ab") as file:
            file.write(msgspec.json.encode(row | {"bytes": size}) + b"\n")
        return size
