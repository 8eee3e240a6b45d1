"""Files of one body: a single one, or those of a tar (plain, gzip, bzip2) or zip; bounded in number and in unpacked bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from hall.core.errors import BadInput

MOST_FILES = 300
MOST_BYTES = 256 * 1024 * 1024  # of one body, unpacked
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError)
_HDF5 = b"\x89HDF\r\n\x1a\n"


def members(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file; raises BadInput where the pack is broken, empty or too large, after those before."""
    if body.startswith(_HDF5):
        yield "", body
        return
    try:
        if body.startswith(b"PK"):
            yield from _zip(body)
            return
        if body[257:262] == b"ustar" or body[:2] == b"\x1f\x8b" or body[:3] == b"BZh":
            yield from _tar(_unpacked(body))
            return
    except _BROKEN as error:
        raise BadInput("pack-broken", f"{type(error).__name__}: {error}"[:200]) from None
    yield "", body  # the reader says what is wrong with it


def _unpacked(body: bytes) -> bytes:
    opener = gzip.open if body[:2] == b"\x1f\x8b" else bz2.open if body[:3] == b"BZh" else None
    if opener is None:
        return body
    with opener(io.BytesIO(body)) as file:
        found = file.read(MOST_BYTES + 1)
    if len(found) > MOST_BYTES:
        raise BadInput("too-large", f"more than {MOST_BYTES >> 20} MB unpacked")
    return found


def _tar(body: bytes) -> Iterator[tuple[str, bytes]]:
    if body[257:262] != b"ustar":
        yield "", body  # one file that was packed
        return
    count = 0
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:") as archive:
        for member in archive:
            if not member.isreg():
                continue
            if (count := count + 1) > MOST_FILES:
                raise BadInput("too-large", f"more than {MOST_FILES} files in a tar")
            file = archive.extractfile(member)
            if file is None:
                continue
            found = file.read()
            if len(found) != member.size:
                raise BadInput("pack-broken", f"{member.name[:80]}: cut off")
            yield member.name, found
    if not count:
        raise BadInput("pack-empty", "no file in the tar")


def _zip(body: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        found = [member for member in archive.infolist() if not member.is_dir()]
        if not found:
            raise BadInput("pack-empty", "no file in the zip")
        if len(found) > MOST_FILES or sum(member.file_size for member in found) > MOST_BYTES:
            raise BadInput("too-large", f"at most {MOST_FILES} files and {MOST_BYTES >> 20} MB in a zip")
        for member in found:
            with archive.open(member) as file:
                yield member.filename, file.read(member.file_size + 1)
