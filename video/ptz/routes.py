"""Steering over HTTP on loopback, for the web process, which has checked who asks (`x-hall-asker`, JSON of `Asker`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hall.core.bus import Bus
from hall.core.errors import BusLost, HallError, Refused
from hall.core.model import Channel
from hall.core.secrets import Secrets
from video.catalogue.routes import refusing
from video.loopback import body_of
from video.ptz.desk import Lookup, PtzDesk
from video.ptz.driver import Motion, Position
from video.ptz.lease import Asker

_BODY_BOUND = 16 * 1024


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    do: str  # move | stop | recall | store | release
    pan: float = 0.0
    tilt: float = 0.0
    zoom: float = 0.0
    token: str = ""
    name: str = ""
    before: Position | None = None  # what a point answered


class _Pointed(msgspec.Struct, forbid_unknown_fields=True):
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    channels: list[str]


class _Told(msgspec.Struct):
    data: Channel | None = None


_told = msgspec.json.Decoder(_Told).decode


def lookup(bus: Bus, secrets: Secrets, document: Callable[[str], bytes | None]) -> Lookup:
    """Finds how a camera is turned: `<subject>#ptz` among the sealed addresses, else ONVIF at the host of its RTSP stream.
    `document(subject)`: a channel's newest event."""
    return _Lookup(bus, secrets, document)


class _Lookup:
    def __init__(self, bus: Bus, secrets: Secrets, document: Callable[[str], bytes | None]) -> None:
        self._bus, self._secrets, self._document = bus, secrets, document

    def channel(self, subject: str) -> Channel | None:
        raw = self._document(subject) if subject.startswith("channel/") else None
        try:
            return _told(raw).data if raw else None
        except msgspec.MsgspecError:
            return None

    async def __call__(self, subject: str) -> str:
        channel = self.channel(subject)
        if channel is None:
            raise Refused("unknown-channel", "there is no such channel", 404)
        if not channel.ptz:
            raise Refused("no-ptz", "this camera cannot be turned", 409)
        return await self._opened(f"{subject}#ptz") or _beside(await self._opened(subject))

    async def _opened(self, name: str) -> str:
        try:
            kept = await self._bus.hash_get(name, "channel-url")
            return self._secrets.unseal(kept.decode(errors="replace"), name) if kept else ""
        except BusLost as error:
            raise Refused("bus-lost", str(error), 503) from None
        except HallError as error:
            raise Refused("sealed", str(error), 409) from None


def _beside(stream: str) -> str:
    """Where a camera with this stream address answers ONVIF, by custom: the same host and password, port 80."""
    try:
        parts = urlsplit(stream)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("rtsp", "rtsps"):
        raise Refused("no-driver", "nothing says how this camera is turned", 409)
    who = f"{quote(unquote(parts.username))}:{quote(unquote(parts.password or ''))}@" if parts.username else ""
    return f"onvif://{who}{f'[{host}]' if ':' in host else host}"


def routes(desk: PtzDesk) -> list[Route]:
    """`GET /ptz/<subject>`: presets, position, lease; `POST /ptz/<subject>`: `{"do": "move", "pan": 0.5}`; `POST /ptz/point`:
    `{"lon": …, "lat": …, "channels": […]}`."""

    async def look(request: Request) -> Response:
        return JSONResponse(await desk.look(request.path_params["subject"]))

    async def act(request: Request) -> Response:
        subject, asker = request.path_params["subject"], _asker(request)
        asked = await body_of(request, _Asked, _BODY_BOUND)
        if asked.do in ("move", "stop"):
            speeds = (asked.pan, asked.tilt, asked.zoom) if asked.do == "move" else (0.0, 0.0, 0.0)
            if not all(-1 <= speed <= 1 for speed in speeds):
                raise Refused("malformed", "speeds are from -1 to 1", 422)
            lease = await desk.move(subject, asker, Motion(*speeds))
        elif asked.do == "recall" and asked.before is not None:
            lease = await desk.go(subject, asker, asked.before)
        elif asked.do == "recall" and asked.token:
            lease = await desk.recall(subject, asker, asked.token)
        elif asked.do == "store" and asked.name:
            return JSONResponse({"token": await desk.store(subject, asker, asked.name[:64], asked.token)})
        elif asked.do == "release":
            lease = await desk.release(subject, asker)
        else:
            raise Refused("malformed", "do: move, stop, recall (token or before), store (name) or release", 422)
        return JSONResponse({"lease": msgspec.to_builtins(lease)})

    async def point(request: Request) -> Response:
        asked = await body_of(request, _Pointed, _BODY_BOUND)
        return JSONResponse(await desk.point(asked.channels, _asker(request), asked.lon, asked.lat))

    return [
        Route("/ptz/point", refusing(point), methods=["POST"]),
        Route("/ptz/{subject:path}", refusing(look), methods=["GET"]),
        Route("/ptz/{subject:path}", refusing(act), methods=["POST"]),
    ]


def _asker(request: Request) -> Asker:
    try:
        return msgspec.json.decode(unquote(request.headers.get("x-hall-asker", "")), type=Asker)
    except msgspec.MsgspecError:
        raise Refused("asker-missing", "who asks is not said", 403) from None
