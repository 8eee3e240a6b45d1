"""A recording made ready for replay: every view of a file, ordered by time, kept on disk; and how its parts are read.

Rows are read once in the order of the file (csv and jsonl as a stream), mapped columns only, and spooled to an unnamed
temporary file; in memory there are 16 bytes per view, so a file of any size can be played.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import tempfile
import zipfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from feeds.decoding import Decoding, format_by_name
from feeds.formats import csv as csv_format
from feeds.formats import jsonl as jsonl_format
from feeds.formats import parquet as parquet_format
from feeds.mapping import View
from feeds.source import Format, Gone, Ready, Row, Unread
from hall.core.errors import BadInput, ConfigError
from hall.core.model import KINDS

#: a format that is not read as a stream is read whole up to this size
WHOLE_BOUND = 1 << 30
REFUSED_BOUND = 5_000

_KIND_OF = {kind: name for name, (kind, _, _) in KINDS.items()}
_pack, _unpack = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder().decode


def members(path: Path) -> Iterator[tuple[str, BinaryIO]]:
    """The files in a zip, the one in a gz, or the file itself, opened; raises BadInput for a broken container."""
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for info in archive.infolist():
                    if not info.is_dir():
                        with archive.open(info) as stream:
                            yield info.filename, stream  # type: ignore[misc]
        elif path.suffix == ".gz":
            with gzip.open(path) as stream:
                yield path.name.removesuffix(".gz"), stream  # type: ignore[misc]
        else:
            with path.open("rb") as stream:
                yield path.name, stream
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, OSError, RuntimeError) as error:
        raise BadInput("file-unreadable", f"{path.name}: {error}") from None


def rows_of_member(found: Format, stream: BinaryIO, decoding: Decoding) -> Iterator[Row]:
    """Rows of one open file; csv and jsonl are streamed."""
    feed, config = decoding.feed, decoding.config
    if found.rows is csv_format.rows:
        text = io.TextIOWrapper(stream, csv_format.encoding_of(feed), errors="surrogateescape", newline="")
        yield from csv_format.rows_of_text(text, feed)
    elif found.rows is jsonl_format.rows:
        for line in stream:
            yield from found.rows(line, feed, config)
    elif found.rows is parquet_format.rows and isinstance(stream, io.BufferedReader):
        yield from parquet_format.rows_of_file(stream)
    else:
        body = stream.read(WHOLE_BOUND + 1)
        if len(body) > WHOLE_BOUND:
            raise BadInput("file-too-large", f"more than {WHOLE_BOUND} bytes")
        yield from found.rows(body, feed, config)


def rows_of_file(path: Path, decoding: Decoding) -> Iterator[Row]:
    """Every row of a file; a member that cannot be read (on) is one Unread, the others are kept."""
    for name, stream in members(path):
        found = decoding.fixed or format_by_name(name) or decoding.format_for()
        try:
            yield from rows_of_member(found, stream, decoding)
        except BadInput as error:
            yield Unread(name.encode(), error.reason, error.detail)


class Refused(msgspec.Struct):
    """A row of the recording that cannot be played, to be parked once."""

    raw: bytes
    reason: str
    detail: str


class Recording:
    """Views in time order. `untimed` are those of a directory: they belong to no moment."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="hall-replay-")
        self._times, self._offsets, self._sizes = array("q"), array("q"), array("l")
        self._order: Any = None
        self._end = 0
        self.untimed = 0
        self.filtered = 0
        self.refused: list[Refused] = []
        self.refused_count = 0

    def __len__(self) -> int:
        return len(self._times)

    def close(self) -> None:
        self._file.close()

    def add(self, moment: int | None, item: View | Ready | Gone) -> None:
        if isinstance(item, Ready):
            packed = _pack((1, item.time, _KIND_OF[type(item.doc)], msgspec.to_builtins(item.doc)))
        elif isinstance(item, Gone):
            packed = _pack((2, item.time, item.subject, None))
        else:
            packed = _pack((0, item[0], "", item[1]))
        self._file.write(packed)
        self._times.append(-1 if moment is None else moment)
        self._offsets.append(self._end)
        self._sizes.append(len(packed))
        self._end += len(packed)
        self.untimed += moment is None

    def refuse(self, raw: bytes, reason: str, detail: str) -> None:
        self.refused_count += 1
        if len(self.refused) < REFUSED_BOUND:
            self.refused.append(Refused(raw, reason, detail))

    def sort(self) -> None:
        """Brings the views into time order; those of one moment stay in the order of the file."""
        import numpy

        self._file.flush()
        self._order = array("q", numpy.argsort(numpy.frombuffer(self._times, dtype=numpy.int64), kind="stable").tolist())

    def time(self, index: int) -> int:
        """When the `index`-th view in time order happened, as the source has it (ms)."""
        return self._times[self._order[index]]

    def item(self, index: int) -> View | Ready | Gone:
        place = self._order[index]
        packed = os.pread(self._file.fileno(), self._sizes[place], self._offsets[place])
        tag, moment, name, data = _unpack(packed)
        if tag == 1:
            return Ready(msgspec.convert(data, KINDS[name][0], strict=False), moment)
        return Gone(name, moment) if tag == 2 else (moment, data)

    def first_after(self, moment: int) -> int:
        """Index of the first view later than `moment` (source time)."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.time(middle) <= moment:
                low = middle + 1
            else:
                high = middle
        return low


def record(path: Path, decoding: Decoding) -> Recording:
    """Reads a file into a Recording; rows that cannot be played are in its `refused`. Raises ConfigError, BadInput."""
    if not path.is_file():
        index = decoding.config.feed(decoding.feed.name)[0]
        raise decoding.config.error(f"feeds[{index}].url", f"there is no file {path.name}")
    made = Recording()
    try:
        for row in rows_of_file(path, decoding):
            _add(made, row, decoding)
    except BaseException:
        made.close()
        raise
    made.sort()
    return made


def _add(made: Recording, row: Row, decoding: Decoding) -> None:
    mapping = decoding.mapping
    if isinstance(row, Unread):
        made.refuse(row.raw, row.reason, row.detail)
    elif not isinstance(row, dict):
        made.add(row.time, row)
    else:
        try:
            for view in mapping.views(row):
                if view is None:
                    made.filtered += 1
                    continue
                made.add(mapping.moment(view) if mapping.timed else None, (view[0], mapping.pruned(view[1])))
        except BadInput as error:
            made.refuse(_raw(row), error.reason, error.detail)
        except (TypeError, ValueError, AttributeError, LookupError, OverflowError, RecursionError) as error:
            made.refuse(_raw(row), "mapping-failed", f"{type(error).__name__}: {error}")


def _raw(row: dict[str, Any]) -> bytes:
    with contextlib.suppress(TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return msgspec.json.encode(row)
    return repr(row)[:16_384].encode("utf-8", "replace")


__all__ = ["ConfigError", "Recording", "record", "rows_of_file"]
