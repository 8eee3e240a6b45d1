"""The relay's HTTP for the hall's own processes (video/loopback.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hall.core.process import Process
from video import loopback
from video.media import QUALITIES
from video.relay.hub import Hub
from video.relay.track import Track

_NO_STORE = {"Cache-Control": "no-store"}


def app(process: Process, hub: Hub, more: Sequence[BaseRoute] = ()) -> Starlette:
    """The relay's own routes and `more`, those of the egresses."""

    async def healthz(_: Request) -> Response:
        return JSONResponse(process.counters, headers=_NO_STORE)

    async def tracks(_: Request) -> Response:
        body = msgspec.json.encode([about(track) for track in list(hub.tracks.values())])
        return Response(body, media_type="application/json", headers=_NO_STORE)

    async def keyframe(request: Request) -> Response:
        return _keyframe(hub, request)

    routes = [Route("/healthz", healthz), Route("/tracks", tracks), Route("/keyframe/{subject:path}", keyframe), *more]
    return loopback.site(routes)


def about(track: Track) -> dict[str, Any]:
    """A running track for people and other processes: no address in it."""
    return {
        "subject": track.subject,
        "quality": track.quality,
        "handle": track.handle,
        "state": track.state,
        "viewers": track.audience,
        "fps": round(track.fps, 1),
        "kbit_s": round(track.kbit_s),
        "gop": len(track.gop),
        "bytes": track.kept_bytes,
        "counters": track.counters,
        "info": track.info and {name: getattr(track.info, name) for name in _SHOWN},
    }


_SHOWN = ("family", "codec", "width", "height", "fps", "reorders", "converted")


def _keyframe(hub: Hub, request: Request) -> Response:
    """The newest key picture that is kept, of the wanted quality or the other one; nothing is started for it."""
    wanted = request.query_params.get("quality", "sub")
    newer = request.query_params.get("newer", "0")
    subject = request.path_params["subject"]
    for quality in sorted(QUALITIES, key=lambda name: name != wanted):
        track = hub.track(subject, quality)
        unit = track.key if track else None
        if track is None or unit is None:
            continue
        info = unit.info
        headers = _NO_STORE | {
            "x-codec": info.codec, "x-family": info.family, "x-captured": f"{unit.captured:.0f}",
            "x-width": str(info.width), "x-height": str(info.height), "x-state": track.state.state,
            "x-quality": quality, "x-flags": str(unit.flags),
        }  # fmt: skip
        if newer.isascii() and newer.isdigit() and unit.captured <= int(newer):
            return Response(status_code=304, headers=headers)
        return Response(unit.annexb, media_type="application/octet-stream", headers=headers)
    body = {"reason": "not-running", "detail": "nobody watches this channel, or no picture came yet"}
    return JSONResponse(body, status_code=404, headers=_NO_STORE)
