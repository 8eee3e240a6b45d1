"""What is closed, as far as the hall is told."""

from layouts.panel import Panel

PANEL = Panel(
    name="brief_closed",
    title="panel.brief_closed",
    topics=("sensor", "observation", "alarm", "closure"),
    needs=("dispatch",),
    feeds=("observation",),
)
