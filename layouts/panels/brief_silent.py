"""Who has not reported."""

from layouts.panel import Panel

PANEL = Panel(
    name="brief_silent",
    title="panel.brief_silent",
    topics=("reporting", "feed", "process", "channel", "position"),
    needs=("feeds",),
    feeds=(),
)
