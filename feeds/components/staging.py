"""From rows to components: mapping, checks and places, batch by batch. What is taken waits in a spool file with its numbers
beside it in memory (about 150 bytes a row); what is refused goes to the parked file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow
import shapely

from feeds.components.frames import Frame
from feeds.components.positions import REASONS, Extent, Placed, decimals_of, examine
from feeds.components.reading import Broken, Opened, encoded, shown
from feeds.components.record import ID_BOUND, MAIN_CLASSES, MARK_BITS, MARKS, Component, accuracy_of, class_in, state_of
from feeds.components.report import PREFIX, ParkedRows, Report
from feeds.components.settings import Source
from feeds.components.shapes import Shaped, shaped
from feeds.components.tables import Numbering, searched
from feeds.mapping.fields import number_of
from feeds.places import Areas
from hall.core.errors import BadInput
from hall.core.geometries import WRONG, geometry_of

BATCH = 10_000
#: numbers of each staged row
STAGED = np.dtype([
    ("id", f"S{ID_BOUND}"), ("content", "<u8"), ("lon", "<i4"), ("lat", "<i4"), ("marks", "<u2"), ("updated", "<i8"),
    ("class", "<u2"), ("district", "<u2"), ("department", "<u2"), ("state", "u1"),
    ("at", "<u8"), ("length", "<u4"), ("raw", "<u4"), ("number", "<u4"),
])  # fmt: skip


class _Row(NamedTuple):
    """A row on its way: where it stood, its values, its component without a position yet, and the position's numbers."""

    number: int
    raw: dict[str, Any]
    made: Component
    marks: int
    x: float
    y: float
    decimals: int
    outline: Shaped | None


