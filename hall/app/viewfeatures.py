"""What a map shows beside cases, crews and cameras, as GeoJSON features, each with its time and source. Pure.

WGS-84 degrees, times city ms. `kind id name class state severity district unit address text` as in a selection's file
(hall/app/selection.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import shapely

from hall.core.raster import Frame, Raster, latitude, longitude

#: runs of pixels that a field of depth or rain is put together from, deepest first
MOST_RUNS = 50_000
_NOT_IN_FORCE = {"Cancel"}
_CLOSURE_OVER = {"reopened", "declined", "cancelled"}
_INCIDENT_SHOWN = {"open", "closed"}
_GRADES = {"IV": 1, "III": 2, "II": 3, "I": 4}


class Made(NamedTuple):
    """`features` of `total` there are."""

    total: int
    features: list[dict[str, Any]]


class Told(NamedTuple):
    """One document: subject, city ms, plain fields."""

    subject: str
    time: int
    data: dict[str, Any]


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    """`geometry` of shapely, or GeoJSON."""
    plain = shapely.geometry.mapping(geometry) if isinstance(geometry, shapely.Geometry) else geometry
    kept = {name: value for name, value in properties.items() if value is not None and value not in ("", [], {})}
    return {"type": "Feature", "geometry": plain, "properties": kept}


def label_of(texts: Any, fallback: str = "") -> str:
    """Chinese first: files go to other systems of the city, not to one reader."""
    if not isinstance(texts, dict) or not texts:
        return fallback
    return texts.get("zh-CN") or next(iter(texts.values()))


def in_force(rows: Iterable[Told], now: int) -> list[Told]:
    """Warnings that hold at `now`: not cancelled, not replaced by a later one, within their time."""
    known = list(rows)
    replaced = {one for row in known for one in row.data.get("references") or ()}

    def holds(data: dict[str, Any]) -> bool:
        onset, expires = data.get("onset"), data.get("expires")
        return (
            data.get("message_type", "Alert") not in _NOT_IN_FORCE
            and data.get("warning_id") not in replaced
            and (onset is None or onset <= now)
            and (expires is None or expires > now)
        )

    return [row for row in known if holds(row.data)]


def warnings(rows: Iterable[Told], now: int, area: Any) -> list[dict[str, Any]]:
    found = []
    for subject, time, data in in_force(rows, now):
        rings = [ring for one in data.get("areas") or () for ring in one.get("polygons") or () if len(ring) > 2]
        made = shapely.make_valid(shapely.MultiPolygon([shapely.Polygon(ring) for ring in rings])) if rings else None
        if made is None or not made.intersects(area):
            continue
        found.append(
            feature(
                made, kind="warnings", id=subject, name=label_of(data.get("headline"), data.get("event", "")),
                state=data.get("status", "Actual"), severity=data.get("severity", 0), text=label_of(data.get("description")),
                onset=data.get("onset"), expires=data.get("expires"), time=time, source=data.get("sender") or data.get("feed"),
            )
        )  # fmt: skip
    return found


def places(kind: str, rows: Iterable[Told], area: Any) -> list[dict[str, Any]]:
    """Closures, depots and incidents: points with what their symbols say. `lon`, `lat` of the data."""
    found = []
    for subject, time, data in rows:
        lon, lat = data.get("lon"), data.get("lat")
        if lon is None or lat is None or not _SHOWN[kind](data) or not area.intersects(shapely.Point(lon, lat)):
            continue
        found.append(
            feature(
                {"type": "Point", "coordinates": [lon, lat]}, kind=kind, id=subject,
                name=label_of(data.get("label")) or data.get("name") or data.get("title"), state=data.get("state"),
                severity=_GRADES.get(data.get("grade", "")),
                district=data.get("district"), unit=data.get("unit"), address=data.get("address"), time=time,
                source=data.get("source") or "hall", **_MORE[kind](data),
            )
        )  # fmt: skip
    return found


def _stock(data: dict[str, Any]) -> dict[str, Any]:
    free = {item: (one.get("have") or 0) - (one.get("out") or 0) for item, one in (data.get("stock") or {}).items()}
    return {"class": data.get("kind"), "free": free, "counted_at": (data.get("counted") or {}).get("at")}


_SHOWN = {
    "closures": lambda data: data.get("state") not in _CLOSURE_OVER,
    "depots": lambda data: True,
    "incidents": lambda data: data.get("state") in _INCIDENT_SHOWN,
}
_MORE = {
    "closures": lambda data: {"class": data.get("kind"), "depth_m": data.get("depth"), "urgent": data.get("urgent") or None},
    "depots": _stock,
    "incidents": lambda data: {
        "class": data.get("kind"),
        "grade": data.get("grade"),
        "commander": data.get("commander"),
        "exercise": data.get("exercise") or None,
    },
}


class Table(NamedTuple):
    """A measure's table (dispatch/measures/table.py) and what the catalogue says of the measure."""

    about: dict[str, Any]
    table: dict[str, Any]


