"""Tasks of the response that are open, most urgent first."""

from layouts.panel import Panel

PANEL = Panel(
    name="tasks_due",
    title="panel.tasks_due",
    topics=("task",),
    needs=("dispatch",),
    feeds=(),
)
