"""How the API says no, and how it writes JSON: one shape for every refusal, whatever raised it."""

from __future__ import annotations

import logging
import sqlite3
from typing import Any

import msgspec
from dash.exceptions import DependencyException
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from hall.app.commanding import refused_document
from hall.app.doorkeeper import refusal
from hall.core.command import Stale
from hall.core.errors import BusLost, LedgerFault, Refused

log = logging.getLogger("hall.web")


def json(data: Any, status: int = 200) -> Response:
    """Documents as JSON by msgspec: embedded raw events are copied, not decoded."""
    return Response(msgspec.json.encode(data), status, media_type="application/json")


_HTTP_REASONS = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}


def install(app: FastAPI) -> None:
    """Every error that a handler raises becomes `{reason, detail}`."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return refusal(error)

    @app.exception_handler(Stale)
    async def stale(_: Request, error: Stale) -> Response:
        return json(refused_document(error), error.status)

    @app.exception_handler(LedgerFault)
    async def ledger_fault(_: Request, error: LedgerFault) -> Response:
        """Nothing was acknowledged: the same command may be asked again."""
        log.warning("web: %s", error)
        return refusal(Refused("not-stored", "the ledger cannot be written; nothing was done, ask again", 507))

    @app.exception_handler(BusLost)
    async def bus_lost(_: Request, error: BusLost) -> Response:
        return refusal(Refused("bus-lost", str(error), 503))

    @app.exception_handler(sqlite3.OperationalError)
    async def file_refuses(_: Request, error: sqlite3.OperationalError) -> Response:
        """A full disk, or a file somebody else holds: nothing was stored."""
        return refusal(Refused("not-stored", str(error), 507))

    @app.exception_handler(RequestValidationError)
    async def unfit(_: Request, error: RequestValidationError) -> Response:
        places = [f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:5]]
        return refusal(Refused("bad-request", "; ".join(places), 422))

    @app.exception_handler(DependencyException)
    async def no_such_script(_: Request, error: DependencyException) -> Response:
        """Dash raises for a component file that is not registered, and says which ones are."""
        return refusal(Refused("not-found", "no such file", 404))

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        return refusal(Refused(_HTTP_REASONS.get(error.status_code, "http"), str(error.detail), error.status_code))
