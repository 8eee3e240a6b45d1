"""Still pictures of cameras, those near alarms first, page by page."""

from layouts.panel import Panel

PANEL = Panel(name="posters", title="panel.posters", topics=("channel", "alarm"), needs=("video",), feeds=("channel",))
