"""The city map: a Leaflet map without layers of its own; tiles, cases, gauges, cameras and the rest: assets/map paint them."""

from __future__ import annotations

import dash_leaflet as dl
from dash import html

from layouts.context import Context
from layouts.panel import Panel

#: how far one may zoom out and in; city maps have no use for the world or for single paving stones
ZOOMS = (5, 19)


def body(context: Context) -> list:
    """The map, where it starts (zoom as for a map 1920 px wide), and the layer over it that holds legend and card."""
    lon, lat = context.centre
    return [
        html.Div(
            dl.MapContainer(
                [],
                id="city-map",
                center=[lat, lon],
                zoom=context.zoom,
                minZoom=ZOOMS[0],
                maxZoom=ZOOMS[1],
                zoomSnap=0,  # any zoom: the same picture on every size of screen
                zoomDelta=0.5,
                wheelPxPerZoomLevel=120,
                zoomControl=False,
                attributionControl=False,
                preferCanvas=True,
                trackViewport=False,
                maxBoundsViscosity=1.0,
            ),
            className="map-frame",
        ),
        html.Div(
            className="map-home",
            hidden=True,
            **{"data-lon": lon, "data-lat": lat, "data-zoom": context.zoom, "data-trail": context.trail_minutes},
            **{"data-walls-show": " ".join(context.walls_show)},
        ),
        html.Div(className="map-overlay"),
    ]


PANEL = Panel(
    name="city_map",
    title="panel.city_map",
    topics=(
        "case",
        "sensor",
        "observation",
        "position",
        "channel",
        "warning",
        "alarm",
        "kpi",
        "closure",
        "depot",
        "crew",
        "incident",
        "raster",
        "shape",
    ),
    needs=("dispatch",),
    feeds=("case", "observation", "position", "channel", "warning"),
    body=body,
)
