"""`/open311/v2`: an Open311 GeoReport v2 server. Citizens' apps ask which kinds of reports there are, report, and follow up.

Everything but discovery and the list of services needs an `api_key`: a token made at `/api/v1/tokens`, to report one of
role operator. A report becomes a case of feed `desk`; a media_url is kept as words, the hall fetches no foreign address.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
import uuid
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import ValidationError

from hall import access
from hall.app import georeport
from hall.app.actors import current_actor
from hall.app.commanding import Commands
from hall.app.discretion import CALLER
from hall.app.georeport import Service, fault
from hall.app.pace import Pace
from hall.app.reporting import FEED, Caller, Report, ReportedCase, Reporting
from hall.app.seeing import unseen, unseen_file
from hall.app.surroundings import Book
from hall.app.visit import current_visit, set_visit
from hall.core.command import Command
from hall.core.errors import BusLost, LedgerFault, Refused
from hall.core.process import Process

#: the standard's own bound of a list
MOST_REQUESTS = 1000
SPAN_MS = 90 * 24 * 3_600_000
Form = Annotated[str, Path(pattern="^(xml|json)$")]
_TYPES = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
_STATUS = {401: 403, 409: 400, 415: 400, 422: 400, 507: 503}


class Open311:
    """Handlers and their router. `services` are the minor classes of the city's standard."""

    def __init__(self, process: Process, commands: Commands, reporting: Reporting, book: Book, services: list[Service]) -> None:
        self.process, self.commands, self.reporting, self.book = process, commands, reporting, book
        self.services = {service.code: service for service in services}
        self._pace = Pace(rate=5.0, burst=100.0)
        self.router = APIRouter(prefix="/open311/v2", tags=["open311"])
        for path, handler, method, status in (
            ("/discovery.{form}", self.discovery, "GET", 200),
            ("/services.{form}", self.list_services, "GET", 200),
            ("/services/{code}.{form}", self.definition, "GET", 200),
            ("/requests.{form}", self.report, "POST", 201),
            ("/requests.{form}", self.requests, "GET", 200),
            ("/requests/{request_id}.{form}", self.request, "GET", 200),
        ):
            content = {"text/xml": {"schema": {"type": "string"}}, "application/json": {"schema": {}}}
            described: dict[int | str, dict[str, Any]] = {status: {"content": content, "description": "GeoReport v2"}}
            self.router.add_api_route(
                path, handler, methods=[method], status_code=status, response_class=Response, responses=described
            )

    async def discovery(self, request: Request, form: Form) -> Response:
        """Where this server is and what it speaks."""
        base = f"{request.url.scheme}://{request.headers.get('host', '')}"
        name = next(iter(self.process.config.city.name.values()), "")
        return _answer(form, georeport.document(form, "discovery", georeport.discovery(base, name)))

    async def list_services(self, form: Form) -> Response:
        """Kinds of reports that are taken."""
        rows = [georeport.service_row(service) for service in self.services.values()]
        return _answer(form, georeport.body(form, "services", "service", rows))

    async def definition(self, form: Form, code: str) -> Response:
        """One kind of report: it asks for nothing beyond the standard."""
        if code not in self.services:
            return _refusal(form, fault(404, f"service_code {code[:60]} was not found"))
        row = {"service_code": code, "attributes": []}
        return _answer(form, georeport.document(form, "service_definition", row))

    async def report(self, request: Request, form: Form) -> Response:
        """A new report: a form with service_code and either lat and long, or address_string."""
        try:
            given = {name: value for name, value in (await request.form(max_files=0)).items() if isinstance(value, str)}
            await self._known(given.get("api_key", ""), "report")
            filed = await self._file(given, request.headers.get("idempotency-key", ""))
        except (Refused, BusLost, LedgerFault) as error:
            return self._refused(form, error)
        row = {"service_request_id": filed, "service_notice": None, "account_id": None}
        return _answer(form, georeport.body(form, "service_requests", "request", [row]), 201)

    async def _known(self, api_key: str, act: str) -> None:
        """Sets the visit's identity to the key's owner; raises the standard's errors."""
        identity = await access.identify_token(self.process.bus, api_key)
        if identity is None:
            raise fault(403, "api_key is missing or not known")
        set_visit(msgspec.structs.replace(current_visit(), identity=identity))
        if not access.may(identity.role, act):
            raise fault(403, "this api_key may not do this")
        self._pace.take(identity.name)

    async def _file(self, given: dict[str, str], key: str) -> str:
        service = self.services.get(given.get("service_code", ""))
        if service is None:
            raise fault(400, "service_code is missing or not one of the services")
        if not given.get("description", "").strip():
            raise fault(400, "description: say what is reported")
        actor = current_actor()
        made = f"{actor.name}\n{key}" if key else uuid.uuid4().hex
        report = _report(given, service, "open311-" + hashlib.sha256(made.encode()).hexdigest()[:40])
        filed = await self.reporting.file(report, actor)
        subject = f"file/{FEED}/{filed.case_id}"
        if text := _remark(report.caller, given):
            note = Command(id=f"{report.id}:caller", subject=subject, move="note", data={"text": text})
            await self.commands.send(note)
        return filed.case_id

    async def requests(
        self,
        form: Form,
        api_key: str = "",
        service_request_id: str = "",
        service_code: str = "",
        start_date: str = "",
        end_date: str = "",
        status: str = "",
    ) -> Response:
        """Reports of a span of at most 90 days, or those named; newest first, at most 1,000."""
        try:
            await self._known(api_key, "see-files")
            if service_request_id:
                rows = [await self._one(one.strip()) for one in service_request_id.split(",")[:50]]
            else:
                rows = await self._listed(service_code, start_date, end_date, status)
        except (Refused, BusLost, LedgerFault) as error:
            return self._refused(form, error)
        return _answer(form, georeport.body(form, "service_requests", "request", rows))

    async def request(self, form: Form, request_id: str, api_key: str = "") -> Response:
        """One report and what became of it."""
        try:
            await self._known(api_key, "see-files")
            rows = [await self._one(request_id)]
        except (Refused, BusLost, LedgerFault) as error:
            return self._refused(form, error)
        return _answer(form, georeport.body(form, "service_requests", "request", rows))

    async def _one(self, request_id: str) -> dict[str, Any]:
        subject = georeport.file_of(request_id)
        with contextlib.suppress(Refused):
            view = await self.commands.desk.view(subject, current_actor())
            if not georeport.rehearsed(subject) and not unseen_file(
                current_visit().identity, subject, view["file"], view["case"]
            ):
                updated = view["entries"][-1]["recorded"]
                return georeport.request_row(subject, view["case"], updated, self.process.config.city.timezone)
        raise fault(404, f"service_request_id {request_id[:80]} was not found")

    async def _listed(self, service_code: str, start_date: str, end_date: str, status: str) -> list[dict[str, Any]]:
        now = self.process.clock.now()
        until = georeport.moment_of(end_date, "end_date") if end_date else now + 1
        since = georeport.moment_of(start_date, "start_date") if start_date else until - SPAN_MS
        if until - since > SPAN_MS:
            raise fault(400, "start_date and end_date: at most 90 days")
        if status not in ("", "open", "closed"):
            raise fault(400, "status: open or closed")
        filters: dict[str, Any] = {"since": since, "until": until}
        if status:
            filters["open"] = status == "open"
        page = await asyncio.to_thread(self.book.search, "", filters, "reported desc", 0, MOST_REQUESTS, now)
        who, zone = current_visit().identity, self.process.config.city.timezone
        seen = [row for row in page.rows if not unseen(who, row.get("district", ""), row.get("unit", ""))]
        seen = [row for row in seen if not georeport.rehearsed(row["subject"])]
        rows = [georeport.request_row(row["subject"], row, row["time"], zone) for row in seen]
        wanted = set(filter(None, service_code.split(",")))
        return [row for row in rows if not wanted or row["service_code"] in wanted]

    def _refused(self, form: str, error: Exception) -> Response:
        refused = error if isinstance(error, Refused) else fault(503, "busy; ask again")
        if refused.status in (401, 403, 429):
            self.commands.refused("api-key" if refused.reason == "open311" else refused.reason)
        return _refusal(form, refused)


