"""Rain gauges: what fell in the last hour, heaviest first."""

from layouts.panel import Panel

PANEL = Panel(
    name="rainfall",
    title="panel.rainfall",
    topics=("sensor", "observation", "series"),
    needs=("dispatch",),
    feeds=("observation",),
)
