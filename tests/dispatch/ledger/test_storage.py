"""The power fails, the disk is full: SQLite on a disk of our own making (storage.c) that keeps only what was synced."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dispatch.ledger import Ledger
from tests.dispatch.ledger.conftest import IMPORTED, MORTAL
from tests.dispatch.ledger.counters import AGGREGATES, NOW, PETER, REAL, tap
from tests.prefork import Prefork

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(sys.platform != "linux" or not shutil.which("gcc"), reason="needs Linux and gcc for its own disk"),
]
COMMANDS = 60


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    made = tmp_path_factory.mktemp("storage") / "storage.so"
    source = Path(__file__).with_name("storage.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True)
    return made


@pytest.fixture(scope="module")
def writers(library):
    """What writers are forked from: their every file operation goes through our library."""
    found = Prefork(LD_PRELOAD=str(library))
    yield found
    found.close()


@pytest.fixture
def disk(writers, tmp_path):
    """Runs a writer on that disk; the ids it acknowledged and what it complained of."""
    for name in ("live", "synced"):
        (tmp_path / name).mkdir()

    def run(pragma="", **settings):
        env = os.environ | {
            "STORAGE_FROM": str(tmp_path / "live"),
            "STORAGE_TO": str(tmp_path / "synced"),
        }
        env |= {f"STORAGE_{name.upper()}": str(value) for name, value in settings.items()}
        url = f"sqlite:///{tmp_path}/live/ledger.db"
        more = [pragma] if pragma else []
        said = writers.run(MORTAL, "storage", url, "p", COMMANDS, *more, after=IMPORTED, env=env)[1].splitlines()
        return [line[4:] for line in said if line.startswith("ACK ")], [line for line in said if line.startswith("FAULT")]

    return run


def commands_kept(folder):
    """The commands in the ledger that lies in a folder, which must be whole."""
    ledger = Ledger(f"sqlite:///{folder}/ledger.db", AGGREGATES)
    try:
        verdict = ledger.verify()
        assert verdict.ok, verdict
        assert ledger.misfolded() == []
        return list(dict.fromkeys(entry.command for entry in ledger.entries(0, 10_000)))
    finally:
        ledger.close()


def torn(tmp_path, seed):
    """Another way the same cut may end: of what was written and not synced, some sectors reached the disk."""
    dice, folder = random.Random(seed), tmp_path / f"torn{seed}"
    folder.mkdir()
    for live in (tmp_path / "live").iterdir():
        if live.name.endswith(("-shm", "-queue", "-turn")):  # made anew, and empty
            continue
        synced = tmp_path / "synced" / live.name
        new, old = live.read_bytes(), synced.read_bytes() if synced.exists() else b""
        if not old and live.name.endswith(".db"):
            new = b""  # a file whose name was never synced is not there
        kept = bytearray(old)
        for at in range(0, len(new), 512):
            if new[at : at + 512] != old[at : at + 512] and dice.random() < 0.5:
                kept.extend(bytes(max(0, at - len(kept))))
                kept[at : at + 512] = new[at : at + 512]
        (folder / live.name).write_bytes(kept)
    return folder


# the first syncs make the database, then come commands, and a checkpoint (two syncs more) every few of them
@pytest.mark.parametrize("cut", [1, 2, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 25, 40, 61, 83])
def test_a_power_cut_at_any_sync_loses_nothing_acknowledged(disk, tmp_path, cut):
    acknowledged, faults = disk(cut=cut)
    assert not faults and len(acknowledged) < COMMANDS
    for folder in (tmp_path / "synced", *(torn(tmp_path, seed) for seed in range(4))):
        kept = commands_kept(folder)
        assert kept == [f"p-{n}" for n in range(len(kept))], "in order, none left out"
        assert len(acknowledged) <= len(kept) <= len(acknowledged) + 1, "the one under way may have made it"
        ledger = Ledger(f"sqlite:///{folder}/ledger.db", AGGREGATES)
        for n in range(COMMANDS):  # whoever got no answer asks again
            assert ledger.execute(tap("p", n), PETER, NOW + n, REAL).repeated is (n < len(kept))
        assert ledger.verify().lines == 3 * COMMANDS
        ledger.close()


def test_the_disk_does_forget_what_was_not_synced(disk, tmp_path):
    """Else the test above would prove nothing."""
    acknowledged, _ = disk("synchronous=OFF")
    kept = commands_kept(tmp_path / "synced")
    assert (len(acknowledged), len(kept)) == (COMMANDS, 0)


@pytest.mark.parametrize("room", [200_000, 300_001, 444_444])
def test_a_full_disk_is_said_and_nothing_on_it_was_acknowledged_in_vain(disk, tmp_path, room):
    acknowledged, faults = disk(room=room)
    assert 0 < len(acknowledged) < COMMANDS
    assert len(faults) == 1 and "the disk that holds the ledger" in faults[0] and "is full" in faults[0]
    assert commands_kept(tmp_path / "live") == acknowledged
