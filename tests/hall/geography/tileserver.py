"""A real tile server on loopback that draws its tiles itself: black, with a soft round mark at each landmark, in the grid and the
datum it is told. It speaks XYZ and what 天地图 speaks of WMTS (KVP with `tk`), and GetCapabilities.

Its geometry is written anew here, position by position: nothing of what is tested is used, but the shifts of one position.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import io
import math
import threading
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

from hall.core import coordinates
from hall.map.services import grids

KEY = "4a7c-secret-key"
SOFT = 3.0  # pixels
SIZE = 256
EARTH = 6378137.0


def mercator_pixel(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    side = SIZE * 2**zoom
    return (lon + 180) / 360 * side, (1 - math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / math.pi) / 2 * side


def geographic_pixel(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    return (lon + 180) * SIZE * 2**zoom / 360, (90 - lat) * SIZE * 2**zoom / 360


def gcj_pixel(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    return mercator_pixel(*coordinates.wgs84_to_gcj02(lon, lat), zoom)


def baidu_pixel(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    """Baidu's plane itself is the hall's (a test of its own compares it); rows are its own, from the equator to the north."""
    bd = coordinates.gcj02_to_bd09(*coordinates.wgs84_to_gcj02(lon, lat))
    x, y = grids.projection("BD-09")(np.array([coordinates.bd09_to_wgs84(*bd)]))[0]
    return x / 2.0 ** (18 - zoom), -y / 2.0 ** (18 - zoom)


GRIDS = {"bd": baidu_pixel, "xyz": mercator_pixel, "gcj": gcj_pixel, "c": geographic_pixel, "w": mercator_pixel}


def picture(grid: str, marks: list[tuple[float, float]], zoom: int, x: int, y: int) -> bytes:
    columns, rows = np.arange(SIZE) + 0.5 + x * SIZE, np.arange(SIZE) + 0.5 + y * SIZE
    light, seen = np.zeros((SIZE, SIZE)), False
    for mark in marks:
        px, py = GRIDS[grid](*mark, zoom)
        if abs(px - columns[128]) < SIZE and abs(py - rows[128]) < SIZE:
            seen = True
            light += np.exp(-((rows[:, None] - py) ** 2 + (columns[None, :] - px) ** 2) / (2 * SOFT**2)) * 250
    return _written(light) if seen else _black()


@functools.cache
def _black() -> bytes:
    return _written(np.zeros((SIZE, SIZE)))


def _written(light: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.rint(np.clip(light, 0, 255)).astype(np.uint8)).convert("RGB").save(out, "PNG", compress_level=1)
    return out.getvalue()


def middle_of_light(body: bytes) -> tuple[float, float]:
    """Of a tile's only mark, in pixels from its upper left."""
    light = np.asarray(Image.open(io.BytesIO(body)).convert("L"), dtype=float)
    light[light < 3] = 0
    at = np.arange(SIZE) + 0.5
    return float((light.sum(axis=0) * at).sum() / light.sum()), float((light.sum(axis=1) * at).sum() / light.sum())


CAPABILITIES = """<?xml version="1.0"?>
<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1"
 xmlns:xlink="http://www.w3.org/1999/xlink"><ows:OperationsMetadata><ows:Operation name="GetTile"><ows:DCP><ows:HTTP>
 <ows:Get xlink:href="{host}/own/wmts?"/></ows:HTTP></ows:DCP></ows:Operation></ows:OperationsMetadata><Contents><Layer>
 <ows:Identifier>streets</ows:Identifier><Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style>
 <Format>image/png</Format><TileMatrixSetLink><TileMatrixSet>Custom</TileMatrixSet></TileMatrixSetLink></Layer>
 <TileMatrixSet><ows:Identifier>Custom</ows:Identifier><ows:SupportedCRS>urn:ogc:def:crs:EPSG::4490</ows:SupportedCRS>
 {matrices}</TileMatrixSet></Contents></Capabilities>"""


def capabilities(host: str) -> str:
    """As SuperMap writes them: scales for 96 dpi, latitude first."""
    made = ""
    for zoom in range(1, 19):
        scale = 360 / SIZE / 2**zoom * EARTH * math.pi / 180 / (0.0254 / 96)
        made += f"<TileMatrix><ows:Identifier>{zoom}</ows:Identifier><ScaleDenominator>{scale!r}</ScaleDenominator>"
        made += "<TopLeftCorner>90 -180</TopLeftCorner><TileWidth>256</TileWidth><TileHeight>256</TileHeight>"
        made += f"<MatrixWidth>{2**zoom}</MatrixWidth><MatrixHeight>{2 ** (zoom - 1)}</MatrixHeight></TileMatrix>"
    return CAPABILITIES.format(host=host, matrices=made)


class Server:
    """`marks`: WGS-84. `asked`: paths so far. `answer`: (status, headers, body) for whatever is asked, None: tiles."""

    def __init__(self, at: str) -> None:
        self.at, self.marks, self.asked, self.answer = at, [], [], None

    def respond(self, target: str) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(target)
        if self.answer is not None:
            return self.answer
        parts, query = urlsplit(target), {k.lower(): v[0] for k, v in parse_qs(urlsplit(target).query).items()}
        way = parts.path.strip("/").split("/")
        if query.get("request") == "GetCapabilities":
            return 200, {"Content-Type": "text/xml"}, capabilities(self.at).encode()
        if way[-1] == "wmts":
            if query.get("tk") != KEY:
                return 403, {}, b'{"msg": "key"}'
            grid = query["tilematrixset"].lower() if way[0] != "own" else "c"
            zoom, x, y = int(query["tilematrix"]), int(query["tilecol"]), int(query["tilerow"])
        else:
            grid, (zoom, x, y) = way[0], (int(part) for part in way[1:4])
            y = -y - 1 if grid == "bd" else y
        return 200, {"Content-Type": "image/png"}, picture(grid, self.marks, zoom, x, y)


@contextlib.contextmanager
def running():
    """Yields a `Server` that answers."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            status, headers, body = server.respond(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        server = Server(f"http://127.0.0.1:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join(5)
