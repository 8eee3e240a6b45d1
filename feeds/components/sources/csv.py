"""CSV, plain or gzipped. Encoding and delimiter are found out where nobody names them; one broken row costs that row only."""

from __future__ import annotations

import csv
import gzip
import io
import re
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
_SEPARATOR = re.compile(r'"?sep=(.|\\t)"?', re.IGNORECASE)


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


def _beginning(path: Path, encoding: str, rules: Rules) -> tuple[str, int]:
    """`(delimiter, lines to skip)`: blank ones, and the `sep=;` that Excel goes by."""
    with _bytes(path) as file:
        text = io.StringIO(file.read(_SAMPLE).decode(encoding, "replace"), newline="")
    lines = list(text)
    skipped, delimiter = rules.skip_lines, rules.delimiter
    while skipped < len(lines):
        line = lines[skipped].strip(" \r\n")
        if said := _SEPARATOR.fullmatch(line):
            delimiter = delimiter or said[1].replace("\\t", "\t")
        elif line:
            break
        skipped += 1
    counts = {mark: lines[skipped].count(mark) for mark in ",;\t|"} if skipped < len(lines) else {}
    if not delimiter and any(counts.values()) and not rules.header:
        delimiter = max(counts, key=counts.__getitem__)
    return delimiter or ",", skipped


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


def _rows(path: Path, text: IO[str], rules: Rules, delimiter: str, skipped: int) -> Iterator[Placed]:
    for _ in range(skipped):
        text.readline()
    names, width, number = rules.header, len(rules.header), skipped
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
                if not names:
                    raise Unreadable(f"{path.name}: there is no header, the file is empty")
                return
            first, number = number + 1, number + len(lines.row)
            if not names:
                if any(map(str.strip, cells)) or (not cells and "".join(lines.row).strip()):
                    names = _header(path, first, cells)
                    width = len(names)
                continue
            if cells and not any(cells):  # nothing but delimiters: Excel's rows below the last one
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


def _header(path: Path, line: int, cells: list[str]) -> list[str]:
    """Names of columns; one without a name, between others, is called by its number; those behind the last are none."""
    names = [name.strip() for name in cells]
    while names and not names[-1]:
        names.pop()
    names = [name or f"column {number}" for number, name in enumerate(names, 1)]
    twice = {name for name in names if names.count(name) > 1}
    if not names or twice:
        raise Unreadable(
            f"{path.name}:{line}: " + (f"two columns are called {twice.pop()!r}" if twice else "there is no header")
        )
    return names


def _row(names: list[str], cells: list[str]) -> dict[str, str] | Broken:
    for cell in cells:
        if not cell.isascii() and any("\ud800" <= c <= "\udfff" for c in cell):
            raw = ",".join(cells).encode("utf-8", "replace").decode()
            return Broken("encoding-broken", "bytes that are not in the file's encoding", raw)
    while len(cells) > len(names) and not cells[-1]:
        cells.pop()
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
        delimiter, skipped = _beginning(path, encoding, rules)
        text = io.TextIOWrapper(_bytes(path), encoding, errors="surrogateescape", newline="")
    except LookupError:
        raise Unreadable(f"encoding {rules.encoding!r} is not known") from None
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{path.name}: {error}; the file is cut short or damaged, nothing is taken of it") from None
    return Opened(_guarded(path, _rows(path, text, rules, delimiter, skipped)), f"{path.name}:{{}}", note=note)


SOURCE = Reader("csv", open_csv, suffixes=(".csv", ".txt", ".tsv"))
