"""`/api/v1/tokens`: keys of other systems (a department's, a reporting app's), shown once, kept as sums, taken back at will."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel, Field

from hall import access
from hall.app.answers import json
from hall.app.reporting import Strict
from hall.app.visit import current_visit
from hall.core.bus import Bus
from hall.core.errors import Refused

log = logging.getLogger("hall.web")
MOST = 500


class NewToken(Strict):
    """A department's token answers its tasks, an operator's reports cases (Open311), a viewer's looks."""

    name: str = Field(pattern=r"^[\w.-]{1,64}$")
    role: str
    unit: str = Field("", max_length=64)
    districts: list[Annotated[str, Field(max_length=64)]] = Field([], max_length=100)


class MadeToken(BaseModel):
    """`token` is shown in this answer only; send it as `Authorization: Bearer ...` or as Open311's `api_key`."""

    id: str
    token: str
    name: str


class TokenList(BaseModel):
    tokens: list[dict[str, Any]]
    roles: list[str]


class Tokens:
    """`router` serves it."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.router = APIRouter(prefix="/api/v1/tokens", tags=["access"])
        self.router.add_api_route("", self.all, methods=["GET"], response_model=TokenList)
        self.router.add_api_route("", self.make, methods=["POST"], response_model=MadeToken, status_code=201)
        self.router.add_api_route("/{token_sum}", self.revoke, methods=["DELETE"], response_model=dict[str, str])

    async def all(self) -> Response:
        """Every token's name and rights; the tokens themselves are kept nowhere."""
        found = await access.tokens(self.bus)
        rows = [{"id": key, **msgspec.to_builtins(kept)} for key, kept in found.items()]
        return json({"tokens": sorted(rows, key=lambda row: row["made"]), "roles": access.TOKEN_ROLES})

    async def make(self, token: NewToken) -> Response:
        """Makes a token for another system."""
        if token.role not in access.TOKEN_ROLES:
            raise Refused("bad-role", f"one of {', '.join(access.TOKEN_ROLES)}", 422)
        if token.role == "department" and not token.unit:
            raise Refused("unit-missing", "a department's token names its unit", 422)
        known = await access.tokens(self.bus)
        if len(known) >= MOST or any(kept.name == token.name for kept in known.values()):
            raise Refused("name-taken", f"there is a token {token.name} already, or there are {MOST}", 409)
        who = current_visit().identity.name
        made = await access.make_token(self.bus, token.name, token.role, token.unit, tuple(token.districts), who)
        log.warning("access: %r made the token %r as %s", who, token.name, token.role)
        return json({"id": access.digest(made), "token": made, "name": token.name}, 201)

    async def revoke(self, token_sum: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]) -> Response:
        """Takes a token back; it opens nothing from now on."""
        if not await access.revoke_token(self.bus, token_sum):
            raise Refused("unknown-token", "no such token", 404)
        log.warning("access: %r took back the token %s", current_visit().identity.name, token_sum[:12])
        return json({"revoked": token_sum})
