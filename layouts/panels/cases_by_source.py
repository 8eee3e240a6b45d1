"""Today's cases by where the report came from."""

from layouts.panel import Panel

PANEL = Panel(
    name="cases_by_source",
    title="panel.cases_by_source",
    topics=("kpi",),
    needs=("dispatch",),
    feeds=("case",),
    options={"rows": "kpi/by_source"},
)
