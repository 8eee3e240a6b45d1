"""What a wall may ask for the person in front of it: signing in by PIN or phone, and the large card of a case."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Annotated, Any
from urllib.parse import urlencode

import segno
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall import access
from hall.app import acting, headers
from hall.app.actors import actor_of, current_actor
from hall.app.answers import json
from hall.app.seeing import refusal_of, unseen_file
from hall.app.users import Users
from hall.app.visit import current_visit
from hall.core.command import Actor
from hall.core.errors import Refused
from hall.core.process import Process

log = logging.getLogger("hall.web")
_WALL = re.compile(r"[\w-]{1,64}")
#: of a case's history the card shows the last ones, and of each what people read
ENTRIES = 12
_ENTRY = ("move", "time", "who", "role", "kind", "desk", "reason")
_FILE = (
    "feed", "case_id", "revision", "state", "state_since", "emergency", "owner", "owner_role", "unit", "crews", "clock", "asks",
    "urges",
)  # fmt: skip
_CASE = (
    "feed", "case_id", "state", "class_name", "subclass_name", "description", "severity", "lon", "lat", "address", "district",
    "unit", "due", "stages",
)  # fmt: skip
#: password hashes computed at once: each takes 64 MiB
_HASHING = asyncio.Semaphore(1)


class Body(BaseModel):
    """Base of request bodies: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class PinIn(Body):
    name: Annotated[str, Field(max_length=64)]
    pin: Annotated[str, Field(pattern=r"^[0-9]{4,8}$")]
    wall: Annotated[str, Field(max_length=64)] = ""


class WallIn(Body):
    wall: Annotated[str, Field(max_length=64)] = ""


class CodeIn(Body):
    code: Annotated[str, Field(pattern=r"^[0-9]{8}$")]


