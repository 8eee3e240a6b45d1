"""What one case contributes to the indicators, worked out once per version. Pure.

Suppliers send different stages. A stage that is missing while a later one was reached is *implied*: it is taken to have
been reached when the next later known stage was. docs/INDICATORS.md has the same rules in words.
"""

from __future__ import annotations

from typing import NamedTuple

from hall.core.model import CASE_ENDED, SEVERITIES, Case

#: 结案: ended with the matter dealt with; `not_accepted` and `cancelled` end a case without closing it
CLOSED_STATES = frozenset({"closed", "forced_close"})
#: A case its supplier took back (an event without data); kept in the casebook, counted nowhere
WITHDRAWN = "withdrawn"
#: In these states a named unit is a proposal, not a dispatch
_UNIT_IS_PROPOSAL = frozenset(
    {"pending_verify", "pending_register", "pending_dispatch", "returned", "not_accepted", "cancelled", WITHDRAWN}
)
#: In these states the case is (again) to be handled: a handled stamp belongs to an earlier round
_TO_BE_HANDLED = frozenset({"pending_handle", "handling", "returned"})
_HANDLED = frozenset({"handle_finish", "pending_check"})


class Facts(NamedTuple):
    """Moments in ms since the epoch, None = not reached; `ended_at` is set for every ended case."""

    reported: int
    accepted: int | None
    dispatched: int | None
    handled: int | None
    closed: int | None
    ended_at: int | None
    due: int | None
    class_name: str
    district: str
    report_source: str
    cell: str
    severity: int
    lon: float | None = None  # WGS-84 degrees
    lat: float | None = None


def is_ended(state: str) -> bool:
    return state in CASE_ENDED or state == WITHDRAWN


def _first(*moments: int | None) -> int | None:
    return next((moment for moment in moments if moment is not None), None)


def facts_of(case: Case, time: int) -> Facts:
    """Facts of the version of `case` whose event time is `time`."""
    stages, state = case.stages, case.state
    ended_at = _first(stages.closed, time) if is_ended(state) else None
    closed = ended_at if state in CLOSED_STATES else None
    stamps = (stages.accepted, stages.registered, stages.dispatched, stages.handled, stages.checked, stages.closed)
    reported = stages.reported
    if reported is None:
        reported = min((stamp for stamp in stamps if stamp is not None), default=time)
    handled = None
    if state not in _TO_BE_HANDLED:
        handled = _first(stages.handled, stages.checked, closed, time if state in _HANDLED else None)
    assigned = reported if case.unit and state not in _UNIT_IS_PROPOSAL else None
    in_hands = time if state in _TO_BE_HANDLED - {"returned"} else None
    dispatched = _first(stages.dispatched, assigned, handled, in_hands)
    waiting = time if state in ("pending_dispatch", "suspended") else None
    accepted = _first(stages.accepted, stages.registered, dispatched, waiting)
    return Facts(
        reported,
        accepted,
        dispatched,
        handled,
        closed,
        ended_at,
        case.due,
        case.class_name,
        case.district,
        case.report_source,
        case.cell,
        min(max(case.severity, SEVERITIES[0]), SEVERITIES[-1]),
        case.lon,
        case.lat,
    )


def last_moment(facts: Facts) -> int:
    """The latest moment at which the case can count in a day's flow."""
    moments = (facts.reported, facts.accepted, facts.dispatched, facts.handled, facts.closed, facts.ended_at)
    return max(moment for moment in moments if moment is not None)
