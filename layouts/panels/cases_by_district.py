"""Today's cases by district."""

from layouts.panel import Panel

PANEL = Panel(
    name="cases_by_district",
    title="panel.cases_by_district",
    topics=("kpi",),
    needs=("dispatch",),
    feeds=("case",),
    options={"rows": "kpi/by_district"},
)
