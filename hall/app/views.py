"""Watching: who may, for which channels, with what reason. A ticket is answered only when the record of it is durable."""

from __future__ import annotations

import csv
import datetime
import io
import zoneinfo
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, Protocol
from uuid import uuid4

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall import access
from hall.app import reasons
from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.channels import Channels, refusal_of, unseen_channel, words_for
from hall.app.pace import Pace
from hall.app.refusals import Kind
from hall.app.visit import Visit, current_visit
from hall.core import secrets, tickets
from hall.core.clock import real_ms
from hall.core.command import Actor
from hall.core.errors import Refused
from hall.core.process import Process
from hall.core.tickets import Ticket

TICKET_MS = 3_600_000
#: channels of one view: what one page's socket may show
MOST_CHANNELS = 128
#: views a second in the long run, and at once after a pause
RATE, BURST = 5.0, 60.0
_FIELDS = (
    "opened", "who", "role", "unit", "desk", "channel", "name", "district", "owner", "reason", "why", "kind", "started",
    "ended", "watched_ms", "shown", "bytes", "watches", "real", "until", "view", "renews",
)  # fmt: skip
_TIMES = ("opened", "started", "ended", "real", "until")
EXPORTED = 50_000
_PAGE = 2_000


class Record(Protocol):
    """What is used of `dispatch.views`, already turned into coroutines by the assembly."""

    async def add(self, views: Sequence[dict[str, Any]]) -> None: ...
    async def listed(self, wanted: dict[str, Any], after: tuple[int, str, str] | None, limit: int) -> list[dict[str, Any]]: ...


_Subject = Annotated[str, Field(min_length=1, max_length=420)]


class Asked(BaseModel):
    """`why`: `case/<feed>/<id>`, `alarm/<id>`, `patrol`, `round/<name>`, `wall`, or words. `renews`: the view before."""

    model_config = ConfigDict(extra="forbid")
    channels: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=420)]], Field(min_length=1, max_length=MOST_CHANNELS)
    ]
    why: Annotated[str, Field(max_length=300)] = ""
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,19}$")] = "live"
    renews: Annotated[str, Field(max_length=64)] = ""


class Granted(NamedTuple):
    """A view that is on record. `refused`: channel -> reason."""

    view: str
    ticket: str
    until: int
    channels: list[str]
    refused: dict[str, str]