class Staging:
    """`withdrawn`: numbers that the source says are gone; `parked_ids`: those whose row was refused."""

    def __init__(
        self, source: Source, frame: Frame, extent: Extent, areas: Areas, tables: Numbering, report: Report, folder: Path
    ) -> None:
        self.source, self.frame, self.extent, self.areas, self.report = source, frame, extent, areas, report
        self.tables = tables
        self.texts: list[Any] = []  # one Arrow array a batch
        self.spool = folder / "spool"
        self._file = self.spool.open("wb")
        self._at = 0
        self._batches: list[np.ndarray] = []
        self.parked = ParkedRows(folder / "parked.csv")
        self.parked_ids: set[bytes] = set()
        self.withdrawn: set[bytes] = set()
        self._place = "row {}"

    def take(self, opened: Opened, progress: Any = None) -> np.ndarray:
        """Reads the source to its end; returns the staged rows in their order (dtype STAGED). Raises Unreadable."""
        self._place = opened.place
        rows = iter(opened.rows)
        while batch := list(islice(rows, BATCH)):
            self.report.rows += len(batch)
            self._batch(batch)
            if progress:
                progress(self.report.rows)
        self._file.close()
        rows = np.concatenate(self._batches) if self._batches else np.zeros(0, STAGED)
        self._batches.clear()
        return rows

    # -- one row -----------------------------------------------------------------------------------------------------

    def _batch(self, batch: list[tuple[int, dict[str, Any] | Broken]]) -> None:
        mapped = list(self._mapped(batch))
        if not mapped:
            return
        columns = (np.array(column) for column in zip(*((r.x, r.y, r.decimals) for r in mapped), strict=True))
        placed = examine(*columns, self.frame, self.source.rules, self.extent)  # type: ignore[misc]
        good = placed.wrong == 0
        districts = iter(self.areas.find(placed.lon[good], placed.lat[good]))
        self._keep(mapped, placed, districts)

    def _mapped(self, batch: list[tuple[int, dict[str, Any] | Broken]]) -> Iterator[_Row]:
        for number, row in batch:
            if isinstance(row, Broken):
                self._refuse(number, row.reason, row.detail, row.raw, None)
                continue
            component_id = None
            try:
                component_id = self.source.number(row)
                if found := self._row(number, row, component_id):
                    yield found
            except BadInput as error:
                self._refuse(number, error.reason, error.detail, row, component_id)
            except WRONG as error:
                self._refuse(number, "mapping-failed", f"{type(error).__name__}: {error}", row, component_id)

    def _row(self, number: int, row: dict[str, Any], component_id: str) -> _Row | None:
        source, rules = self.source, self.source.rules
        if not component_id:
            raise BadInput("id-missing")
        if not component_id.isprintable() or len(component_id.encode("utf-8")) > ID_BOUND:
            raise BadInput("id-malformed", f"{component_id[:60]!r}: at most {ID_BOUND} bytes, no control characters")
        texts = {name: take(row) for name, take in source.texts.items()}
        texts = texts if "".join(texts.values()).isascii() else shown(texts)
        marks = self._classified(component_id, texts)
        if source.withdrawn and source.withdrawn(row):
            self.withdrawn.add(component_id.encode())
            return None
        label = texts.pop("state", "")
        state = state_of(label) if label else ""
        marks |= MARK_BITS["state-unknown"] if state is None else 0
        accuracy = accuracy_of(texts.pop("accuracy", ""))
        x, y, decimals, outline = self._position(row)
        made = Component(
            component_id=component_id,
            source=source.name,
            state=state or "",
            state_label=label,
            accuracy_m=accuracy,
            updated=source.updated(row) if source.updated else None,
            lon=0.0,
            lat=0.0,
            crs=self.frame.name,
            x=x,
            y=y,
            extra=source.extra(row),
            **texts,
        )
        if not made.subclass_name:
            made.subclass_name = rules.classes.get(made.class_code, "")
        return _Row(number, row, made, marks, x, y, decimals, outline)

    def _classified(self, component_id: str, texts: dict[str, str]) -> int:
        """Takes the class out of a standard number where the source does not say it; returns marks."""
        structure = self.source.rules.id_structure
        if structure == "free":
            return 0
        code, main = class_in(component_id, structure)
        said = texts.get("class_code", "")
        texts["class_code"] = said or code
        texts["class_name"] = texts.get("class_name", "") or MAIN_CLASSES.get(main, "")
        return MARK_BITS["class-differs"] if said and said not in (code, code[2:]) else 0

    def _position(self, row: dict[str, Any]) -> tuple[float, float, int, Shaped | None]:
        source = self.source
        if source.geometry:
            found = shaped(source.geometry(row))
            if self.frame.srid and found.srid not in (0, self.frame.srid):
                raise BadInput("crs-differs", f"SRID {found.srid}, the source's first geometry has {self.frame.srid}")
            decimals = max(decimals_of(repr(round(found.x, 9))), decimals_of(repr(round(found.y, 9))))
            return found.x, found.y, decimals if found.outline is None else 99, found
        x, y = source.lon(row), source.lat(row)  # type: ignore[misc]
        decimals = max(decimals_of(str(x)), decimals_of(str(y)))
        numbers = [number_of(value) for value in (x, y)]
        return *(np.nan if value is None else value for value in numbers), decimals, None  # type: ignore[return-value]

    # -- one batch ---------------------------------------------------------------------------------------------------

    def _keep(self, mapped: list[_Row], placed: Placed, districts: Iterator[str]) -> None:
        staged = np.zeros(len(mapped), STAGED)
        pieces, texts, count = [], [], 0
        lons, lats = np.round(placed.lon, 7).tolist(), np.round(placed.lat, 7).tolist()
        for row, lon, lat, marks, wrong in zip(mapped, lons, lats, placed.marks.tolist(), placed.wrong.tolist(), strict=True):
            if wrong:
                self._refuse(row.number, REASONS[wrong], f"x={row.x!r} y={row.y!r}", row.raw, row.made.component_id)
                continue
            made, marks = row.made, marks | row.marks
            made.lon, made.lat = lon, lat
            marks |= self._district(made, next(districts))
            try:
                marks |= self._outlined(made, row.outline, bool(marks & MARK_BITS["swapped"]))
            except BadInput as error:
                self._refuse(row.number, error.reason, error.detail, row.raw, made.component_id)
                continue
            made.marks = [name for name in MARKS if marks & MARK_BITS[name]]
            for name in made.marks:
                self.report.mark(name, f"{self._place.format(row.number)}: {made.component_id} at {row.x!r}, {row.y!r}")
            record, raw = encoded(made), encoded(row.raw)
            pieces += (record, raw)
            texts.append(searched(made))
            staged[count] = (
                made.component_id.encode(), content_of(record), round(lon * 1e7), round(lat * 1e7), marks,
                made.updated or 0, *self.tables.numbers(made), self._at, len(record), len(raw), row.number,
            )  # fmt: skip
            self._at += len(record) + len(raw)
            count += 1
        self._file.write(b"".join(pieces))
        self._batches.append(staged[:count].copy())
        self.texts.append(pyarrow.array(texts, pyarrow.large_string()))

    def _district(self, made: Component, found: str) -> int:
        if not found:
            return MARK_BITS["outside-districts"] if len(self.areas) else 0
        said, made.district = made.district, found
        if said and said != found:
            made.extra = {**made.extra, "district_said": said}
            return MARK_BITS["district-differs"]
        return 0

    def _outlined(self, made: Component, found: Shaped | None, swapped: bool) -> int:
        """Where the point was put right, so is the outline."""
        if found is None or found.outline is None:
            return 0
        x, y = (1, 0) if swapped else (0, 1)
        moved = shapely.transform(
            found.outline, lambda xy: np.column_stack(self.frame.to_wgs84(xy[:, x].copy(), xy[:, y].copy()))
        )
        if not np.isfinite(moved.bounds).all():
            raise BadInput("geometry-outside-crs", f"{found.outline.wkt[:80]}: not everywhere in {self.frame.name}")
        made.geometry = msgspec.json.decode(shapely.to_geojson(shapely.set_precision(moved, 1e-7, mode="pointwise")))
        return MARK_BITS["geometry-repaired"] if found.repaired else 0

    def _refuse(self, number: int, reason: str, detail: str, row: Any, component_id: str | None) -> None:
        raw = row.encode("utf-8", "replace") if isinstance(row, str) else encoded(_told(row))
        self.park(number, reason, detail, raw, (component_id or "").encode("utf-8", "replace")[:ID_BOUND])

    def park(self, number: int, reason: str, detail: str, raw: bytes, component_id: bytes) -> None:
        """Refuses one row, read just now or staged before; `raw` as ParkedRows.add takes it."""
        place, detail = self._place.format(number), shown(detail)
        self.report.park(reason, f"{place}: {detail}" if detail else place)
        self.parked.add(reason, detail, place, raw)
        if component_id:
            self.parked_ids.add(component_id)


def content_of(record: bytes) -> int:
    """64 bits that differ where two records do."""
    return int.from_bytes(hashlib.blake2b(record, digest_size=8).digest(), "little")


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """A row as people correct it: geometry as WKT, without the remarks of an earlier parking."""
    found = {k: v for k, v in row.items() if not k.startswith(PREFIX)}
    geometry = found.get("geometry")
    if isinstance(geometry, bytes | bytearray | memoryview):
        try:
            found["geometry"] = geometry_of(geometry).wkt
        except ValueError:
            found["geometry"] = bytes(geometry).hex()
    elif isinstance(geometry, shapely.Geometry):
        found["geometry"] = geometry.wkt
    return found