class WallSide:
    """Handlers and their router. `desk` takes commands and audit lines (dispatch.desk.Desk)."""

    def __init__(self, process: Process, users: Users, desk: Any) -> None:
        self.process, self.users, self.desk = process, users, desk
        self.settings = acting.settings_of(process.config)
        self.router = APIRouter(tags=["walls"])
        for method, path, handler in (
            ("GET", "/api/v1/acting", self.who),
            ("GET", "/api/v1/acting/people", self.people),
            ("POST", "/api/v1/acting/pin", self.pin),
            ("POST", "/api/v1/acting/pairing", self.show_code),
            ("GET", "/api/v1/acting/pairing", self.paired),
            ("GET", "/api/v1/acting/asked/{code}", self.asked),
            ("POST", "/api/v1/acting/confirm", self.confirm),
            ("POST", "/api/v1/acting/end", self.end),
            ("GET", "/api/v1/card/{feed}/{case_id:path}", self.card),
        ):
            self.router.add_api_route(path, handler, methods=[method], response_class=Response)

    # -- who acts here --------------------------------------------------------------------------------------------------

    async def who(self, request: Request) -> Response:
        """Who acts at this wall, in this browser; an empty name when nobody does."""
        found = await acting.look(self.process.bus, request.cookies.get(acting.COOKIE, ""), _secret(request))
        return json(_told(found, request.cookies[acting.COOKIE])) if found else json({"name": ""})

    async def people(self) -> Response:
        """Who has a PIN, for the list at the wall."""
        _at_wall("")
        found = await asyncio.to_thread(self.users.all)
        may = [user for user in found if user.has_pin and access.may(user.role, "act-at-wall")]
        rows = [{"name": user.name, "display": user.display, "role": user.role} for user in may]
        return json({"people": rows})

    async def pin(self, request: Request, asked: PinIn) -> Response:
        """Signs a person in at this wall by PIN, for minutes."""
        wall = _at_wall(asked.wall)
        try:
            await acting.count_pin(self.process.bus, asked.name, wall)
        except Refused:
            log.warning("access: too many PINs for %r at wall %s", asked.name, wall)
            raise
        async with _HASHING:
            user = await asyncio.to_thread(self.users.check_pin, asked.name, asked.pin)
        if user is None or not access.may(user.role, "act-at-wall"):
            await self.desk.note("wall-sign-in-refused", _wall_actor(wall), {"wall": wall, "name": asked.name, "by": "pin"})
            raise Refused("wrong-pin", "the PIN is not right", 401)
        await acting.forgive(self.process.bus, asked.name)
        return await self._welcome(request, user, wall, "pin")

    async def _welcome(self, request: Request, person: Any, wall: str, by: str) -> Response:
        secret, made = await acting.begin(self.process.bus, person, wall, _secret(request), self.settings)
        await self.desk.note("wall-sign-in", actor_of(made.identity), {"wall": wall, "by": by, "until": made.until})
        answer = json(_told(made, secret))
        _keep(answer, request, acting.COOKIE, secret, round(self.settings.acting_longest_minutes * 60))
        answer.delete_cookie(acting.WAITING_COOKIE, path="/api/v1")
        return answer

    async def end(self, request: Request) -> Response:
        """Ends acting at once."""
        visit = current_visit()
        await acting.end(self.process.bus, request.cookies.get(acting.COOKIE, ""))
        if visit.identity.desk:
            await self.desk.note("wall-sign-out", current_actor(), {"wall": visit.identity.desk.removeprefix("wall:")})
        answer = json({"name": ""})
        answer.delete_cookie(acting.COOKIE, path="/api/v1")
        return answer

    # -- by phone -------------------------------------------------------------------------------------------------------

    async def show_code(self, request: Request, asked: WallIn | None = None) -> Response:
        """A code that somebody signed in elsewhere confirms, and a picture of its address for his phone."""
        wall = _at_wall(asked.wall if asked else "")
        host = request.headers.get("host", "")
        if not headers.host_name(host):
            raise Refused("bad-host", "the address of this hall is not known", 400)
        await acting.count_codes(self.process.bus, wall)
        code, screen = await acting.show_code(self.process.bus, wall)
        address = f"{request.url.scheme}://{host}/pair?{urlencode({'code': code})}"
        picture = segno.make(address, error="m").svg_data_uri(scale=8, border=2, dark="#000", light="#fff")
        answer = json({"code": code, "address": address, "picture": picture, "seconds": acting.CODE_SECONDS})
        _keep(answer, request, acting.WAITING_COOKIE, screen, acting.CODE_SECONDS + acting.GRANT_SECONDS)
        return answer

    async def paired(self, request: Request, wall: str = "") -> Response:
        """Whether the code was confirmed; if so, the person acts here from now on."""
        wall = _at_wall(wall)
        state, identity = await acting.granted(self.process.bus, request.cookies.get(acting.WAITING_COOKIE, ""))
        if identity is None:
            return json({"state": state})
        return await self._welcome(request, identity, wall, "phone")

    async def asked(self, code: Annotated[str, Path(pattern=r"^[0-9]{8}$")]) -> Response:
        """Which wall shows this code: told before one confirms it."""
        await acting.count_confirm(self.process.bus, _person().name)
        found = await acting.code_of(self.process.bus, code)
        if found is None:
            raise Refused("code-unknown", "no wall shows this code (any more)", 404)
        return json({"wall": found.wall, "minutes": self.settings.acting_minutes})

    async def confirm(self, asked: CodeIn) -> Response:
        """Lets the wall that shows this code act in my name, for minutes."""
        person = _person()
        await acting.count_confirm(self.process.bus, person.name)
        found = await acting.grant(self.process.bus, asked.code, person)
        if found is None:
            await self.desk.note("wall-sign-in-refused", current_actor(), {"by": "phone"}, "no such code")
            raise Refused("code-unknown", "no wall shows this code (any more)", 404)
        return json({"wall": found.wall, "minutes": self.settings.acting_minutes})

    # -- the card -------------------------------------------------------------------------------------------------------

    async def card(self, feed: str, case_id: str) -> Response:
        """A case as a wall shows it: nothing of the caller, the last lines of its history, the moves allowed to who acts."""
        visit = current_visit()
        subject, who = f"file/{feed}/{case_id}", visit.identity
        view = await self.desk.view(subject, current_actor())
        wall = who.role == "wall"
        at_wall = wall or who.desk.startswith("wall:")  # what hangs there for all is no secret to who stands before it
        if not at_wall and (reason := unseen_file(who, subject, view["file"], view["case"])):
            raise refusal_of(reason)
        return json(
            {
                "subject": view["subject"],
                "case": _some(view["case"] or {}, _CASE),
                "file": _some(view["file"], _FILE),
                "entries": [_some(entry, _ENTRY) for entry in view["entries"][-ENTRIES:]],
                "allowed": [] if wall else view["allowed"],
                "revision": view["revision"],
                "now": view["now"],
            }
        )


def _some(found: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: found[name] for name in names if name in found}


def _at_wall(named: str) -> str:
    """The wall that asks; a screen of the demo names it itself."""
    identity = current_visit().identity
    if identity.role != "wall":
        raise Refused("not-a-wall", "this is for a wall's own screen; you are signed in already", 403)
    wall = identity.wall or named or "demo"
    if not _WALL.fullmatch(wall):
        raise Refused("bad-name", "1 to 64 letters, digits, - or _", 422)
    return wall


def _person() -> access.Identity:
    identity = current_visit().identity
    if identity.role == "wall" or identity.kind != "person" or identity.desk:
        raise Refused("not-a-person", "sign in on your phone or console first", 403)
    return identity


def _wall_actor(wall: str) -> Actor:
    return Actor(name=f"wall:{wall}", role="wall", kind="system", desk=f"wall:{wall}")


def _secret(request: Request) -> str:
    return request.cookies.get(access.COOKIE, "")


def _told(found: acting.Acting, secret: str) -> dict[str, Any]:
    about = {"name": found.name, "display": found.display, "role": found.role, "wall": found.wall, "until": found.until}
    return about | {"csrf": access.csrf_token(secret)}


def _keep(answer: Response, request: Request, name: str, secret: str, seconds: int) -> None:
    """These cookies go to the API only: no page is opened with them."""
    secure = request.url.scheme == "https"
    answer.set_cookie(name, secret, max_age=seconds, path="/api/v1", httponly=True, samesite="strict", secure=secure)
