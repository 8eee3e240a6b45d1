"""A message to crews as the ledger keeps it and as the desk gets it."""

from __future__ import annotations

import msgspec

from dispatch.notices import URGENCIES

__all__ = ["KEPT_MS", "MOST", "RECEIVERS", "ROLES", "TEXT", "URGENCIES", "Message", "Receiver", "Urge"]

#: who may tell crews something in his own words
ROLES = ("dispatcher", "supervisor", "leader", "admin")
TEXT = 300
#: crews that one message may go to; messages of one hall that are not over
RECEIVERS, MOST = 200, 500
#: city ms after it was sent or last urged until it is over
KEPT_MS = 24 * 3_600_000


class Receiver(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One crew: city ms when its phone had the message, when somebody tapped that he has read it, and after a withdrawal
    that he knows of that, too. None: not (yet)."""

    crew: str
    received: int | None = None
    read: int | None = None
    withdrawal_read: int | None = None


class Urge(msgspec.Struct, kw_only=True, omit_defaults=True):
    """It was asked for once more."""

    at: int
    by: str


class Message(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State and document of `message/<id>`; moments are city ms. `lon`, `lat`: the place it speaks of, WGS-84 degrees."""

    message_id: str = ""
    text: str = ""
    urgency: str = "normal"
    crews: list[Receiver] = []
    sender: str = ""
    role: str = ""
    made: int = 0
    urges: list[Urge] = []
    about: str = ""
    lon: float | None = None
    lat: float | None = None
    exercise: bool = False
    district: str = ""  # of all its crews; empty: the whole city's
    withdrawn: int | None = None
    withdrawn_by: str = ""
    reason: str = ""  # of the withdrawal
    state: str = "sent"  # withdrawn, over
    revision: int = 0
    ended: bool = False


def receiver(message: Message, crew: str) -> Receiver | None:
    return next((one for one in message.crews if one.crew == crew), None)


def over_at(message: Message) -> int:
    """City ms when it is over."""
    return max([message.made, *(urge.at for urge in message.urges), message.withdrawn or 0]) + KEPT_MS
