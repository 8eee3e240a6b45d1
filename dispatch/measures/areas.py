"""The levels of areas that measures are worked out for: districts, grid cells, and boundaries between them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry import shape

from dispatch.measures.columns import NOWHERE, Place
from hall.core import coordinates
from hall.core.config import HallConfig
from hall.core.errors import BadInput

_KM = 111.195  # of a degree
LABELS = {"district": {"zh-CN": "区县", "en": "District"}, "cell": {"zh-CN": "单元网格", "en": "Grid cell"}}


class Level:
    """Areas of one kind by their code. Arrays in the order of `codes`: `km2`, and `lon`, `lat`, a place that stands for each.

    A thing belongs to the area that its document names, where the city has one of that code; else to the one it lies in.
    """

    def __init__(self, name: str, label: dict[str, str], areas: Iterable[tuple[str, Any]]) -> None:
        merged: dict[str, list[Any]] = {}
        for code, geometry in areas:
            merged.setdefault(code, []).append(geometry)
        found = [(code, parts[0] if len(parts) == 1 else shapely.union_all(parts)) for code, parts in merged.items()]
        found.sort(key=lambda one: (one[1].area, one[0]))  # where areas overlap the smallest wins
        self.name, self.label = name, label
        self.codes = [code for code, _ in found]
        shapes = [geometry for _, geometry in found]
        middles = [geometry.representative_point() for geometry in shapes]
        self.lon, self.lat = (np.array([getattr(point, axis) for point in middles]) for axis in "xy")
        self.km2 = np.array([one.area for one in shapes]) * _KM**2 * np.cos(np.radians(self.lat))
        shapely.prepare(shapes)
        self._number = {code: number for number, code in enumerate(self.codes)}
        self._tree = STRtree(shapes)

    def __len__(self) -> int:
        return len(self.codes)

    def find(self, places: list[Place]) -> np.ndarray:
        """The number of the area of each place, `NOWHERE` outside of all."""
        found = np.array([self._number.get(self._named(place), NOWHERE) for place in places], np.int32)
        lons, lats = (np.array([getattr(place, axis) for place in places]) for axis in ("lon", "lat"))
        open_ = np.flatnonzero((found == NOWHERE) & np.isfinite(lons) & np.isfinite(lats))
        if len(open_):
            which, area = self._tree.query(shapely.points(lons[open_], lats[open_]), predicate="intersects")
            inside = np.full(len(open_), len(self.codes), np.int32)
            np.minimum.at(inside, which, area.astype(np.int32))  # on a shared border the lowest number
            found[open_] = np.where(inside < len(self.codes), inside, NOWHERE)
        return found

    def _named(self, place: Place) -> str:
        return place.cell if self.name == "cell" else place.district if self.name == "district" else ""


def levels_of(config: HallConfig) -> list[Level]:
    """The widest areas first; raises ConfigError. Reads files: call it in a thread."""
    city, found = config.city, []
    for name, file, code, crs in (
        ("district", city.boundary, city.boundary_name, city.boundary_crs),
        ("cell", city.cells, city.cells_code, city.cells_crs),
    ):
        if file:
            key = "city.boundary" if name == "district" else "city.cells"
            found.append(Level(name, LABELS[name], _read(config, file, code, crs, key)))
    return [level for level in found if len(level)]


def _read(config: HallConfig, file: str, code: str, crs: str, key: str) -> list[tuple[str, Any]]:
    try:
        convert = coordinates.to_wgs84(crs)
        data = msgspec.json.decode(config.path(file).read_bytes())
        features = data["features"] if data.get("type") == "FeatureCollection" else [data]
        found = []
        for feature in features:
            name = (feature.get("properties") or {}).get(code)
            if name in (None, "") or not feature.get("geometry"):
                continue
            geometry = shapely.make_valid(shapely.force_2d(shape(feature["geometry"])))
            moved = shapely.transform(geometry, lambda points: np.array([convert(x, y) for x, y in points]).reshape(-1, 2))
            if moved.area > 0:
                found.append((str(name), moved))
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError, BadInput, shapely.errors.ShapelyError) as error:
        raise config.error(key, f"{file}: {error}") from None
