"""Which letters a file is written in, where it does not say, or says it wrong: UTF-8 or GB 18030 (with GB2312, GBK)."""

from __future__ import annotations

import codecs
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

#: pieces of text looked at that are not ASCII
ENOUGH = 20_000
_MOST = 64 << 20  # bytes of a table looked at
_GB = {"936", "gbk", "gb2312", "gb18030", "euc-cn", "euccn", "x-gbk"}
#: language drivers of a .dbf that stand for one encoding (ESRI's table); the others are what a program writes that knows none
_DRIVERS = {
    0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "cp950", 0x78: "cp950", 0x13: "cp932", 0x7B: "cp932", 0x4E: "cp949",
    0x79: "cp949", 0xC9: "cp1251", 0x26: "cp866", 0x65: "cp866", 0xC8: "cp1250", 0xCA: "cp1254", 0xCB: "cp1253",
    0x57: "cp1252", 0x03: "cp1252",
}  # fmt: skip
#: Western Europe: every byte is a letter, and programs write it without having asked
_WESTERN = ("cp1252", "iso8859-1")
_RUN = re.compile(rb"[\x80-\xff]+")
_PAIRS = re.compile(rb"(?:[\xa1-\xf7][\xa1-\xfe])+")


class Looked(NamedTuple):
    """Of `pieces` that are not ASCII: how many are UTF-8, GB 18030, and what was asked for; `pairs`: the share of their bytes
    beyond ASCII that stand as GB2312's letters do (0 to 1); `wide`: some have letters of three bytes in UTF-8."""

    pieces: int
    utf8: int
    gb: int
    asked: int
    pairs: float
    wide: bool


def look(pieces: Iterable[tuple[bytes, bool]], asked: str = "utf-8") -> Looked:
    """`(piece, cut)`: whether its last letter may be cut. Looks at no more than ENOUGH."""
    count = utf8 = gb = named = high = paired = 0
    wide = False
    for piece, cut in pieces:
        if piece.isascii():
            continue
        count += 1
        is_utf8 = _reads(piece, cut, "utf-8")
        utf8 += is_utf8
        gb += _reads(piece, cut, "gb18030")
        named += _reads(piece, cut, asked)
        wide = wide or (is_utf8 and any(byte >= 0xE0 for byte in piece))
        for run in _RUN.findall(piece):
            high += len(run)
            paired += len(run) if _PAIRS.fullmatch(run) else 0
        if count == ENOUGH:
            break
    return Looked(count, utf8, gb, named, paired / high if high else 0.0, wide)


def _reads(piece: bytes, cut: bool, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(piece, not cut)
    except UnicodeDecodeError:
        return False
    return True


def of_json(raw: bytes, name: str) -> str:
    """Of JSON, by its byte order mark, else by the texts in `raw`, its beginning. Raises ValueError where none reads them."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    seen = look((piece, False) for piece in raw.split(b'"')[:-1])
    if seen.utf8 * 2 >= seen.pieces:
        return "utf-8-sig"
    if seen.gb * 2 >= seen.pieces:
        return "gb18030"
    raise ValueError(f"{name}: neither utf-8 nor gb18030 reads its letters; name its encoding")


def of_shapefile(path: Path) -> tuple[str, str]:
    """`(encoding, how it was found)` of a Shapefile's attributes, by its .cpg, its .dbf's language driver and what the letters
    are; a name that the letters contradict is overruled. Raises ValueError where none of them fits."""
    dbf, written = _table(path)
    if len(dbf) < 32:
        return "", ""
    named = _named(written)
    asked = named or _DRIVERS.get(dbf[29], "")
    said = f'.cpg "{written[:20]}"' if written else f"language driver 0x{dbf[29]:02X}"
    seen = look(_letters(dbf), asked or "utf-8")
    if not seen.pieces:
        return "UTF-8", ""
    if asked and asked not in _WESTERN and seen.asked * 2 >= seen.pieces:
        if asked != "gb18030" or not (seen.wide and seen.utf8 * 20 >= seen.pieces * 19):
            return asked.upper(), f"{asked} by its {said}"
    over = f"; its {said} says otherwise and is overruled" if asked else f"; its {said} names none" if written else ""
    if seen.utf8 * 2 >= seen.pieces:
        return "UTF-8", f"utf-8 by its letters ({seen.utf8} of {seen.pieces} values){over}"
    if seen.gb * 2 >= seen.pieces and seen.pairs >= (0.9 if asked else 0.5):
        return "GB18030", f"gb18030 (GB2312, GBK) by its letters ({seen.gb} of {seen.pieces} values){over}"
    if asked in _WESTERN:
        return asked.upper(), f"{asked} by its {said}"
    raise ValueError(f"{path.name}: neither utf-8 nor gb18030 reads its letters, its {said} does not say; name its encoding")


def _named(written: str) -> str:
    """A .cpg's word as Python calls the encoding; empty where it is none."""
    word = re.sub(r"^(ansi|oem|windows|cp|ms|dos)[\s/_-]*", "", written.strip().lower())
    if word in _GB:
        return "gb18030"
    if driver := re.fullmatch(r"ldid/(\d+)", word):
        return _DRIVERS.get(int(driver[1]), "")
    word = {"65001": "utf-8", "88591": "iso8859-1"}.get(word, f"cp{word}" if word.isdigit() else word)
    try:
        return codecs.lookup(word).name
    except LookupError:
        return ""


def _table(path: Path) -> tuple[bytes, str]:
    """A Shapefile's .dbf and what its .cpg says; both empty where there are none. `path`: the .shp, or a zip with it."""
    stem = path.name[: -len(path.suffix)].lower()
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as file:
                inside = {Path(name).suffix.lower(): name for name in file.namelist()}
                dbf, cpg = (file.open(inside[end]).read(_MOST) if end in inside else b"" for end in (".dbf", ".cpg"))
        else:
            beside = {one.suffix.lower(): one for one in path.parent.iterdir() if one.stem.lower() == stem}
            dbf, cpg = (beside[end].open("rb").read(_MOST) if end in beside else b"" for end in (".dbf", ".cpg"))
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return b"", ""  # what reads the file says why
    return dbf, cpg.decode("ascii", "replace").strip()


def _letters(dbf: bytes) -> Iterator[tuple[bytes, bool]]:
    """The names of the columns, and every text in them (dBASE: a header, 32 bytes a column, records of one length)."""
    head, length = int.from_bytes(dbf[8:10], "little"), int.from_bytes(dbf[10:12], "little")
    texts, at = [], 1
    for start in range(32, min(head, len(dbf)) - 31, 32):
        column = dbf[start : start + 32]
        if column[0] == 0x0D:
            break
        yield column[:11].split(b"\0")[0], True
        if column[11:12] in (b"C", b"c"):
            texts.append((at, at + column[16]))
        at += column[16]
    for start in range(head, len(dbf) - length + 1, length) if length else ():
        record = dbf[start : start + length]
        if record.isascii():
            continue
        for first, last in texts:
            value = record[first:last].rstrip(b" \0")
            yield value, len(value) == last - first
