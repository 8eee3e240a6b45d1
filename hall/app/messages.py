"""`/api/v1/messages/preview`: who would get a message to crews, and which of them their phone cannot reach now."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall.app.answers import json
from hall.app.fieldlinks import FieldLinks
from hall.app.fieldmessages import heard
from hall.app.seeing import seen
from hall.app.visit import current_visit
from hall.core.clock import real_ms
from hall.core.process import Process

#: of one message (dispatch/messages/model.py)
RECEIVERS = 200
#: a phone asks every 5 s, in the background every 30 to 40 s: one that is silent for longer is not reached now
REACHED_MS = 90_000


class Desk(Protocol):
    """What is used of dispatch.desk.Desk."""

    async def states(self, topic: str, *, ended: bool = False) -> dict[str, Any]: ...


class Wanted(BaseModel):
    """Crews by id."""

    model_config = ConfigDict(extra="forbid")
    crews: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=RECEIVERS)]


class MessageApi:
    """Handler and its router; messages themselves are `/api/v1/streams/message` (hall/app/streams.py)."""

    def __init__(self, process: Process, desk: Desk) -> None:
        self.process, self.desk, self.links = process, desk, FieldLinks(process.bus)
        self.router = APIRouter(prefix="/api/v1/messages", tags=["field"])
        self.router.add_api_route("/preview", self.preview, methods=["POST"], response_class=Response)

    async def preview(self, wanted: Wanted) -> Response:
        """`{crews: [{crew, name, label, unit, state, reach, silent_ms}], unknown: [id]}`; `reach`: now (its phone was heard
        within 90 s), silent (`silent_ms` ago), none (no phone of it is signed in). A link for one case does not count."""
        who, now = current_visit().identity, real_ms()
        states = await self.desk.states("crew")
        phones = {link.crew for link in await self.links.all() if link.uses and not link.case}
        last = await heard(self.process.bus)
        rows, unknown = [], []
        for name in dict.fromkeys(wanted.crews):
            crew = states.get(f"crew/{name}")
            if crew is None or not seen(who, crew):
                unknown.append(name)
                continue
            at = last.get(name) if name in phones else None
            reach = "none" if at is None else "now" if now - at <= REACHED_MS else "silent"
            row = {"crew": name, "name": crew.name or name, "label": crew.label, "unit": crew.unit, "state": crew.state}
            rows.append(row | {"reach": reach, "silent_ms": None if at is None else max(0, now - at)})
        return json({"crews": rows, "unknown": unknown})
