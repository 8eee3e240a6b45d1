"""Today's cases by class."""

from layouts.panel import Panel

PANEL = Panel(
    name="cases_by_class",
    title="panel.cases_by_class",
    topics=("kpi",),
    needs=("dispatch",),
    feeds=("case",),
    options={"rows": "kpi/by_class"},
)
