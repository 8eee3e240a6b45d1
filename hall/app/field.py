"""`/field` and `/api/v1/field`: a crew's phone. It sees its own tasks and nothing else of the hall.

What a phone asks for was perhaps decided an hour ago in a cellar without a network: every action carries its id and the
moment it happened, is taken once, and names no revision; where the ledger wants one, the present one is found here.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall import access
from hall.app import fieldplaces
from hall.app.answers import json
from hall.app.doorkeeper import keep_session
from hall.app.fieldlinks import FieldLinks, crew_name
from hall.app.fieldmessages import FieldMessages
from hall.app.fieldtasks import PHONE_CREW_MOVES, PHONE_FILE_MOVES, CrewMoves, tasks_document
from hall.app.notices import Board, stamp
from hall.app.visit import current_visit
from hall.core.clock import real_ms
from hall.core.command import Actor, Command, Outcome
from hall.core.errors import Refused
from hall.core.model import Position
from hall.core.process import Process

#: how long an action that waits on a phone is known by its id
KNOWN_SECONDS = 14 * 24 * 3600
#: tries on a revision that moves on meanwhile
TRIES = 5
#: links that do not hold, from one address within a quarter of an hour; good ones are not counted: whole crews share one
WRONG_LINKS = 20
#: positions of one crew that are taken in a minute
POSITIONS_A_MINUTE = 60
OLDEST_POSITION_MS = 24 * 3_600_000


def answer_of(request: Request, found: Any, now: int) -> Response:
    """A phone's document as JSON with its ETag, or 304 where the phone has just this one. `now`: city ms, as `X-Hall-Now`."""
    body = msgspec.json.encode(found)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "x-hall-now": str(now), "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(None, 304, headers)
    return Response(body, 200, headers, media_type="application/json")


class Desk(Protocol):
    """What of dispatch.desk.Desk is needed here."""

    files: Any

    async def execute(self, command: Command, actor: Actor) -> Outcome: ...  # of the stamps of notices
    async def state(self, subject: str) -> Any | None: ...
    async def states(self, topic: str) -> dict[str, Any]: ...
    async def concerning(self, topic: str, name: str) -> dict[str, Any]: ...
    async def note(self, what: str, actor: Actor, data: dict[str, Any], reason: str = "") -> None: ...


#: hall.app.commanding.Commands.send: as whoever makes the request, with the checks and bounds of every command
Send = Callable[[Command], Awaitable[Outcome]]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Enter(Body):
    """What a link carries behind its `#`."""

    secret: str = Field(max_length=200)


class Action(Body):
    """One action of a crew; `time` city ms when it happened, absent = now."""

    id: str = Field(min_length=8, max_length=100)
    task: str = Field(max_length=400, description="the case file's subject")
    move: str = Field(max_length=40)
    reason: str = Field("", max_length=500)
    data: dict[str, Any] = {}
    time: int | None = None


class Told(Body):
    """Notices that the phone shows now, and that its user has read."""

    received: list[str] = Field([], max_length=200)
    read: list[str] = Field([], max_length=200)
    messages: list[str] = Field([], max_length=200, description="messages that it shows now")


class Where(Body):
    """Where the phone is: WGS-84 degrees, metres; `time` city ms."""

    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    accuracy_m: float | None = Field(None, ge=0, le=100_000)
    speed_mps: float | None = Field(None, ge=0, le=150)
    heading_deg: float | None = Field(None, ge=0, le=360)
    time: int | None = None


