"""The components as they are asked: whichever version is current, cut down to what the asker may see. For many threads."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import shapely

from feeds.components import choosing, finding, pack
from feeds.components.choosing import ALL, EVERYTHING, Chosen, Question, Scope
from feeds.components.grid import MOST, Box, grid
from feeds.components.record import MARKS, STATES
from feeds.components.store import DEGREE, Store, open_current
from hall.core.errors import Refused

#: bytes of answers kept, and how many
KEPT_BYTES, KEPT = 256 << 20, 64


class _Kept:
    """The newest answers, bounded by number and bytes. `made` is called outside of the lock: two may make the same."""

    def __init__(self) -> None:
        self._lock, self._found, self._bytes = threading.Lock(), OrderedDict[Any, tuple[Any, int]](), 0

    def get(self, key: Any, made: Callable[[], tuple[Any, int]]) -> Any:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key][0]
        value, size = made()
        with self._lock:
            if key not in self._found:
                self._found[key] = value, size
                self._bytes += size
            while len(self._found) > KEPT or (self._bytes > KEPT_BYTES and len(self._found) > 1):
                self._bytes -= self._found.popitem(last=False)[1][1]
        return value


class View:
    """One version within one scope. Rows are numbered among those that may be seen: 0 .. total-1 along the Z-curve."""

    def __init__(self, store: Store, scope: Scope, kept: _Kept) -> None:
        self.store, self.scope, self._kept = store, scope, kept
        self.version = store.name
        if scope != ALL:
            told = msgspec.json.encode(scope)
            self.version += "." + hashlib.blake2b(told, digest_size=8).hexdigest()

    # -- what may be seen --------------------------------------------------------------------------------------------

    def _mask(self) -> np.ndarray:
        return self._kept.get((self.version, "mask"), lambda: _sized(choosing.within(self.store, self.scope)))

    def _seen(self) -> Chosen:
        return self._chosen(EVERYTHING)

    def _chosen(self, question: Question) -> Chosen:
        def made() -> tuple[Chosen, int]:
            if question == EVERYTHING and self.scope == ALL:
                rows = np.arange(len(self.store), dtype=np.uint32)
                return Chosen(rows, self.store.column("key")), rows.nbytes
            mask = self._mask() if question == EVERYTHING else self._mask() & choosing.answering(self.store, question)
            found = choosing.chosen(self.store, mask)
            return found, found.rows.nbytes + found.keys.nbytes

        return self._kept.get((self.version, question), made)

    def _own_rows(self, rows: np.ndarray) -> np.ndarray:
        """Rows of the version as numbered here."""
        return rows if self.scope == ALL else np.searchsorted(self._seen().rows, rows)

    def _whole_row(self, row: int) -> int:
        rows = self._seen().rows
        if not 0 <= row < len(rows):
            raise Refused("unknown-component", f"there is no row {row}", 404)
        return int(rows[row])

    # -- answers -----------------------------------------------------------------------------------------------------

    @property
    def total(self) -> int:
        return len(self._seen().rows)

    def about(self) -> dict[str, Any]:
        """What there is to filter by, with how many components each; where they came from."""
        return self._kept.get((self.version, "about"), lambda: (self._about(), 10_000))

    def _about(self) -> dict[str, Any]:
        store, rows = self.store, self._seen().rows
        tables = store.tables

        def column(name: str) -> np.ndarray:
            return store.column(name) if self.scope == ALL else store.column(name)[rows]

        def counted(name: str, table: Any) -> list[tuple[Any, int, int]]:
            counts = np.bincount(column(name), minlength=len(table)).tolist()
            return [(entry, number, count) for number, (entry, count) in enumerate(zip(table, counts, strict=False)) if count]

        marks = column("marks")
        return {
            "version": self.version,
            "total": len(rows),
            "made_at": store.meta.made_at,
            "classes": [
                {"number": number, "code": kind.code, "main": kind.main, "sub": kind.sub, "count": count}
                for kind, number, count in counted("class", tables.classes)
            ],
            "districts": [{"name": name, "count": count} for name, _, count in counted("district", tables.districts)],
            "departments": [{"name": name, "count": count} for name, _, count in counted("department", tables.departments)],
            "states": [{"name": name, "count": count} for name, _, count in counted("state", STATES)],
            "marks": [
                {"name": name, "count": count}
                for bit, name in enumerate(MARKS)
                if (count := int(np.count_nonzero(marks & (1 << bit))))
            ],
            "sources": [
                {"name": name, "count": count, "label": told.label, "at": told.at}
                | {"crs": told.crs, "crs_accuracy_m": told.crs_accuracy_m}
                for name, _, count in counted("source", tables.sources)
                if (told := store.meta.sources.get(name))
            ],
        }  # fmt: skip

    def pack(self) -> bytes | memoryview:
        """All of it for a browser to paint (pack.pack)."""
        if self.scope == ALL:
            return self.store.pack

        def made() -> tuple[bytes, int]:
            seen = self._seen()
            body = pack.pack(seen.keys, self.store.column("class")[seen.rows])
            return body, len(body)

        return self._kept.get((self.version, "pack"), made)

    def bits(self, question: Question) -> bytes:
        """Which rows answer a question (pack.bits)."""

        def made() -> tuple[bytes, int]:
            if self.scope == ALL:
                body = pack.bits(choosing.answering(self.store, question))
            else:
                found = np.zeros(self.total, np.bool_)
                found[self._own_rows(self._chosen(question).rows)] = True
                body = pack.bits(found)
            return body, len(body)

        return self._kept.get((self.version, question, "bits"), made)

    def grid(self, question: Question, box: Box, zoom: int, most: int = MOST) -> dict[str, Any]:
        found = grid(self.store, self._chosen(question), box, zoom, most)
        features = found.features
        if self.scope != ALL:
            rows = np.array([feature[3] for feature in features], np.int64)
            own = np.where(rows < 0, -1, self._own_rows(np.maximum(rows, 0))).tolist()
            features = [[*feature[:3], row, feature[4]] for feature, row in zip(features, own, strict=True)]
        return {"version": self.version, "total": found.total, "level": found.level, "features": features}

    def search(self, question: Question, offset: int, limit: int) -> dict[str, Any]:
        """`{total, rows}`: whole records, in the order of the store; a number written out in full comes first."""
        rows = self._chosen(question).rows
        exact = self.store.row_of(question.text.strip()) if question.text else None
        some = rows[offset : offset + limit].tolist()
        if exact is not None and not offset and exact in rows and exact not in some[:1]:
            some = [exact, *(row for row in some if row != exact)][:limit]
        return {"version": self.version, "total": len(rows), "rows": [self._record(row) for row in some]}

    def inside(self, question: Question, area: Any, limit: int) -> dict[str, Any]:
        """`{version, made_at, total, classes, rows}` of those in an area (a shapely polygon, WGS-84 degrees; its edge counts):
        `classes` with counts, commonest first; `rows` at most `limit` whole records, in the order of the store."""
        chosen = self._chosen(question).rows
        lon, lat = self.store.column("lon")[chosen], self.store.column("lat")[chosen]
        west, south, east, north = np.array(area.bounds) / DEGREE
        near = np.flatnonzero((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
        shapely.prepare(area)
        rows = chosen[near[shapely.intersects_xy(area, lon[near] * DEGREE, lat[near] * DEGREE)]]
        counts = np.bincount(self.store.column("class")[rows], minlength=len(self.store.tables.classes)).tolist()
        kinds = sorted(zip(counts, self.store.tables.classes, strict=False), key=lambda pair: -pair[0])
        return {
            "version": self.version,
            "made_at": self.store.meta.made_at,
            "total": len(rows),
            "classes": [{"code": kind.code, "main": kind.main, "sub": kind.sub, "count": n} for n, kind in kinds if n],
            "rows": [self._record(row) for row in rows[:limit].tolist()],
        }

    def first(self, text: str, limit: int, near: tuple[float, float] | None = None) -> dict[str, Any]:
        """`{more, rows}`: the first whole records that answer words, within 0.1 s (finding.first)."""
        found = finding.first(self.store, self._mask(), text, limit, near)
        return {"version": self.version, "more": found.more, "rows": [self._record(row) for row in found.rows]}

    def around(self, lon: float, lat: float, metres: float, limit: int) -> dict[str, Any]:
        """`{total, classes, rows}` within `metres`: how many of each class, most first, and the nearest whole records, each
        with `distance_m`."""
        rows, near, away = finding.around(self.store, self._seen(), lon, lat, metres, limit)
        counts = np.bincount(self.store.column("class")[rows], minlength=len(self.store.tables.classes)).tolist()
        kinds = [
            {"code": kind.code, "main": kind.main, "sub": kind.sub, "count": count}
            for kind, count in zip(self.store.tables.classes, counts, strict=False)
            if count
        ]
        return {
            "version": self.version,
            "total": len(rows),
            "classes": sorted(kinds, key=lambda kind: -kind["count"]),
            "rows": [
                self._record(row) | {"distance_m": round(distance, 1)}
                for row, distance in zip(near.tolist(), away.tolist(), strict=True)
            ],
        }

    def at(self, row: int) -> dict[str, Any]:
        """The record of a row as numbered here; raises Refused 404."""
        return self._record(self._whole_row(row))

    def one(self, component_id: str) -> dict[str, Any]:
        """The record of a number; raises Refused 404, 403."""
        row = self.store.row_of(component_id)
        if row is None:
            raise Refused("unknown-component", f"there is no component {component_id[:60]}", 404)
        if not self._mask()[row]:
            raise Refused("wrong-component", "this component is in no district or department of yours", 403)
        return self._record(row)

    def _record(self, row: int) -> dict[str, Any]:
        own = int(self._own_rows(np.array([row], np.uint32))[0])
        record = self.store.record(row)
        about = self.store.meta.sources.get(record["source"])
        return record | {"row": own, "imported_at": about.at if about else 0}


def _sized(array: np.ndarray) -> tuple[np.ndarray, int]:
    return array, array.nbytes


class Inventory:
    """`root`: where the versions lie. A new version is noticed with the next question."""

    def __init__(self, root: Path) -> None:
        self.root, self._kept, self._lock = root, _Kept(), threading.Lock()
        self._store: Store | None = None
        self._mark: tuple[int, int] | None = None

    def _current(self) -> Store | None:
        try:
            told = (self.root / "current").stat()
        except FileNotFoundError:
            return None
        mark = (told.st_mtime_ns, told.st_ino)
        with self._lock:
            if mark != self._mark:
                self._store, self._mark = open_current(self.root), mark
            return self._store

    def view(self, districts: tuple[str, ...] | None, department: str | None) -> View | None:
        """The current version within a scope (None: all), None while nothing was imported. Raises HallError."""
        store = self._current()
        return None if store is None else View(store, Scope(districts, department), self._kept)

    @staticmethod
    def question(**fields: Any) -> Question:
        """A question of plain fields; raises ValueError naming a value that nothing can have."""
        found = Question(**fields)
        for name, known in (("states", STATES), ("marks", MARKS)):
            for value in getattr(found, name):
                if value not in known:
                    raise ValueError(f"{name}: {value[:40]!r} is none of {', '.join(filter(None, known))}")
        return found
