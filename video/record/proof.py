"""Whether an exported recording is what a hall handed over: `hall evidence FILE.zip`, exit code 1 where it is not.

Every byte is read: files against the manifest, segments against the chain of the index, the manifest against its signature.
Whose signature: that of the public key given (`--key`), else of this hall's own, else of the key that came with the file. The
last shows only that all of it is by one hand: its fingerprint is told, to be compared with the one that the hall made known.
"""

from __future__ import annotations

import argparse
import hashlib
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from hall.core import secrets, settings
from hall.core.errors import HallError
from video.record.export import MANIFEST, PUBLIC_KEY, PURPOSE, SIGNATURE, SUMS, chain_problems, sums_of
from video.record.model import Handed, Line
from video.record.tape import FIRST_CHAIN, INDEX

_BLOCK = 1024 * 1024
_MOST_MANIFEST = 256 * 1024 * 1024  # of a file that anybody may have made
_BROKEN = (OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile)


class Segment(msgspec.Struct, frozen=True):
    """Where a segment lies in a file of the export."""

    number: int
    file: str
    offset: int
    bytes: int
    sha256: str


class Channel(msgspec.Struct, frozen=True):
    """A channel with the end of its chain."""

    channel: str
    head: str
    segments: list[Segment]


class File(msgspec.Struct, frozen=True):
    """A file of the export."""

    name: str
    sha256: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True):
    """What is read of `manifest.json`."""

    export: Handed
    recording: dict[str, Any]
    channels: list[Channel]
    files: list[File]
    problems: list[str]
    content_sha256: str


class Proof(msgspec.Struct):
    """`faults`: what is wrong, in words; `manifest`: None where there is none to read; `sha256`: of the whole file;
    `fingerprint`: of the key that signed the manifest, empty where none did."""

    faults: list[str]
    sha256: str = ""
    manifest: Manifest | None = None
    fingerprint: str = ""


def prove(path: Path, key: bytes | None) -> Proof:
    """Reads the whole file; never raises for what is in it. `key`: PEM of the public key that must have signed; None takes the
    one in the file. Raises OSError when the file cannot be opened."""
    with path.open("rb") as file:
        found = Proof([], sha256=hashlib.file_digest(file, "sha256").hexdigest())
    try:
        with zipfile.ZipFile(path) as archive:
            _prove(archive, key, found)
    except _BROKEN as error:
        found.faults.append(f"the file cannot be read: {type(error).__name__}: {error}")
    return found


def _prove(archive: zipfile.ZipFile, key: bytes | None, found: Proof) -> None:
    body = _small(archive, MANIFEST)
    signer = key or _small(archive, PUBLIC_KEY)
    if secrets.attested(body, _small(archive, SIGNATURE), signer):
        found.fingerprint = secrets.fingerprint(signer)
    else:
        found.faults.append(f"the manifest was not signed by {'the hall of the key' if key else 'the key in the file'}")
    found.manifest = manifest = msgspec.json.decode(body, type=Manifest)
    found.faults += [f"when it was handed over: {problem}" for problem in manifest.problems]
    wanted = [one.name for one in manifest.files] + [SUMS, MANIFEST, SIGNATURE, PUBLIC_KEY]
    names = archive.namelist()
    found.faults += [f"{name}: is not in the manifest" for name in sorted(set(names) - set(wanted))]
    found.faults += [f"{name}: is missing" for name in sorted(set(wanted) - set(names))]
    if len(names) != len(set(names)):
        found.faults.append("a name stands twice in the file")
    sums = sums_of([msgspec.to_builtins(one) for one in manifest.files])
    if _small(archive, SUMS) != sums or hashlib.sha256(sums).hexdigest() != manifest.content_sha256:
        found.faults.append(f"{SUMS}: is not that of the manifest")
    for one in manifest.files:
        if one.name in names:
            segments = [each for channel in manifest.channels for each in channel.segments if each.file == one.name]
            found.faults += _file_faults(archive, one, segments)
    for index, channel in enumerate(manifest.channels):
        found.faults += _channel_faults(archive, index, channel, names)


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _MOST_MANIFEST:
        raise ValueError(f"{name} is too large")
    return archive.read(name)


