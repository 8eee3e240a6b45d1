"""Moving pictures of many cameras side by side. Each tile says itself how old its picture is."""

from layouts.panel import Panel

PANEL = Panel(
    name="video_wall",
    title="panel.video_wall",
    topics=("channel", "picture", "alarm", "scene", "round", "ptz"),
    needs=("relay",),
    feeds=(),
)
