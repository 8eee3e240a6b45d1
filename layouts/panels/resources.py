"""Pumps, sandbags, shelters"""

from layouts.panel import Panel

PANEL = Panel(
    name="resources",
    title="panel.resources",
    topics=("kpi",),
    needs=("dispatch",),
    feeds=(),
    bare=True,
)
