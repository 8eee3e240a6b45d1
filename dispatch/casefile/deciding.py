"""One decision under way: what it knows, and the drafts every move is made of. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.casefile.guards import roles_of
from dispatch.casefile.model import CaseFile
from dispatch.casefile.rules import CaseRules, ClockRules
from dispatch.casefile.table import ENDED, MOVES, NEXT
from hall.core.command import Actor, Command, Draft


class Deciding(msgspec.Struct):
    """`given` is the checked data of the command."""

    view: View
    command: Command
    actor: Actor
    file: CaseFile
    rules: CaseRules
    clocks: ClockRules
    given: dict[str, Any]

    @property
    def now(self) -> int:
        """When it happened, ms. What the desk does happens when it is recorded; a told time counts for work in the street
        only, and never before the state it was done in. The fold (`fold.happened`) says the same of entries."""
        told = self.command.time
        if told is None or not MOVES[self.command.move].field:
            return self.view.now
        return max(min(told, self.view.now), self.file.state_since)

    @property
    def subject(self) -> str:
        return self.command.subject

    def draft(self, **data: Any) -> Draft:
        return Draft(subject=self.subject, move=self.command.move, data=data, reason=self.command.reason.strip())

    def step(self, to: str, **data: Any) -> Draft:
        """A draft that changes the state, with the desk's clock for the new one and whether its owner keeps it."""
        due = self.clocks.stage_due(to, self.now, data.get("emergency", self.file.emergency))
        return self.draft(to=to, stage_due=due, keeps_owner=self.keeps_owner(to, data.get("barred", [])), **data)

    def keeps_owner(self, state: str, barred: list[str]) -> bool:
        """Whether the owner can take the case on from `state`; else it goes back to the queue of those who can."""
        file = self.file
        if not file.owner or state in ENDED or file.owner in barred:
            return False
        steps = ("request_check", "close") if state == "handle_finish" and not self.rules.check_before_closing else None
        steps = steps or NEXT.get(state, ())
        return not steps or any(file.owner_role in roles_of(step, self.rules) for step in steps)

    def clock(self) -> dict[str, Any] | None:
        """The handling clock as plain data."""
        return msgspec.to_builtins(self.file.clock) if self.file.clock else None
