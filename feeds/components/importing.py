"""One import from a source to the current version: read, checked, merged, written, made current. All of it or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
import numpy as np
import shapely

from feeds.components import versions
from feeds.components.build import write_version
from feeds.components.frames import Frame, frame_of
from feeds.components.merging import merge
from feeds.components.positions import Extent
from feeds.components.reading import Broken, Opened, Unreadable, reader_for
from feeds.components.report import ParkedRows, Report
from feeds.components.settings import Source
from feeds.components.staging import Staging
from feeds.components.store import Meta, SourceInfo, open_current
from feeds.components.tables import Numbering, Tables
from feeds.mapping.values import Take
from feeds.places import Areas, load_areas
from hall.core.clock import monotonic
from hall.core.config import HallConfig
from hall.core.errors import ConfigError, HallError
from hall.core.geometries import WRONG

_LOOKED_THROUGH = 5_000  # rows, for the first geometry that says its CRS
_REACH = 0.1  # degrees around the city's boundary that still belong to its reach
_WIDE = 2.0  # degrees around the city's centre where it has no boundary


@dataclass
class Order:
    """What is to be done. `whole`: the source holds all it has, what is no longer in it is withdrawn. `at`: real ms."""

    where: str
    source: Source
    whole: bool
    at: int
    by: str = ""
    force: bool = False  # withdraw however many
    parked: bool = False  # a corrected file of parked rows
    progress: Callable[[int], None] | None = None


def import_components(config: HallConfig, root: Path, order: Order) -> Report:
    """The report says what happened, also when nothing was changed (`version` empty). Raises HallError, ConfigError."""
    started = monotonic()
    report = Report(source=order.source.name, origin=shown(order.where), mode="whole" if order.whole else "update", at=order.at)
    report.by = order.by
    with versions.importing(root) as folder:
        try:
            return _imported(config, root, folder, order, report, started)
        except OSError as error:
            raise HallError(f"components cannot be written: {error.strerror or error}; the version before stands") from None


def _imported(config: HallConfig, root: Path, folder: Path, order: Order, report: Report, started: float) -> Report:
    before = open_current(root)
    tables = Numbering(before.tables if before is not None else Tables())
    tables.source(order.source.name)
    opened = _opened(order)
    frame, opened = _frame(order.source, opened)
    report.crs, report.crs_accuracy_m = frame.name, frame.accuracy_m
    report.notes += [opened.note] if opened.note else []
    areas = Areas([])
    if config.city.boundary:
        areas = load_areas(config, config.city.boundary, config.city.boundary_name, config.city.boundary_crs, "city.boundary")
    staging = Staging(order.source, frame, extent_of(config, order.source, areas), areas, tables, report, folder)
    rows = staging.take(opened, order.progress)
    try:
        merged = merge(before, rows, staging, order.whole, order.force, report)
        if merged.changed:
            meta = _meta(before.meta if before is not None else Meta(), tables.tables, order, report)
            made = folder / "version"
            made.mkdir()
            sum_ = write_version(made, before, merged.kept, staging, rows, merged.taken, meta)
            report.version = f"v{versions.next_number(root):06d}-{sum_}"
            versions.publish(root, made, report.version)
    finally:
        report.seconds = round(monotonic() - started, 2)
        _keep(root, staging.parked, report)
    return report


def _opened(order: Order) -> Opened:
    rules = order.source.rules
    if order.parked:  # made by us: CSV with a header, UTF-8
        rules = msgspec.structs.replace(rules, format="csv", encoding="utf-8-sig", delimiter=",", header=[], skip_lines=0)
    elif "://" not in order.where and not Path(order.where).exists():
        raise Unreadable(f"there is no {order.where}")
    return reader_for(order.where, rules).open(order.where, rules)


def _frame(source: Source, opened: Opened) -> tuple[Frame, Opened]:
    """The CRS: named for the source, else the file's own, else that of its first geometry that names one."""
    crs, rows, read = source.rules.crs or opened.crs, iter(opened.rows), []
    srid = 0
    while not crs and source.geometry and len(read) < _LOOKED_THROUGH and (row := next(rows, None)) is not None:
        read.append(row)
        srid = 0 if isinstance(row[1], Broken) else _srid(source.geometry, row[1])
        crs = opened.crs_of(srid) if srid else ""
    rows = chain(read, rows)
    if not crs:
        raise ConfigError(
            "say which: WGS-84, CGCS2000, GCJ-02, BD-09, EPSG:<code> or a PROJ string",
            file=source.name,
            key="crs",
        )
    note = opened.note
    if source.rules.crs and opened.crs and source.rules.crs != opened.crs:
        note = f"{note}; " if note else ""
        note += f"the file says {opened.crs[:60]}, {source.rules.crs} is taken as configured"
    try:
        return frame_of(crs)._replace(srid=srid), opened._replace(rows=rows, note=note)
    except ValueError as error:
        raise ConfigError(str(error), file=source.name, key="crs") from None


def _srid(geometry: Take, row: dict[str, Any]) -> int:
    """Of a row's geometry; 0 where it has none, or cannot be read: why is said when the row is parked."""
    from feeds.components.shapes import shaped

    try:
        return shaped(geometry(row)).srid
    except (HallError, *WRONG):
        return 0


def extent_of(config: HallConfig, source: Source, areas: Areas) -> Extent:
    """The city's reach in WGS-84 degrees: as configured, else around its boundary, else around its centre."""
    if source.rules.extent:
        return source.rules.extent
    if len(areas):
        west, south, east, north = shapely.total_bounds(np.array(areas.shapes))
        return float(west) - _REACH, float(south) - _REACH, float(east) + _REACH, float(north) + _REACH
    lon, lat = config.city.centre
    return lon - _WIDE, lat - _WIDE, lon + _WIDE, lat + _WIDE


def _meta(before: Meta, tables: Tables, order: Order, report: Report) -> Meta:
    told = SourceInfo(
        label=order.source.rules.label, origin=report.origin, crs=report.crs, crs_accuracy_m=report.crs_accuracy_m,
        at=order.at, mode=report.mode,
    )  # fmt: skip
    return Meta(made_at=order.at, tables=tables, sources={**before.sources, order.source.name: told})


def _keep(root: Path, parked: ParkedRows, report: Report) -> None:
    """The report, the parked rows, and a line in the list of imports."""
    folder = root / "reports"
    folder.mkdir(exist_ok=True)
    stem = f"{report.source}-{report.at}"
    made = parked.close()
    if made is not None:
        report.parked_file = str(folder / f"{stem}-parked.csv")
        shutil.move(made, report.parked_file)
    versions.write_durably(folder / f"{stem}.json", msgspec.json.format(msgspec.json.encode(report), indent=1))
    line = {name: getattr(report, name) for name in ("at", "by", "source", "origin", "mode", "version", "rows", "taken")}
    line |= {name: getattr(report, name) for name in ("inserted", "updated", "unchanged", "withdrawn", "repeated")}
    told(root, line | {"parked": report.parked_rows()})


def told(root: Path, line: dict[str, Any]) -> None:
    """Adds a line to the list of what was done with the components."""
    with (root / "imports.jsonl").open("ab") as file:
        file.write(msgspec.json.encode(line) + b"\n")


def shown(where: str) -> str:
    """An address without its password."""
    if "://" not in where:
        return where
    parts = urlsplit(where)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
