"""Tracks: the numbers of positions and readings, collected per subject, packed by segment for browsers. Pure.

A packed segment (gzip): u32 bytes of the header; the header (JSON, padded to 4 with blanks); then for each topic of the
header in its order each column as i32[points]: differences along the column (modulo 2^32), as four planes of bytes,
lowest first; then u8[points] flags, padded to 4. Header: `{v, since, until, topics: {NAME: {subjects, start, columns, scale}}}`
points `start[i]` to `start[i + 1]` are of subject i; number = value / scale; NONE is null. Column `heard`: ms after `since`,
when the hall learnt it (before 0: the last that was known when the segment began); `lag`: so many ms earlier it happened.
Flag 1: reports went on up to the next point and were within the stated error (thinning.py), readings with the same value.
"""

from __future__ import annotations

import gzip
import struct
from array import array
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from dispatch.history.thinning import SILENCE_MS, keep_places, keep_values

NONE = -(2**31)
_MOST = 2**31 - 1
_NAN = float("nan")
#: topic -> (field of the document, whole numbers per unit)
FIELDS: dict[str, tuple[tuple[str, float], ...]] = {
    "position": (("lon", 1e6), ("lat", 1e6), ("heading_deg", 10), ("speed_mps", 100), ("accuracy_m", 10)),
    "observation": (("value", 1e4),),
}
#: what else of such a document changes with each report and is not kept
DROPPED = {"position": ("extra", "cell", "district"), "observation": ("extra",)}


def width(topic: str) -> int:
    """Numbers per point: heard, lag, the fields."""
    return 2 + len(FIELDS[topic])


def split(topic: str, data: dict[str, Any]) -> list[float]:
    """Takes the numbers out of a document (changed in place: the rest stays), NaN where one is missing."""
    found = []
    for name, _ in FIELDS[topic]:
        value = data.pop(name, None)
        found.append(float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else _NAN)
    for name in DROPPED[topic]:
        data.pop(name, None)
    return found


class Tracks:
    """Points by topic and subject, as they came: `rows[topic][subject]` is flat, `width` numbers a point."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, array]] = {topic: {} for topic in FIELDS}

    def add(self, topic: str, subject: str, point: Iterable[float]) -> None:
        rows = self.rows[topic]
        found = rows.get(subject)
        if found is None:
            found = rows[subject] = array("d")
        found.extend(point)

    def __bool__(self) -> bool:
        return any(self.rows.values())

    @property
    def points(self) -> int:
        return sum(len(flat) // width(topic) for topic, rows in self.rows.items() for flat in rows.values())

    def encode(self) -> bytes:
        plain = {topic: {subject: flat.tobytes() for subject, flat in rows.items()} for topic, rows in self.rows.items()}
        return gzip.compress(msgspec.msgpack.encode(plain), 1, mtime=0)

    def merge(self, encoded: bytes) -> None:
        """Adds what another one's `encode` gave."""
        for topic, rows in msgspec.msgpack.decode(gzip.decompress(encoded)).items():
            for subject, raw in rows.items():
                self.add(topic, subject, array("d", raw))


class Packed(NamedTuple):
    """`body`: what is kept and served. `last`: the newest point of each subject, for the segment that follows."""

    body: bytes
    points: int
    heard: int
    last: dict[str, dict[str, np.ndarray]]


def pack(tracks: Tracks, since: int, until: int, before: dict[str, dict[str, np.ndarray]], thin: bool = True) -> Packed:
    """One segment [since, until) of city ms. `before`: the newest point of each subject that is not gone."""
    topics, parts, last, points = {}, [], {}, 0
    for topic in FIELDS:
        made = _pack_topic(topic, tracks.rows[topic], since, before.get(topic, {}), thin)
        topics[topic], last[topic] = made.header, made.last
        parts += made.parts
        points += made.points
    header = msgspec.json.encode({"v": 1, "since": since, "until": until, "topics": topics})
    header += b" " * (-len(header) % 4)
    body = gzip.compress(b"".join([struct.pack("<I", len(header)), header, *parts]), 5 if thin else 1, mtime=0)
    return Packed(body, points, tracks.points, last)


class _Topic(NamedTuple):
    header: dict[str, Any]
    parts: list[bytes]
    last: dict[str, np.ndarray]
    points: int


