"""Today's numbers, each with what it is a part of."""

from layouts.panel import Panel

PANEL = Panel(name="kpi_strip", title="panel.kpi_strip", topics=("kpi",), needs=("dispatch",), feeds=("case",), bare=True)
