"""What happened, and where."""

from layouts.panel import Panel

PANEL = Panel(
    name="brief_event",
    title="panel.brief_event",
    topics=("incident", "warning", "alarm", "case", "kpi"),
    needs=("dispatch",),
    feeds=("case", "observation", "warning"),
)
