"""`/evaluation` 综合评价: rates with their denominators, counts of late cases, and the cases behind each figure.

Painted by assets/desk-10-evaluation*.js from the API; nothing here knows a figure.
"""

from __future__ import annotations

from dash import html

from layouts.context import Context
from layouts.desk_frame import console
from layouts.panel import Panel

TABLE = Panel(name="evaluation-table", title="evaluation.title", topics=("kpi",), needs=("dispatch", "web"))
CASES = Panel(name="evaluation-cases", title="evaluation.behind", topics=("kpi",), needs=("dispatch", "web"))


def evaluation(context: Context) -> html.Div:
    """The whole page: the table, and beside it the list behind the chosen figure."""
    return console("evaluation", context, [TABLE.render(context), CASES.render(context)])
