"""Which district and which grid cell (单元网格) a position lies in.

Boundaries are GeoJSON polygons of the configuration, converted to WGS-84 and repaired where invalid; one STRtree each.
Where polygons overlap the smallest wins, on a shared border the first: every position has one answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import shapely

from hall.core import areas
from hall.core.config import HallConfig
from hall.core.coordinatearrays import to_wgs84_many
from hall.core.errors import ConfigError
from hall.core.geometries import WRONG, geometry_of


class Areas:
    """Named polygons with a tree over them. `shapes`: the smallest first."""

    def __init__(self, named: list[tuple[str, shapely.Geometry]]) -> None:
        self.names = [name for name, _ in named]
        self._areas = areas.Areas([geometry for _, geometry in named])
        self.shapes = self._areas.shapes

    def __len__(self) -> int:
        return len(self.names)

    def find(self, lons: Sequence[float], lats: Sequence[float]) -> list[str]:
        """The name for each position (degrees, WGS-84), `""` outside of all."""
        names = [*self.names, ""]
        return [names[number] for number in self._areas.numbers(lons, lats).tolist()]


def _features(path: Path, key: str, config: HallConfig) -> list[dict[str, Any]]:
    try:
        data = msgspec.json.decode(path.read_bytes())
        return data["features"] if data["type"] == "FeatureCollection" else [data]
    except (OSError, msgspec.MsgspecError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise config.error(key, f"{path.name} cannot be read as GeoJSON: {error}") from None


def load_areas(config: HallConfig, file: str, name_property: str, crs: str, key: str) -> Areas:
    """Reads one GeoJSON of polygons; features without name or area are left out. Raises ConfigError."""
    try:
        convert = to_wgs84_many(crs)
    except ValueError as error:
        raise config.error(f"{key}_crs", str(error)) from None

    named = []
    for feature in _features(config.path(file), key, config):
        name = (feature.get("properties") or {}).get(name_property)
        if name in (None, "") or not feature.get("geometry"):
            continue
        try:
            geometry = shapely.make_valid(geometry_of(feature["geometry"]))
            geometry = shapely.transform(geometry, convert)
        except WRONG as error:
            raise config.error(key, f"{name}: {error}") from None
        if geometry.area > 0:
            named.append((str(name), geometry))
    if not named:
        raise ConfigError(f"no polygon has a property {name_property!r}", file=config.file, key=key)
    return Areas(named)


class Places:
    """District and cell of positions, from `city.boundary` and `city.cells`."""

    def __init__(self, config: HallConfig) -> None:
        city = config.city
        none = Areas([])
        self.districts, self.cells = none, none
        if city.boundary:
            self.districts = load_areas(config, city.boundary, city.boundary_name, city.boundary_crs, "city.boundary")
        if city.cells:
            self.cells = load_areas(config, city.cells, city.cells_code, city.cells_crs, "city.cells")

    def find(self, lons: Sequence[float], lats: Sequence[float]) -> list[tuple[str, str]]:
        """`(district, cell)` for each position; empty where unknown."""
        if not len(self.districts) and not len(self.cells):
            return [("", "")] * len(lons)
        return list(zip(self.districts.find(lons, lats), self.cells.find(lons, lats), strict=True))
