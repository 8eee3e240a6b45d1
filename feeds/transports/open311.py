"""`open311://HOST/PATH`: a GeoReport v2 endpoint (https; `open311+http://` for plain http). A feed needs only its url.

Each question asks for a window of request dates: at first the last `days`, later what is new and `overlap_hours` before
it. Since a list query filters by the date of the request, cases that are still open are asked again by number, so that
they close on the wall too. Windows are at most 90 days, as the specification has it; a server that caps its replies and
knows no pages gets narrower windows until nothing is cut off.

Options: `days` (7), `every_seconds` (default `expected_seconds`), `overlap_hours` (24), `encoding` (`json` or `xml`; default:
JSON, else XML), `jurisdiction_id`, `api_key`, `recheck` (open cases asked again per round, 200), and those of http+poll.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import httpx
import msgspec

from feeds.asking import AskingOptions, for_ever, rhythm
from feeds.formats import open311 as georeport
from feeds.source import Rim, Transport, Unread
from feeds.supplier import expanded, read_options
from feeds.web import Reply, SupplierError, client, fetch
from hall.core.config import FeedConfig
from hall.core.errors import BadInput

DAY_MS = 86_400_000
WINDOW_MS = 90 * DAY_MS
#: the narrowest window a capped server is asked for
NARROWEST_MS = 3_600_000
#: servers cap their replies at round numbers: a page of such a length may not be all
CAP_STEP = 50
MAX_PAGES = 200
OPEN_BOUND = 20_000
IDS_PER_QUESTION = 50


class GeoReportOptions(AskingOptions, kw_only=True):
    days: float = 7.0
    overlap_hours: float = 24.0
    encoding: Literal["", "json", "xml"] = ""
    jurisdiction_id: str = ""
    api_key: str = ""
    recheck: int = 200


class Progress(msgspec.Struct):
    """The cursor: up to when we have asked (city ms) and which cases were open, least recently asked first."""

    until: int = 0
    open: list[str] = []


def windows(start: int, end: int) -> Iterator[tuple[int, int]]:
    """`[start, end]` in ms, cut into pieces of at most 90 days, oldest first."""
    while start < end:
        yield start, min(start + WINDOW_MS, end)
        start += WINDOW_MS


def moment(ms: int) -> str:
    """W3C date-time, as GeoReport wants it."""
    return datetime.datetime.fromtimestamp(ms // 1000, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class GeoReport:
    """One endpoint being asked."""

    def __init__(self, web: httpx.AsyncClient, base: str, options: GeoReportOptions, feed: FeedConfig, rim: Rim) -> None:
        self.web, self.base, self.options, self.feed, self.rim = web, base.rstrip("/"), options, feed, rim
        self.encoding = options.encoding
        self.groups: dict[str, str] = {}  # service code -> group: the class above the service
        self.progress, self.reachable = Progress(), False
        self.common = {"jurisdiction_id": options.jurisdiction_id, "api_key": expanded(options.api_key, rim, "options.api_key")}
        self.common = {name: value for name, value in self.common.items() if value}

    async def round(self) -> None:
        """Asks once for all that is new. Raises SupplierError, BadInput (a reply that is no GeoReport), httpx.HTTPError."""
        now = self.rim.clock.now()
        if not self.groups:
            await self._services()
        since = self.progress.until - int(self.options.overlap_hours * 3_600_000) if self.progress.until else 0
        since = max(since, now - int(self.options.days * DAY_MS)) if self.progress.until == 0 else min(since, now)
        seen: set[str] = set()
        for start, end in windows(since, now + 1000):
            await self._window(start, end, seen)
        await self._recheck(seen)
        self.progress.until = now
        self.rim.cursor(msgspec.json.encode(self.progress))
        await self.rim.durable()
        self.rim.seen()

    def lost(self) -> None:
        self.reachable = False

    async def _ask(self, what: str, **asked: Any) -> Reply:
        url = f"{self.base}/{what}.{self.encoding}"
        reply = await fetch(self.web, url, self.options, self.rim, params=self.common | asked)
        if not self.reachable:
            self.rim.connected()
        self.reachable = True
        return reply

    async def _services(self) -> None:
        """Reads the service list; finds out whether the server speaks JSON."""
        tried = [self.options.encoding] if self.options.encoding else ["json", "xml"]
        for self.encoding in tried:
            try:
                reply = await self._ask("services")
                found = georeport.elements(reply.body, "services", "service")
                break
            except SupplierError as error:
                if self.encoding == tried[-1] or error.status in (401, 403, 429) or error.status >= 500:
                    raise
            except BadInput:
                if self.encoding == tried[-1]:
                    raise
        services = [s for s in found if isinstance(s, dict) and s.get("service_code")]
        self.groups = {str(s["service_code"]): str(s.get("group") or "") for s in services}

    async def _window(self, start: int, end: int, seen: set[str]) -> None:
        """All requests of a window; halves it where the server cut its reply off."""
        page, first, asked = 1, 0, {"start_date": moment(start), "end_date": moment(end)}
        while page <= MAX_PAGES:
            reply = await self._ask("requests", **asked, **({"page": page} if page > 1 else {}))
            count, fresh = await self._take(reply, seen)
            first = first or count
            if count == 0:
                return
            if page > 1 and fresh == 0:
                break  # the server knows no pages and gave the first one again
            page += 1
        if page == 2 and first % CAP_STEP == 0 and end - start >= 2 * NARROWEST_MS:
            middle = (start + end) // 2
            await self._window(start, middle, seen)
            await self._window(middle, end, seen)
        elif page > MAX_PAGES or (page == 2 and first % CAP_STEP == 0):
            self.rim.note(f"{moment(start)} to {moment(end)}: more requests than the server gives")

    async def _recheck(self, seen: set[str]) -> None:
        """Asks by number for open cases that no window showed, the longest unasked first."""
        due = [number for number in self.progress.open if number not in seen][: self.options.recheck]
        for start in range(0, len(due), IDS_PER_QUESTION):
            numbers = due[start : start + IDS_PER_QUESTION]
            self.progress.open = [n for n in self.progress.open if n not in numbers] + numbers
            try:
                await self._take(await self._ask("requests", service_request_id=",".join(numbers)), seen)
            except SupplierError as error:
                if error.status != 404:  # the supplier no longer knows them
                    raise

    async def _take(self, reply: Reply, seen: set[str]) -> tuple[int, int]:
        """Hands a reply's requests to the rim; returns how many there were and how many are new in this round."""
        try:
            rows = list(georeport.rows(reply.body, self.feed, self.rim.config))
        except BadInput as error:
            if error.reason != "supplier-error":
                await self.rim.park(reply.body, error.reason, error.detail, reply.content_type)
            raise
        fresh = []
        for row in rows:
            number = None if isinstance(row, Unread) else str(row.get("service_request_id"))
            if number is None or number not in seen:
                fresh.append(row)
            if number is not None and number not in seen:
                seen.add(number)
                row["service_group"] = self.groups.get(str(row.get("service_code")), "")
        self._remember([row for row in fresh if not isinstance(row, Unread)])
        await self.rim.rows(fresh)
        return len(rows), len(fresh)

    def _remember(self, rows: Iterable[dict[str, Any]]) -> None:
        """Keeps the list of open cases; the longest unasked go first when there are too many."""
        states = {str(row.get("service_request_id")): "closed_datetime" not in row for row in rows}
        kept = [number for number in self.progress.open if states.get(number, True)]
        known = set(kept)
        kept += [number for number, is_open in states.items() if is_open and number not in known]
        self.progress.open = kept[-OPEN_BOUND:]


async def run(feed: FeedConfig, rim: Rim) -> None:
    """Asks for ever."""
    options = read_options(GeoReportOptions, rim)
    every = rhythm(options, feed, rim)
    if options.days <= 0 or options.recheck < 0:
        raise rim.wrong("options", "days must be more than 0, recheck not below 0")
    scheme, _, rest = expanded(feed.url, rim, "url").partition("://")
    base = f"{'http' if scheme == 'open311+http' else 'https'}://{rest}"
    async with client(options, rim) as web:
        report = GeoReport(web, base, options, feed, rim)
        known = await rim.load_cursor()
        report.progress = msgspec.json.decode(known, type=Progress) if known else Progress()
        await for_ever(rim, every, report.round, report.lost)


TRANSPORT = Transport(
    "open311",
    ("open311", "open311+http", "open311+https"),
    run,
    format="open311",
    options=GeoReportOptions.__struct_fields__,
)
