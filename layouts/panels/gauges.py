"""Water gauges by severity: level, rate, last hours, threshold lines."""

from layouts.panel import Panel

PANEL = Panel(
    name="gauges",
    title="panel.gauges",
    topics=("sensor", "observation", "series", "alarm"),
    needs=("dispatch",),
    feeds=("observation",),
)
