"""What level is in force, who signed it, what waits for a signature, who has not reported."""

from layouts.panel import Panel

PANEL = Panel(
    name="response_strip",
    title="flood.response",
    topics=("response", "warning", "reporting", "clock"),
    needs=("dispatch", "feeds"),  # without feeds nobody knows of a red signal
    feeds=(),
    bare=True,
)
