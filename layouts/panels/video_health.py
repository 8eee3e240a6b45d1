"""Which departments' cameras give a picture, and a good one; how far the health round has got."""

from layouts.panel import Panel

PANEL = Panel(name="video_health", title="panel.video_health", topics=("health",), needs=("video",), feeds=("channel",))
