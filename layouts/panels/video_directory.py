"""Every shared camera: name, owner, state."""

from layouts.panel import Panel

PANEL = Panel(name="video_directory", title="panel.video_directory", topics=("channel",), needs=(), feeds=("channel",))
