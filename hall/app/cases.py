"""Cases over HTTP: searched, filtered, sorted and paged by the casebook; one case with all its versions."""

from __future__ import annotations

import asyncio
import datetime
import sqlite3
import zoneinfo
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from hall.app.answers import json
from hall.app.refusals import Kind
from hall.app.seeing import refusal_of, unseen
from hall.app.visit import current_visit
from hall.core.errors import Refused
from hall.core.process import Process

DEEPEST_OFFSET = 1_000_000
SEARCHES_AT_ONCE = 2
_NOWHERE = "\x01"  # a name that no district and no unit has
#: searches that may wait for their turn; more are refused, so that a storm of requests cannot pile up
SEARCHES_WAITING = 50
_Words = Annotated[list[str] | None, Query(max_length=50)]
_Severity = Annotated[int, Field(ge=0, le=4)]
_Moment = Annotated[int | None, Query(ge=-(2**53), le=2**53)]  # what SQLite and browsers can count


class Book(Protocol):
    """What is used of the casebook (the dispatch room's)."""

    def search(self, text: str, filters: dict, sort: str, offset: int, limit: int, now: int) -> Any: ...
    def get(self, subject: str) -> dict[str, Any] | None: ...
    def history(self, subject: str) -> list[dict[str, Any]]: ...


def day_start(now: int, timezone: str) -> int:
    """First ms of the local calendar day that `now` (ms) lies in."""
    local = datetime.datetime.fromtimestamp(now / 1000, zoneinfo.ZoneInfo(timezone))
    return int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


def own_filters(named: dict[str, Any]) -> dict[str, Any]:
    """Filters narrowed to what the asker may see; a value asked for that is not his finds nothing."""
    who = current_visit().identity
    found: dict[str, Any] = {}
    if who.districts:
        asked = named["district"]
        found["district"] = [name for name in ("", *who.districts) if not asked or name in asked] or [_NOWHERE]
    if who.role == "department":
        asked = named["unit"]
        found["unit"] = [who.unit] if who.unit and (not asked or who.unit in asked) else [_NOWHERE]
    return found


class Cases:
    """Handlers and their router. The casebook is read in a few threads, so that no search holds up the pages. `count` takes
    refusals for the audit."""

    def __init__(self, process: Process, book: Book, count: Callable[[Kind], None]) -> None:
        self.process, self.book, self._count = process, book, count
        self._threads = ThreadPoolExecutor(SEARCHES_AT_ONCE, "casebook")
        self._waiting = 0
        self.router = APIRouter(tags=["cases"])
        self.router.add_api_route("/api/v1/cases", self.search, methods=["GET"], response_class=Response)
        self.router.add_api_route("/api/v1/cases/{subject:path}", self.one, methods=["GET"], response_class=Response)

    async def search(
        self,
        q: Annotated[str, Query(max_length=200)] = "",
        state: _Words = None,
        district: _Words = None,
        cell: _Words = None,
        class_name: _Words = None,
        report_source: _Words = None,
        unit: _Words = None,
        owner: _Words = None,
        severity: Annotated[list[_Severity] | None, Query(max_length=5)] = None,
        open: bool | None = None,
        overdue: bool | None = None,
        today: bool = False,
        since: _Moment = None,
        until: _Moment = None,
        sort: Annotated[str, Query(max_length=40)] = "reported desc",
        offset: Annotated[int, Query(ge=0, le=DEEPEST_OFFSET)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:
        """One page of cases. `q` holds words that must all occur; a filter given several times means any of them.

        `since` (included) and `until` (not included) bound the reported moment, ms. `exact` is false where `total` is
        only how many were counted before giving up.
        """
        now = self.process.clock.now()
        if today:
            since = max(since or 0, day_start(now, self.process.config.city.timezone))
        named = dict(state=state, district=district, class_name=class_name, report_source=report_source, unit=unit, owner=owner)
        named |= dict(cell=cell)
        named |= dict(severity=severity, open=open, overdue=overdue, since=since, until=until)
        named |= own_filters(named)
        filters = {name: value for name, value in named.items() if value is not None}
        try:
            page = await self._read(lambda: self.book.search(q, filters, sort, offset, limit, now))
        except ValueError as error:
            raise Refused("bad-request", str(error), 422) from None
        return json({"rows": page.rows, "total": page.total, "exact": not page.capped, "as_of": now})

    async def one(self, subject: str) -> Response:
        """A case's newest version and every version of it, as events."""
        found = await self._read(lambda: (self.book.get(subject), self.book.history(subject)))
        newest, history = found
        if newest is None:
            raise Refused("unknown-case", f"no case {subject[:120]}", 404)
        who = current_visit().identity
        if reason := unseen(who, newest.get("district", ""), newest.get("unit", "")):
            self._refused(reason)
            raise refusal_of(reason)
        versions = [{"subject": subject, **version, "data": version.pop("case")} for version in history]
        known = {key: value for key, value in newest.items() if key not in ("subject", "time")}
        current = next((v for v in reversed(versions) if v["time"] == newest["time"]), versions[-1] if versions else {})
        return json({"case": {**current, "subject": subject, "time": newest["time"], "data": known}, "history": versions})

    def _refused(self, reason: str) -> None:
        visit = current_visit()
        self._count(Kind(reason, visit.identity.name, visit.identity.role, visit.address, visit.path[:200]))

    async def _read(self, work: Callable[[], Any]) -> Any:
        if self._waiting >= SEARCHES_WAITING:
            raise Refused("busy", "too many searches at once; try again", 503)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except sqlite3.Error as error:
            raise Refused("casebook-fault", f"the casebook cannot be read: {error}", 503) from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
