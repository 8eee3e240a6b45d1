"""The levels of areas that measures are worked out for: districts, grid cells, and every boundary the city names besides."""

from __future__ import annotations

import logging

import numpy as np
import shapely

from dispatch.measures.columns import NOWHERE, Place
from hall.core import boundaries
from hall.core.config import HallConfig
from hall.core.errors import ConfigError

log = logging.getLogger("hall")
LABELS = {
    boundaries.DISTRICTS: {"zh-CN": "区县", "en": "Districts"},
    boundaries.CELLS: {"zh-CN": "单元网格", "en": "Grid cells"},
}


class Level:
    """Areas of one kind by their code. Arrays in the order of `codes`: `km2`, and `lon`, `lat`, a place that stands for each.

    A thing belongs to the area that its document names, where the city has one of that code; else to the one it lies in.
    """

    def __init__(self, level: boundaries.Level) -> None:
        self.name, self.label = level.name, level.label or LABELS.get(level.name, {})
        self.codes = [area.code for area in level.areas]
        self.km2 = np.array([area.square_metres for area in level.areas]) / 1e6
        middles = shapely.point_on_surface([area.geometry for area in level.areas])
        self.lon, self.lat = shapely.get_x(middles), shapely.get_y(middles)
        self._number = {code: number for number, code in enumerate(self.codes)}
        self._tree = level.tree

    def __len__(self) -> int:
        return len(self.codes)

    def find(self, lons: np.ndarray, lats: np.ndarray, places: list[Place]) -> np.ndarray:
        """The number of the area of each place, `NOWHERE` outside of all."""
        field = {boundaries.CELLS: "cell", boundaries.DISTRICTS: "district"}.get(self.name)
        if field is None:
            found = np.full(len(places), NOWHERE, np.int32)
        else:
            known, at = self._number.get, Place._fields.index(field)
            found = np.array([known(place[at], NOWHERE) for place in places], np.int32)
        left = np.flatnonzero((found == NOWHERE) & np.isfinite(lons) & np.isfinite(lats))
        if len(left):
            found[left] = self._tree.numbers(lons[left], lats[left])
        return found


def levels_of(config: HallConfig) -> list[Level]:
    """The widest areas first; a level that cannot be read is told and left out. Reads files: call it in a thread."""
    found = []
    try:
        names = list(boundaries.settings(config))
    except ConfigError as error:
        log.error("measures: %s", error)
        return []
    for name in names:
        try:
            found.append(Level(boundaries.load(config, name)))
        except ConfigError as error:
            log.error("measures: %s", error)
    return found
