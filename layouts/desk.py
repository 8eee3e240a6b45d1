"""The desk 坐席: the queue of open cases, the table of all cases, the map, and the chosen case with everything one may do.

The queue lives in the browser (assets/desk-queue*.js); the table's rows come page by page from the API (assets/desk-2-list.js).
"""

from __future__ import annotations

import json
from typing import Any

import dash_ag_grid as dag
from dash import html

from layouts.context import Context
from layouts.desk_frame import console
from layouts.desk_views import declared
from layouts.panel import Panel
from layouts.wall import panels

LIST = Panel(
    name="desk-list",
    title="desk.list",
    topics=("case", "kpi"),
    needs=("dispatch", "web"),
    feeds=("case",),
)
QUEUE = Panel(
    name="desk-queue",
    title="desk.list",
    topics=("case", "file", "crew"),
    needs=("dispatch",),
    bare=True,
    options={"declared": json.dumps(declared())},
)
DETAIL = Panel(
    name="desk-case",
    title="desk.detail",
    topics=("case", "file", "crew", "log", "screen", "recording", "incident"),
    needs=("dispatch", "web"),
    feeds=("case",),
)

#: column -> (width, flex, sortable, how a value is written); headers are `desk.column.<name>` of the catalogue
COLUMNS: dict[str, tuple[int, int, bool, str]] = {
    "number": (180, 0, True, ""),
    "severity": (96, 0, True, "hallSeverity(params)"),
    "state": (116, 0, True, "hallState(params)"),
    "class_name": (92, 0, True, ""),
    "description": (180, 1, False, ""),
    "district": (84, 0, True, ""),
    "report_source": (108, 0, True, ""),
    "reported": (118, 0, True, "hallTime(params.value)"),
    "due": (132, 0, True, "hallDue(params)"),
}
_FIELDS = {"number": "case_id", "reported": "stages.reported"}
#: may be cut on the screen: their whole text shows beside the pointer
_LONG = ("description", "class_name", "report_source", "district")


def columns() -> list[dict[str, Any]]:
    made = []
    for name, (width, flex, sortable, formatter) in COLUMNS.items():
        column: dict[str, Any] = {
            "colId": name,
            "field": _FIELDS.get(name, name),
            "headerValueGetter": {"function": "hallHeader(params)"},
            "width": width,
            "minWidth": width,
            "sortable": sortable,
            "cellClass": f"cell-{name}",
        }
        if name == "severity":
            column["cellClassRules"] = {f"severity-{level}": {"function": f"params.value == {level}"} for level in (1, 2, 3, 4)}
        if name == "due":
            column["sortingOrder"] = ["asc", "desc"]  # what is most urgent first
        if name in _LONG:
            column["tooltipField"] = name
        if flex:
            column["flex"] = flex
        if formatter:
            column["valueFormatter"] = {"function": formatter}
        made.append(column)
    made[list(COLUMNS).index("reported")]["sort"] = "desc"
    return made


def grid() -> dag.AgGrid:
    """The list's table: an endless list whose blocks the browser asks from the server."""
    return dag.AgGrid(
        id="desk-cases",
        rowModelType="infinite",
        columnDefs=columns(),
        getRowId="params.data.subject",
        defaultColDef={"resizable": True, "sortingOrder": ["desc", "asc"], "suppressMovable": True},
        rowClassRules={
            "row-overdue": {"function": "hallOverdue(params)"},
            "row-changed": {"function": "hallChanged(params)"},
            "row-chosen": {"function": "hallChosen(params)"},
        },
        dashGridOptions={
            "theme": {"function": "hallTheme(themeQuartz)"},
            "cacheBlockSize": 100,
            "maxBlocksInCache": 20,
            "infiniteInitialRowCount": 1,
            "maxConcurrentDatasourceRequests": 2,
            "blockLoadDebounceMillis": 80,
            "rowHeight": 36,
            "headerHeight": 38,
            "animateRows": False,
            "suppressCellFocus": False,
            "suppressNoRowsOverlay": True,  # the cover says it, in the reader's language
            "tooltipShowMode": "whenTruncated",
            "tooltipShowDelay": 400,
            "suppressDragLeaveHidesColumns": True,
            "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": False},
        },
        className="desk-grid",
        style={"height": "100%", "width": "100%"},
    )


def desk(context: Context) -> html.Div:
    """The whole desk page."""
    city_map = panels().get("city_map")
    cover = html.P(className="desk-cover", role="status", hidden=True, **{"data-cover": ""})
    book = html.Div([grid(), cover], className="desk-book")
    table = html.Div([QUEUE.render(context), book], className="desk-table", **{"data-mode": "queue"})
    left = [html.Div([LIST.render(context), table], className="desk-left-list")]
    if city_map is not None:
        left.append(html.Div(city_map.render(context), className="desk-map"))
    listing = html.Div(left, className="desk-left")
    return console("desk", context, [listing, html.Div([DETAIL.render(context)], className="desk-right")])
