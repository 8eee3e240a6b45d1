"""The load that alarms put on one operator, each figure beside its target (ISA-18.2, EEMUA 191)."""

from layouts.panel import Panel

PANEL = Panel(
    name="alarm_health",
    title="panel.alarm_health",
    topics=("kpi",),
    needs=("dispatch",),
    feeds=("observation", "alarm"),
)
