"""Which cases a level in force makes emergencies, and what becomes of them when it is over. Pure: states in, commands out.

A line of the ledger causes each command and names it, so that a process begun anew asks for nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dispatch.naming import name_of
from dispatch.plans.model import Plans, spoken
from dispatch.plans.state import Response
from hall.core.command import Command, Entry
from hall.core.model import CASE_ENDED

ACTS = ("sign", "change", "step_down", "end", "undo")
#: lines of a case after which its class, or whether its clock runs, may be another
CASE_MOVES = ("open", "correct", "resume", "reopen")
_LEFT_ALONE = (*CASE_ENDED, "suspended")


class Deadlines:
    """`responses` is the caller's own table `response/<plan>` -> state, kept up by him."""

    def __init__(self, plans: Plans, responses: Mapping[str, Response]) -> None:
        self.plans, self.responses = plans, responses

    def of_case(self, entry: Entry, file: Any) -> list[Command]:
        """After a line of one case."""
        made = self._one(entry.subject, file, entry, None)
        return [made] if made is not None else []

    def of_act(self, act: Entry, files: Iterable[tuple[str, Any]]) -> list[Command]:
        """After a level was put into force, changed, ended or taken back. A person who said during a level that a case is no
        emergency is not overruled by the next one: only classes that the act adds are raised."""
        response = self.responses.get(act.subject)
        if response is None:
            return []
        before = response.act.get("before", {})
        known = set(before.get("emergency_classes", [])) if before.get("state") == "in_force" else set()
        made = (self._one(subject, file, act, known) for subject, file in files)
        return [command for command in made if command is not None]

    def _one(self, subject: str, file: Any, cause: Entry, known: set[str] | None) -> Command | None:
        if file.ended or file.state in _LEFT_ALONE:
            return None
        response = self._raising(file.report)
        if file.by_level:
            return self._settle(subject, file, cause) if response is None else None
        if response is None or file.emergency or (known and file.report.get("subclass_name") in known):
            return None
        by = {"plan": response.plan, "run": response.run, "level": response.level}
        name = name_of(f"raise-{subject}-{cause.subject}-{cause.revision}")
        said = self._said(response, response.level)
        return Command(id=name, subject=subject, move="raise_level", reason=said, data={"by_level": by})

    def _settle(self, subject: str, file: Any, cause: Entry) -> Command | None:
        by = file.by_level
        response = self.responses.get(f"response/{by['plan']}")
        plan = self.plans.by_name.get(by["plan"])
        last = next((line["move"] for line in reversed(response.history) if line["move"] in ACTS), "") if response else ""
        how = "restore" if last == "undo" else plan.deadlines_after if plan is not None else "keep"
        name = name_of(f"settle-{subject}-{cause.subject}-{cause.revision}")
        reason = self._said(response, by["level"]) if response is not None else by["plan"]
        return Command(id=name, subject=subject, move="settle_level", reason=reason, data={"how": how})

    def _raising(self, report: dict[str, Any]) -> Response | None:
        """The response in force that lists the case's class. An exercise makes emergencies of its own cases only, and a real
        response of real ones; in a training hall nothing is real."""
        exercise = self.plans.exercise or bool(report.get("extra", {}).get("exercise"))
        for response in self.responses.values():
            listed = report.get("subclass_name", "") in response.emergency_classes
            if response.state == "in_force" and listed and exercise == response.exercise:
                return response
        return None

    def _said(self, response: Response, level: str) -> str:
        words = response.levels.get(level, {}).get("label", {})
        return f"{spoken(response.label, self.plans.language)} {spoken(words, self.plans.language) or level}"
