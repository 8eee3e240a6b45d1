"""Reported cases per hour against the same weekday a week before."""

from layouts.panel import Panel

PANEL = Panel(name="trend", title="panel.trend", topics=("kpi",), needs=("dispatch",), feeds=("case",))
