"""A new report from the desk, or from a partner's system: it becomes a case of the feed `desk` with a file of its own."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import zoneinfo
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hall.core.command import Actor, Command, Outcome
from hall.core.errors import Refused
from hall.core.process import Process

FEED = "desk"
#: numbers tried for one report before it is given up: a day has a million of them
_TRIES = 4


def _plain(text: str) -> str:
    if any((ord(letter) < 32 and letter not in "\n\t") or "\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("control characters and broken characters are not allowed")
    return text.strip()


def _text(longest: int) -> Any:
    return Annotated[str, Field(max_length=longest), AfterValidator(_plain)]


class Strict(BaseModel):
    """Base of request bodies: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class ReportedCase(Strict):
    """What is reported. The district and cell follow from the position where the hall knows its boundaries."""

    description: _text(4000)
    kind: str = Field("occurrence", pattern="^(component|occurrence|service)$")
    class_name: _text(128) = Field("", description="major class 大类")
    subclass_name: _text(128) = Field("", description="minor class 小类")
    class_code: _text(128) = ""
    severity: int = Field(0, ge=0, le=4)
    lon: float | None = Field(None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(None, ge=-90, le=90, allow_inf_nan=False)
    address: _text(500) = ""
    district: _text(128) = ""
    report_source: _text(128) = Field("", description="来源, as the city names it")


class Caller(Strict):
    """Who reported it: kept in the file's notes, on no screen of the wall."""

    name: _text(100) = ""
    phone: _text(50) = ""


class ReportPhoto(Strict):
    """A photo uploaded before; usage as in commands."""

    media: str = Field(pattern=r"^[0-9a-f]{64}$")
    usage: str = Field("report", pattern="^(report|near|far|other)$")


class Report(Strict):
    """`id` is made by who asks: the same id again gets the same case."""

    id: str = Field(min_length=8, max_length=150)
    case: ReportedCase
    caller: Caller | None = None
    photos: list[ReportPhoto] = Field([], max_length=20)
    time: int | None = Field(None, ge=0, le=2**53, description="when it was reported, ms; absent: now")


class Desk(Protocol):
    """What is used of dispatch.desk.Desk."""

    async def execute(self, command: Command, actor: Actor) -> Outcome: ...
    async def view(self, subject: str, actor: Actor) -> dict[str, Any]: ...


class Placing:
    """District and cell of a position; `make` loads the boundaries, which takes a moment and is done with the first report."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._places, self._lock = make, None, asyncio.Lock()

    async def find(self, lon: float, lat: float) -> tuple[str, str]:
        async with self._lock:
            if self._places is None:
                self._places = await asyncio.to_thread(self._make)
        return (await asyncio.to_thread(self._places.find, [lon], [lat]))[0]


class Filed(NamedTuple):
    """A report that is a case now."""

    case_id: str
    outcome: Outcome


class Reporting:
    """Makes reports into cases."""

    def __init__(self, process: Process, desk: Desk, placing: Placing) -> None:
        self.process, self.desk, self.placing = process, desk, placing

    async def file(self, report: Report, actor: Actor) -> Filed:
        """Opens the case; the same report again is the same case. Raises Refused."""
        case = await self._case(report)
        free = ""
        for day in (self._day(0), self._day(-1)):  # a report sent again after midnight is still yesterday's
            for attempt in range(_TRIES):
                case_id = f"{day}-{_number(report.id, day, attempt):06d}"
                first = await self._first_entry(f"file/{FEED}/{case_id}", actor)
                if first is None:
                    free = free or case_id
                    break
                if first["command"] == report.id:
                    return Filed(case_id, _again(first, case, actor))
        if not free:
            raise Refused("no-number", "no free number was found for this report", 503)
        reported = self.process.clock.now() if report.time is None else report.time
        made = {**case, "case_id": free, "stages": {"reported": reported}}
        subject = f"file/{FEED}/{free}"
        command = Command(id=report.id, subject=subject, move="open", data={"case": made}, time=report.time)
        return Filed(free, await self.desk.execute(command, actor))

    async def _first_entry(self, subject: str, actor: Actor) -> dict[str, Any] | None:
        try:
            return (await self.desk.view(subject, actor))["entries"][0]
        except Refused as refusal:
            if refusal.status != 404:
                raise
            return None

    async def _case(self, report: Report) -> dict[str, Any]:
        """Fields of hall.core.model.Case, but the number."""
        given = report.case.model_dump(exclude_defaults=True)
        if not given["description"]:
            raise Refused("bad-request", "description: say what is reported", 422)
        if ("lon" in given) != ("lat" in given):
            raise Refused("bad-request", "lon and lat together", 422)
        if "lon" in given:
            district, cell = await self.placing.find(given["lon"], given["lat"])
            given |= {"district": district or given.get("district", ""), "cell": cell}
        return {"feed": FEED, "state": "reported", **{name: value for name, value in given.items() if value != ""}}

    def _day(self, offset: int) -> str:
        zone = zoneinfo.ZoneInfo(self.process.config.city.timezone)
        now = datetime.datetime.fromtimestamp(self.process.clock.now() / 1000, zone)
        return (now + datetime.timedelta(days=offset)).strftime("%Y%m%d")


def _again(first: dict[str, Any], case: dict[str, Any], actor: Actor) -> Outcome:
    """The outcome of a report that was filed before; raises Refused when the id was used for something else."""
    filed = first.get("data", {}).get("case", {})
    if first["who"] != actor.name or any(filed.get(name) != case[name] for name in case if name != "state"):
        raise Refused("command-id-reused", "this id was used before, for another report or by somebody else", 409)
    subject = first["subject"]
    return Outcome(command=first["command"], subject=subject, revision=first["revision"], seqs=[first["seq"]], repeated=True)


def _number(report: str, day: str, attempt: int) -> int:
    """A number that follows from the report, so that asking again needs no memory."""
    return int.from_bytes(hashlib.sha256(f"{day}/{attempt}/{report}".encode()).digest()[:8]) % 1_000_000
