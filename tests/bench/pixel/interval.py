"""The peer: the same map and 40 cards, fed by `dcc.Interval` once a second, as a process of its own.

`python -m tests.bench.pixel.interval PORT SUPPLIER_URL ASSETS` serves one page. It hears the supplier itself, without
validation, bus or gate, so what it is compared with does more work.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading

import dash_leaflet as dl
from dash import Dash, Input, Output, dcc, html
from websockets.asyncio.client import connect

from hall.core.clock import real_ms
from tests.bench.pixel.load import CARDS, CENTRE

FEATURES: dict[str, dict] = {}
#: makes a marker and notes moments of sending that were not shown before; `bench.drawn(list)` is told once per redraw
POINT = """window.bench = {sent: new Map(), pending: [], waiting: false, drawn() {}, point: (feature, at) => {
  const {id, sent} = feature.properties, known = bench.sent.get(id);
  if (known !== undefined && sent > known) bench.pending.push(sent);
  if (!bench.waiting) {
    bench.waiting = true;
    queueMicrotask(() => { bench.waiting = false; bench.drawn(bench.pending); bench.pending = []; });
  }
  bench.sent.set(id, sent);
  return L.circleMarker(at, {radius: 4, weight: 1});
}};"""


async def follow(url: str) -> None:
    async with connect(url, compression=None) as socket:
        async for text in socket:
            row = json.loads(text)
            FEATURES[row["id"]] = {
                "type": "Feature",
                "properties": {"id": row["id"], "sent": row["sent"]},
                "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
            }


def application(assets: str) -> Dash:
    app = Dash("bench", assets_folder=assets, update_title=None, add_log_handler=False)
    lon, lat = CENTRE
    app.layout = html.Div(
        [
            html.Div([html.Div(id=f"card{n}") for n in range(CARDS)], style={"height": "20vh"}),
            dl.MapContainer(
                dl.GeoJSON(id="units", pointToLayer={"variable": "bench.point"}),
                id="city-map",
                center=[lat, lon],
                zoom=13,
                preferCanvas=True,
                trackViewport=False,
                style={"height": "80vh"},
            ),
            dcc.Interval(id="every", interval=1000),
        ]
    )

    @app.callback(
        Output("units", "data"),
        *[output for n in range(CARDS) for output in (Output(f"card{n}", "children"), Output(f"card{n}", "title"))],
        Input("every", "n_intervals"),
    )
    def refresh(count):
        now = real_ms()
        # a card's newest value was made up to a second ago: one every 25 ms, as on the bus
        cards = [part for n in range(CARDS) for part in (str(count), str(now - 25 * (n + 1)))]
        return [{"type": "FeatureCollection", "features": list(FEATURES.values())}, *cards]

    return app


if __name__ == "__main__":
    port, url, assets = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    threading.Thread(target=lambda: asyncio.run(follow(url)), daemon=True).start()
    application(assets).run(host="127.0.0.1", port=port, debug=False)
