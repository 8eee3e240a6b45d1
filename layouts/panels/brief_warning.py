"""The warning in force and the response level."""

from layouts.panel import Panel

PANEL = Panel(
    name="brief_warning",
    title="panel.brief_warning",
    topics=("warning", "response", "reporting"),
    needs=("dispatch",),
    feeds=("warning",),
)
