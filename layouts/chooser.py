"""`/walls`: every declared wall with what it is for, its drawn plan in small, and how walls are built."""

from __future__ import annotations

from dash import html

from hall.core.config import WallGeometry
from layouts import plan as plans
from layouts.context import Context, glyph_px, wall_pixels
from layouts.desk_frame import console
from layouts.panel import text
from layouts.wall import Wall, panels


def _thumbnail(wall: Wall, context: Context) -> html.Div:
    """The wall's own drawing at thumbnail size: the same grid, each panel as a named tile."""
    plan, known = plans.read(wall.plan), panels()
    tiles = []
    for name in plan.names:
        title = getattr(known.get(name), "title", "")
        label = text(context, title) if title else html.Span(name)
        tiles.append(html.Div(label, className="thumb-tile", style={"gridArea": name}))
    style = {
        "gridTemplateAreas": plan.areas,
        "gridTemplateColumns": plans.tracks(plan.columns),
        "gridTemplateRows": plans.tracks(plan.rows),
    }
    return html.Div(tiles, className="thumb", style=style)


def _card(wall: Wall, context: Context) -> html.A:
    body = [
        _thumbnail(wall, context),
        html.H2(text(context, wall.title)),
        html.P(text(context, wall.about)),
        html.Code(f"/wall/{wall.name}"),
    ]
    return html.A(body, href=f"/wall/{wall.name}?lang={context.locale}", className="wall-card")


def _geometry(name: str, geometry: WallGeometry, context: Context) -> html.Tr:
    width, height = wall_pixels(geometry)
    cells = [
        html.Code(name) if name else text(context, "desk.walls.default"),
        f"{geometry.columns} × {geometry.rows}",
        f"{width} × {height}",
        f"{geometry.pixel_pitch_mm:g} mm",
        f"{geometry.viewing_distance_m:g} m",
        f"{glyph_px(geometry):.0f} px",
    ]
    addresses = [f"?wall={name}&part={column},{row}" for row in range(geometry.rows) for column in range(geometry.columns)]
    shown = addresses if name and len(addresses) > 1 else ([f"?wall={name}"] if name else [])
    return html.Tr([*(html.Td(cell) for cell in cells), html.Td([html.Code(address) for address in shown])])


def chooser(walls: dict[str, Wall], geometries: dict[str, WallGeometry], context: Context) -> html.Div:
    """`walls` by name; `geometries`: the configured walls by name, the default under the empty name."""
    heads = [
        html.Th(text(context, f"desk.walls.{key}"))
        for key in ("wall", "screens", "pixels", "pitch", "distance", "glyph", "parts")
    ]
    rows = [_geometry(name, geometry, context) for name, geometry in geometries.items()]
    how = html.Section(
        [
            html.H2(text(context, "desk.walls.how")),
            html.P(text(context, "desk.walls.how-plan")),
            html.Pre(next(iter(walls.values())).plan.strip("\n") if walls else ""),
            html.P(text(context, "desk.walls.how-size")),
            html.Table([html.Thead(html.Tr(heads)), html.Tbody(rows)], className="console-table"),
            html.P(text(context, "desk.walls.how-parts")),
        ],
        className="walls-how",
    )
    title = html.H1(text(context, "desk.walls.title"))
    cards = html.Div([_card(wall, context) for wall in walls.values()], className="wall-cards")
    return console("walls", context, [title, cards, how])
