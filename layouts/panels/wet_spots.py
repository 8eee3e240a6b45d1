"""Wet places, worst first: tube with lines, rate, forecast, crew on the way, camera, closure."""

from layouts.panel import Panel

PANEL = Panel(
    name="wet_spots",
    title="panel.wet_spots",
    topics=("sensor", "observation", "series", "alarm", "closure", "crew", "position", "channel", "case"),
    needs=("dispatch",),
    feeds=("observation", "position"),
)
