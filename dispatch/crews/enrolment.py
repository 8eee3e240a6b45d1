"""Brings the ledger's crews up to the city's files, at the start of the dispatch process."""

from __future__ import annotations

import logging

import msgspec

from dispatch.crews.roster import Refusal, commands, load
from dispatch.crews.settings import settings_of
from dispatch.ledger import Ledger
from hall.core.command import Actor, Outcome
from hall.core.config import HallConfig

log = logging.getLogger("hall")

HALL = Actor(name="roster", role="system", kind="system")
#: commands of one transaction
_CHUNK = 500
_TOLD = 5  # refused rows named in the log


class Enrolled(msgspec.Struct):
    """What became of the files: rows read, commands written, rows and commands refused."""

    rows: int
    written: int
    refused: list[Refusal]


def enrol(ledger: Ledger, config: HallConfig, now: int, real: int) -> Enrolled:
    """Enrols what is new or changed, retires what is gone. Blocking; may be done by several processes at once.

    Raises ConfigError for a file that cannot be read, LedgerFault when the ledger cannot be written.
    """
    settings = settings_of(config)
    if not settings.roster and not settings.resources:
        return Enrolled(0, 0, [])
    found = load(config, settings)
    asked = commands(found.rows, dict(ledger.states("crew", ended=True)), settings.retire_missing)
    made = Enrolled(len(found.rows), 0, list(found.refused))
    for start in range(0, len(asked), _CHUNK):
        chunk = asked[start : start + _CHUNK]
        for command, result in zip(chunk, ledger.execute_many([(c, HALL) for c in chunk], now, real), strict=True):
            if isinstance(result, Outcome):
                made.written += not result.repeated
            else:
                made.refused.append(Refusal(command.subject, 0, str(result)))
    if made.written or made.refused:
        log.info("crews: %d on the roster, %d written, %d refused", made.rows, made.written, len(made.refused))
    for refusal in made.refused[:_TOLD]:
        log.warning("crews: %s, row %d: %s", refusal.file, refusal.row, refusal.reason)
    return made
