"""How each source is: state, age, rate, what was refused."""

from layouts.panel import Panel

PANEL = Panel(name="feed_health", title="panel.feed_health", topics=("feed", "process"), needs=("feeds",), feeds=())
