"""What falls due for an alarm by itself: a shelf's end, leaving the board, telling somebody that nobody answers. Pure.

Everything follows from the alarm's state, so after a restart the timers are the same.
"""

from __future__ import annotations

from dispatch.alarmlife.calls import RUNGS, due_of
from dispatch.alarmlife.model import AlarmState
from dispatch.alarmlife.settings import HOUR, LifeSettings
from dispatch.naming import name_of
from hall.core.command import Command

UNSHELVE, RETIRE = "unshelve", "retire"
#: every timer an alarm can have
WHATS = (UNSHELVE, RETIRE, *RUNGS)


def timers_of(alarm: AlarmState, settings: LifeSettings) -> dict[str, int | None]:
    """What -> city ms when it falls due; None: there is nothing to wait for."""
    return {
        UNSHELVE: alarm.shelved["until"] if alarm.shelved and not alarm.ended else None,
        RETIRE: _leaves(alarm, settings),
        **{rung: due_of(alarm, rung, settings.notices) for rung in RUNGS},
    }


def _leaves(alarm: AlarmState, settings: LifeSettings) -> int | None:
    if alarm.shelved or alarm.out_of_service or alarm.state not in ("over", "returned"):
        return None
    over = alarm.returned or 0
    if alarm.state == "over":
        return max(over, alarm.acked_at or 0) + round(settings.keep_answered_hours * HOUR)
    return over + round(settings.keep_unanswered_hours * HOUR)


def command_of(what: str, subject: str, alarm: AlarmState, settings: LifeSettings) -> Command | None:
    """The hall's move for a timer that fell; None where the alarm has changed meanwhile."""
    due = timers_of(alarm, settings).get(what)
    if due is None:
        return None
    if what == UNSHELVE:
        cause, data = f"unshelve-{due}-{alarm.shelved['at']}-{subject}", {"because": "expired"}
    elif what == RETIRE:
        cause = f"retire-{due}-{alarm.revision}-{subject}"
        data = {"because": "answered" if alarm.acknowledged else "unanswered"}
    else:
        return None
    return Command(id=name_of(cause), subject=subject, move=what, data=data, time=due)
