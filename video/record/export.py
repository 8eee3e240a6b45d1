"""A recording as one file to hand over: a ZIP with a playable MP4 per channel, the index, and a manifest with the hashes.

Made while it is read and kept nowhere: whatever its size, it takes a block of memory and no room on the disk. Nothing is
compressed: the pictures already are, and a reader can seek. Each byte is read once and hashed on its way: as segment (against
the index), as file, as the whole. `manifest.json` names all of it and who took it, when and why; this hall signs it (Ed25519),
so that whoever gets it can tell whether it is what this hall made (`video.record.proof`, or openssl). Blocking; for a thread.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from hall.core.secrets import Secrets
from video.record.archive import Archive
from video.record.model import Handed, Line, Recording
from video.record.tape import FIRST_CHAIN, GAPS, INDEX, chained

PURPOSE = "manifest"  # what the manifest is signed for
SUMS, MANIFEST, SIGNATURE, PUBLIC_KEY = "SHA256SUMS", "manifest.json", "manifest.sig", "hall.pem"
_BLOCK = 1024 * 1024


def verify(archive: Archive, recording: Recording) -> list[str]:
    """What is wrong with a recording's files, in words; empty: every segment is what it was when it was closed."""
    problems = []
    for index in range(len(recording.order.channels)):
        folder, lines = archive.channel(recording, index), archive.lines(recording, index)
        problems += chain_problems(index, lines)
        for line in lines:
            try:
                if _hash(folder / segment_name(line)) != line.sha256:
                    problems.append(f"c{index} {line.number}: the segment was changed")
            except OSError:
                problems.append(f"c{index} {line.number}: the segment is missing")
    return problems


def chain_problems(index: int, lines: list[Line]) -> list[str]:
    """Where the chain of channel `index` does not hold."""
    problems, before = [], FIRST_CHAIN
    for line in lines:
        if line.chain != chained(before, line):
            problems.append(f"c{index} {line.number}: the index was changed")
        before = line.chain
    return problems


def segment_name(line: Line) -> str:
    return f"{line.number:06d}.m4s"


def sums_of(files: list[dict[str, Any]]) -> bytes:
    """The file that `sha256sum -c` reads; its own SHA-256 stands for the whole."""
    return "".join(f"{one['sha256']}  {one['name']}\n" for one in files).encode()


class _Out:
    """What a ZIP is written to and taken from again at once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


class Export:
    """One handing over. A recording that runs is exported as far as its segments are closed by now."""

    def __init__(self, archive: Archive, recording: Recording, secrets: Secrets, handed: Handed, build: str) -> None:
        self._archive, self._recording, self._secrets = archive, recording, secrets
        self._out = _Out()
        self._stamp = datetime.fromtimestamp(handed.at / 1000, UTC).timetuple()[:6]
        self._files: list[dict[str, Any]] = []
        self._problems: list[str] = []
        self._channels: list[dict[str, Any]] = []
        self._told = {"export": msgspec.to_builtins(handed), "build": build, "recording": msgspec.to_builtins(recording)}
        self._lines = [archive.lines(recording, index) for index in range(len(recording.order.channels))]

    def blocks(self) -> Iterator[bytes]:
        """The file from its first byte to its last. Raises OSError where the disk fails: then it has no end."""
        with zipfile.ZipFile(self._out, "w", zipfile.ZIP_STORED, allowZip64=True) as found:
            for index, channel in enumerate(self._recording.order.channels):
                yield from self._channel(found, index, channel)
            sums = sums_of(self._files)
            manifest = self._told | {
                "channels": self._channels, "files": self._files, "problems": self._problems,
                "content_sha256": hashlib.sha256(sums).hexdigest(),
            }  # fmt: skip
            body = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
            signature, key = self._secrets.attest(body, PURPOSE), self._secrets.public_key(PURPOSE)
            for name, data in ((SUMS, sums), (MANIFEST, body), (SIGNATURE, signature), (PUBLIC_KEY, key)):
                found.writestr(self._entry(name), data)
                yield self._out.taken()
        yield self._out.taken()

    def _channel(self, found: zipfile.ZipFile, index: int, channel: str) -> Iterator[bytes]:
        lines, folder = self._lines[index], self._archive.channel(self._recording, index)
        self._problems += chain_problems(index, lines)
        rows: list[dict[str, Any]] = []
        for number, run in enumerate(_runs(lines)):
            name = f"c{index}-{number + 1}.mp4"
            yield from self._film(found, name, folder, run, rows, f"c{index}")
            self._files[-1] |= {"channel": channel, "start": run[0].start, "end": run[-1].end}
        for source in (INDEX, GAPS):
            if (folder / source).is_file():
                whole = (folder / source).read_bytes().splitlines(keepends=True)
                # a line may have been added since: what is handed over is of one moment
                kept = b"".join(whole[: len(lines)] if source == INDEX else whole)
                yield from self._file(found, f"c{index}-{source}", iter((kept,)))
                self._files[-1]["channel"] = channel
        head = lines[-1].chain if lines else FIRST_CHAIN
        self._channels.append({"channel": channel, "head": head, "segments": rows})

    def _film(
        self, found: zipfile.ZipFile, name: str, folder: Path, run: list[Line], rows: list[dict[str, Any]], lane: str
    ) -> Iterator[bytes]:
        """One MP4 of an init and the segments that play after it; notes where in it each segment lies."""

        def content() -> Iterator[bytes]:
            at = 0
            for block in self._read(folder / run[0].init, f"{lane}: {run[0].init}"):
                at += len(block)
                yield block
            for line in run:
                digest, begins = hashlib.sha256(), at
                for block in self._read(folder / segment_name(line), f"{lane} {line.number}: the segment"):
                    digest.update(block)
                    at += len(block)
                    yield block
                if at > begins and digest.hexdigest() != line.sha256:
                    self._problems.append(f"{lane} {line.number}: the segment was changed")
                rows.append({"number": line.number, "file": name, "offset": begins, "bytes": at - begins,
                             "sha256": digest.hexdigest(), "start": line.start, "end": line.end})  # fmt: skip

        yield from self._file(found, name, content())

    def _read(self, path: Path, what: str) -> Iterator[bytes]:
        try:
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block
        except FileNotFoundError:
            self._problems.append(f"{what} is missing")

    def _file(self, found: zipfile.ZipFile, name: str, content: Iterator[bytes]) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        with found.open(self._entry(name), "w", force_zip64=True) as target:
            for block in content:
                digest.update(block)
                target.write(block)
                size += len(block)
                yield self._out.taken()
        yield self._out.taken()
        self._files.append({"name": name, "sha256": digest.hexdigest(), "bytes": size})

    def _entry(self, name: str) -> zipfile.ZipInfo:
        return zipfile.ZipInfo(name, self._stamp)


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


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
