"""GeoJSON: one row per feature `{id, properties, geometry, lon, lat}`; lon/lat of what is no point are its centroid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from feeds.formats.json import decoded
from feeds.source import Format, Row, Unread
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput


def _position(geometry: Any) -> tuple[Any, Any]:
    if not geometry:
        return None, None
    if geometry.get("type") == "Point":
        lon, lat = geometry["coordinates"][:2]
        return lon, lat
    from shapely.geometry import shape

    centre = shape(geometry).representative_point()
    return (None, None) if centre.is_empty else (centre.x, centre.y)


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    found = decoded(body)
    if not isinstance(found, dict) or not isinstance(features := found.get("features", [found]), list):
        raise BadInput("not-geojson", "neither a Feature nor a FeatureCollection")
    for feature in features:
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            yield Unread(msgspec.json.encode(feature), "not-geojson", "no Feature")
            continue
        try:
            lon, lat = _position(feature.get("geometry"))
        except Exception as error:  # shapely raises its own and many of Python's for a broken geometry
            yield Unread(msgspec.json.encode(feature), "geometry-broken", str(error)[:200])
            continue
        properties = feature.get("properties")
        yield {
            "id": feature.get("id"),
            "properties": properties if isinstance(properties, dict) else {},
            "geometry": feature.get("geometry"),
            "lon": lon,
            "lat": lat,
        }


FORMAT = Format("geojson", rows, types=("application/geo+json",), suffixes=(".geojson",))
