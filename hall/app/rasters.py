"""Rain fields for screens and other systems: `/api/v1/rasters`, the pixels of a frame, the rain at a place (docs/API.md)."""

from __future__ import annotations

import gzip
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from hall.core.errors import BusLost
from hall.core.process import Process
from hall.core.raster import Frame, Raster, current, frame_at, rate_of

#: a version names its bytes for ever
_HELD = {"Cache-Control": "private, max-age=86400, immutable"}
_Degrees = Annotated[float, Query(ge=-180, le=180)]


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json", headers={"Cache-Control": "no-store"})


def _refuse(reason: str, detail: str, status: int) -> JSONResponse:
    return JSONResponse({"reason": reason, "detail": detail}, status)


class Rasters:
    """The handlers; everything is read from the bus when asked."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def listed(self) -> Response:
        """Every field there is, as its document `raster/<feed>/<product>`."""
        try:
            found = await self._process.bus.hash_all("rasters")
        except BusLost as error:
            return _refuse("bus-lost", str(error), 503)
        return _json({"rasters": [one for feed in sorted(found) for one in _index(found[feed]).values()]})

    async def pixels(self, feed: str, product: str, version: str, request: Request) -> Response:
        """The codes of one frame, row by row from the north-west: `unit` = step * (code - 1)^2, 0 = unknown (docs/FEEDS.md)."""
        headers = {"ETag": f'"{version}"', "Vary": "Accept-Encoding", **_HELD}
        try:
            body = await self._process.bus.hash_get(version, "raster", feed)
            index = _index(await self._process.bus.hash_get(feed, "rasters"))
        except BusLost as error:
            return _refuse("bus-lost", str(error), 503)
        if body is None or product not in index:
            return _refuse("frame-unknown", "this frame is not kept any more; the document names those that are", 404)
        if f'"{version}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            body = gzip.decompress(body)
        return Response(body, headers=headers, media_type="application/octet-stream")

    async def value(
        self,
        feed: str,
        product: str,
        lon: _Degrees,
        lat: Annotated[float, Query(ge=-90, le=90)],
        time: Annotated[int | None, Query(ge=0)] = None,
    ) -> Response:
        """The rain (or depth) at a place: of the newest frame that was measured, where nothing was measured of the forecast for
        now; or of the one nearest to `time` (ms), forecasts included.

        `value` null: the radar does not see that place. `age_seconds` of a forecast counts from its run.
        """
        try:
            index = _index(await self._process.bus.hash_get(feed, "rasters"))
            if product not in index:
                return _refuse("raster-unknown", "there is no such field", 404)
            raster = index[product]
            frame = current(raster, self._process.clock.now()) if time is None else frame_at(raster, time)
            if frame is None:
                return _refuse("frame-unknown", "no frame is near that moment, or every forecast is over", 404)
            place = raster.grid.index(lon, lat)
            if place is None:
                return _refuse("outside", f"the field covers {', '.join(f'{b:.4f}' for b in raster.bounds)}", 404)
            body = await self._process.bus.hash_get(frame.version, "raster", feed)
        except BusLost as error:
            return _refuse("bus-lost", str(error), 503)
        if body is None:
            return _refuse("frame-unknown", "this frame is not kept any more; ask again", 404)
        return _json(self._answer(raster, frame, gzip.decompress(body)[place]))

    def _answer(self, raster: Raster, frame: Frame, code: int) -> dict[str, Any]:
        rate, age = rate_of(code, raster.step), (self._process.clock.now() - min(frame.time, frame.run)) / 1000
        return {
            "value": None if rate is None else round(rate, 3),
            "unit": raster.unit,
            "time": frame.time,
            "run": frame.run,
            "forecast": frame.time > frame.run,
            "age_seconds": round(age, 1),
            "stale": age > raster.stale_seconds,
            "estimated": raster.estimated,
        }


def _index(raw: bytes | None) -> dict[str, Raster]:
    try:
        return msgspec.json.decode(raw, type=dict[str, Raster]) if raw else {}
    except msgspec.MsgspecError:
        return {}  # of another version of the hall, until the next frame


def router(process: Process) -> APIRouter:
    made, routes = Rasters(process), APIRouter(prefix="/api/v1/rasters", tags=["rasters"])
    routes.add_api_route("", made.listed, methods=["GET"], response_class=Response)
    routes.add_api_route("/{feed}/{product}/at", made.value, methods=["GET"], response_class=Response)
    routes.add_api_route("/{feed}/{product}/{version}", made.pixels, methods=["GET"], response_class=Response)
    return routes
