"""The point that a component is shown at, and its outline where it is a line or an area; bad ones are repaired or refused."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import shapely
from shapely.geometry import shape

from hall.core.errors import BadInput


class Shaped(NamedTuple):
    """In the source's CRS. `outline` None: a point is all there is."""

    x: float
    y: float
    outline: shapely.Geometry | None
    repaired: bool
    srid: int


def _read(value: Any) -> shapely.Geometry:
    if isinstance(value, shapely.Geometry):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return shapely.from_wkb(bytes(value))
    if isinstance(value, dict):
        return shape(value)
    text = str(value).strip()
    if text.startswith("{"):
        return shape(msgspec.json.decode(text))
    if len(text) > 20 and text[:2] in ("00", "01"):
        return shapely.from_wkb(text)
    srid, _, rest = text.partition(";") if text[:5].upper() == "SRID=" else ("", "", text)
    found = shapely.from_wkt(rest)
    return shapely.set_srid(found, int(srid[5:])) if srid else found


def shaped(value: Any) -> Shaped:
    """Raises BadInput `geometry-missing` or `geometry-unreadable`, `geometry-broken` (nothing is left of it when repaired)."""
    if value is None or value == "" or value == b"":
        raise BadInput("geometry-missing")
    try:
        found = shapely.force_2d(_read(value))
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
        msgspec.MsgspecError,
        shapely.errors.ShapelyError,
    ) as error:
        raise BadInput("geometry-unreadable", f"{error}: {str(value)[:80]}") from None
    if found is None or found.is_empty:
        raise BadInput("geometry-missing", "it is empty")
    srid = int(shapely.get_srid(found))
    if found.geom_type == "Point":
        return Shaped(found.x, found.y, None, False, srid)
    if found.geom_type == "MultiPoint" and len(found.geoms) == 1:
        return Shaped(found.geoms[0].x, found.geoms[0].y, None, False, srid)
    repaired = False
    if not found.is_valid:
        wanted = shapely.get_dimensions(found)
        found, repaired = shapely.make_valid(found), True
        parts = [part for part in shapely.get_parts(found) if shapely.get_dimensions(part) == wanted and not part.is_empty]
        if not parts:
            raise BadInput("geometry-broken", f"nothing is left of it when it is repaired: {found.wkt[:80]}")
        found = parts[0] if len(parts) == 1 else shapely.union_all(parts)
    at = (
        shapely.line_interpolate_point(found, 0.5, normalized=True)
        if found.geom_type == "LineString"
        else found.representative_point()
    )
    return Shaped(at.x, at.y, found, repaired, srid)
