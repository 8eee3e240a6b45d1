"""CSV, plain or gzipped. Encoding and delimiter are found out where nobody names them; one broken row costs that row only."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from feeds.components.reading import Broken, Opened, Placed, Reader, Unreadable
from feeds.components.settings import Rules
from hall.core.encodings import look

_SAMPLE = 1 << 16  # bytes looked at for the delimiter
_PIECE = 1 << 20
#: a row that runs over more lines than this is a stray quotation mark, not a note with line feeds
_LINES = 200


def _bytes(path: Path) -> IO[bytes]:
    try:
        return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from None


def encoding_of(path: Path) -> tuple[str, str]:
    """`(encoding, what was found)` of a whole file: by its byte order mark, else the one most of its lines are written in."""
    with _bytes(path) as file:
        head = file.read(3)
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16", "utf-16 by its byte order mark"
        if head == b"\xef\xbb\xbf":
            return "utf-8-sig", "utf-8 by its byte order mark"
        file.seek(0)
        lines, utf8, gb, *_ = look((line, False) for line in file)
    if utf8 * 2 >= lines:
        return "utf-8", "utf-8"
    if gb * 2 < lines:
        raise Unreadable(
            f"{path.name}: neither utf-8 nor gb18030 reads its lines ({utf8} and {gb} of {lines}); name its encoding"
        )
    return "gb18030", f"gb18030 (GB2312, GBK): {gb} of {lines} lines with other letters are, {utf8} are utf-8"


def _delimiter(path: Path, encoding: str, header: list[str]) -> str:
    with _bytes(path) as file:
        first = file.read(_SAMPLE).decode(encoding, "replace").splitlines()[:1]
    counts = {mark: first[0].count(mark) for mark in ",;\t|"} if first else {",": 0}
    return max(counts, key=counts.__getitem__) if any(counts.values()) and not header else ","


class _Lines:
    """Lines of text that remembers those of the row being read."""

    def __init__(self, text: IO[str]) -> None:
        self._text, self.row = text, []

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.row.append(line)
            if len(self.row) > _LINES:
                raise csv.Error("a quotation mark is opened and not closed")
            yield line


def _rows(path: Path, text: IO[str], rules: Rules, delimiter: str) -> Iterator[Placed]:
    for _ in range(rules.skip_lines):
        text.readline()
    names, width, number = rules.header, len(rules.header), rules.skip_lines
    lines = _Lines(text)
    while True:
        reader = csv.reader(lines, delimiter=delimiter)
        source = iter(reader)
        while True:
            lines.row.clear()
            try:
                cells = next(source, None)
            except csv.Error:  # its lines one by one: one of them is wrong, the others are not
                cells = []
            if cells is None:
                return
            first, number = number + 1, number + len(lines.row)
            if not names:
                names = _header(path, cells)
                width = len(names)
                continue
            if len(lines.row) > 1 and len(cells) != len(names):
                for offset, line in enumerate(list(lines.row)):
                    single = next(csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
                    if single:
                        yield first + offset, _row(names, single)
                if not cells:
                    break  # the reader that failed is not used again
            elif len(cells) == width and lines.row[0].isascii() and len(lines.row) == 1:
                yield first, dict(zip(names, cells, strict=True))
            elif cells:
                yield first, _row(names, cells)


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [name.strip() for name in cells]
    twice = {name for name in names if names.count(name) > 1}
    if not names or twice:
        raise Unreadable(f"{path.name}:1: " + (f"two columns are called {twice.pop()!r}" if twice else "there is no header"))
    return names


def _row(names: list[str], cells: list[str]) -> dict[str, str] | Broken:
    for cell in cells:
        if not cell.isascii() and any("\ud800" <= c <= "\udfff" for c in cell):
            raw = ",".join(cells).encode("utf-8", "replace").decode()
            return Broken("encoding-broken", "bytes that are not in the file's encoding", raw)
    if len(cells) != len(names):
        return Broken("csv-columns", f"{len(cells)} cells, {len(names)} columns", ",".join(cells))
    return dict(zip(names, cells, strict=True))


def _guarded(path: Path, rows: Iterator[Placed]) -> Iterator[Placed]:
    try:
        yield from rows
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        raise Unreadable(f"{path.name}: {error}; the file is cut short or damaged, nothing is taken of it") from None


def open_csv(where: str, rules: Rules) -> Opened:
    path, note = Path(where), ""
    try:
        encoding = rules.encoding
        if encoding:
            "".encode(encoding)
        else:
            encoding, note = encoding_of(path)
        delimiter = rules.delimiter or _delimiter(path, encoding, rules.header)
        text = io.TextIOWrapper(_bytes(path), encoding, errors="surrogateescape", newline="")
    except LookupError:
        raise Unreadable(f"encoding {rules.encoding!r} is not known") from None
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{path.name}: {error}; the file is cut short or damaged, nothing is taken of it") from None
    return Opened(_guarded(path, _rows(path, text, rules, delimiter)), f"{path.name}:{{}}", note=note)


SOURCE = Reader("csv", open_csv, suffixes=(".csv", ".txt", ".tsv"))
