"""What a decision about an incident looks at. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from dispatch.aggregate import View
from dispatch.incidents.knowing import facts_of
from dispatch.incidents.model import Incident
from dispatch.incidents.settings import IncidentRules
from hall.core.command import Actor, Command, Draft


class Deciding(NamedTuple):
    """What one decision looks at."""

    view: View
    state: Incident
    command: Command
    actor: Actor
    data: dict[str, Any]
    rules: IncidentRules

    @property
    def incident_id(self) -> str:
        return self.command.subject.partition("/")[2]

    def draft(self, **data: Any) -> Draft:
        return Draft(subject=self.command.subject, move=self.command.move, data=data, reason=self.command.reason.strip())

    def facts(self) -> dict[str, Any]:
        return facts_of(self.state, self.view.get, self.view.now)


def plain(d: Deciding) -> list[Draft]:
    return [d.draft(**d.data)]
