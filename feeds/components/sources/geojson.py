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
from typing import Any

from feeds.components.reading import Broken, Opened, Placed, Reader, Unreadable
from feeds.components.settings import Rules

_PIECE = 1 << 20
#: characters one feature may have
_FEATURE_BOUND = 32 << 20
_FEATURES = re.compile(r'"features"\s*:\s*\[')
_CRS = re.compile(r'"crs"\s*:\s*\{[^{}]*\{[^{}]*"name"\s*:\s*"([^"]+)"')
_decoder = json.JSONDecoder()


def _pieces(path: Path) -> Iterator[str]:
    decode = codecs.getincrementaldecoder("utf-8-sig")(errors="strict").decode
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield decode(piece)
            yield decode(b"", True)
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path.name}: not UTF-8 ({error.reason}); GeoJSON is UTF-8, convert it first") from None
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{path.name}: {error}") from None


def _flat(feature: Any, number: int) -> Placed:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        return number, Broken("feature-malformed", "not a Feature", json.dumps(feature, ensure_ascii=False)[:2000])
    properties = feature.get("properties") or {}
    row = dict(properties) if isinstance(properties, dict) else {}
    if "id" in feature:
        row.setdefault("id", feature["id"])
    row["geometry"] = feature.get("geometry")
    return number, row


def _collection(path: Path, pieces: Iterator[str], text: str) -> Iterator[Placed]:
    """Features of the array that `text` begins with; an error ends the source: what follows has no known beginning."""
    number, at = 0, 0
    more = True
    while True:
        at = _past(text, at, " \t\r\n,")
        if at < len(text) and text[at] == "]":
            return
        try:
            feature, at = _decoder.raw_decode(text, at)
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
    except ValueError as error:
        yield number, Broken("feature-malformed", str(error), line[:2000])


def open_geojson(where: str, rules: Rules) -> Opened:
    path = Path(where)
    pieces = _pieces(path)
    text = next(pieces, "")
    while not (begin := _FEATURES.search(text)) and len(text) < 8 * _PIECE:
        piece = next(pieces, None)
        if piece is None:
            break
        text += piece
    named = _CRS.search(text[: begin.start()] if begin else "")
    crs = named[1].replace("urn:ogc:def:crs:", "").replace("::", ":") if named else "WGS-84"
    crs = "WGS-84" if crs.startswith("OGC") else crs
    first_line = text.split("\n", 1)[0].strip().lstrip("\x1e")
    if begin and not (
        first_line.endswith("}") and '"Feature"' in first_line[:200] and "FeatureCollection" not in first_line[:200]
    ):
        return Opened(_collection(path, pieces, text[begin.end() :]), f"{path.name}: feature {{}}", crs)
    if not first_line.startswith("{"):
        raise Unreadable(f"{path.name}: no FeatureCollection and no feature a line")
    return Opened(_lines(pieces, text), f"{path.name}:{{}}", "WGS-84")


SOURCE = Reader("geojson", open_geojson, suffixes=(".geojson", ".json", ".geojsonl", ".geojsons", ".jsonl"))
