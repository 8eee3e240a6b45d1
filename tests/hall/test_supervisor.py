"""`hall run` refuses clearly what stands in its way, and its Procfile is read strictly."""

import os
import socket
import subprocess
import sys

import pytest

from hall.core import settings as settings_module
from hall.core.errors import HallError
from hall.supervisor import Supervisor, harmless, read_procfile
from tests.prefork import prefork
from tests.running import ROOT, free_port_pair


def _hall(*arguments: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "hall.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_taken_port_is_named_with_the_way_to_another(tmp_path):
    port = free_port_pair()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        ended = _hall("run", HALL_PORT=str(port), HALL_DATA_DIR=str(tmp_path))
    assert ended.returncode == 2
    assert f"port {port}" in ended.stderr and "HALL_PORT=" in ended.stderr


def test_a_taken_gate_port_is_named_too(tmp_path):
    port = free_port_pair()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()
        ended = _hall("run", HALL_PORT=str(port), HALL_DATA_DIR=str(tmp_path))
    assert ended.returncode == 2 and f"port {port + 1}" in ended.stderr


def test_a_broken_configuration_names_file_line_and_key(tmp_path):
    (tmp_path / "hall.toml").write_text(
        '[city]\nname = {en = "X"}\ncentre = [1.0, 2.0]\n\n[[feeds]]\nname = "a"\nkind = "case"\nurl = "push://"\ncolour = 1\n'
    )
    ended = _hall("run", HALL_CONFIG=str(tmp_path / "hall.toml"), HALL_DATA_DIR=str(tmp_path / "v"))
    assert ended.returncode == 2
    assert "hall.toml:9: feeds[0].colour" in ended.stderr


def test_a_port_that_is_no_number_is_refused_by_name(tmp_path):
    ended = _hall("run", HALL_PORT="web", HALL_DATA_DIR=str(tmp_path))
    assert ended.returncode == 2 and "HALL_PORT" in ended.stderr


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "bus",
        "gate",
        "web",
        "feeds",
        "dispatch",
        "relay",
        "video",
        "list",
        "doctor",
        "replay",
        "limits",
        "audit",
        "version",
    ],
)
def test_every_command_explains_itself(command):
    code, told, _ = prefork().run("from hall.cli import main; main()", command, "--help", after=("hall.cli",))
    assert code == 0 and f"usage: hall {command}" in told


def test_the_procfile_is_read_and_a_bad_line_is_named():
    assert read_procfile("# all\nbus: hall bus\n\nweb: hall web --x 'a b'\n") == {
        "bus": ["hall", "bus"],
        "web": ["hall", "web", "--x", "a b"],
    }
    with pytest.raises(HallError, match="Procfile:2"):
        read_procfile("bus: hall bus\nnonsense\n")


def test_what_a_supplier_wrote_into_a_log_is_only_shown_by_the_terminal():
    line = "积水　路口\t\x1b[2J\x1b]0;x\x07\r\u202e\u009b31m 好".encode() + b"\xff\n"
    assert harmless(line) == "积水　路口\t\\x1b[2J\\x1b]0;x\\x07\\r\\u202e\\x9b31m 好\ufffd"
    assert harmless("web | 普通 line\n".encode()) == "web | 普通 line"


def test_other_users_of_the_machine_read_nothing_that_the_hall_keeps(tmp_path):
    data = tmp_path / "data"
    (data / "bus").mkdir(parents=True)
    (data / "cases.db").write_text("old")
    os.chmod(data / "cases.db", 0o644)
    port = free_port_pair()
    code = (
        "from hall.cli import main; from hall.core import settings; from hall.supervisor import Supervisor; import os, sys\n"
        "try: main(['version'])\nexcept SystemExit: pass\n"
        "Supervisor(settings.read()).prepare(False); open('made', 'w')"
    )
    env = {**os.environ, "HALL_PORT": str(port), "HALL_DATA_DIR": str(data), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True, timeout=60)
    kept = [data / "bus", data / "run", data / "run" / "lock", data / "cases.db", tmp_path / "made"]
    assert {path.name: path.stat().st_mode & 0o077 for path in kept} == dict.fromkeys(
        ("bus", "run", "lock", "cases.db", "made"), 0
    )


def test_a_process_may_open_as_many_files_as_the_machine_allows_up_to_what_screens_need():
    code = (
        "import resource as r; hard = r.getrlimit(r.RLIMIT_NOFILE)[1]; r.setrlimit(r.RLIMIT_NOFILE, (256, hard))\n"
        "from hall.cli import FILES, main\n"
        "try: main(['version'])\nexcept SystemExit: pass\n"
        "soft, kept = r.getrlimit(r.RLIMIT_NOFILE); assert kept == hard\n"
        "assert soft == (FILES if hard == r.RLIM_INFINITY else min(FILES, hard)), soft"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_a_fresh_run_keeps_the_record_of_earlier_decisions(tmp_path, monkeypatch):
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HALL_PORT", str(free_port_pair()))
    (tmp_path / "ledger.db").write_bytes(b"first")
    (tmp_path / "ledger.db-wal").write_bytes(b"its log")
    for name in ("cases.db", "alarms.db", "alarms.db-wal", "readings.db"):
        (tmp_path / name).write_bytes(b"rebuilt from the feeds")
    for expected in (b"first", b"second"):
        told = []
        supervisor = Supervisor(settings_module.read(), told.append)
        supervisor.prepare(fresh=True)
        supervisor._lock.close()
        kept = sorted(tmp_path.glob("ledger-before-*.db"))
        assert kept[-1].read_bytes() == expected and str(kept[-1]) in told[-1]
        (tmp_path / "ledger.db").write_bytes(b"second")
    assert (tmp_path / "ledger-before-1.db-wal").read_bytes() == b"its log"
    assert not any((tmp_path / name).exists() for name in ("cases.db", "alarms.db", "alarms.db-wal", "readings.db"))
