"""CSV with a header (or `options.header = [names]`), any delimiter, several encodings tried in order.

A row with too many or too few cells, or text that is not in the encoding, is parked alone; the others are kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

import msgspec

from feeds.source import Format, Row, Unread
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput

OPTIONS = ("delimiter", "header", "skip_lines", "encoding")
#: characters one cell may have
CELL_BOUND = 4 * 1024 * 1024
csv.field_size_limit(CELL_BOUND)


def encoding_of(feed: FeedConfig) -> str:
    """The declared encoding, UTF-8 (with or without byte order mark) when there is none; raises BadInput."""
    name = str(feed.options.get("encoding", "utf-8-sig"))
    try:
        "".encode(name)
    except LookupError:
        raise BadInput("encoding-unknown", name) from None
    return name


def rows_of_text(lines: Iterable[str], feed: FeedConfig) -> Iterator[Row]:
    """Rows of decoded lines; undecodable bytes arrive as surrogates and are parked with their row."""
    options = feed.options
    reader = csv.reader(lines, delimiter=str(options.get("delimiter", ",")), strict=True)
    header = options.get("header")
    try:
        for _ in range(int(options.get("skip_lines", 0))):
            next(reader, None)
        if header is None:
            header = next(reader, None)
        if not header:
            return
        names = [str(name).strip() for name in header]
        if len(set(names)) != len(names):
            raise BadInput("csv-header", "two columns have one name")
        for cells in reader:
            if cells:
                yield _row(names, cells)
    except csv.Error as error:
        raise BadInput("csv-malformed", f"line {reader.line_num}: {error}") from None


def _row(names: list[str], cells: list[str]) -> Row:
    if len(cells) != len(names):
        return _unread(cells, "csv-columns", f"{len(cells)} cells, {len(names)} columns")
    for cell in cells:
        if not cell.isascii() and any("\ud800" <= c <= "\udfff" for c in cell):
            return _unread(cells, "encoding-broken", "bytes that are not in the encoding")
    return dict(zip(names, cells, strict=True))


def _unread(cells: list[str], reason: str, detail: str) -> Unread:
    safe = [cell.encode("utf-8", "replace").decode() for cell in cells]
    return Unread(msgspec.json.encode(safe), reason, detail)


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    text = io.TextIOWrapper(io.BytesIO(body), encoding_of(feed), errors="surrogateescape", newline="")
    yield from rows_of_text(text, feed)


FORMAT = Format("csv", rows, types=("text/csv", "application/csv"), suffixes=(".csv", ".txt", ".tsv"), options=OPTIONS)
