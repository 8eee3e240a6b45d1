"""Alarms in the ledger of a running hall, as its engine would raise them."""

from __future__ import annotations

import itertools
from pathlib import Path

from dispatch.alarmlife.aggregate import Alarms
from dispatch.alarmlife.settings import settings_of
from dispatch.ledger import Ledger
from hall.core.clock import real_ms
from hall.core.command import Actor, Command

SYSTEM = Actor(name="system", role="system", kind="system", desk="dispatch")
_numbers = itertools.count()


def raise_alarms(data_dir: Path, alarms: dict[str, dict], move: str = "raise", now: int = 0) -> None:
    """`alarms`: site -> what the engine knows of it; `now` city ms, else the machine's. Committed when it returns."""
    known = {"rule": "threshold/water_depth", "cause": "observation/t/s/water_depth", "severity": 2, "priority": 2}
    engine = known if move == "raise" else {}
    moves = [(f"alarm/{site}", move, "", {**engine, **data}) for site, data in alarms.items()]
    make_moves(data_dir, moves, SYSTEM, now)


def make_moves(data_dir: Path, moves: list[tuple[str, str, str, dict]], actor: Actor, now: int = 0) -> None:
    """`moves`: (subject, move, reason, data), all of one actor."""
    ledger = Ledger(f"sqlite:///{data_dir / 'ledger.db'}", {"alarm": Alarms(settings_of())})
    commands = [
        (Command(id=f"made-{next(_numbers)}-{subject}", subject=subject, move=move, reason=reason, data=data), actor)
        for subject, move, reason, data in moves
    ]
    found = ledger.execute_many(commands, now or real_ms(), real_ms())
    ledger.close()
    assert all(getattr(result, "seqs", None) for result in found), found
