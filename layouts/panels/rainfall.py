"""Rain gauges, heaviest first: what fell in 10 minutes and 1, 3, 6 and 24 hours."""

from layouts.panel import Panel

PANEL = Panel(
    name="rainfall",
    title="panel.rainfall",
    topics=("sensor", "observation", "kpi"),
    needs=("dispatch",),
    feeds=("observation",),
)
