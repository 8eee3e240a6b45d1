"""Regions and the pictures behind readings over HTTP on loopback, for the web process, which has checked who asks."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hall.core.clock import real_ms
from hall.core.errors import Refused
from video.analysis.drawings import Drawing
from video.analysis.service import Analysis
from video.catalogue.routes import refusing
from video.catalogue.scope import scope_of
from video.directory import Directory
from video.loopback import body_of


class _Saved(msgspec.Struct, forbid_unknown_fields=True):
    """`id` "": a new one; `region`: a task as in hall.toml."""

    region: dict[str, Any]
    id: str = ""


class _Done(msgspec.Struct, forbid_unknown_fields=True):
    channel: str
    do: str


def routes(analysis: Analysis, directory: Directory) -> list[Route]:
    """`GET,POST /analysis`, `POST /analysis/<id>/do`, `GET /poster/analysis/<at>/<channel>.jpg` (the picture of a reading)."""

    def seen(request: Request, channel: str) -> None:
        if reason := directory.unseen(channel, scope_of(request.headers.get("x-hall-scope"))):
            raise Refused(reason, "this channel is not one of yours", 403)

    async def listed(request: Request) -> Response:
        """The regions of one channel."""
        channel = request.query_params.get("channel", "")
        seen(request, channel)
        return JSONResponse(described(analysis, channel), headers={"cache-control": "no-store"})

    async def save(request: Request) -> Response:
        asked, (by, name) = await body_of(request, _Saved), _person(request)
        key = analysis.drawings.save(asked.id, asked.region, by, name, real_ms())
        await analysis.apply()
        return JSONResponse({"id": key, **described(analysis, str(asked.region["channel"]))})

    async def do(request: Request) -> Response:
        asked, key, (by, name) = await body_of(request, _Done), request.path_params["key"], _person(request)
        if asked.do == "reference":
            await analysis.refer(key, asked.channel, by, name)
        elif asked.do in ("undo", "remove"):
            getattr(analysis.drawings, asked.do)(key, asked.channel)
            await analysis.apply()
        else:
            raise Refused("act-unknown", "undo, remove or reference", 422)
        return JSONResponse({"id": key, **described(analysis, asked.channel)})

    async def kept(request: Request) -> Response:
        channel, at = request.path_params["subject"], request.path_params["at"]
        seen(request, channel)
        body = await asyncio.to_thread(analysis.evidence.picture, channel, at)
        return Response(body, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})

    return [
        Route("/analysis", refusing(listed), methods=["GET"]),
        Route("/analysis", refusing(save), methods=["POST"]),
        Route("/analysis/{key}/do", refusing(do), methods=["POST"]),
        Route("/poster/analysis/{at:int}/{subject:path}.jpg", refusing(kept)),
    ]


def described(analysis: Analysis, channel: str) -> dict[str, Any]:
    """What a page needs to show and change the regions of a channel."""
    jobs = {job.key: job for job in analysis.jobs.get(channel, ())}
    rows = []
    for key, drawing in analysis.drawings.current().items():
        if drawing.task.channel == channel:
            job = jobs.get(key)
            row = _row(analysis, key, drawing) | {"gone": False, "looks": len(job.seen) if job else 0}
            rows.append(row | {"latest": list(job.latest.values()) if job else []})
    for key, drawing in analysis.drawings.gone(channel).items():
        rows.append(_row(analysis, key, drawing) | {"gone": True, "looks": 0, "latest": []})
    kinds = [
        {"name": kind.name, "referred": kind.referred, "moving": kind.moving}
        for kind in sorted(analysis.kinds.values(), key=lambda kind: kind.name)
    ]
    return {"regions": rows, "kinds": kinds, "now": real_ms()}


def _row(analysis: Analysis, key: str, drawing: Drawing) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(drawing.task), "id": key, "written": key in analysis.drawings.written,
        "references": len(drawing.references), "undo": analysis.drawings.undoable(key), "by": drawing.by,
        "by_name": drawing.name, "at": drawing.at,
    }  # fmt: skip


def _person(request: Request) -> tuple[str, str]:
    """(name, how screens call him) of who acts; the web process says it."""
    return tuple(unquote(request.headers.get(f"x-hall-{part}", ""))[:100] for part in ("person", "person-name"))  # type: ignore
