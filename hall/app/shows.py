"""What walls are made to show: layouts, pushes, and who shows what since when.

Decided by the ledger's aggregate of topic `show` and kept there, so that every change can be audited.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall.app import documents
from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.visit import current_visit
from hall.core.clock import real_ms
from hall.core.command import Actor, Command
from hall.core.errors import BusLost, HallError, Refused
from hall.core.process import Process

log = logging.getLogger("hall.web")
#: a scene changes this long after it was asked for, so that every browser of a wall has heard of it
SCENE_LEAD_MS = 700
SCENE_LATEST_MS = 60 * 60 * 1000
#: a screen that is told of a push and has not shown it after this long does not answer
ANSWER_MS = 3_000
#: a screen that has not reported for so long says nothing about now
SILENT_MS = 8_000
#: how often the ledger is told of pushes whose time is over; the screens have returned by themselves
TIDY_SECONDS = 5.0
_HALL = Actor(name="hall", role="system", kind="system")
_Target = Annotated[str, Path(pattern=r"^(all|part-\d{1,2},\d{1,2}|screen-[A-Za-z0-9._:-]{1,64})$")]
_Wall = Annotated[str, Path(pattern=r"^[\w-]{1,64}$")]


class PushIn(BaseModel):
    """`part` [column, row] or `screen` (an id) of the wall, neither: all of it. `seconds` null: until it is withdrawn."""

    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(min_length=1, max_length=100)]
    wall: Annotated[str, Field(pattern=r"^[\w-]{1,64}$")]
    part: Annotated[list[Annotated[int, Field(ge=0, le=99)]], Field(min_length=2, max_length=2)] | None = None
    screen: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")] | None = None
    what: Literal["scene", "case", "camera", "map", "message"]
    content: dict[str, Any]
    priority: Annotated[int, Field(ge=1, le=4)] = 1
    seconds: Annotated[float, Field(ge=3, le=86_400)] | None = None
    reason: Annotated[str, Field(max_length=500)] = ""


class Scene(BaseModel):
    """`at`: real ms; absent: at once, that is in SCENE_LEAD_MS."""

    model_config = ConfigDict(extra="forbid")
    layout: str
    at: int | None = None


class Shows:
    """Handlers and their router. `desk` takes the commands; `layouts` are the names of the declared walls."""

    def __init__(self, process: Process, desk: Any, layouts: Sequence[str]) -> None:
        self.process, self.desk, self.layouts = process, desk, layouts
        self.router = APIRouter(tags=["walls"])
        one = "/api/v1/shows/{wall}/{target}/{number}"
        self.router.add_api_route("/api/v1/shows", self.all, methods=["GET"], response_class=Response)
        self.router.add_api_route("/api/v1/shows", self.push, methods=["POST"], response_class=Response)
        self.router.add_api_route(one, self.withdraw, methods=["DELETE"], response_class=Response)
        self.router.add_api_route("/api/v1/scene/{wall}", self.scene, methods=["POST"], response_class=Response)

    async def scene(self, wall: _Wall, scene: Scene) -> Response:
        """Switches a wall to another layout for good, all its browsers at the same moment."""
        if scene.layout not in self.layouts:
            raise Refused("unknown-layout", f"one of {', '.join(self.layouts)}", 422)
        now = real_ms()
        at = now + SCENE_LEAD_MS if scene.at is None else scene.at
        if not now <= at <= now + SCENE_LATEST_MS:
            raise Refused("bad-time", "`at` is real time in ms, from now to one hour ahead", 422)
        data = {"layout": scene.layout, "at": at}
        command = Command(id=f"scene-{uuid4().hex}", subject=f"show/{wall}/all", move="scene", data=data)
        await self.desk.execute(command, current_actor())
        made = data | {"by": current_visit().identity.name}
        self.process.fast.put(self.process.event(f"scene/{wall}", made, type="scene.set"))
        await self.process.fast.flush()
        return json({"wall": wall, **made})

    async def push(self, asked: PushIn) -> Response:
        """Makes a wall, one of its screens or one browser show something; the answer names the push, screens answer later."""
        if asked.what == "scene" and asked.content.get("layout") not in self.layouts:
            raise Refused("unknown-layout", f"one of {', '.join(self.layouts)}", 422)
        if asked.part and asked.screen:
            raise Refused("bad-target", "a part or a screen, not both", 422)
        target = "part-{},{}".format(*asked.part) if asked.part else f"screen-{asked.screen}" if asked.screen else "all"
        data = {"what": asked.what, "content": asked.content, "priority": asked.priority, "seconds": asked.seconds}
        subject = f"show/{asked.wall}/{target}"
        made = Command(id=asked.id, subject=subject, move="push", reason=asked.reason, data=data)
        outcome = await self.desk.execute(made, current_actor())
        return json({"outcome": outcome, "subject": subject, "number": outcome.revision}, 201)

    async def withdraw(
        self,
        wall: _Wall,
        target: _Target,
        number: Annotated[int, Path(ge=1)],
        id: Annotated[str, Query(min_length=1, max_length=100)],
        reason: Annotated[str, Query(max_length=500)] = "",
    ) -> Response:
        """Ends a push before its time; what lies under it returns."""
        made = Command(id=id, subject=f"show/{wall}/{target}", move="withdraw", reason=reason, data={"number": number})
        return json({"outcome": await self.desk.execute(made, current_actor())})

    async def all(self) -> Response:
        """Every push that holds, with what each screen of its target answers, and every open screen of a wall."""
        now = real_ms()
        screens = [doc for doc in await self._documents("screen") if doc.get("wall")]
        live = [doc for doc in screens if doc.get("state") != "gone" and now - doc.get("at", 0) <= SILENT_MS]
        rows = []
        for subject, state in sorted((await self.desk.states("show")).items()):
            held = [push for push in state.pushes if push.until is None or push.until > now]
            concerned = [doc for doc in live if concerns(subject, doc)]
            for push in held:
                answers = [answer(doc, subject, push, now) for doc in concerned]
                rows.append({"subject": subject, **msgspec.to_builtins(push), "screens": [a for a in answers if a]})
        open_screens = [{name: doc.get(name) for name in ("id", "wall", "part", "number", "layout")} for doc in live]
        return json({"now": now, "pushes": rows, "screens": open_screens})

    async def _documents(self, topic: str) -> list[dict[str, Any]]:
        found = await documents.current(self.process.bus, topic)
        return [msgspec.json.decode(raw).get("data") or {} for raw in found.events]

    async def tidy(self) -> None:
        """Tells the ledger what is over, for ever; a hall in trouble is asked again."""
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            try:
                await self.tidy_once(real_ms())
            except (HallError, BusLost) as error:
                log.debug("shows not tidied: %s", error)

    async def tidy_once(self, now: int) -> None:
        for subject, state in (await self.desk.states("show")).items():
            if any(push.until is not None and push.until <= now for push in state.pushes):
                name = f"expire-{subject}-{state.revision}"
                await self.desk.execute(Command(id=name, subject=subject, move="expire"), _HALL)


def concerns(subject: str, screen: dict[str, Any]) -> bool:
    """Whether a screen (its document) is one of those that a stream `show/<wall>/<target>` is meant for."""
    _, wall, target = subject.split("/", 2)
    if screen.get("wall") != wall:
        return False
    part = screen.get("part") or ""
    return (
        target == "all" or target == f"screen-{screen.get('id')}" or (target.startswith("part-") and part in ("", target[5:]))
    )


def answer(screen: dict[str, Any], subject: str, push: Any, now: int) -> dict[str, Any] | None:
    """What one screen says of a push: shown since when, covered by another, held back, on its way, no answer.

    None where the push lies on other screens of the wall.
    """
    said = screen.get("shows") or {}
    made = {"screen": screen.get("id"), "number": screen.get("number"), "part": screen.get("part") or ""}
    if (said.get("subject"), said.get("number")) == (subject, push.number):
        if not said.get("here", True):
            return None
        if said.get("since") is not None:
            return made | {"state": "shown", "since": said["since"]}
        if said.get("held") or said.get("fault"):
            return made | {"state": "held" if said.get("held") else "failed", "by": said.get("held") or said["fault"]}
    elif said.get("subject"):
        return made | {"state": "covered", "by": f"{said['subject']}#{said.get('number')}"}
    return made | {"state": "waiting" if now - push.since < ANSWER_MS else "no-answer"}
