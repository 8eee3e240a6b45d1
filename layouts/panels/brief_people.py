"""Who is there."""

from layouts.panel import Panel

PANEL = Panel(name="brief_people", title="panel.brief_people", topics=("position",), needs=(), feeds=("position",))
