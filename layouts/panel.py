"""What a panel is, and the frame every panel stands in: header with title and age, body for its painter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from dash import html

from layouts.context import Context


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """A panel file defines `PANEL = Panel(...)`.

    `topics` it is fed with, `needs` processes its content depends on, `feeds` kinds of feeds behind it (see
    assets/35-freshness.js), `body(context)` what stands in it before its painter mounts, `bare` = no header.
    """

    name: str
    title: str
    topics: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    body: Callable[[Context], Any] | None = None
    bare: bool = False
    options: dict[str, str] = {}

    def render(self, context: Context) -> html.Section:
        """The panel's frame with its declarations for the browser."""
        return frame(self, context, self.body(context) if self.body else None)


def text(context: Context, key: str, **attributes: Any) -> html.Span:
    """A text of the catalogue that switches language in place."""
    return html.Span(context.t(key), **{"data-t": key}, **attributes)


def frame(panel: Any, context: Context, body: Any = None) -> html.Section:
    """The frame of any object with name, title, topics, needs and feeds."""
    head = html.Header(
        [
            html.H2(text(context, panel.title), className="panel-title"),
            html.Span(className="panel-note"),
            html.Span([html.Span("○", className="panel-mark"), html.Span(className="panel-age")], className="panel-fresh"),
        ],
        className="panel-head",
    )
    bare = getattr(panel, "bare", False)
    declared = {
        "data-panel": panel.name,
        "data-topics": " ".join(panel.topics),
        "data-needs": " ".join(panel.needs),
        "data-feeds": " ".join(panel.feeds),
        "data-state": "lost",  # until the browser knows better
        **{f"data-{key}": value for key, value in getattr(panel, "options", {}).items()},
    }
    content = html.Div(body, className="panel-body", id=f"panel-{panel.name}-body")
    kind = f"panel panel-{panel.name}" + (" panel-bare" if bare else "")
    return html.Section([content] if bare else [head, content], className=kind, **declared)
