"""The state of one alarm as the ledger keeps it. Pure.

The bits are independent, as OPC UA keeps them: active, acknowledged, shelved, out of service, latched, and hidden (suppressed
by design, which the engine says). `state` is a word for the first few, for tables and screens.
"""

from __future__ import annotations

from typing import Any

from hall.core.model import Alarm

#: what is kept in the state; the ledger has all of it
COMMENTS, CASES = 20, 50


class AlarmState(Alarm, kw_only=True):
    """What the ledger keeps of `alarm/<site>`: its document and what only the desk needs."""

    alarm_id: str = ""
    rule: str = ""
    cause: str = ""
    active: bool = False
    times: int = 0  # how often it came back without having been answered
    comments: list[dict[str, Any]] = []  # {at, who, text}, newest last
    shelved_severity: int = 0  # how bad it was when it was put on the shelf
    retired: bool = False
    revision: int = 0

    @property
    def state(self) -> str:
        if self.retired:
            return "gone"
        if self.active:
            return "acknowledged" if self.acknowledged else "unanswered"
        if self.latched:
            return "latched"
        return "over" if self.acknowledged else "returned"

    @property
    def ended(self) -> bool:
        return self.retired

    @property
    def put_away(self) -> bool:
        """Whether it is kept from an operator's list for now: by design, on the shelf, out of service."""
        return bool(self.hidden_by or self.shelved or self.out_of_service)
