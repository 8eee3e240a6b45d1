"""HTTP of the video process: `/poster/<subject>.jpg?w=480`, `/channels...` (video/catalogue/routes.py), `/healthz`. For the
hall's own web process, which checks who asks: listens on loopback only, whatever HALL_HOST says, and answers to loopback
names only."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hall.core import secrets
from hall.core.errors import Refused
from hall.core.process import Process
from video import guard, loopback
from video.analysis.routes import routes as analysis_routes
from video.analysis.service import Analysis
from video.catalogue.routes import routes
from video.catalogue.scope import scope_of
from video.directory import Directory
from video.health.plan import health_plan
from video.health.watch import Health
from video.keypictures import KeyPictures
from video.posters import PERIOD_SECONDS, WIDTHS, Posters
from video.ptz.desk import PtzDesk
from video.ptz.routes import lookup as ptz_lookup
from video.ptz.routes import routes as ptz_routes
from video.rounds.keeper import Rounds
from video.rounds.routes import routes as round_routes

log = logging.getLogger("hall.video")


def app(process: Process, directory: Directory, posters: Posters, more: Sequence[Route] = ()) -> Starlette:
    """Posters, the catalogue and the state of both, over a directory and a poster maker; `more` are other parts' routes."""

    async def poster(request: Request) -> Response:
        try:
            picture = await directory.picture(request.path_params["subject"])
            if picture is None:
                raise Refused("channel-unknown", "there is no such channel", 404)
            if reason := directory.unseen(picture.subject, scope_of(request.headers.get("x-hall-scope"))):
                raise Refused(reason, "this channel is not one of yours", 403)
            if picture.state == "offline":
                raise Refused("channel-offline", "the channel is offline", 404)
            found = await posters.poster(picture, _width(request), process.clock.now())
        except Refused as error:
            headers = {"Cache-Control": "no-store"} | ({"Retry-After": "1"} if error.status == 503 else {})
            body = {"reason": error.reason, "detail": error.detail}
            return JSONResponse(body, status_code=error.status, headers=headers)
        headers = {"ETag": found.etag, "Cache-Control": f"private, max-age={PERIOD_SECONDS}"}
        if found.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(found.body, media_type="image/jpeg", headers=headers)

    async def scene(request: Request) -> Response:
        """What the relay's drawn cards show of a channel: its name, and the water at the gauge beside it (metres or null)."""
        picture = await directory.picture(request.path_params["subject"])
        if picture is None:
            return JSONResponse({"reason": "channel-unknown", "detail": "there is no such channel"}, status_code=404)
        return JSONResponse({"name": picture.name, "depth": picture.depth}, headers={"Cache-Control": "no-store"})

    async def healthz(_: Request) -> Response:
        status = {"channels": directory.board.count("channel"), "bus": directory.lost or "ok", **posters.counters}
        return JSONResponse(status, status_code=503 if directory.lost else 200)

    known = routes(directory.catalogue, lambda: process.clock.now(), lambda: directory.lost)
    own = [Route("/poster/{subject:path}.jpg", poster), Route("/scene/{subject:path}", scene), Route("/healthz", healthz)]
    return loopback.site([*more, *own, *known])


def _width(request: Request) -> int:
    """Pixels asked for, brought into what is served."""
    text = request.query_params.get("w", "480")
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise Refused("width-bad", "w: a whole number of pixels", 400)
    return min(max(int(text), WIDTHS[0]), WIDTHS[1])


async def serve(process: Process) -> None:
    """Loads the directory, follows it and serves until cancelled."""
    city = process.config.city
    name = city.name.get("zh-CN") or next(iter(city.name.values()), "")
    key = secrets.load(process.settings.data_dir)
    directory = Directory(process.bus, key, (city.code, name))
    plan = health_plan(process.config)
    key_pictures = KeyPictures(process, key, plan.per_host)
    posters = Posters(process.config, key_pictures)
    process.counters = posters.counters
    await directory.load()
    process.spawn(directory.follow(), "follow channels")
    rounds = Rounds(process, directory.catalogue, directory.raw)
    process.spawn(rounds.run(), "rounds")
    if plan.enabled:
        process.spawn(Health(process, directory, key_pictures, posters.stills, plan).run(), "health")
    cameras = PtzDesk(process, ptz_lookup(process.bus, key, directory.raw), guard.of(process.config, process.settings))
    process.spawn(cameras.run(), "camera leases")
    analysis = Analysis(process, directory, key)
    process.spawn(analysis.run(), "analysis")
    more = [*round_routes(rounds), *ptz_routes(cameras), *analysis_routes(analysis, directory)]
    listener = loopback.listen(process.settings.video_port, "HALL_VIDEO_PORT")
    log.info("posters on http://%s:%s", loopback.HOST, listener.getsockname()[1])
    try:
        await loopback.serve(app(process, directory, posters, more), listener, 256)
    finally:
        posters.close()
        await key_pictures.close()
