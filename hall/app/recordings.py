"""Recordings at the hall's door: who may record and play back what, on record; the relay keeps them (`video.record`).

Whoever records or plays a channel must be allowed to see it, and a case's recordings follow the case: who may not see the case
sees none of them. Beginning and playing back are views like any other and leave their lines in the audit.
"""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall import access
from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.channels import refusal_of, unseen_channel
from hall.app.evidence import Evidence, Given, case_of, file_of
from hall.app.handover import Handovers, Id
from hall.app.relayside import RelaySide
from hall.app.visit import current_visit
from hall.core.clock import monotonic
from hall.core.errors import Refused
from hall.core.process import Process

#: how long one playback is one view: the page asks for segments again and again
VIEW_SECONDS, MOST_VIEWS = 3600.0, 4096
_Name = Annotated[str, Path(pattern=r"^(init-\d{1,6}\.mp4|\d{1,9}\.m4s)$")]
_Subject = Annotated[str, Field(min_length=1, max_length=420)]
_CASE = r"^((case|file)/[^/]+/.+)?$"


class Row(Protocol):
    """A recording as the relay tells it."""

    def __getitem__(self, name: str) -> Any: ...


class Wanted(BaseModel):
    """What to record. `until` real ms, 0: an hour; `why` where there is no case."""

    model_config = ConfigDict(extra="forbid")
    channels: Annotated[list[_Subject], Field(min_length=1, max_length=16)]
    case: Annotated[str, Field(max_length=400, pattern=_CASE)] = ""
    why: Annotated[str, Field(max_length=300)] = ""
    pre_roll_s: Annotated[float, Field(ge=0, le=60)] = 10.0
    until: Annotated[int, Field(ge=0, le=2**53)] = 0


class Until(BaseModel):
    """`until` real ms."""

    model_config = ConfigDict(extra="forbid")
    until: Annotated[int, Field(ge=0, le=2**53)]


class Locked(BaseModel):
    """Evidence or not."""

    model_config = ConfigDict(extra="forbid")
    locked: bool


