"""`/emergency` 应急指挥: alarms, responses, closures, stocks, incidents, warnings, a tab each. Painted by assets/emergency/."""

from __future__ import annotations

from dash import html

from layouts.context import Context
from layouts.desk_frame import console
from layouts.panel import Panel

EMERGENCY = Panel(
    name="emergency",
    title="emergency.title",
    topics=(
        "alarm", "group", "response", "task", "closure", "depot", "request", "incident", "reporting", "bulletin",
        "warning", "crew", "log",
    ),
    needs=("dispatch", "web"),
    bare=True,
)  # fmt: skip


def emergency(context: Context) -> html.Div:
    """The whole console; its tabs are whatever scripts register (assets/emergency/10-console.js)."""
    return console("emergency", context, [EMERGENCY.render(context)])
