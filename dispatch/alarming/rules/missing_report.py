"""Something that is to report by a rhythm and did not: a feed, a department, a patrol."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.alarming.kind import Kind, Settings
from dispatch.alarming.rules.silence import Condition


class MissingReport(Settings, kw_only=True, frozen=True):
    """On when a subject that begins with `subject` told nothing for `minutes`, counted from when it was first heard of."""

    subject: str
    minutes: float


def _check(settings: MissingReport) -> Iterable[tuple[str, str]]:
    if settings.minutes <= 0:
        yield "minutes", "more than 0"
    if "/" not in settings.subject:
        yield "subject", "topic/... or the beginning of it"


RULE = Kind("missing_report", "subject", MissingReport, Condition, needs_quantity=False, check=_check)