class Views:
    """Handlers and their router. `note` leaves a line in the ledger's audit; `count` takes refusals for it."""

    def __init__(
        self, process: Process, channels: Channels, record: Record, note: Callable[..., Any], count: Callable[[Kind], None]
    ) -> None:
        self.process, self.channels, self.record, self._note, self._count = process, channels, record, note, count
        self._secrets = secrets.load(process.settings.data_dir)
        self._pace = Pace(rate=RATE, burst=BURST)
        self._why_required = reasons.required(process.config)
        self.router = APIRouter(prefix="/api/v1/video", tags=["video"])
        self.router.add_api_route("/views", self.open, methods=["POST"], response_class=Response)
        self.router.add_api_route("/audit", self.audit, methods=["GET"], response_class=Response)
        self.router.add_api_route("/audit.csv", self.export, methods=["GET"], response_class=Response)

    async def open(self, asked: Asked) -> Response:
        """Lets somebody watch channels for an hour: the ticket for the relay, and which of them were refused and why."""
        found = await self.grant(asked.channels, asked.why, asked.kind, asked.renews)
        refused = [{"channel": name, "reason": why, "detail": words_for(why)} for name, why in found.refused.items()]
        port = self.process.settings.pictures_port
        told = {"view": found.view, "ticket": found.ticket, "stream_port": port, "until": found.until}
        return json({**told, "granted": found.channels, "refused": refused}, 201)

    async def grant(self, channels: Sequence[str], why: str = "", kind: str = "live", renews: str = "") -> Granted:
        """A view of those of `channels` that the present visitor may see, on record before this returns.

        Raises Refused: `why-missing`, `why-malformed` 422, the reason of the first channel when none is granted, 429, and 507
        (LedgerFault) when the record cannot be written: then nobody watches.
        """
        visit = current_visit()
        who = visit.identity
        self._pace.take(f"{who.name} {visit.address}" if who.role == "wall" else who.name)
        sort, words = reasons.sort_of(why, who, self._why_required)
        wanted = list(dict.fromkeys(channels))
        known = await self.channels.known(wanted)
        refused = {name: reason for name in wanted if (reason := unseen_channel(who, known.get(name)))}
        granted = [name for name in wanted if name not in refused]
        for reason in dict.fromkeys(refused.values()):
            if reason != "unknown-channel":
                self._count(Kind(reason, who.name, who.role, visit.address, visit.path))
        if not granted:
            raise refusal_of(next(iter(refused.values())))
        view, real = uuid4().hex, real_ms()
        ticket = Ticket(
            view=view, person=who.name, role=who.role, channels=tuple(granted), until=real + TICKET_MS,
            desk=current_actor().desk, why=words, session=await self._session(visit),
        )  # fmt: skip
        text = tickets.issue(self._secrets, ticket)
        if len(text) > tickets.LONGEST:
            raise Refused("too-many-channels", "ask for fewer channels at once", 422)
        same = {"view": view, "until": ticket.until, "reason": sort, "why": words, "kind": kind, "renews": renews}
        await self._keep(current_actor(), {name: known[name] for name in granted}, same, real)
        return Granted(view, text, ticket.until, granted, refused)

    async def _session(self, visit: Visit) -> str:
        """What on the bus must hold on for pictures to flow: the sign-in, the pairing of a wall, a machine client's token;
        nothing for a screen of the demo on this machine."""
        who = visit.identity
        if who.name.startswith("token:") and not visit.secret:
            return await access.token_watches(self.process.bus, who.name)
        if not visit.secret or (who.role == "wall" and not who.wall):
            return ""
        return f"{'wall-token' if who.role == 'wall' else 'session'}:{access.digest(visit.secret)}"

    async def _keep(self, actor: Actor, channels: dict[str, Any], same: dict[str, Any], real: int) -> None:
        """Rows of the record and one line of the ledger's audit; raises LedgerFault. `same`: what the rows have in common."""
        now = self.process.clock.now()
        by = {"who": actor.name, "role": actor.role, "person": actor.kind, "desk": actor.desk, "unit": actor.unit}
        rows = []
        for name, known in channels.items():
            said = {field: str(known.get(field) or "") for field in ("name", "district", "owner")}
            rows.append({**same, **by, "opened": now, "real": real, "channel": name, **said})
        await self.record.add(rows)
        data = {name: same[name] for name in ("view", "why", "kind", "until")} | {"channels": list(channels)}
        await self._note("watch", actor, data | ({"renews": same["renews"]} if same["renews"] else {}))

    async def looked_at(self, visit: Visit, subjects: Sequence[str]) -> None:
        """Puts on record that stills of channels were sent to somebody; raises Refused, BusLost, LedgerFault."""
        known = await self.channels.known(subjects)
        who, real = visit.identity, real_ms()
        why = reasons.of_wall(who) if who.role == "wall" else visit.page and f"page {visit.page}"
        same = {"view": uuid4().hex, "until": real, "reason": "wall" if who.role == "wall" else "none", "why": why}
        channels = {name: known.get(name) or {} for name in subjects}
        await self._keep(current_actor(visit), channels, {**same, "kind": "still", "renews": ""}, real)

    # -- the record ------------------------------------------------------------------------------------------------------

    async def audit(
        self,
        channel: Annotated[str, Query(max_length=420)] = "",
        person: Annotated[str, Query(max_length=200)] = "",
        role: Annotated[str, Query(max_length=40)] = "",
        reason: Annotated[str, Query(pattern=r"^(|case|alarm|patrol|wall|text|none)$")] = "",
        why: Annotated[str, Query(max_length=300, description="part of what was said")] = "",
        view: Annotated[str, Query(max_length=64)] = "",
        since: Annotated[int | None, Query(ge=0, le=2**53, description="opened from, city ms")] = None,
        until: Annotated[int | None, Query(ge=0, le=2**53, description="opened before, city ms")] = None,
        cursor: Annotated[str, Query(max_length=600)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:
        """Who watched what, when, why, how long; newest first. `cursor` of the answer asks for the next page."""
        wanted = _wanted(channel, person, role, reason, why, view, since, until)
        rows = await self.record.listed(wanted, _cursor_of(cursor), limit + 1)
        following = _cursor_text(rows[limit - 1]) if len(rows) > limit else None
        return json({"rows": rows[:limit], "cursor": following})

    async def export(
        self,
        channel: Annotated[str, Query(max_length=420)] = "",
        person: Annotated[str, Query(max_length=200)] = "",
        role: Annotated[str, Query(max_length=40)] = "",
        reason: Annotated[str, Query(pattern=r"^(|case|alarm|patrol|wall|text|none)$")] = "",
        why: Annotated[str, Query(max_length=300)] = "",
        view: Annotated[str, Query(max_length=64)] = "",
        since: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        until: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    ) -> Response:
        """The same as a file for a spreadsheet, the newest 50,000 lines; leaves an audit line."""
        wanted = _wanted(channel, person, role, reason, why, view, since, until)
        rows: list[dict[str, Any]] = []
        after: tuple[int, str, str] | None = None
        while len(rows) < EXPORTED:
            page = await self.record.listed(wanted, after, _PAGE)
            rows += page
            if len(page) < _PAGE:
                break
            after = page[-1]["opened"], page[-1]["view"], page[-1]["channel"]
        told = {name: value for name, value in wanted.items() if value}
        await self._note("export", current_actor(), {"what": "views", "kind": "csv", "question": told, "rows": len(rows)})
        made = table(rows[:EXPORTED], self.process.config.city.timezone)
        headers = {"content-disposition": 'attachment; filename="video-audit.csv"', "cache-control": "no-store"}
        return Response(made, media_type="text/csv; charset=utf-8", headers=headers)


def _wanted(channel: str, person: str, role: str, reason: str, why: str, view: str, since: Any, until: Any) -> dict[str, Any]:
    """The question within what the asker answers for."""
    found = {"channel": channel, "who": person, "role": role, "reason": reason, "why": why, "view": view}
    districts = current_visit().identity.districts
    return {**found, "since": since, "until": until, "districts": tuple(districts) if districts else None}


def _cursor_text(row: dict[str, Any]) -> str:
    return f"{row['opened']}~{row['view']}~{row['channel']}"


def _cursor_of(text: str) -> tuple[int, str, str] | None:
    if not text:
        return None
    opened, _, rest = text.partition("~")
    view, mark, channel = rest.partition("~")
    if not mark or not opened.isascii() or not opened.isdigit() or len(opened) > 16:
        raise Refused("cursor-malformed", "give the cursor of the page before", 422)
    return int(opened), view, channel


def table(rows: Sequence[dict[str, Any]], zone: str) -> bytes:
    """Rows as CSV that a spreadsheet opens: moments as the city's clock shows them, no cell taken for a formula."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\r\n")
    writer.writerow(_FIELDS)
    place = zoneinfo.ZoneInfo(zone)
    for row in rows:
        writer.writerow([_cell(row[name], place if name in _TIMES else None) for name in _FIELDS])
    return b"\xef\xbb\xbf" + made.getvalue().encode()


def _cell(value: Any, place: zoneinfo.ZoneInfo | None) -> Any:
    if value is None:
        return ""
    if place is not None:
        return datetime.datetime.fromtimestamp(value / 1000, place).isoformat(timespec="milliseconds")
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
