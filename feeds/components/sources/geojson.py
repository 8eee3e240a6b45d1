"""GeoJSON: a FeatureCollection of any size read feature by feature, or one feature a line (GeoJSONSeq). Plain or gzipped."""

from __future__ import annotations

import codecs
import gzip
import itertools
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from feeds.components.reading import Broken, Opened, Placed, Reader, Unreadable
from feeds.components.settings import Rules
from hall.core.encodings import of_json
from hall.core.geometries import named_crs

_PIECE = 1 << 20
#: characters one feature may have
_FEATURE_BOUND = 32 << 20
_FEATURES = re.compile(r'"features"\s*:\s*\[')
_BEHIND = re.compile(r"\]\s*,\s*(?=\")")
_LOOKED_AT = 16 << 20  # bytes, for the encoding
_END = 1 << 16  # bytes at the end, for a crs behind the features
_decoder = json.JSONDecoder()


def _file(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")


def _encoding(path: Path) -> str:
    try:
        with _file(path) as file:
            return of_json(file.read(_LOOKED_AT), path.name)
    except ValueError as error:
        raise Unreadable(str(error)) from None
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{path.name}: {error}") from None


def _pieces(path: Path, encoding: str) -> Iterator[str]:
    try:
        decode = codecs.getincrementaldecoder(encoding)(errors="strict").decode
        with _file(path) as file:
            while piece := file.read(_PIECE):
                yield decode(piece)
            yield decode(b"", True)
    except LookupError:
        raise Unreadable(f"encoding {encoding!r} is not known") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path.name}: not {encoding.removesuffix('-sig')} ({error.reason}); name its encoding") from None
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{path.name}: {error}") from None


def _after(path: Path, encoding: str) -> Any:
    """The `crs` that follows the features, None where none does."""
    try:
        with _file(path) as file:
            end = b""
            if isinstance(file, gzip.GzipFile):
                while piece := file.read(_PIECE):
                    end = (end + piece)[-_END:]
            else:
                file.seek(max(0, file.seek(0, 2) - _END))
                end = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{path.name}: {error}") from None
    return _rest(end.decode(encoding.removesuffix("-sig"), "replace"))


def _rest(text: str) -> Any:
    """The `crs` of the members behind an array, where they are the end of a file."""
    for found in _BEHIND.finditer(text):
        try:
            members, end = _decoder.raw_decode("{" + text[found.end() :])
        except (ValueError, RecursionError):
            continue
        if not text[found.end() + end - 1 :].strip():
            return members.get("crs")
    return None


def _flat(feature: Any, number: int) -> Placed:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        return number, Broken("feature-malformed", "not a Feature", json.dumps(feature, ensure_ascii=False)[:2000])
    properties = feature.get("properties") or {}
    row = dict(properties) if isinstance(properties, dict) else {}
    if "id" in feature:
        row.setdefault("id", feature["id"])
    row["geometry"] = feature.get("geometry")
    return number, row


def _collection(path: Path, pieces: Iterator[str], text: str, crs: Any) -> Iterator[Placed]:
    """Features of the array that `text` begins with; an error ends the source: what follows has no known beginning. `crs`: the
    file's own as far as it was found; another one behind the features is an error."""
    number, at = 0, 0
    more = True
    while True:
        at = _past(text, at, " \t\r\n,")
        if at < len(text) and text[at] == "]":
            later = _rest(text[at:] + "".join(itertools.islice(pieces, 8)))
            if later and later != crs:
                raise Unreadable(f"{path.name}: its crs stands too far behind the features; put it before them")
            return
        try:
            feature, at = _decoder.raw_decode(text, at)
        except RecursionError:
            raise Unreadable(f"{path.name}: after feature {number}: nested too deeply; nothing is taken of the file") from None
        except ValueError as error:
            if not more or len(text) - at > _FEATURE_BOUND:
                raise Unreadable(f"{path.name}: after feature {number}: {error}; nothing is taken of the file") from None
            piece = next(pieces, None)
            more, text, at = piece is not None, text[at:] + (piece or ""), 0
            continue
        number += 1
        yield _flat(feature, number)


def _past(text: str, at: int, skipped: str) -> int:
    while at < len(text) and text[at] in skipped:
        at += 1
    return at


def _lines(pieces: Iterator[str], text: str) -> Iterator[Placed]:
    number, rest = 0, text
    for piece in itertools.chain([""], pieces):
        *lines, rest = (rest + piece).split("\n")
        for line in lines:
            number += 1
            yield from _line(line, number)
    yield from _line(rest, number + 1)


def _line(line: str, number: int) -> Iterator[Placed]:
    line = line.strip().lstrip("\x1e")
    if not line:
        return
    try:
        yield _flat(json.loads(line), number)
    except (ValueError, RecursionError) as error:
        yield number, Broken("feature-malformed", str(error), line[:2000])


def open_geojson(where: str, rules: Rules) -> Opened:
    path = Path(where)
    encoding = rules.encoding or _encoding(path)
    note = "" if encoding.startswith("utf-8") else f"GeoJSON, {encoding}"
    pieces = _pieces(path, encoding)
    text = next(pieces, "")
    while not (begin := _FEATURES.search(text)) and len(text) < 8 * _PIECE:
        piece = next(pieces, None)
        if piece is None:
            break
        text += piece
    first_line = text.split("\n", 1)[0].strip().lstrip("\x1e")
    if begin and not (
        first_line.endswith("}") and '"Feature"' in first_line[:200] and "FeatureCollection" not in first_line[:200]
    ):
        try:
            member = json.loads(text[: begin.start()].rstrip().rstrip(",") + "}").get("crs")
        except (ValueError, AttributeError, RecursionError):
            member = None
        return _whole(path, member or _after(path, encoding), pieces, text[begin.end() :], note)
    if not first_line.startswith("{"):
        raise Unreadable(f"{path.name}: no FeatureCollection and no feature a line")
    return Opened(_lines(pieces, text), f"{path.name}:{{}}", "WGS-84", note)


def _whole(path: Path, member: Any, pieces: Iterator[str], text: str, note: str) -> Opened:
    """A crs that cannot be understood is left open, so that the mapping has to say one."""
    try:
        crs = named_crs(member) if member else "WGS-84"
    except ValueError as error:
        crs, note = "", f"{note}; {error}" if note else str(error)
    return Opened(_collection(path, pieces, text, member), f"{path.name}: feature {{}}", crs, note)


SOURCE = Reader("geojson", open_geojson, suffixes=(".geojson", ".json", ".geojsonl", ".geojsons", ".jsonl"))
