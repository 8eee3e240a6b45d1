"""Rounds over HTTP on loopback, for the web process, which has checked who asks (`x-hall-person`) and
within what (`x-hall-scope`)."""

from __future__ import annotations

from urllib.parse import unquote

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hall.core.clock import real_ms
from hall.core.errors import Refused
from video.catalogue.routes import refusing
from video.catalogue.scope import Scope, scope_of
from video.loopback import body_of
from video.rounds.keeper import Rounds
from video.rounds.plan import RISKS, WEIGHTS

_BODY_BOUND = 2 * 1024 * 1024


def routes(rounds: Rounds) -> list[Route]:
    """`GET,POST /rounds`, `DELETE /rounds/<name>`, `GET /rounds/<name>/coverage`, `POST /rounds/<name>/do`."""

    async def listed(request: Request) -> Response:
        now = real_ms()
        found = rounds.listed(now, _scope(request))
        risks = {
            name: {"least": least, "full": full, "about": about, "weight": WEIGHTS[name]}
            for name, (least, full, about) in RISKS.items()
        }
        return JSONResponse({"rounds": found, "risks": risks, "now": now})

    async def save(request: Request) -> Response:
        asked = await body_of(request, most=_BODY_BOUND)
        return JSONResponse({"plan": msgspec.to_builtins(rounds.save(asked, _scope(request)))})

    async def drop(request: Request) -> Response:
        rounds.drop(request.path_params["name"], _scope(request))
        return JSONResponse({"dropped": request.path_params["name"]})

    async def coverage(request: Request) -> Response:
        return JSONResponse(rounds.coverage(request.path_params["name"], real_ms(), _scope(request)))

    async def do(request: Request) -> Response:
        asked = await body_of(request, most=_BODY_BOUND)
        if not isinstance(asked, dict) or not all(isinstance(value, str) for value in asked.values()):
            raise Refused("malformed", 'give {"do": "hold"}', 422)
        person = unquote(request.headers.get("x-hall-person", ""))[:100]
        name, scope = request.path_params["name"], _scope(request)
        rounds.do(name, asked.get("do", ""), person, real_ms(), asked.get("channel", ""), scope)
        return JSONResponse(rounds.one(name, real_ms(), scope))

    return [
        Route("/rounds", refusing(listed), methods=["GET"]),
        Route("/rounds", refusing(save), methods=["POST"]),
        Route("/rounds/{name}", refusing(drop), methods=["DELETE"]),
        Route("/rounds/{name}/coverage", refusing(coverage), methods=["GET"]),
        Route("/rounds/{name}/do", refusing(do), methods=["POST"]),
    ]


def _scope(request: Request) -> Scope:
    return scope_of(request.headers.get("x-hall-scope"))
