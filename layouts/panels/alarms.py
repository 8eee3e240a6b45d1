"""What a person must answer, most urgent first; in a flood the few groups it comes from."""

from layouts.panel import Panel

PANEL = Panel(
    name="alarms",
    title="panel.alarms",
    topics=("alarm", "group", "kpi"),
    needs=("dispatch",),
    feeds=("observation", "alarm"),
)
