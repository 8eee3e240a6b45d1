"""`wall(WALL, context)`: a drawn plan of panels becomes one Dash component tree. Pure."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
from dash import html

from hall.core.discover import discover
from layouts import panels as panels_package
from layouts import plan as plans
from layouts.context import GLYPH_OF_FONT, Context, glyph_px, wall_pixels
from layouts.panel import frame

STRIP = 2.75  # as assets/10-wall.css has it: two 16:9 screens side by side are 3.6, one 21:9 screen is 2.3


class Wall(msgspec.Struct, frozen=True, kw_only=True):
    """A wall file defines `WALL = Wall(...)`; `plan` is the drawing (layouts/plan.py), `about` a key of the catalogue. `strip`:
    another drawing of the same panels for walls, and windows, that are STRIP times as wide as they are high."""

    name: str
    title: str
    about: str
    plan: str
    strip: str = ""


def panels() -> dict[str, Any]:
    """Every panel of layouts/panels by name."""
    return discover(panels_package, "PANEL")


def settings(wall: Wall, context: Context) -> str:
    """What the browser must know of this wall, as JSON for its `data-wall` attribute."""
    geometry = context.geometry
    return json.dumps(
        {
            "name": context.wall,
            "layout": wall.name,
            "columns": geometry.columns,
            "rows": geometry.rows,
            "screen": list(geometry.screen),
            "glyph": glyph_px(geometry),
            "city": context.city_name,
            "timezone": context.timezone,
            "locale": context.locale,
            "languages": context.languages,
            "demo": context.demo,
            "thresholds": context.thresholds,
            "approach": context.approach,
        },
        ensure_ascii=False,
    )


def _cell(panel: Any, name: str, context: Context) -> html.Div:
    if panel is None:  # a drawing may be ahead of its panels; the rest of the wall stays useful
        said = [context.t("panel.missing"), " ", html.Code(name)]
        return html.Div(said, className="cell cell-missing", style={"gridArea": name})
    made = panel.render(context)
    if "data-panel" not in made.to_plotly_json()["props"]:
        made = frame(panel, context, made)
    return html.Div(made, className="cell", style={"gridArea": name})


def _grid(drawing: str, context: Context, prefix: str) -> dict[str, str]:
    """The drawing's areas and tracks as CSS variables (assets/10-wall.css)."""
    plan, geometry = plans.read(drawing), context.geometry
    rows = plans.shares(plan.rows, plan.fixed, glyph_px(geometry) / GLYPH_OF_FONT / wall_pixels(geometry)[1])
    parts = plans.snapped(rows, geometry.rows, plan.fixed)
    # a fixed row that had to give way to a seam is laid out by its share
    kept = {i: plan.rows[i] for i, fixed in enumerate(plan.fixed) if fixed and math.isclose(parts[i], rows[i])}
    return {
        f"--{prefix}areas": plan.areas,
        f"--{prefix}columns": plans.tracks(plans.snapped(plan.columns, geometry.columns)),
        f"--{prefix}rows": plans.tracks(parts, kept),
    }


def wall(declared: Wall, context: Context) -> html.Div:
    """The whole wall, laid out for all of its screens; a browser that shows one part moves it (assets/50-wall.js)."""
    known = panels()
    geometry = context.geometry
    width, height = wall_pixels(geometry)
    style = {
        "--screens-x": geometry.columns,
        "--screens-y": geometry.rows,
        "--glyph-of-width": f"{glyph_px(geometry) / width:.8f}",
        "--glyph-of-font": GLYPH_OF_FONT,
        **_grid(declared.plan, context, ""),
        **(_grid(declared.strip, context, "strip-") if declared.strip else {}),
    }
    shapes = (" has-strip" if declared.strip else "") + (" is-strip" if width >= STRIP * height else "")
    return html.Div(
        [_cell(known.get(name), name, context) for name in plans.read(declared.plan).names],
        id="wall",
        className=f"wall wall-{declared.name}{shapes}",
        style=style,
        lang=context.locale,
        **{"data-wall": settings(declared, context)},
    )
