"""A recording as one file to hand over: a ZIP with a playable MP4 per channel, the index, and a manifest with the hashes.

Nothing is compressed: the pictures already are, and a reader can seek. `manifest.json` names every file with its SHA-256 and is
signed by this hall (HMAC), so that the hall can tell later whether an export is the one it made. Blocking; for a thread.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec

from hall.core.secrets import Secrets
from video.record.archive import Archive
from video.record.model import Line, Recording
from video.record.tape import FIRST_CHAIN, chained

_BLOCK = 1024 * 1024


class Made(msgspec.Struct, frozen=True):
    """A finished export: SHA-256 and size of the whole file."""

    path: Path
    sha256: str
    bytes: int


def verify(archive: Archive, recording: Recording) -> list[str]:
    """What is wrong with a recording's files, in words; empty: every segment is what it was when it was closed."""
    problems = []
    for index in range(len(recording.order.channels)):
        folder, before = archive.channel(recording, index), FIRST_CHAIN
        for line in archive.lines(recording, index):
            if line.chain != chained(before, line):
                problems.append(f"c{index} {line.number}: the index was changed")
            try:
                if _hash(folder / f"{line.number:06d}.m4s") != line.sha256:
                    problems.append(f"c{index} {line.number}: the segment was changed")
            except OSError:
                problems.append(f"c{index} {line.number}: the segment is missing")
            before = line.chain
    return problems


def export(archive: Archive, recording: Recording, secrets: Secrets, now: int, build: str) -> Made:
    """Writes `<id>/export-….zip`, which the caller removes when it was handed over. Raises OSError."""
    path = archive.folder / recording.id / f"export-{token_hex(4)}.zip"
    try:
        _write(path, archive, recording, secrets, now, build)
        return Made(path, _hash(path), path.stat().st_size)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _write(path: Path, archive: Archive, recording: Recording, secrets: Secrets, now: int, build: str) -> None:
    files: list[dict[str, Any]] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as out:
        for index, channel in enumerate(recording.order.channels):
            lines, folder = archive.lines(recording, index), archive.channel(recording, index)
            for number, run in enumerate(_runs(lines)):
                name = f"c{index}-{number + 1}.mp4"
                told = {"name": name, "channel": channel, "start": run[0].start, "end": run[-1].end}
                files.append(told | _put(out, name, [folder / run[0].init, *(folder / f"{one.number:06d}.m4s" for one in run)]))
            if lines:
                name = f"c{index}-index.jsonl"
                files.append({"name": name, "channel": channel} | _put(out, name, [folder / "index.jsonl"]))
        manifest = {
            "recording": recording, "files": files, "exported": now, "build": build, "problems": verify(archive, recording),
        }  # fmt: skip
        body = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        out.writestr("manifest.json", body)
        out.writestr("manifest.sig", secrets.sign(body).hex())


def genuine(path: Path, secrets: Secrets) -> bool:
    """Whether an export's manifest was written by this hall and its files are those the manifest names."""
    try:
        with zipfile.ZipFile(path) as found:
            body = found.read("manifest.json")
            if not secrets.signed(body, bytes.fromhex(found.read("manifest.sig").decode())):
                return False
            for one in msgspec.json.decode(body)["files"]:
                digest = hashlib.sha256()
                with found.open(one["name"]) as file:
                    while block := file.read(_BLOCK):
                        digest.update(block)
                if digest.hexdigest() != one["sha256"]:
                    return False
        return True
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return False


def _runs(lines: list[Line]) -> Iterator[list[Line]]:
    """Segments that play one after the other from one init."""
    run: list[Line] = []
    for line in lines:
        if run and line.init != run[-1].init:
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _put(out: zipfile.ZipFile, name: str, parts: list[Path]) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    with out.open(name, "w", force_zip64=True) as target:
        for part in parts:
            with part.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    target.write(block)
                    size += len(block)
    return {"sha256": digest.hexdigest(), "bytes": size}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