def _pack_topic(topic: str, rows: dict[str, array], since: int, before: dict[str, np.ndarray], thin: bool) -> _Topic:
    wide = width(topic)
    subjects, start, tables, flags, last = sorted({*rows, *before}), [0], [], [], {}
    for subject in subjects:
        table = np.frombuffer(rows[subject], dtype=np.float64).reshape(-1, wide) if subject in rows else np.empty((0, wide))
        if subject in before:
            table = np.vstack((before[subject], table))
        if (np.diff(table[:, 0]) < 0).any():  # two feeds of one unit, or the board's after the bus'
            table = table[np.argsort(table[:, 0], kind="stable")]
        kept, marks = _thinned(topic, table, thin)
        last[subject] = table[-1].copy()
        tables.append(kept)
        flags.append(marks)
        start.append(start[-1] + len(kept))
    whole = np.vstack(tables) if tables else np.empty((0, wide))
    names = ["heard", "lag", *(name for name, _ in FIELDS[topic])]
    scale = [1, 1, *(_fitting(whole[:, 2 + n], per) for n, (_, per) in enumerate(FIELDS[topic]))]
    columns = [_plane(whole[:, 0] - since, 1), *(_plane(whole[:, n], scale[n]) for n in range(1, wide))]
    marks = np.concatenate(flags).astype(np.uint8).tobytes() if flags else b""
    header = {"subjects": subjects, "start": start, "columns": names, "scale": scale}
    return _Topic(header, [*columns, marks + b"\0" * (-len(marks) % 4)], last, start[-1])


def _thinned(topic: str, table: np.ndarray, thin: bool) -> tuple[np.ndarray, np.ndarray]:
    times = table[:, 0]
    if not thin or len(table) < 3:
        return table, np.zeros(len(table), bool)
    kept = keep_places(times, table[:, 2], table[:, 3]) if topic == "position" else keep_values(times, table[:, 2])
    chosen = np.flatnonzero(kept)
    dropped = np.diff(chosen, append=chosen[-1] + 1) > 1
    return table[chosen], dropped


def _fitting(values: np.ndarray, per: float) -> float:
    """Whole numbers per unit: fewer where the largest would not fit into 31 bits."""
    finite = np.abs(values[np.isfinite(values)])
    while finite.size and finite.max() * per > _MOST:
        per /= 10
    return per


def _plane(values: np.ndarray, scale: float) -> bytes:
    scaled = np.clip(np.round(np.where(np.isfinite(values), values, 0) * scale), -_MOST, _MOST).astype(np.int64)
    scaled[~np.isfinite(values)] = NONE
    steps = np.diff(scaled, prepend=0).astype(np.uint64).astype(np.uint32)
    return steps.astype("<u4").view(np.uint8).reshape(-1, 4).T.tobytes()


class Unpacked(NamedTuple):
    """`topics[NAME]`: subject -> (float64[points, columns] with `heard` in city ms and NaN for null, uint8[points] flags)."""

    since: int
    until: int
    topics: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]


def unpack(body: bytes) -> Unpacked:
    raw = gzip.decompress(body)
    size = struct.unpack_from("<I", raw)[0]
    header = msgspec.json.decode(raw[4 : 4 + size])
    at, topics = 4 + size, {}
    for topic, told in header["topics"].items():
        points, columns = told["start"][-1], []
        for scale in told["scale"]:
            planes = np.frombuffer(raw, np.uint8, points * 4, at).reshape(4, points)
            steps = np.ascontiguousarray(planes.T).view("<u4").reshape(points)
            whole = np.cumsum(steps, dtype=np.uint32).view(np.int32)
            columns.append(np.where(whole == NONE, np.nan, whole / scale))
            at += points * 4
        flags = np.frombuffer(raw, np.uint8, points, at)
        at += points + -points % 4
        table = np.column_stack(columns) if points else np.empty((0, len(told["scale"])))
        table[:, 0] += header["since"]
        cuts = zip(told["start"], told["start"][1:], strict=False)
        topics[topic] = {s: (table[a:b], flags[a:b]) for s, (a, b) in zip(told["subjects"], cuts, strict=True)}
    return Unpacked(header["since"], header["until"], topics)


def at(track: tuple[np.ndarray, np.ndarray], topic: str, moment: int) -> tuple[int, dict[str, float]] | None:
    """What was known of a subject at `moment` (city ms): when it happened, and the numbers; None: nothing yet.

    Between two kept points of which the first is flagged, positions lie on the line and readings are as they were.
    """
    table, flags = track
    n = int(np.searchsorted(table[:, 0], moment, side="right")) - 1
    if n < 0:
        return None
    row, heard = table[n], int(table[n, 0])
    if flags[n] and n + 1 < len(table):
        part = min(1.0, (moment - heard) / max(1.0, table[n + 1, 0] - heard))
        row, heard = row.copy(), moment
        if topic == "position":
            row[2:4] += part * (table[n + 1, 2:4] - row[2:4])
    return heard - int(row[1]), _named(topic, row)


def _named(topic: str, row: np.ndarray) -> dict[str, float]:
    return {name: round(float(v), 7) for (name, _), v in zip(FIELDS[topic], row[2:], strict=True) if not np.isnan(v)}


def trail(table: np.ndarray, since: int, until: int) -> Iterator[list[float]]:
    """`[time, lon, lat]` of the points of one position learnt from `since` to `until`. `table`: see Unpacked."""
    for heard, lag, lon, lat in table[:, :4].tolist():
        if since <= heard <= until and lon == lon and lat == lat:
            yield [int(heard - lag), round(lon, 6), round(lat, 6)]


__all__ = ["FIELDS", "NONE", "SILENCE_MS", "Packed", "Tracks", "Unpacked", "at", "pack", "split", "trail", "unpack", "width"]
