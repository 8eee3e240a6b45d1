"""How bad it is, rising or falling."""

from layouts.panel import Panel

PANEL = Panel(
    name="brief_direction",
    title="panel.brief_direction",
    topics=("sensor", "observation", "series", "alarm", "kpi"),
    needs=("dispatch",),
    feeds=("observation", "case"),
)
