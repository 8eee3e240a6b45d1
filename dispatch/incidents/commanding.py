"""Decisions about who commands: appointed, or handed over with a brief that both sign. Pure."""

from __future__ import annotations

from dispatch.incidents.briefing import brief_of
from dispatch.incidents.deciding import Deciding, plain
from dispatch.incidents.model import Transfer, pending_transfer
from dispatch.incidents.reports import Writer
from dispatch.tabled import COMMAND
from hall.core.command import Draft
from hall.core.errors import Refused


def appoint(d: Deciding) -> list[Draft]:
    return plain(d) if d.data["person"] != d.state.commander else []


def brief(d: Deciding) -> list[Draft]:
    if not d.state.commander:
        raise Refused("no-commander", "nobody commands it yet: appoint somebody", 409)
    if d.data["to"] == d.state.commander:
        raise Refused("second-person", "command goes to another person", 422)
    if pending_transfer(d.state):
        raise Refused("handover-open", "a transfer of command is under way: recall it first", 409)
    made = brief_of(d.facts(), Writer(d.rules))
    return [d.draft(to=d.data["to"], brief=made)]


def edit_brief(d: Deciding) -> list[Draft]:
    if _pending(d).handed_at is not None:
        raise Refused("signed", "it is signed: recall it to change it", 409)
    return plain(d)


def hand_over(d: Deciding) -> list[Draft]:
    """The first signature: who commands, on the brief as it stands (the command names its revision)."""
    transfer = _pending(d)
    if d.actor.name != d.state.commander:
        raise Refused("not-yours", f"{d.state.commander} commands and signs; appoint another with a reason otherwise", 403)
    return [d.draft(number=transfer.number)] if transfer.handed_at is None else []


def take_command(d: Deciding) -> list[Draft]:
    """The second signature: only now command goes over."""
    transfer = _for_me(d)
    if transfer.handed_at is None:
        raise Refused("not-signed", f"{transfer.giver} has not signed the brief yet", 409)
    return [d.draft(number=transfer.number)]


def decline_command(d: Deciding) -> list[Draft]:
    return [d.draft(number=_for_me(d).number)]


def recall_brief(d: Deciding) -> list[Draft]:
    transfer = _pending(d)
    if d.actor.name != d.state.commander and d.actor.role not in COMMAND:
        raise Refused("not-yours", f"{transfer.giver} recalls it", 403)
    return [d.draft(number=transfer.number)]


def _pending(d: Deciding) -> Transfer:
    transfer = pending_transfer(d.state)
    if transfer is None:
        raise Refused("handover-unknown", "no transfer of command is under way", 404)
    return transfer


def _for_me(d: Deciding) -> Transfer:
    transfer = _pending(d)
    if transfer.to != d.actor.name:
        raise Refused("not-for-you", f"command is meant for {transfer.to}", 403)
    return transfer