def _file_faults(archive: zipfile.ZipFile, one: File, segments: list[Segment]) -> Iterator[str]:
    """Of one file and of the segments in it, reading it once."""
    digest, size = hashlib.sha256(), 0
    with archive.open(one.name) as file:

        def take(count: int) -> Any:
            nonlocal size
            own = hashlib.sha256()
            while count > 0 and (block := file.read(min(count, _BLOCK))):
                digest.update(block)
                own.update(block)
                size, count = size + len(block), count - len(block)
            return own

        try:
            for segment in sorted(segments, key=lambda each: each.offset):
                take(segment.offset - size)
                if segment.bytes and take(segment.bytes).hexdigest() != segment.sha256:
                    yield f"{one.name}: segment {segment.number} was changed"
            take(1 << 62)
        except _BROKEN as error:  # a ZIP's own check of what it holds
            yield f"{one.name}: {error}"
            return
    if size != one.bytes or digest.hexdigest() != one.sha256:
        yield f"{one.name}: was changed"


def _channel_faults(archive: zipfile.ZipFile, index: int, channel: Channel, names: list[str]) -> Iterator[str]:
    """Whether the index is whole, and its segments are those of the export."""
    name = f"c{index}-{INDEX}"
    lines: list[Line] = []
    if name in names:
        lines = [msgspec.json.decode(row, type=Line) for row in _small(archive, name).splitlines()]
    yield from chain_problems(index, lines)
    if (lines[-1].chain if lines else FIRST_CHAIN) != channel.head:
        yield f"c{index}: the chain does not end where it did"
    listed = {each.number: each.sha256 for each in channel.segments}
    for line in lines:
        if listed.get(line.number) != line.sha256:
            yield f"c{index} {line.number}: is not the segment that was recorded"


# -- the command line --------------------------------------------------------------------------------------------------------


def main(options: argparse.Namespace) -> int:
    """`hall evidence FILE.zip [--sha256 HEX] [--key FILE.pem]`, `hall evidence --public-key`. Raises HallError."""
    own = secrets.there(settings.read().data_dir)  # looking makes no key
    mine = own.public_key(PURPOSE) if own else None
    if options.public_key:
        if mine is None:
            raise HallError("this machine has no key of a hall (HALL_DATA_DIR, HALL_SECRET)")
        print(f"{mine.decode()}fingerprint (SHA-256) {secrets.fingerprint(mine)}")
        return 0
    if options.file is None:
        raise HallError("name the export to check: hall evidence FILE.zip")
    given = _given(options.key) if options.key else None
    found = prove(options.file, given or mine)
    if options.sha256 and options.sha256.lower() != found.sha256:
        found.faults.append("the file is not the one with the SHA-256 given")
    whose = "the key given" if given else "this hall" if mine else "the key that came with the file: compare its fingerprint"
    for line in (*_facts(found, whose), *(f"FAULT   {fault}" for fault in found.faults)):
        print(line)
    print("not what was handed over" if found.faults else "whole: every byte is as it was handed over")
    return 1 if found.faults else 0


def _given(path: Path) -> bytes:
    """A public key from a file. Raises HallError for what is none."""
    try:
        key = path.read_bytes()
        secrets.fingerprint(key)
    except (OSError, ValueError) as error:
        raise HallError(f"{path} is no public key of a hall: {error}") from None
    return key


def _facts(found: Proof, whose: str) -> Iterator[str]:
    yield f"SHA-256 {found.sha256}"
    if found.fingerprint:
        yield f"signed by {whose}, fingerprint {found.fingerprint}"
    if (manifest := found.manifest) is None:
        return
    handed = manifest.export
    recording, order = manifest.recording, manifest.recording.get("order", {})
    yield f"export {handed.export} of recording {recording.get('id')}, case {order.get('case') or '-'}"
    yield f"handed to {handed.who} ({handed.role}) at {_moment(handed.at)}: {handed.why}"
    for channel in manifest.channels:
        yield f"{channel.channel}: {len(channel.segments)} segments, chain ends {channel.head}"


def _moment(real: int) -> str:
    return datetime.fromtimestamp(real / 1000, UTC).isoformat(timespec="seconds")
