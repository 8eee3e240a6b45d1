"""WHEP (draft-ietf-wish-whep): a player posts an offer, gets an answer and plays. Mounted into the relay's loopback HTTP;
the web process stands before it and says by a ticket who may watch what.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hall.core import secrets, tickets
from hall.core.clock import real_ms
from hall.core.errors import HallError, Refused
from hall.core.process import Process
from video.egress.webrtc_sdp import LARGEST_OFFER
from video.egress.webrtc_sessions import Session, Sessions

log = logging.getLogger("hall.relay.webrtc")


def routes(hub: Any, process: Process) -> list[Route]:
    """`POST /whep/<subject>?quality=` · `GET DELETE PATCH /whep/session/<id>`. Call it on the running loop: it opens the UDP
    port and keeps viewers until the process ends. Where the port cannot be had, every offer is refused with the reason."""
    try:
        sessions = Sessions(hub, process)
    except HallError as error:
        log.error("no WebRTC: %s", error)
        return _closed(str(error))
    sessions.port.start(asyncio.get_running_loop())
    process.spawn(_keep(sessions), "webrtc")
    hosts = ", ".join(candidate.host for candidate in sessions.port.candidates)
    log.info("WebRTC by UDP port %s on %s", sessions.port.port, hosts)
    return _open(sessions, process)


async def _keep(sessions: Sessions) -> None:
    try:
        await sessions.keep()
    finally:
        await sessions.close()


def _open(sessions: Sessions, process: Process) -> list[Route]:
    keys = secrets.load(process.settings.data_dir)

    def session_of(request: Request) -> Session:
        wanted = request.path_params["id"]
        if (found := sessions.sessions.get(wanted)) is not None:
            return found
        end = sessions.ended.get(wanted)
        if end:
            raise Refused("session-ended", f"{end['reason']}: {end['detail']}".rstrip(": "), 410)
        raise Refused("session-unknown", "there is no such session; join again", 404)

    async def offer(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/sdp":
            raise Refused("content-type", "send the offer as application/sdp", 415)
        ticket = tickets.read(keys, request.headers.get("x-hall-ticket", ""), real_ms())
        text = await _text(request)
        quality = request.query_params.get("quality", "main")
        session, answer = await sessions.join(ticket, request.path_params["subject"], quality, text)
        headers = {"Location": f"/whep/session/{session.id}", "Accept-Patch": "application/trickle-ice-sdpfrag"}
        return Response(answer, 201, headers, media_type="application/sdp")

    async def one(request: Request) -> Response:
        session = session_of(request)
        if request.method == "DELETE":
            await sessions.end(session, "player-left")
            return Response(status_code=200)
        if request.method == "PATCH":  # the hall is ICE-lite: it needs no candidates, it learns where checks come from
            fragment = await _text(request)
            if "a=ice-ufrag:" in fragment and f"a=ice-ufrag:{session.peer.choice.ufrag}" not in fragment:
                raise Refused("ice-restart", "no ICE restart: a player that moved goes on as it is, or joins again", 422)
            return Response(status_code=204)
        return JSONResponse(session.shown(), headers={"Cache-Control": "no-store"})

    return [
        Route("/whep/session/{id}", _refusing(one), methods=["GET", "DELETE", "PATCH"]),
        Route("/whep/{subject:path}", _refusing(offer), methods=["POST"]),
    ]


async def _text(request: Request) -> str:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_OFFER:
            raise Refused("offer-too-large", f"at most {LARGEST_OFFER} bytes", 413)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Refused("offer-bad", "SDP is UTF-8 text", 400) from None


def _refusing(handler: Any) -> Any:
    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return _refusal(refused.reason, refused.detail, refused.status)
        except HallError as error:
            return _refusal("not-possible", str(error), 503)

    return guarded


def _refusal(reason: str, detail: str, status: int) -> JSONResponse:
    return JSONResponse({"reason": reason, "detail": detail}, status, {"Cache-Control": "no-store"})


def _closed(why: str) -> list[Route]:
    async def refuse(_: Request) -> Response:
        return _refusal("webrtc-off", why, 503)

    return [Route("/whep/{rest:path}", refuse, methods=["GET", "POST", "DELETE", "PATCH"])]
