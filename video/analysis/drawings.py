"""What people drew: which region of which channel is read, by whom, and every earlier version, so that it can be undone.

Kept whole in one file of the data directory. Tasks of hall.toml stand beside them: they are changed there, but a person may
show them the place dry, too.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from hall.core.errors import ConfigError, Refused
from video.analysis.seam import Task

FILE = "regions.json"
MOST_VERSIONS, MOST_REFERENCES = 20, 4  # kept of one drawing; pictures of one place dry, in different light
_NAME_BOUND = 80


class Drawing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version. `references`: names of the pictures it is compared with, newest first; `at` real ms."""

    task: Task
    references: tuple[str, ...] = ()
    by: str = ""
    name: str = ""  # of the author, as screens show him
    at: int = 0


#: versions of one drawing, oldest first; None: it was taken away then
Versions = list[Drawing | None]


class Drawings:
    """`check(task)` raises ValueError for a task that cannot work; `written` are the tasks of hall.toml."""

    def __init__(self, path: Path, check: Callable[[Task], Any], written: list[Task], most: int) -> None:
        self._path, self._check, self._most = path, check, most
        self.written = {_written_id(number, task): task for number, task in enumerate(written)}
        self._versions: dict[str, Versions] = _read(path)

    def current(self) -> dict[str, Drawing]:
        """All that is in force, by id: those of hall.toml first."""
        found = {key: Drawing(task=task, references=self._shown(key)) for key, task in self.written.items()}
        for key, versions in self._versions.items():
            newest = versions[-1] if versions else None
            if key not in self.written and newest is not None:
                found[key] = newest
        return found

    def one(self, key: str, channel: str) -> Drawing:
        """A drawing of this channel, or the last version of one that was taken away; raises Refused 404."""
        found = self.current().get(key) or next((v for v in reversed(self._versions.get(key, [])) if v is not None), None)
        if found is None or found.task.channel != channel:
            raise Refused("region-unknown", "there is no such region on this channel", 404)
        return found

    def undoable(self, key: str) -> int:
        """How many steps can be taken back."""
        return len(self._versions.get(key, ()))

    def gone(self, channel: str) -> dict[str, Drawing]:
        """What was taken away from a channel and can be brought back, by id: what it was."""
        found = {}
        for key, versions in self._versions.items():
            if len(versions) > 1 and versions[-1] is None and versions[-2] is not None and versions[-2].task.channel == channel:
                found[key] = versions[-2]
        return found

    def save(self, key: str, data: Any, by: str, name: str, now: int) -> str:
        """Keeps a region that somebody drew (`key` "") or changed; returns its id. Raises Refused."""
        try:
            task = msgspec.convert(data, Task)
            self._check(task)
        except (msgspec.ValidationError, ValueError) as error:
            raise Refused("region-bad", str(error), 422) from None
        if len(task.name) > _NAME_BOUND:
            raise Refused("region-bad", f"name: at most {_NAME_BOUND} letters", 422)
        if key in self.written:
            raise Refused("region-written", "this region stands in hall.toml and is changed there", 409)
        before = self.one(key, task.channel) if key else None
        if before is None and len(self.current()) >= self._most:
            raise Refused("too-many-regions", f"at most {self._most}", 409)
        references = before.references if before is not None else ()
        key = key or uuid.uuid4().hex[:12]
        self._add(key, Drawing(task=task, references=references, by=by, name=name, at=now))
        return key

    def refer(self, key: str, channel: str, reference: str, by: str, name: str, now: int) -> None:
        """One more picture of the place dry. Raises Refused."""
        before = self.one(key, channel)
        if key not in self.current():
            raise Refused("region-unknown", "this region was taken away", 404)
        kept = (reference, *before.references)[:MOST_REFERENCES]
        self._add(key, msgspec.structs.replace(before, references=kept, by=by, name=name, at=now))

    def remove(self, key: str, channel: str) -> None:
        """Takes it away; `undo` brings it back. Raises Refused."""
        if key in self.written:
            raise Refused("region-written", "this region stands in hall.toml and is changed there", 409)
        self.one(key, channel)
        if self._versions[key][-1] is not None:
            self._add(key, None)

    def undo(self, key: str, channel: str) -> None:
        """Takes the last step back, whoever took it. Raises Refused."""
        self.one(key, channel)
        if not self.undoable(key):
            raise Refused("nothing-to-undo", "nothing was changed here", 409)
        self._put(key, self._versions[key][:-1])

    def pictures(self) -> set[str]:
        """Every reference that a version names: all others may be thrown away."""
        return {name for versions in self._versions.values() for one in versions if one is not None for name in one.references}

    # -- inside ------------------------------------------------------------------------------------------------------

    def _shown(self, key: str) -> tuple[str, ...]:
        versions = self._versions.get(key)
        return versions[-1].references if versions and versions[-1] is not None else ()

    def _add(self, key: str, version: Drawing | None) -> None:
        self._put(key, [*self._versions.get(key, []), version][-MOST_VERSIONS:])

    def _put(self, key: str, versions: Versions) -> None:
        """Durable when it returns; a crash leaves the old file or the new one."""
        changed = self._versions | {key: versions}
        if not any(version is not None for version in versions):
            del changed[key]
        draft = self._path.with_suffix(".new")
        try:
            with open(draft, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(changed)))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            raise Refused("not-kept", f"the region could not be written: {error.strerror}", 503) from None
        self._versions = changed


def _written_id(number: int, task: Task) -> str:
    return f"w{number}-{crc32(f'{task.channel} {task.analyser} {task.name}'.encode()):08x}"


def _read(path: Path) -> dict[str, Versions]:
    """Raises ConfigError for a file that cannot be read."""
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Versions])
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{error}; mend it or move it away", file=str(path)) from None
