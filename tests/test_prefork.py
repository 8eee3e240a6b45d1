"""A forked process is one of its own: its environment, its output, its end."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.prefork import prefork


def test_it_has_its_own_arguments_environment_and_output_and_tells_its_exit_code():
    code = "import os, sys; print(sys.argv[1:], dict(os.environ), 'json' in sys.modules); print('no', file=sys.stderr); sys.exit(7)"
    told, out, err = prefork().run(code, "a b", 3, after=("json",), env={"ONLY": "this"})
    assert (told, out, err) == (7, "['a b', '3'] {'ONLY': 'this'} True\n", "no\n")


def test_a_fault_is_told_as_python_tells_it():
    told, _, err = prefork().run("1 / 0", after=())
    assert told == 1 and err.startswith("Traceback") and err.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_it_and_is_its_end(number, tmp_path):
    with (tmp_path / "out").open("w") as out:
        # not signal.pause(): a signal that comes just before it is not seen until the next
        child = prefork().start("import time; print(1, flush=True)\nwhile True: time.sleep(0.05)", after=(), out=out, err=out)
    while not (tmp_path / "out").read_text():
        assert child.poll() is None
    child.send_signal(number)
    assert child.wait(10) == -number == child.poll()
    child.send_signal(number)  # to nobody


def test_one_forked_after_another_sees_nothing_of_it_and_whoever_waits_too_long_is_told():
    lives = prefork().start("import signal, json; json.mine = 1; signal.pause()", after=("json",))
    with pytest.raises(subprocess.TimeoutExpired):
        lives.wait(0.01)
    assert prefork().run("import json; print(hasattr(json, 'mine'))", after=("json",))[1] == "False\n"
    lives.kill()
    assert lives.wait(10) == -signal.SIGKILL
