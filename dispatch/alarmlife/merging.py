"""Links citizens' reports of ponding with the alarm of the gauge that saw the same water, as either comes in."""

from __future__ import annotations

from dispatch.alarmlife.ponding import Report, Wet, nearest, report_of, wet_of
from dispatch.alarmlife.settings import LifeSettings
from dispatch.desk import Desk
from dispatch.naming import name_of
from dispatch.part import Part
from dispatch.reader import Head, document
from dispatch.waiting import Waiting, ask
from hall.core.command import Command, Entry
from hall.core.process import Process

#: reports that are held against alarms; the oldest give way
REPORTS = 5_000
LOOK_SECONDS = 0.5
#: looks for which a report waits for its file to be opened
PATIENCE = 40


class PondingMerger(Part):
    """One per hall; a link is named by alarm and case, so it is made once, also after somebody took it back."""

    topics = frozenset({"case"})

    def __init__(self, process: Process, desk: Desk, settings: LifeSettings) -> None:
        self.process, self.desk, self.settings = process, desk, settings
        self._names = [name.encode() for name in settings.ponding.classes]
        self._reports: dict[str, Report] = {}
        self._wets: dict[str, Wet] = {}
        self._due: dict[str, int] = {}  # files to be looked at -> looks they waited
        self._waiting = Waiting(process, "ponding reports")
        process.counters |= {"ponding_reports": 0, "ponding_links": 0, "ponding_dropped": 0}

    def hear(self, head: Head) -> None:
        file = f"file/{head.subject.partition('/')[2]}"
        if file not in self._reports and not (head.gone or any(name in bytes(head.data) for name in self._names)):
            return  # most cases are of another class: not worth reading twice
        report = report_of(head.subject, document(head), head.time, self.settings.ponding)
        if report is None:
            self._reports.pop(file, None)
            self._due.pop(file, None)
        elif report != self._reports.get(file):
            self._reports.pop(file, None)
            self._reports[file] = report
            self._due[file] = 0
            if len(self._reports) > REPORTS:
                oldest = next(iter(self._reports))
                del self._reports[oldest]
                self._due.pop(oldest, None)
                self.process.counters["ponding_dropped"] += 1

    async def start(self) -> None:
        for subject, alarm in (await self.desk.states("alarm")).items():
            if wet := wet_of(subject, alarm, self.settings.ponding):
                self._wets[subject] = wet

    async def take(self, entries: list[Entry]) -> None:
        names = list(dict.fromkeys(entry.subject for entry in entries if entry.subject.startswith("alarm/")))
        for subject, alarm in (await self.desk.many(names) if names else {}).items():
            wet, before = wet_of(subject, alarm, self.settings.ponding), self._wets.pop(subject, None)
            if wet is None:
                continue
            self._wets[subject] = wet
            if before is None or before.alarm_id != wet.alarm_id:  # a new occurrence: what was reported before it may be its
                near = self.settings.ponding
                self._due |= {file: 0 for file, report in self._reports.items() if nearest(report, [wet], near)}

    async def run(self) -> None:
        await self._waiting.looking(self.look, LOOK_SECONDS)

    async def look(self) -> None:
        """Links what fits now. A report whose file is not opened yet is looked at again."""
        self.process.counters["ponding_reports"] = len(self._reports)
        files = list(self._due)
        near = [
            (self._reports[file], nearest(self._reports[file], self._wets.values(), self.settings.ponding)) for file in files
        ]
        opened = await self.desk.many([report.file for report, found in near if found])
        commands = []
        for report, found in near:
            if found is None or report.file in opened or self._due[report.file] >= PATIENCE:
                self._due.pop(report.file, None)
            else:
                self._due[report.file] += 1
            if found is not None and report.file not in self._due:
                commands.append(_link(report, *found))
        done = await ask(self.desk, commands)
        self.process.counters["ponding_links"] += sum(bool(getattr(result, "seqs", ())) for _, result in done)


def _link(report: Report, wet: Wet, apart: float) -> Command:
    data = {"case": report.file, "metres": round(apart, 1)}
    return Command(id=name_of(f"pond-{wet.alarm_id}-{report.file}"), subject=wet.subject, move="link_case", data=data)
