"""Where versions of the store lie, and how one becomes the current one: a folder written whole, then one name changed.

`<data>/components/v<number>-<sum>/` are versions, `current` names the one that is read, `imports.jsonl` tells what was done.
A reader sees the old version or the new one; whoever dies in between leaves a folder that nobody reads and the next import
removes. The version before is kept, for readers that have it open and for `undo`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from hall.core.errors import HallError

_NAME = re.compile(r"v(\d{6,})-[0-9a-f]{16}")


class Busy(HallError):
    """Somebody else is importing."""


def current(root: Path) -> str | None:
    """The name of the version that is read, None while there is none."""
    return _named(root / "current")


def previous(root: Path) -> str | None:
    """The version that was read before; None where there was none, or it is gone."""
    found = _named(root / "previous")
    return found if found and (root / found).is_dir() else None


def _named(path: Path) -> str | None:
    try:
        name = path.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    return name if _NAME.fullmatch(name) else None


def names(root: Path) -> list[str]:
    """All whole versions, the oldest first."""
    found = [path.name for path in root.glob("v*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda name: int(_NAME.fullmatch(name)[1]))  # type: ignore[index]


def next_number(root: Path) -> int:
    return max((int(_NAME.fullmatch(name)[1]) for name in names(root)), default=0) + 1  # type: ignore[index]


def write_durably(path: Path, body: bytes) -> None:
    """The file appears whole or not at all, and stays after a power cut."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    sync(path.parent)


def sync(path: Path) -> None:
    """A file's or a folder's content reaches the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish(root: Path, staged: Path, name: str) -> None:
    """Makes the whole folder `staged` the current version called `name`."""
    for path in sorted(staged.iterdir()):
        sync(path)
    sync(staged)
    os.rename(staged, root / name)
    sync(root)
    choose(root, name)


def choose(root: Path, name: str) -> None:
    """Makes a whole version the one that is read."""
    if before := current(root):
        write_durably(root / "previous", before.encode("ascii"))
    write_durably(root / "current", name.encode("ascii"))


def tidy(root: Path) -> None:
    """Removes what no reader needs: folders of imports that died, versions but the current one and the one before."""
    kept = {current(root), previous(root)}
    for path in root.glob("*.staging"):
        shutil.rmtree(path, ignore_errors=True)
    for name in names(root):
        if name not in kept:
            shutil.rmtree(root / name, ignore_errors=True)


@contextlib.contextmanager
def importing(root: Path) -> Iterator[Path]:
    """Alone with the versions; a folder to stage in, gone afterwards. Raises Busy, HallError."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / "lock").open("w")
    except OSError as error:
        raise HallError(f"{root}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy("another import of components is running; wait for its end") from None
        tidy(root)
        staging = root / f"{os.getpid()}.staging"
        staging.mkdir()
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)
