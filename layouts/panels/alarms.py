"""What a person must answer, most urgent first."""

from layouts.panel import Panel

PANEL = Panel(name="alarms", title="panel.alarms", topics=("alarm",), needs=("dispatch",), feeds=("observation",))
