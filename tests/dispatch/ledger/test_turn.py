"""Writers of a SQLite ledger take turns."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading

import pytest

from dispatch.ledger.turn import Turn
from hall.core.errors import LedgerFault
from tests.conftest import ROOT


def test_who_waits_comes_before_who_has_just_written(tmp_path):
    busy, other, order = Turn(tmp_path / "l.db", 20), Turn(tmp_path / "l.db", 20), []

    def wait():
        with other.held():
            order.append("other")

    waiting = threading.Thread(target=wait)
    with busy.held():
        waiting.start()
        with (tmp_path / "l.db-queue").open("ab") as probe:  # until the other one stands in the queue
            while True:
                try:
                    fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    fcntl.flock(probe, fcntl.LOCK_UN)
                except BlockingIOError:
                    break
    with busy.held():
        order.append("busy again")
    waiting.join()
    assert order == ["other", "busy again"]


def test_a_turn_that_does_not_come_is_a_fault(tmp_path):
    holding, late = Turn(tmp_path / "l.db", 20), Turn(tmp_path / "l.db", 0.05)
    with holding.held(), pytest.raises(LedgerFault, match="held by another process"), late.held():
        pytest.fail("two at once")
    with late.held():
        pass


def test_a_process_that_dies_in_its_turn_lets_go_of_it(tmp_path):
    code = f"from pathlib import Path; from dispatch.ledger.turn import Turn; t = Turn(Path({str(tmp_path / 'l.db')!r}), 9).held(); t.__enter__(); print('in', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"in\n"
        child.kill()
    with Turn(tmp_path / "l.db", 5).held():
        pass
