"""The point that a component is shown at, and its outline where it is a line or an area; bad ones are repaired or refused."""

from __future__ import annotations

from typing import Any, NamedTuple

import shapely

from hall.core.errors import BadInput
from hall.core.geometries import WRONG, geometry_of


class Shaped(NamedTuple):
    """In the source's CRS. `outline` None: a point is all there is."""

    x: float
    y: float
    outline: shapely.Geometry | None
    repaired: bool
    srid: int


def shaped(value: Any) -> Shaped:
    """Raises BadInput `geometry-missing` or `geometry-unreadable`, `geometry-broken` (nothing is left of it when repaired)."""
    if value is None or value == "" or value == b"":
        raise BadInput("geometry-missing")
    try:
        found = geometry_of(value)
    except ValueError as error:
        raise BadInput("geometry-unreadable", str(error)) from None
    if found.is_empty:
        raise BadInput("geometry-missing", "it is empty")
    srid = int(shapely.get_srid(found))
    if found.geom_type == "Point":
        return Shaped(found.x, found.y, None, False, srid)
    if found.geom_type == "MultiPoint" and len(found.geoms) == 1:
        return Shaped(found.geoms[0].x, found.geoms[0].y, None, False, srid)
    try:
        whole, repaired = (found, False) if found.is_valid else (_repaired(found), True)
        at = (
            shapely.line_interpolate_point(whole, 0.5, normalized=True)
            if whole.geom_type == "LineString"
            else whole.representative_point()
        )
    except WRONG as error:
        raise BadInput("geometry-broken", f"{error}: {found.wkt[:80]}") from None
    return Shaped(at.x, at.y, whole, repaired, srid)


def _repaired(found: shapely.Geometry) -> shapely.Geometry:
    wanted = shapely.get_dimensions(found)
    made = shapely.make_valid(found)
    parts = [part for part in shapely.get_parts(made) if shapely.get_dimensions(part) == wanted and not part.is_empty]
    if not parts:
        raise BadInput("geometry-broken", f"nothing is left of it when it is repaired: {found.wkt[:80]}")
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)
