"""Which districts have not reported, when the next reports are due, what the figures add up to."""

from layouts.panel import Panel

PANEL = Panel(name="reporting", title="panel.reporting", topics=("reporting",), needs=("dispatch",))
