"""The newest cases, most recent first."""

from layouts.panel import Panel

PANEL = Panel(name="case_ticker", title="panel.case_ticker", topics=("case",), needs=(), feeds=("case",))
