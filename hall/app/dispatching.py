"""REST of dispatch under /api/v1: commands one by one and in batches, new reports, and a case as the asker may see it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel, Field

from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.commanding import Commands, refused_document
from hall.app.discretion import CALLER
from hall.app.reporting import FEED, Report, Reporting, Strict
from hall.core.command import Command, Outcome
from hall.core.errors import Refused

MOST_AT_ONCE = 200
Feed = Annotated[str, Path(pattern=r"^[\w-]{1,64}$")]
CaseId = Annotated[str, Path(min_length=1, max_length=200)]
CrewId = Annotated[str, Path(min_length=1, max_length=100)]


class Move(Strict):
    """One move asked for. `id` is made by who asks: the same id again gets the same answer and changes nothing."""

    id: str = Field(min_length=8, max_length=200)
    move: str = Field(max_length=60, description="one of `allowed` in the view")
    revision: int | None = Field(None, ge=0, description="the revision that was looked at")
    reason: str = Field("", max_length=500)
    data: dict[str, Any] = Field({}, description="what the move needs and takes")
    time: int | None = Field(None, ge=0, le=2**53, description="when it happened, ms, where that is earlier than now")

    def command(self, subject: str) -> Command:
        return Command(
            id=self.id,
            subject=subject,
            move=self.move,
            revision=self.revision,
            reason=self.reason,
            data=self.data,
            time=self.time,
        )


class SubjectMove(Move):
    """A move that names what it moves: `file/<feed>/<case>`, `crew/<id>` or `alarm/<site>`."""

    subject: str = Field(max_length=400, pattern=r"^(file/[\w-]{1,64}/.+|crew/.+|alarm/.+)$")


class Batch(Strict):
    commands: list[SubjectMove] = Field(min_length=1, max_length=MOST_AT_ONCE)


class OutcomeShown(BaseModel):
    """What became of a command; `repeated`: it had been done before."""

    command: str
    subject: str
    revision: int
    seqs: list[int] = []
    repeated: bool = False


class AllowedMove(BaseModel):
    """A move open to the asker now."""

    move: str
    reason: bool
    needs: list[str]
    takes: list[str]
    forward: bool
    reasons: list[Any] | None = None
    answers: list[int] | None = None
    urges: list[int] | None = None


class CaseView(BaseModel):
    """A case as the asker sees it: docs/DISPATCH.md."""

    subject: str
    case: dict[str, Any] = Field(description="the case with the hall's decisions over the supplier's words")
    file: dict[str, Any] = Field(description="the whole state of the file")
    allowed: list[AllowedMove]
    entries: list[dict[str, Any]] = Field(description="ledger lines, newest last")
    revision: int
    now: int = Field(description="city time, ms")


class Done(BaseModel):
    outcome: OutcomeShown
    view: CaseView | None = Field(description="null when the case left the asker's hands with the move")


class Filed(Done):
    case: str = Field(description="subject of the new case")


class Refusal(BaseModel):
    reason: str = Field(description="stable code")
    detail: str
    revision: int | None = Field(None, description="of a stale command: the present one")
    changed: list[dict[str, Any]] | None = Field(None, description="of a stale command: what was written since")


class Result(BaseModel):
    """One of the two."""

    outcome: OutcomeShown | None = None
    refused: Refusal | None = None


class Results(BaseModel):
    results: list[Result]


class CrewDone(BaseModel):
    outcome: OutcomeShown
    crew: dict[str, Any] | None = Field(description="the crew's state after it")


REFUSALS: dict[int | str, dict[str, Any]] = {
    403: {"model": Refusal, "description": "not the asker's: role, district, unit"},
    404: {"model": Refusal, "description": "there is no such case"},
    409: {"model": Refusal, "description": "not possible now; `stale`: it changed meanwhile, `changed` says how"},
    422: {"model": Refusal, "description": "the request says something the hall cannot use"},
    429: {"model": Refusal, "description": "too many in a short time"},
    503: {"model": Refusal, "description": "busy, or the bus is lost: ask again"},
}


class Dispatching:
    """Handlers and their router."""

    def __init__(self, commands: Commands, reporting: Reporting) -> None:
        self.commands, self.reporting = commands, reporting
        self.router = APIRouter(prefix="/api/v1", responses=REFUSALS)
        add = self.router.add_api_route
        add("/cases", self.report, methods=["POST"], tags=["dispatch"], response_model=Filed, status_code=201)
        add("/cases/{feed}/{case_id:path}/commands", self.command, methods=["POST"], tags=["dispatch"], response_model=Done)
        add("/commands", self.batch, methods=["POST"], tags=["dispatch"], response_model=Results)
        add("/crews/{crew_id}/commands", self.crew, methods=["POST"], tags=["crews"], response_model=CrewDone)
        add("/files/{feed}/{case_id:path}", self.view, methods=["GET"], tags=["dispatch"], response_model=CaseView)

    async def command(self, feed: Feed, case_id: CaseId, move: Move) -> Response:
        """One move of one case."""
        subject = f"file/{feed}/{case_id}"
        outcome = await self.commands.send(move.command(subject))
        return json({"outcome": _shown(outcome), "view": await self.commands.view_after(subject)})

    async def batch(self, batch: Batch) -> Response:
        """Up to 200 moves, each for itself and in order: what is refused spoils nothing."""
        found = await self.commands.send_many([move.command(move.subject) for move in batch.commands])
        return json({"results": [_result(one) for one in found]})

    async def report(self, report: Report) -> Response:
        """A new report: it becomes a case of feed `desk` with an open file."""
        actor = current_actor()
        self.commands.paced(3)
        filed = await self.reporting.file(report, actor)
        subject = f"file/{FEED}/{filed.case_id}"
        for command in _follow_up(report, subject):
            await self.commands.send(command)
        view = await self.commands.view_after(subject)
        return json({"case": f"case/{FEED}/{filed.case_id}", "outcome": _shown(filed.outcome), "view": view}, 201)

    async def view(self, feed: Feed, case_id: CaseId) -> Response:
        """A case with its file, its history and the moves that are open to the asker."""
        return json(await self.commands.view(f"file/{feed}/{case_id}"))

    async def crew(self, crew_id: CrewId, move: Move) -> Response:
        """One move of one crew: acknowledge, en_route, on_scene, clear, out_of_service ..."""
        subject = f"crew/{crew_id}"
        outcome = await self.commands.send(move.command(subject))
        state = await self.commands.desk.state(subject)
        shown = None if state is None else msgspec.to_builtins(state)
        return json({"outcome": _shown(outcome), "crew": shown})


def _shown(outcome: Outcome) -> dict[str, Any]:
    return {"seqs": [], "repeated": False, **msgspec.to_builtins(outcome)}


def _result(found: Outcome | Refused) -> dict[str, Any]:
    return {"refused": refused_document(found)} if isinstance(found, Refused) else {"outcome": _shown(found)}


def _follow_up(report: Report, subject: str) -> list[Command]:
    """Who called and what they sent: words and pictures of the file, which no wall shows."""
    found = []
    if report.caller and (report.caller.name or report.caller.phone):
        text = f"{CALLER}{report.caller.name} {report.caller.phone}".strip()
        found.append(Command(id=f"{report.id}:caller", subject=subject, move="note", data={"text": text}))
    if report.photos:
        photos = [photo.model_dump() for photo in report.photos]
        found.append(Command(id=f"{report.id}:photos", subject=subject, move="attach", data={"photos": photos}))
    return found