class FieldApi:
    """The phone's half of the API; `router` serves it. `crew_moves` is dispatch.crews.moves.allowed, `offered` those of
    closures and tasks (hall/app/streams.py)."""

    def __init__(
        self, process: Process, desk: Desk, board: Board, crew_moves: CrewMoves, send: Send, offered: fieldplaces.Offered
    ) -> None:
        self.offered = offered
        self.process, self.desk, self.board, self.crew_moves, self.send = process, desk, board, crew_moves, send
        self.links, self.messages = FieldLinks(process.bus), FieldMessages(desk, process.bus)
        self.router = APIRouter(prefix="/api/v1/field", tags=["field"])
        routes: tuple[tuple[str, Callable, str], ...] = (
            ("/session", self.enter, "POST"), ("/session", self.leave, "DELETE"), ("/tasks", self.tasks, "GET"),
            ("/commands", self.command, "POST"), ("/notices", self.told, "POST"), ("/position", self.position, "POST"),
        )  # fmt: skip
        for path, handler, method in routes:
            self.router.add_api_route(path, handler, methods=[method])

    # -- signing in --------------------------------------------------------------------------------------------------

    async def enter(self, request: Request, given: Enter) -> Response:
        """Exchanges a link's secret for a session cookie."""
        address = current_visit().address
        wrong = ("attempts", "field", access.digest(address))
        if int(await self.process.bus.get(*wrong) or 0) >= WRONG_LINKS:
            raise Refused("too-many-attempts", "too many links that do not hold; wait a quarter of an hour", 429)
        try:
            link, session = await self.links.use(given.secret)
        except Refused as refusal:
            await self.process.bus.increment(*wrong, ttl_seconds=900)
            unknown = Actor(name="field:?", role="crew", kind="crew")
            await self.desk.note("field-refused", unknown, {"address": address}, refusal.reason)
            raise
        actor = crew_actor(link.crew, f"field:{link.link_id}")
        await self.desk.note("field-entered", actor, {"link": link.link_id, "crew": link.crew, "address": address})
        answer = json({"crew": link.crew, "expires": link.expires, "csrf": access.csrf_token(session)})
        seconds = max(1, (link.expires - real_ms()) // 1000)
        keep_session(answer, session, secure=request.url.scheme == "https", seconds=seconds)
        return answer

    async def leave(self) -> Response:
        await access.close_session(self.process.bus, current_visit().secret)
        answer = json({"left": True})
        answer.delete_cookie(access.COOKIE, path="/")
        return answer

    # -- tasks -------------------------------------------------------------------------------------------------------

    async def tasks(self, request: Request) -> Response:
        """`{crew, tasks, closures, tasks_given, messages, notices, csrf}`; with `If-None-Match` 304 while nothing changed.
        `X-Hall-Now`: city ms."""
        actor, only = phone_actor(), current_visit().identity.case
        crew = await self.desk.state(f"crew/{actor.crew}")
        if crew is None or crew.ended:
            raise Refused("crew-unknown", "this crew is not on the roster any more", 404)
        subjects = [a.subject for a in crew.assignments if only in ("", a.subject)]
        files = {subject: file for subject in subjects if (file := await self.desk.state(subject)) is not None}
        now = self.process.clock.now()

        def file_moves(file: Any) -> list[str]:
            return [each["move"] for each in self.desk.files.allowed(file, actor, now)]

        found = tasks_document(crew, files, actor, only, self.crew_moves, file_moves)
        if not only:
            found |= await self._places(actor) | {"messages": await self.messages.of(actor.crew)}
        told = await asyncio.to_thread(self.board.mine, actor, 50)
        found["notices"] = [_notice(one) for one in told if only in ("", one["about"])]
        found["csrf"] = current_visit().csrf
        return answer_of(request, found, now)

    async def _places(self, actor: Actor) -> dict[str, Any]:
        """Places and tasks beside the cases; nothing for a link that is for one case."""
        found: dict[str, dict[str, Any]] = {}
        for topic in fieldplaces.PLACES:
            states = await self.desk.concerning(topic, actor.crew)
            found[topic] = {name: state for name, state in states.items() if fieldplaces.mine(topic, state, actor.crew)}
        return fieldplaces.places_document(found, actor, self.offered)

    async def command(self, action: Action) -> Response:
        """One action, taken once however often it is sent: `{outcome}`; refusals `{reason, detail}`."""
        actor, only = phone_actor(), current_visit().identity.case
        if only and action.task != only:
            raise Refused("not-your-case", "this link is for another case", 403)
        if action.move in fieldplaces.PHONE_MOVES.get(action.task.partition("/")[0], ()):
            subject, data = action.task, action.data
        elif action.move in PHONE_CREW_MOVES:
            subject, data = f"crew/{actor.crew}", {"subject": action.task}
        elif action.move in PHONE_FILE_MOVES and action.task.startswith("file/"):
            subject, data = action.task, action.data
        else:
            raise Refused("forbidden", f"a crew's phone does not ask for {action.move!r}", 403)
        time = None if action.time is None else min(action.time, self.process.clock.now())
        command = Command(id=action.id, subject=subject, move=action.move, reason=action.reason, data=data, time=time)
        if subject.startswith("file/") and self.desk.files.needs_revision(action.move):
            outcome = await self._on_present_revision(command)
        else:
            outcome = await self.send(command)
        return json({"outcome": outcome})

    async def _on_present_revision(self, command: Command) -> Outcome:
        """A crew's report holds whatever else was noted on the case meanwhile; the table still says whether it is possible.

        The revision tried is kept before it is tried: a repetition must ask for the same thing to be known again.
        """
        for _ in range(TRIES):
            kept = await self.process.bus.get("field-command", command.id)
            if kept is None:
                state = await self.desk.state(command.subject)
                kept = str(state.revision if state else 0).encode()
                await self._keep_revision(command.id, int(kept))
            try:
                return await self.send(msgspec.structs.replace(command, revision=int(kept)))
            except Refused as refusal:
                if refusal.reason != "stale":
                    raise
            state = await self.desk.state(command.subject)
            await self._keep_revision(command.id, state.revision if state else 0)
        raise Refused("busy", "the case changes too quickly; try again", 503)

    async def _keep_revision(self, command_id: str, revision: int) -> None:
        await self.process.bus.set(str(revision), "field-command", command_id, ttl_seconds=KNOWN_SECONDS)

    # -- notices and position ----------------------------------------------------------------------------------------

    async def told(self, told: Told) -> Response:
        """Stamps notices as received and read on the phone; what is none of its own is left out."""
        actor, done = phone_actor(), 0
        for move, notices in (("received", told.received), ("read", told.read)):
            for notice in notices:
                with contextlib.suppress(Refused):
                    await stamp(self.desk, actor, notice, move, "field")
                    done += 1
        done += await self.messages.received(actor, told.messages) if not current_visit().identity.case else 0
        return json({"stamped": done})

    async def position(self, where: Where) -> Response:
        """The crew's own position: published as `position/field/<crew>`."""
        crew_id, now = current_visit().identity.crew, self.process.clock.now()
        if await self.process.bus.increment("field-positions", crew_id, ttl_seconds=60) > POSITIONS_A_MINUTE:
            raise Refused("too-often", "a position each second is enough", 429)
        crew = await self.desk.state(f"crew/{crew_id}")
        if crew is None or crew.ended:
            raise Refused("crew-unknown", "this crew is not on the roster any more", 404)
        time = now if where.time is None else max(now - OLDEST_POSITION_MS, min(where.time, now))
        place = Position(
            feed="field", unit_id=crew_id, name=crew.name, kind=crew.kind, state=crew.state, lon=where.lon, lat=where.lat,
            speed_mps=where.speed_mps, heading_deg=where.heading_deg, accuracy_m=where.accuracy_m,
        )  # fmt: skip
        self.process.bulk.put(self.process.event(f"position/field/{crew_id}", place, time=time))
        return json({"subject": f"position/field/{crew_id}"}, 202)


def phone_actor() -> Actor:
    """The crew behind the request."""
    who = current_visit().identity
    if not who.crew:
        raise Refused("no-crew", "this session names no crew: enter by a link of the desk", 409)
    return crew_actor(who.crew, who.desk)


def crew_actor(crew: str, desk: str) -> Actor:
    return Actor(name=crew_name(crew), role="crew", kind="crew", crew=crew, desk=desk)


def _notice(found: dict[str, Any]) -> dict[str, Any]:
    """Of a notice what its reader needs."""
    return {
        "id": found["notice_id"],
        "about": found["about"],
        "key": found["key"],
        "values": found.get("values", {}),
        "urgency": found.get("urgency", "normal"),
        "made": found["made"],
    }