class Removal(BaseModel):
    """Why a recording is removed before its time."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(min_length=2, max_length=300)]


class Recordings:
    """Handlers and their router."""

    def __init__(self, process: Process, given: Given) -> None:
        self.process, self.given, self.relay = process, given, RelaySide(process)
        self._views: dict[tuple[str, str, int], float] = {}
        self.router = APIRouter(tags=["video"])
        self.router.include_router(Handovers(process, self.relay, self._mine, given.note).router)
        self.router.include_router(Evidence(process, given, self.relay, self._mine, self._viewed).router)
        one = "/api/v1/recordings/{id}"
        for path, method, handler in (
            ("/api/v1/recordings", "GET", self.found), ("/api/v1/recordings", "POST", self.start), (one, "GET", self.one),
            (one, "PATCH", self.extend), (one, "DELETE", self.stop), (f"{one}/lock", "POST", self.lock),
            (f"{one}/remove", "POST", self.remove),
            (f"{one}/segments", "GET", self.segments), (f"{one}/verify", "GET", self.verify),
            (f"{one}/c{{index}}/{{name}}", "GET", self.file),
        ):  # fmt: skip
            status = 201 if handler == self.start else 200
            self.router.add_api_route(path, handler, methods=[method], response_class=Response, status_code=status)

    async def close(self) -> None:
        await self.relay.close()

    # -- recording -------------------------------------------------------------------------------------------------------

    async def start(self, wanted: Wanted) -> Response:
        """Begins a recording of those channels that the asker may see; `refused` names the others."""
        case = case_of(wanted.case)
        if case:
            await self.given.view(file_of(case))
        granted = await self.given.grant(wanted.channels, case or wanted.why, "recording")
        actor = current_actor()
        order = {
            "channels": granted.channels, "case": case, "who": actor.name, "role": actor.role, "why": wanted.why,
            "pre_roll_s": wanted.pre_roll_s, "until": wanted.until,
        }  # fmt: skip
        made = await self.relay.asked("POST", "/recordings", order)
        await self._note("record", made)
        return json({**made, "refused": [{"channel": name, "reason": why} for name, why in granted.refused.items()]}, 201)

    async def extend(self, id: Id, until: Until) -> Response:
        """Moves the end of a running recording."""
        await self._mine(id)
        return json(await self.relay.asked("PATCH", f"/recordings/{id}", until.model_dump()))

    async def stop(self, id: Id) -> Response:
        """Ends a recording; what was recorded stays."""
        await self._mine(id)
        made = await self.relay.asked("DELETE", f"/recordings/{id}")
        await self._note("record-end", made)
        return json(made)

    async def lock(self, id: Id, locked: Locked) -> Response:
        """Makes a recording evidence: it is not removed by age. Only a shift leader lets it go again."""
        who = current_visit().identity
        await self._mine(id)
        if not locked.locked and not access.may(who.role, "manage-channels"):
            raise Refused("not-permitted", "only a shift leader lets evidence go", 403)
        made = await self.relay.asked("POST", f"/recordings/{id}/lock", {"locked": locked.locked, "who": who.name})
        await self._note("record-lock" if locked.locked else "record-unlock", made)
        return json(made)

    async def remove(self, id: Id, removal: Removal) -> Response:
        """Removes a recording before its time, by a shift leader and with a reason on record; evidence is not removed."""
        row = await self._mine(id)
        if not access.may(current_visit().identity.role, "manage-channels"):
            raise Refused("not-permitted", "only a shift leader removes a recording", 403)
        why = f"{current_visit().identity.name}: {removal.reason}"
        made = await self.relay.asked("POST", f"/recordings/{id}/remove", {"why": why})
        await self._note("record-remove", row | {"reason": removal.reason})
        return json(made)

    # -- playing back ----------------------------------------------------------------------------------------------------

    async def found(
        self,
        case: Annotated[str, Query(max_length=400, pattern=_CASE)] = "",
        channel: Annotated[str, Query(max_length=420)] = "",
        since: Annotated[int, Query(alias="from", ge=0, le=2**53, description="real ms")] = 0,
        until: Annotated[int, Query(alias="to", ge=0, le=2**53, description="real ms")] = 0,
    ) -> Response:
        """Recordings that the asker may see, newest first; `days`: how long recordings are kept that are no evidence."""
        query = {"case": case_of(case), "channel": channel, "from": since or "", "to": until or ""}
        told = await self.relay.asked("GET", "/recordings", query={k: v for k, v in query.items() if v})
        names = {taping["channel"] for row in told["rows"] for taping in row.get("channels", ())}
        known, cases = await self.given.known(sorted(names)), {}
        rows = [row for row in told["rows"] if await self._refusal(row, known, cases) is None]
        return json({"rows": rows, "as_of": told["as_of"], "days": told.get("days")})

    async def one(self, id: Id) -> Response:
        """One recording with how each of its channels does."""
        return json(await self._mine(id))

    async def segments(
        self,
        id: Id,
        channel: Annotated[int, Query(ge=0, le=15)] = 0,
        since: Annotated[int, Query(alias="from", ge=0, le=2**53, description="real ms")] = 0,
        until: Annotated[int, Query(alias="to", ge=0, le=2**53, description="real ms")] = 2**53,
    ) -> Response:
        """The closed segments of one channel that touch a span of time: times in real ms, `pts` and `duration` in seconds of
        the player's clock, `init` and `file` to be fetched from `c<channel>/`. The first of an hour is a view on record."""
        row = await self._mine(id)
        query = {"channel": channel, "from": since, "to": until}
        told = await self.relay.asked("GET", f"/recordings/{id}/segments", query=query)
        await self._viewed(row, id, channel, told["channel"])
        return json(told)

    async def file(self, id: Id, index: Annotated[int, Path(ge=0, le=15)], name: _Name) -> Response:
        """An init segment or a closed segment, as MSE takes it; a view on record, listed before or not."""
        row = await self._mine(id)
        if index >= len(row["channels"]):
            raise Refused("unknown-channel", f"channel: 0 to {len(row['channels']) - 1}", 404)
        await self._viewed(row, id, index, row["channels"][index]["channel"])
        return await self.relay.passed(f"/recordings/{id}/c{index}/{name}", "video/mp4")

    async def verify(self, id: Id) -> Response:
        """Whether every segment is what it was when it was closed."""
        await self._mine(id)
        return json(await self.relay.asked("GET", f"/recordings/{id}/verify", seconds=60.0))

    # -- inside ----------------------------------------------------------------------------------------------------------

    async def _mine(self, id: str) -> dict[str, Any]:
        """The recording, if the asker may see it; raises Refused."""
        row = await self.relay.asked("GET", f"/recordings/{id}")
        known = await self.given.known([taping["channel"] for taping in row.get("channels", ())])
        if refusal := await self._refusal(row, known, {}):
            raise refusal
        return row

    async def _refusal(self, row: Row, known: dict[str, Any], cases: dict[str, Refused | None]) -> Refused | None:
        """Why the asker may not see a recording. A channel that is no longer in the catalogue hides nothing by itself."""
        who = current_visit().identity
        for taping in row["channels"]:
            reason = unseen_channel(who, known.get(taping["channel"]))
            bounded = who.districts or who.role == "department"
            if reason and (reason != "unknown-channel" or (bounded and not row.get("case"))):
                return refusal_of(reason)
        case = row.get("case", "")
        if case and case not in cases:
            try:
                await self.given.view(file_of(case))
                cases[case] = None
            except Refused as refused:
                gone = refused.status == 404 and not who.districts and who.role != "department"
                cases[case] = None if gone else refused  # the record of a case that is forgotten stays readable
        return cases.get(case)

    async def _viewed(self, row: Row, id: str, index: int, channel: str) -> None:
        who, now = current_visit().identity, monotonic()
        key = who.name, id, index
        if now - self._views.get(key, -VIEW_SECONDS) < VIEW_SECONDS:
            return
        try:
            await self.given.grant([channel], row.get("case") or f"recording {id}", "playback")
        except Refused as refused:
            if refused.reason != "unknown-channel":
                raise
            await self.given.note("playback", current_actor(), {"recording": id, "channel": channel})
        while len(self._views) >= MOST_VIEWS:
            self._views.pop(next(iter(self._views)))
        self._views.pop(key, None)
        self._views[key] = now

    async def _note(self, what: str, row: Row) -> None:
        data = {"recording": row["id"], "case": row.get("case", ""), "channels": [one["channel"] for one in row["channels"]]}
        more = {"reason": row["reason"]} if row.get("reason") and what == "record-remove" else {}
        await self.given.note(what, current_actor(), data | more)
