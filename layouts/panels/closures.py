"""Roads and underpasses that are closed, ordered closed, or wait for a decision."""

from layouts.panel import Panel

PANEL = Panel(
    name="closures",
    title="panel.closures",
    topics=("closure",),
    needs=("dispatch",),
    feeds=(),
)