def _report(given: dict[str, str], service: Service, made: str) -> Report:
    """The standard's fields as a report of ours; raises the standard's errors."""
    place: dict[str, float] = {}
    if given.get("lat") or given.get("long"):
        try:
            place = {"lat": float(given["lat"]), "lon": float(given["long"])}
        except (KeyError, ValueError):
            raise fault(400, "lat and long: two numbers, WGS-84 degrees") from None
        if not all(map(math.isfinite, place.values())):
            raise fault(400, "lat and long: two numbers, WGS-84 degrees")
    elif not given.get("address_string", "").strip() and not given.get("address_id"):
        raise fault(400, "say where: lat and long, or address_string")
    try:
        case = ReportedCase(
            description=given["description"],
            kind=service.kind or "service",
            class_name=service.group,
            subclass_name=service.name,
            class_code="" if service.code == service.name else service.code,
            address=given.get("address_string", "") or given.get("address_id", ""),
            report_source="Open311",
            **place,
        )
        names = f"{given.get('first_name', '')} {given.get('last_name', '')}".strip()
        caller = Caller(name=names, phone=given.get("phone", ""))
        return Report(id=made, case=case, caller=caller)
    except ValidationError as error:
        first = error.errors()[0]
        raise fault(400, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None


def _remark(caller: Caller | None, given: dict[str, str]) -> str:
    """Who reported it and what he pointed at: words of the file, which no wall shows."""
    who = [*([caller.name, caller.phone] if caller else []), given.get("email", "").strip()[:500]]
    text = " · ".join(filter(None, [*who, given.get("media_url", "").strip()[:500]]))
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return CALLER + text if any(who) else text


def _answer(form: str, content: bytes, status: int = 200) -> Response:
    return Response(content, status, media_type=_TYPES[form])


def _refusal(form: str, refused: Refused) -> Response:
    status = _STATUS.get(refused.status, refused.status)
    return _answer(form, georeport.errors(form, status, refused.detail or refused.reason), status)
