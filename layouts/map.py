"""`/map`: the one map of the city as a page of its own, with its tools. Painted by assets/map, the bar by its 84-tools.js."""

from __future__ import annotations

from dash import html

from layouts.context import Context
from layouts.desk_frame import console
from layouts.panel import Panel
from layouts.wall import panels

TOOLS = Panel(name="map-tools", title="mappage.nav", topics=("clock", "message"), bare=True)


def city_map(context: Context) -> html.Div:
    """The whole page; an installation without the map's panel has an empty one."""
    panel = panels().get("city_map")
    parts = [TOOLS.render(context)]
    if panel is not None:
        parts.append(html.Div(panel.render(context), className="map-page-map"))
    return console("map", context, [html.Div(parts, className="map-page")])
