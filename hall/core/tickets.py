"""Tickets: what the web process lets somebody watch or take away, signed, so that it is believed without asking anybody.

Each kind is signed for a purpose of its own: one is never taken for the other.
"""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

from hall.core.errors import Refused
from hall.core.secrets import Secrets

LONGEST = 16_384  # characters


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One person's view of some channels. `until` is real ms: after it nothing new is started on this ticket."""

    view: str  # id of the audit line
    person: str
    role: str
    channels: tuple[str, ...]  # subjects
    until: int
    desk: str = ""
    why: str = ""
    session: str = ""  # bus key that must exist as long as pictures flow (`session:…`, `wall-token:…`); empty: none


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """That one person may take one recording away: `why` as it stands in the audit line of `export`. `until` is real ms: after
    it no download begins on this ticket."""

    export: str  # id of this handing over
    recording: str
    person: str
    why: str
    until: int


Kind = TypeVar("Kind", Ticket, Handover)
_PURPOSE: dict[type, str] = {Ticket: "view", Handover: "export"}


def issue(secrets: Secrets, ticket: Ticket | Handover) -> str:
    """The ticket as text for an address or a header: `<payload>.<signature>`, both base64url."""
    body = msgspec.json.encode(ticket)
    return f"{_text(body)}.{_text(secrets.sign(body, _PURPOSE[type(ticket)]))}"


def read(secrets: Secrets, text: str, now: int, kind: type[Kind] = Ticket) -> Kind:
    """The ticket of this kind that was issued; `now` is real ms. Raises Refused `ticket-bad` or `ticket-expired` (403)."""
    payload, _, signature = text.partition(".")
    try:
        if len(text) > LONGEST or not text.isascii():
            raise ValueError
        body = _bytes(payload)
        if not secrets.signed(body, _bytes(signature), _PURPOSE[kind]):
            raise ValueError
        ticket = msgspec.json.decode(body, type=kind)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise Refused("ticket-bad", "this ticket was not issued by this hall; ask for a new one", 403) from None
    if now > ticket.until:
        raise Refused("ticket-expired", "this ticket is no longer valid; ask for a new one", 403)
    return ticket


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
