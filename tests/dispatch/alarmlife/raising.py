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


def raise_alarms(data_dir: Path, alarms: dict[str, dict], move: str = "raise") -> None:
    """`alarms`: site -> what the engine knows of it. Committed when it returns."""
    ledger = Ledger(f"sqlite:///{data_dir / 'ledger.db'}", {"alarm": Alarms(settings_of())})
    known = (
        {"rule": "threshold/water_depth", "cause": "observation/t/s/water_depth", "severity": 2, "priority": 2}
        if move != "return"
        else {}
    )
    commands = [
        (Command(id=f"engine-{next(_numbers)}-{site}", subject=f"alarm/{site}", move=move, data={**known, **data}), SYSTEM)
        for site, data in alarms.items()
    ]
    now = real_ms()
    found = ledger.execute_many(commands, now, now)
    ledger.close()
    assert all(getattr(result, "seqs", None) for result in found), found
