"""Tickets: what the web process lets somebody watch, signed, so that the relay believes it without asking anybody."""

from __future__ import annotations

import base64
import binascii

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


def issue(secrets: Secrets, ticket: Ticket) -> str:
    """The ticket as text for an address or a header: `<payload>.<signature>`, both base64url."""
    body = msgspec.json.encode(ticket)
    return f"{_text(body)}.{_text(secrets.sign(body))}"


def read(secrets: Secrets, text: str, now: int) -> Ticket:
    """The ticket that was issued; `now` is real ms. Raises Refused `ticket-bad` or `ticket-expired` (403)."""
    payload, _, signature = text.partition(".")
    try:
        if len(text) > LONGEST or not text.isascii():
            raise ValueError
        body = _bytes(payload)
        if not secrets.signed(body, _bytes(signature)):
            raise ValueError
        ticket = msgspec.json.decode(body, type=Ticket)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise Refused("ticket-bad", "this ticket was not issued by this hall; ask for a new one", 403) from None
    if now > ticket.until:
        raise Refused("ticket-expired", "this ticket is no longer valid; ask for a new one", 403)
    return ticket


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
