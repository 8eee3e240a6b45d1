"""Child processes that write to a ledger or tell the bus, and are killed where the test says.

python -m tests.dispatch.ledger.mortal write URL PREFIX COUNT [STEP NTH]     taps 0 ... COUNT-1, one after another
python -m tests.dispatch.ledger.mortal storage URL PREFIX COUNT [PRAGMA]     the same, checkpointing often
python -m tests.dispatch.ledger.mortal relay URL BUS BUSPREFIX [STEP NTH]    relays until nothing is left
Prints `ACK <id>` for each acknowledged command, `FAULT ...` for the first that could not be written. With STEP the process kills itself (SIGKILL) when it gets there the NTH time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from types import SimpleNamespace

from dispatch.ledger import Ledger, LedgerFault
from dispatch.ledger.relay import Relay
from hall.core.bus import Bus
from tests.dispatch.ledger.counters import AGGREGATES, NOW, PETER, REAL, tap


class Fate:
    """Mixed into what is to die at one of its steps."""

    where, left = "", 0

    def reached(self, step: str) -> None:
        if step == Fate.where:
            Fate.left -= 1
            if Fate.left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


class MortalLedger(Fate, Ledger):
    """Dies while writing."""


class MortalRelay(Fate, Relay):
    """Dies while telling."""


def write(url: str, prefix: str, count: int) -> None:
    ledger = MortalLedger(url, AGGREGATES)
    for n in range(count):
        outcome = ledger.execute(tap(prefix, n), PETER, NOW + n, REAL)
        print("ACK", outcome.command, flush=True)


def storage(url: str, prefix: str, count: int, pragma: str = "") -> None:
    """On SQLite: a checkpoint every few commands, so that a power cut falls into one."""
    ledger = Ledger(url, AGGREGATES)
    with ledger.database._writer.connect() as connection:
        database = connection.connection.driver_connection
        connection.rollback()
        database.execute("PRAGMA wal_autocheckpoint=24")
        if pragma:
            database.execute(f"PRAGMA {pragma}")
    for n in range(count):
        try:
            outcome = ledger.execute(tap(prefix, n), PETER, NOW + n, REAL)
        except LedgerFault as fault:
            print("FAULT", fault, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        print("ACK", outcome.command, flush=True)


async def relay(url: str, bus_url: str, prefix: str) -> None:
    bus = Bus(bus_url, prefix)
    work = MortalRelay(Ledger(url, AGGREGATES), bus, SimpleNamespace(counters={}))
    while await work.step():
        pass
    await bus.close()


def main() -> None:
    what, *given = sys.argv[1:]
    if what == "storage":
        return storage(given[0], given[1], int(given[2]), *given[3:])
    if len(given) == 5:
        Fate.where, Fate.left = given[3], int(given[4])
    if what == "write":
        write(given[0], given[1], int(given[2]))
    else:
        asyncio.run(relay(*given[:3]))


if __name__ == "__main__":
    main()
