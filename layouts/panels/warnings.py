"""Warnings in force, exercises and tests unmistakable."""

from layouts.panel import Panel

PANEL = Panel(name="warnings", title="panel.warnings", topics=("warning",), needs=(), feeds=("warning",))
