"""City, wall, clock, age of the data, marks of demo and replay, language."""

from layouts.panel import Panel

PANEL = Panel(
    name="masthead", title="panel.masthead", topics=("feed", "clock", "process"), needs=("feeds",), feeds=(), bare=True
)
