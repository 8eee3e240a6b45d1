"""The frame of every console page: the bar at the top and the page's panels under it. Painted by assets/desk-*.js."""

from __future__ import annotations

from typing import Any

from dash import html

from layouts.context import Context
from layouts.panel import Panel

BAR = Panel(name="console-bar", title="desk.nav.desk", topics=("clock",), bare=True)


def console(kind: str, context: Context, children: list[Any]) -> html.Div:
    """A console page: `kind` names it in CSS."""
    main = html.Main(children, className=f"console-main console-{kind}")
    return html.Div([BAR.render(context), main], className="console", lang=context.locale)
