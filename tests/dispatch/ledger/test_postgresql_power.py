"""The power fails under PostgreSQL: its whole cluster lies on the disk of storage.c, which keeps only what was synced."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dispatch.ledger import Ledger, LedgerFault
from tests.dispatch.ledger import postgres
from tests.dispatch.ledger.counters import AGGREGATES, NOW, PETER, REAL, tap

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(sys.platform != "linux" or not shutil.which("gcc"), reason="needs Linux and gcc for its own disk"),
    pytest.mark.skipif(postgres.binaries() is None, reason="no PostgreSQL server is installed (tests/needs.sh)"),
]


def after_a_power_cut(fsync, commands):
    """Writes, pulls the plug, starts a server on what was synced; gives the ledger as it is found then."""
    home = postgres.new_home()
    server = None
    try:
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-O1", "-o", home / "s.so", Path(__file__).with_name("storage.c"), "-ldl"], check=True
        )
        (home / "s.so").chmod(0o755)
        subprocess.run(["cp", "-a", home / "d", home / "synced"], check=True)
        disk = {"LD_PRELOAD": str(home / "s.so"), "STORAGE_FROM": str(home / "d"), "STORAGE_TO": str(home / "synced")}
        server = postgres.start(home, fsync=fsync, env=disk)
        ledger = Ledger(postgres.new_database(str(home), "hall"), AGGREGATES)
        for n in range(commands):
            ledger.execute(tap("p", n), PETER, NOW + n, REAL)
        postgres.kill(server)
        ledger.close()
        (home / "synced" / "postmaster.pid").unlink(missing_ok=True)
        server = postgres.start(home, fsync=True, data="synced")
        return home, server
    except BaseException:
        if server is not None and server.poll() is None:
            postgres.kill(server)
        shutil.rmtree(home, ignore_errors=True)
        raise


def test_a_power_cut_loses_nothing_acknowledged():
    home, server = after_a_power_cut(fsync=True, commands=40)
    try:
        ledger = Ledger(postgres.url_of(str(home), "hall"), AGGREGATES)
        assert list(dict.fromkeys(entry.command for entry in ledger.entries(0, 1_000))) == [f"p-{n}" for n in range(40)]
        assert ledger.verify().ok and ledger.misfolded() == []
        ledger.close()
    finally:
        postgres.kill(server)
        shutil.rmtree(home, ignore_errors=True)


def test_the_disk_does_forget_what_was_not_synced():
    """Else the test above would prove nothing."""
    home, server = after_a_power_cut(fsync=False, commands=3)
    try:
        with pytest.raises(LedgerFault, match="does not exist"):
            Ledger(postgres.url_of(str(home), "hall"), AGGREGATES)
    finally:
        postgres.kill(server)
        shutil.rmtree(home, ignore_errors=True)
