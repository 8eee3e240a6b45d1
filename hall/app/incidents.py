"""What is read of incidents beside their state: the settings that forms need, the timeline of all that is under one roof,
reports to print. Moves go by hall/app/streams.py.
"""

from __future__ import annotations

import csv
import io
import zoneinfo
from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path
from fastapi.responses import PlainTextResponse, Response

from hall.app.answers import json
from hall.app.commanding import shown_entry
from hall.app.discretion import WRITING, discreet
from hall.app.seeing import told_of, unseen_file
from hall.app.visit import current_visit
from hall.core.command import Entry
from hall.core.errors import Refused
from hall.core.event import topic_of
from hall.core.process import Process

Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
#: lines of a member that say nothing to people
_NOISE = frozenset({"supplied"})
#: of a line's data: what is whole states or whole texts, read elsewhere
_BULKY = ("facts", "brief", "back", "text")
_TEXT = 200
_COLUMNS = ("time", "recorded", "subject", "move", "who", "role", "desk", "reason", "data")
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")

_PAGE = """<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title><style>
@page {{ size: A4; margin: 25mm 20mm; }}
body {{ font: 16pt/1.8 FangSong, STFangsong, "Noto Serif CJK SC", "Noto Sans SC", serif; color: #000; background: #fff;
  max-width: 42em; margin: 2em auto; padding: 0 1em; }}
h1 {{ text-align: center; font-size: 22pt; margin: 0 0 .2em; }}
h2 {{ text-align: center; font-size: 16pt; font-weight: normal; }}
p {{ margin: .3em 0; text-indent: 2em; white-space: pre-wrap; }}
footer {{ margin-top: 2em; border-top: 1px solid #000; font-size: 12pt; }}
.mark {{ border: 3px solid #c00; color: #c00; text-align: center; font-weight: bold; font-size: 20pt; padding: .2em; }}
@media print {{ body {{ margin: 0; max-width: none; }} }}
</style></head><body>{marks}<h1>{head}</h1><h2>{line}</h2>{body}<footer>{foot}</footer></body></html>"""


class Incidents:
    """`settings`: what the browser needs of the configuration, plain data. `most`: lines of a timeline."""

    def __init__(self, process: Process, desk: Any, settings: dict[str, Any], most: int) -> None:
        self.process, self.desk, self._settings, self._most = process, desk, settings, most
        self.zone = zoneinfo.ZoneInfo(process.config.city.timezone)
        self.router = APIRouter(prefix="/api/v1/incidents", tags=["emergency"])
        add = self.router.add_api_route
        add("/settings", self.settings, methods=["GET"], response_class=Response)
        add("/{name}/timeline", self.timeline, methods=["GET"], response_class=Response)
        add("/{name}/reports/{number}", self.report, methods=["GET"], response_class=Response)

    async def settings(self) -> Response:
        """Grades, roles, kinds, figures, the figures of hourly reports, from when on an incident is offered."""
        return json(self._settings)

    async def timeline(self, name: Name, format: Literal["json", "csv"] = "json") -> Response:
        """Every line that concerns what is under the incident's roof, oldest first; the newest so many."""
        lines, left = await self._lines(name)
        if format == "csv":
            headers = {"content-disposition": f'attachment; filename="incident-{name}.csv"', "cache-control": "no-store"}
            return Response(as_csv(lines, self.zone), media_type="text/csv; charset=utf-8", headers=headers)
        return json({"lines": lines, "left_out": left, "now": self.process.clock.now()})

    async def _lines(self, name: str) -> tuple[list[dict[str, Any]], int]:
        who = current_visit().identity
        state = await self._incident(name)
        subjects = {f"incident/{name}", *state.members}
        found = await self.desk.run(lambda: self.desk.ledger.files(subjects))
        entries: list[Entry] = []
        for subject, (thing, history) in found.items():
            topic = topic_of(subject)
            if topic == "file" and not unseen_file(who, subject, msgspec.to_builtins(thing)):
                entries += history
            elif topic != "file" and told_of(who, topic, thing):
                entries += history
        lines, left = merged(entries, self._most)
        return discreet(who.role, lines), left

    async def report(self, name: Name, number: int, format: Literal["html", "text"] = "html") -> Response:
        """One report to print or to copy. What is not signed says so."""
        state = await self._incident(name)
        found = next((one for one in state.papers if one.number == number), None)
        if found is None:
            raise Refused("unknown", f"there is no report {number}", 404)
        if found.state != "sent" and current_visit().identity.role not in WRITING:
            raise Refused("not-permitted", "a report is for those who write and sign it until it was sent", 403)
        if format == "text":
            return PlainTextResponse(found.text)
        return Response(self._page(state, found), media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})

    def _page(self, state: Any, report: Any) -> str:
        lines = [line for line in report.text.splitlines() if line.strip()]
        head, line = [*lines[:2], "", ""][:2]
        marks = ["演练　演练　演练"] if state.exercise else []
        marks += [] if report.signed_by else ["草稿，未签发"]
        signed = f"签发：{report.signed_by}　{self._moment(report.signed_at)}" if report.signed_by else "签发：＿＿＿＿＿＿"
        sent = f"　报送：{report.sent_to}　{self._moment(report.sent_at)}" if report.sent_at else ""
        return _PAGE.format(
            title=escape(f"{state.title} {report.title}"),
            marks="".join(f'<p class="mark">{escape(mark)}</p>' for mark in marks),
            head=escape(head),
            line=escape(line),
            body="".join(f"<p>{escape(text)}</p>" for text in lines[2:]),
            foot=escape(f"{signed}{sent}"),
        )

    def _moment(self, at: int | None) -> str:
        return f"{datetime.fromtimestamp((at or 0) / 1000, self.zone):%Y-%m-%d %H:%M}"

    async def _incident(self, name: str) -> Any:
        state = await self.desk.state(f"incident/{name}")
        if state is None:
            raise Refused("unknown", f"there is no incident/{name}", 404)
        return state


def merged(entries: Iterable[Entry], most: int) -> tuple[list[dict[str, Any]], int]:
    """Lines of several streams in the order of what happened, the newest `most`, and how many older ones are left out."""
    speaking = sorted((entry for entry in entries if entry.move not in _NOISE), key=lambda entry: (entry.time, entry.seq))
    left = max(0, len(speaking) - most)
    return [_line(entry) for entry in speaking[left:]], left


def _line(entry: Entry) -> dict[str, Any]:
    plain = shown_entry(entry)
    data = plain.get("data", {})
    short = {"text": data["text"][:_TEXT]} if isinstance(data.get("text"), str) else {}
    kept = ("seq", "subject", "move", "time", "recorded", "who", "role", "kind", "desk", "reason")
    said = {name: value for name, value in data.items() if name not in _BULKY} | short
    return {name: plain[name] for name in kept if name in plain} | {"data": said}


def as_csv(lines: list[dict[str, Any]], zone: zoneinfo.ZoneInfo) -> bytes:
    """For spreadsheets: UTF-8 with its mark, moments by the city's clock, no cell that one would take for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for line in lines:
        row = [datetime.fromtimestamp(line[name] / 1000, zone).isoformat(sep=" ", timespec="seconds") for name in _COLUMNS[:2]]
        row += [str(line.get(name, "")) for name in _COLUMNS[2:-1]]
        row.append(msgspec.json.encode(line["data"]).decode() if line["data"] else "")
        writer.writerow([f"'{cell}" if cell.startswith(_DANGEROUS) else cell for cell in row])
    return out.getvalue().encode("utf-8-sig")