def measured(areas: Iterable[dict[str, Any]], asked: Table) -> list[dict[str, Any]]:
    """Areas (features of a level) with the value of the measure; null where it is not known, as on the map."""
    about, table = asked
    nothing = [0] if table.get("absent") == 0 and not table.get("left_out") else [None]
    found = []
    for area in areas:
        value, before, n, near = ((table["rows"].get(area["properties"]["code"]) or nothing) + [None] * 4)[:4]
        made = feature(
            area["geometry"], kind="measures", id=area["properties"]["code"], name=area["properties"].get("name"),
            measure=about["name"], measure_label=label_of(about.get("label")), unit_of_value=about.get("unit"),
            level=table["level"],
            hour_before=before, n=n, nearest_gauge=near[0] if near else None, nearest_gauge_m=near[1] if near else None,
            time=table["as_of"], source="hall",
        )  # fmt: skip
        made["properties"]["value"] = value
        found.append(made)
    return found


def cells(areas: Iterable[dict[str, Any]], rows: dict[str, list[int]], as_of: int | None) -> list[dict[str, Any]]:
    """Grid cells with open cases, as the map colours them."""
    chosen = [(area, rows[area["properties"]["code"]]) for area in areas if rows.get(area["properties"]["code"], [0])[0]]
    return [
        feature(
            area["geometry"], kind="cells", id=area["properties"]["code"], name=area["properties"].get("name"),
            open_cases=row[0], severity=row[1], time=as_of, source="hall",
        )
        for area, row in chosen
    ]  # fmt: skip


def heat(grid: Any, since: int, until: int, classes: list[str], most: int) -> Made:
    """Cells of a heat grid (dispatch/heat) with the number of cases reported in them, densest first."""
    counts = grid.counts.reshape(-1)
    some = np.flatnonzero(counts)
    chosen = some[np.argsort(-counts[some].astype(np.int64), kind="stable")][:most]
    side, found = 1 / 2**grid.level, []
    for cell in chosen.tolist():
        x, y = grid.x + cell % grid.width, grid.y + cell // grid.width
        west, east = (x * side * 360 - 180, (x + 1) * side * 360 - 180)
        north, south = (_latitude(row * side) for row in (y, y + 1))
        found.append(
            feature(
                shapely.box(*(round(degrees, 7) for degrees in (west, south, east, north))), kind="heat",
                id=f"{grid.level}/{x}/{y}", reported=int(counts[cell]), classes=classes or None,
                period_from=since, period_to=until, time=until, source="hall",
            )
        )  # fmt: skip
    return Made(len(some), found)


def _latitude(y: float) -> float:
    return float(np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y)))))


def field(kind: str, raster: Raster, frame: Frame, codes: bytes, box: tuple[float, float, float, float]) -> Made:
    """A frame of depth or rain as one area for each class of its key, within the box; `total` counts runs of pixels, of which
    the deepest 50,000 are taken."""
    grid = raster.grid
    value = raster.step * (np.arange(256, dtype=float) - 1) ** 2
    level = np.where(np.arange(256) == 0, 0, np.searchsorted(np.asarray(raster.breaks), value, side="right"))
    classes = level.astype(np.uint8)[np.frombuffer(codes, np.uint8)].reshape(grid.height, grid.width)
    runs = _runs(classes)
    runs = runs[np.argsort(-runs[:, 3].astype(int), kind="stable")]
    lefts, rights = (_longitudes(grid, runs[:, column]) for column in (1, 2))
    tops, bottoms = _latitudes(grid, runs[:, 0]), _latitudes(grid, runs[:, 0] + 1)
    west, south, east, north = box
    inside = (lefts < east) & (rights > west) & (bottoms < north) & (tops > south)
    taken = np.flatnonzero(inside)[:MOST_RUNS]
    across = (np.clip(sides[taken], west, east) for sides in (lefts, rights))
    along = (np.clip(sides[taken], south, north) for sides in (bottoms, tops))
    (left, right), (bottom, top) = across, along
    boxes = shapely.box(left, bottom, right, top)
    found = []
    for number in sorted(set(runs[taken, 3].tolist())):
        made = shapely.union_all(boxes[runs[taken, 3] == number], grid_size=1e-7)
        upto = raster.breaks[number] if number < len(raster.breaks) else None
        found.append(
            feature(
                made, kind=kind, id=f"raster/{raster.feed}/{raster.product}/{frame.version}/{number}",
                name=label_of(raster.label), at_least=raster.breaks[number - 1], below=upto, unit_of_value=raster.unit,
                forecast=frame.time > frame.run or None, run=frame.run, demo=raster.demo or None, time=frame.time,
                source=raster.source or raster.feed,
            )
        )  # fmt: skip
    return Made(int(inside.sum()), found)


def _runs(classes: np.ndarray) -> np.ndarray:
    """(n, 4) row, first column, column after the last, class of the runs of one class above 0."""
    height, width = classes.shape
    edges = np.ones((height, width + 1), bool)
    edges[:, 1:-1] = classes[:, 1:] != classes[:, :-1]
    rows, columns = np.nonzero(edges)
    same = rows[1:] == rows[:-1]
    found = np.column_stack([rows[:-1], columns[:-1], columns[1:]])[same]
    values = classes[found[:, 0], found[:, 1]]
    return np.column_stack([found, values])[values > 0]


def _longitudes(grid: Any, columns: np.ndarray) -> np.ndarray:
    return np.array([longitude(grid.west + column * grid.pixel) for column in range(grid.width + 1)])[columns]


def _latitudes(grid: Any, rows: np.ndarray) -> np.ndarray:
    return np.array([latitude(grid.north - row * grid.pixel) for row in range(grid.height + 1)])[rows]
