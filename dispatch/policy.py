"""What a city decides about dispatch: `[dispatch]` of hall.toml over the default set, compiled once."""

from __future__ import annotations

from typing import Any, NamedTuple

from dispatch.aggregate import Aggregate
from dispatch.alarming.rulebook import compile_rules
from dispatch.alarmlife.aggregate import Alarms
from dispatch.alarmlife.settings import settings_of as life_of
from dispatch.bulletins import Bulletins
from dispatch.bulletins import rules_of as bulletin_rules
from dispatch.casefile import CaseFiles, CaseRules
from dispatch.clocks.city import CityClocks
from dispatch.closures import Closures
from dispatch.closures.settings import settings_of as closures_of
from dispatch.crews.aggregate import Crews
from dispatch.depots import Depots, Requests
from dispatch.depots.roster import settings_of as depots_of
from dispatch.incidents import Incidents
from dispatch.incidents import rules_of as incident_rules
from dispatch.messages import Messages
from dispatch.notices import Notices
from dispatch.plans import response_streams
from dispatch.reporting import Reportings
from dispatch.reporting import rules_of as reporting_rules
from dispatch.shapes import Shapes
from dispatch.shifts import Shifts
from dispatch.shows import Shows
from dispatch.tabled import Tabled
from dispatch.webhooks.settings import hooks_of
from hall.core.config import HallConfig
from hall.core.errors import ConfigError

#: tables of `[dispatch]`; each part of the room reads its own
TABLES = (
    "calendar", "limits", "escalation", "casefile", "crews", "webhooks", "evaluation", "shows", "field", "shifts",
    "alarms", "plans", "closures", "depots", "incidents", "reporting", "bulletins",
)  # fmt: skip


class Policy(NamedTuple):
    """`clocks`: calendar, limits, ladder; `files`: the case files' aggregate with its rules; `table`: `[dispatch]` itself;
    `emergency`: what alarms and emergencies keep, each moved by its own table."""

    clocks: CityClocks
    files: CaseFiles
    table: dict[str, Any]
    emergency: tuple[Tabled, ...] = ()

    def aggregates(self) -> dict[str, Aggregate]:
        """Every kind of stream the ledger keeps, by topic."""
        made = (self.files, Crews(), Notices(), Shifts(), Shows(), *self.emergency)
        return {one.topic: one for one in made}


def compile_policy(config: HallConfig) -> Policy:
    """Raises ConfigError naming file, line and key."""
    table = config.dispatch
    for name in table:
        if name not in TABLES:
            raise config.error(f"dispatch.{name}", f"no such table: one of {', '.join(TABLES)}")
    compile_rules(config)  # as the next line
    hooks_of(config)  # the dispatch process compiles them for itself; a mistake shows before anything starts
    try:
        clocks = CityClocks.from_table(table, config.city.timezone, config.path)
    except ConfigError as error:
        if error.file:
            raise
        raise config.error(error.key, error.problem) from None
    files = CaseFiles(_case_rules(config, table.get("casefile", {})), clocks)
    policy = Policy(clocks, files, table, _emergency(config))
    for one in policy.emergency:
        one.beside(policy.aggregates())
    return policy


def _emergency(config: HallConfig) -> tuple[Tabled, ...]:
    """Every kind of thing that alarms and emergencies keep; raises ConfigError."""
    depots_of(config)  # the dispatch process reads the list; a mistake in the table shows before anything starts
    return (
        Alarms(life_of(config)),
        Reportings(reporting_rules(config)),
        Incidents(incident_rules(config)),
        Closures(closures_of(config)),
        *response_streams(config),
        Depots(),
        Requests(),
        Bulletins(bulletin_rules(config)),
        Shapes(),
        Messages(),
    )  # fmt: skip


def _case_rules(config: HallConfig, table: dict[str, Any]) -> CaseRules:
    """The city's table over the Chinese default set; every mistake in it is named before anything starts."""
    return CaseRules.from_table(table, config.error)
