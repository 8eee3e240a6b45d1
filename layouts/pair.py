"""`/pair`: a person signed in on a phone or console confirms the code that a wall shows. Painted by assets/desk-8-pair.js."""

from __future__ import annotations

from dash import html

from layouts.context import Context
from layouts.desk_frame import console
from layouts.panel import Panel

PAIR = Panel(name="pair", title="pair.title", topics=("clock",), needs=("web",))


def pair(context: Context) -> html.Div:
    """The whole page."""
    return console("pair", context, [PAIR.render(context)])
