"""CAP's circles as outlines: whoever draws a warning draws the same ring."""

from __future__ import annotations

import math

CIRCLE_POINTS = 48
EARTH_KM = 6371.0088


def circle(lon: float, lat: float, radius_km: float) -> list[list[float]]:
    """A closed ring around a point, on a sphere; a radius below 10 m counts as 10 m."""
    angle, at = max(radius_km, 0.01) / EARTH_KM, math.radians(lat)
    ring = []
    for step in range(CIRCLE_POINTS):
        bearing = 2 * math.pi * step / CIRCLE_POINTS
        north = math.asin(math.sin(at) * math.cos(angle) + math.cos(at) * math.sin(angle) * math.cos(bearing))
        east = math.atan2(math.sin(bearing) * math.sin(angle) * math.cos(at), math.cos(angle) - math.sin(at) * math.sin(north))
        ring.append([round(lon + math.degrees(east), 6), round(math.degrees(north), 6)])
    return [*ring, ring[0]]
