"""`/crews`: every crew with its CAD state, assignment, position's age and shift. Painted by assets/desk-15-crews.js."""

from __future__ import annotations

from dash import html

from layouts.context import Context
from layouts.desk_frame import console
from layouts.panel import Panel

CREWS = Panel(
    name="crew-board",
    title="crewboard.title",
    topics=("crew", "position", "file", "kpi", "message"),
    needs=("dispatch", "web"),
    feeds=("position",),
)


def crews(context: Context) -> html.Div:
    """The whole board."""
    return console("crews", context, [CREWS.render(context)])
