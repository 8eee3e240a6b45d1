"""`/api/v1/shifts`: who is on duty, what happened, and handovers signed by two people, each at his own session.

The ledger's aggregate of topic `shift` decides (dispatch/shifts.py). What is open is collected here, by the hall, when
somebody signs: no browser says what it thinks is open.
"""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Annotated, Any, Literal
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall import access
from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.openitems import concerns, open_items
from hall.app.users import Users
from hall.app.visit import current_visit
from hall.core.command import Actor, Command, Entry, Outcome, Stale
from hall.core.config import HallConfig
from hall.core.errors import Refused
from hall.core.process import Process

_HALL = Actor(name="system", role="system", kind="system")
Group = Annotated[str, Path(pattern=r"^[\w-]{1,64}$")]
#: lines of one export
EXPORTED = 20_000
_PAGE = 2_000
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[dispatch.shifts]` of hall.toml. `groups` of desks that keep a shift log; the words for them are the catalogue's
    `shift.group.<name>` or the name itself. `lock_minutes` without a deed until a console locks itself, 0 = never."""

    groups: tuple[str, ...] = ("acceptance", "dispatch", "supervision")
    lock_minutes: float = 10.0
    lock_warning_seconds: float = 60.0


def settings_of(config: HallConfig) -> Settings:
    """Raises ConfigError naming the key."""
    try:
        return msgspec.convert(config.dispatch.get("shifts", {}), Settings)
    except msgspec.ValidationError as error:
        raise config.error("dispatch.shifts", str(error)) from None


class ShiftMove(BaseModel):
    """start | note {text} | hand_over {to, notes} | take_over {number} | recall {number} | decline {number} | leave {who}."""

    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(min_length=1, max_length=100)]
    move: Literal["start", "note", "hand_over", "take_over", "recall", "decline", "leave"]
    reason: Annotated[str, Field(max_length=500)] = ""
    data: dict[str, Any] = {}


class ShiftDesk:
    """Handlers and their router. `desk` takes the commands (dispatch.desk.Desk)."""

    def __init__(self, process: Process, desk: Any, users: Users) -> None:
        self.process, self.desk, self.users = process, desk, users
        self.settings = settings_of(process.config)
        self.router = APIRouter(prefix="/api/v1/shifts", tags=["shifts"])
        add = self.router.add_api_route
        add("", self.all, methods=["GET"], response_class=Response)
        add("/items", self.items, methods=["GET"], response_class=Response)
        add("/{group}", self.one, methods=["GET"], response_class=Response)
        add("/{group}/log", self.log, methods=["GET"], response_class=Response)
        add("/{group}/commands", self.command, methods=["POST"], response_class=Response)

    # -- looking ------------------------------------------------------------------------------------------------------

    async def all(self) -> Response:
        """Groups of desks, who is on duty in each, and who could take over."""
        states = await self.desk.states("shift")
        users = await asyncio.to_thread(self.users.all)
        seats = [user for user in users if access.may(user.role, "hand-over")]
        people = [{"name": user.name, "role": user.role, "display": user.display} for user in seats]
        known = dict.fromkeys([*self.settings.groups, *(subject.partition("/")[2] for subject in states)])
        shifts = [self._shown(group, states.get(f"shift/{group}"), lists=False) for group in known]
        return json({"shifts": shifts, "people": people, "now": self.process.clock.now()})

    async def items(self) -> Response:
        """What I leave open: my cases, and what I asked for or urged elsewhere."""
        return json({"items": await self._open_items(current_visit().identity.name), "now": self.process.clock.now()})

    async def one(self, group: Group) -> Response:
        """One group with the lists of its handovers."""
        return json(self._shown(group, await self.desk.state(f"shift/{group}"), lists=True))

    @staticmethod
    def _shown(group: str, state: Any | None, *, lists: bool) -> dict[str, Any]:
        made = {"on_duty": [], "lines": [], "handovers": [], **(msgspec.to_builtins(state) if state else {}), "group": group}
        for handover in made["handovers"]:
            handover["count"] = len(handover.get("items", []))
            if not lists:
                handover.pop("items", None)
        return made

    async def log(
        self,
        group: Group,
        since: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        until: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        format: Literal["json", "csv"] = "json",
    ) -> Response:
        """The shift log from the ledger, oldest first; `since` and `until` are city ms. Exports are audited."""
        subject, found, after = f"shift/{group}", [], 0
        while len(found) < EXPORTED:
            page = await self.desk.entries(after, _PAGE, subject_prefix=subject, since=since, until=until)
            found += [entry for entry in page if entry.subject == subject]
            if len(page) < _PAGE:
                break
            after = page[-1].seq
        if format == "json":
            return json({"group": group, "entries": [msgspec.to_builtins(entry) for entry in found]})
        data = {"what": "shift-log", "group": group, "lines": len(found), "since": since, "until": until}
        await self.desk.note("export", current_actor(), data)
        return Response(_csv(found), media_type="text/csv; charset=utf-8", headers=_attachment(group))

    # -- doing --------------------------------------------------------------------------------------------------------

    async def command(self, group: Group, move: ShiftMove) -> Response:
        """One move of a shift. What is open is added to a handover by the hall."""
        subject, actor = f"shift/{group}", current_actor()
        state = await self.desk.state(subject)
        if state is None and group not in self.settings.groups:
            raise Refused("unknown-group", f"one of {', '.join(self.settings.groups)}", 404)
        if move.move == "hand_over":
            return await self._hand_over(subject, state, move, actor)
        command = Command(id=move.id, subject=subject, move=move.move, reason=move.reason, data=move.data)
        outcome = await self.desk.execute(command, actor)
        if move.move in ("take_over", "leave"):
            await self._rest(subject, move, actor)
        return await self._done(group, outcome)

    async def _done(self, group: str, outcome: Outcome) -> Response:
        return json({"outcome": outcome, "shift": self._shown(group, await self.desk.state(f"shift/{group}"), lists=True)})

    async def _hand_over(self, subject: str, state: Any | None, move: ShiftMove, actor: Actor) -> Response:
        """Asked again after a lost answer, the list would have changed meanwhile: what was signed then is the answer."""
        group = subject.partition("/")[2]
        for handover in state.handovers if state else ():
            if handover.command == move.id and handover.giver == actor.name:
                outcome = Outcome(command=move.id, subject=subject, revision=state.revision, repeated=True)
                return await self._done(group, outcome)
        await self._could_take(str(move.data.get("to", "")))
        unknown = set(move.data) - {"to", "notes"}
        if unknown:
            raise Refused("bad-field", f"a handover takes no {', '.join(sorted(unknown))[:200]}", 422)
        data = {**move.data, "items": await self._open_items(actor.name)}
        command = Command(id=move.id, subject=subject, move="hand_over", reason=move.reason, data=data)
        return await self._done(group, await self.desk.execute(command, actor))

    async def _could_take(self, name: str) -> None:
        user = await asyncio.to_thread(self.users.get, name)
        if user is None or not access.may(user.role, "hand-over"):
            raise Refused("unknown-person", f"{name[:64]!r} has no seat in the hall", 422)

    async def _open_items(self, who: str) -> list[dict[str, Any]]:
        """Out of the ledger itself: what is signed is neither seconds old nor short of what the bus has not heard yet."""

        def read() -> dict[str, Any]:
            found = self.desk.ledger.states("file", naming=who)
            return {name: file for name, file in found if concerns(file, who)}

        files = await self.desk.run(read)
        return open_items(files, who, self.process.clock.now())

    async def _rest(self, subject: str, move: ShiftMove, actor: Actor) -> None:
        """What the one who left took on after his list was made: it goes the same way, by the hall; without a handover back
        to the queue."""
        state = await self.desk.state(subject)
        if move.move == "leave":
            giver, data, how = str(move.data.get("who", actor.name)), {}, "release"
        else:
            handover = next(one for one in state.handovers if one.number == move.data.get("number"))
            giver, data, how = handover.giver, {"whom": actor.name, "whom_role": actor.role}, "give"
        shifts = (await self.desk.states("shift")).values()
        if any(duty.who == giver for shift in shifts for duty in shift.on_duty):
            return  # an old command asked again: he has begun another shift since
        for _ in range(2):  # a case that changed in between is looked at again
            owned = [item["subject"] for item in await self._open_items(giver) if item["owned"]]
            files = {name: file for name, file in (await self.desk.many(owned)).items() if _reachable(file, how, actor)}
            commands = [
                Command(
                    id=uuid4().hex, subject=name, move=how, revision=file.revision, data=data, correlation=move.id,
                    reason=move.reason or subject,
                )
                for name, file in files.items()
            ]  # fmt: skip
            found = await self.desk.execute_many((command, _HALL) for command in commands) if commands else []
            if not any(isinstance(one, Stale) for one in found):
                return


def _reachable(file: Any, how: str, taker: Actor) -> bool:
    return how == "release" or not taker.districts or file.report.get("district", "") in taker.districts


# -- the log as a table --------------------------------------------------------------------------------------------------

_COLUMNS = ("seq", "recorded", "move", "who", "role", "desk", "text", "to", "notes", "items", "reason")


def _csv(entries: list[Entry]) -> bytes:
    """For spreadsheets: UTF-8 with its mark, and no cell that one would take for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for entry in entries:
        data = entry.data
        items = " ".join(str(item.get("number", "")) for item in data.get("items", []))
        to = data.get("to") or data.get("who") or ""
        row = (entry.seq, entry.recorded, entry.move, entry.who, entry.role, entry.desk, data.get("text", ""), to,
               data.get("notes", ""), items or " ".join(data.get("moved", [])), entry.reason)  # fmt: skip
        writer.writerow([_harmless(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_DANGEROUS) else cell


def _attachment(group: str) -> dict[str, str]:
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in group)
    return {"content-disposition": f'attachment; filename="shift-log-{name}.csv"'}
