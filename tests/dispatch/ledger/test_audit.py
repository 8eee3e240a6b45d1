"""`hall audit`, as an auditor runs it, on both databases."""

from __future__ import annotations

import csv
import datetime
import io
import json

import pytest

from dispatch.ledger import Ledger
from hall.cli import main
from hall.core.command import Draft
from tests.dispatch.ledger.counters import AGGREGATES, MARY, NOW, PETER, REAL, add


@pytest.fixture
def audit(url, tmp_path, monkeypatch, capsys):
    """Runs `hall audit ...`; exit code, what it said, what it complained of."""
    monkeypatch.setenv("HALL_DATABASE_URL", url)
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("HALL_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["audit", *arguments])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


@pytest.fixture
def filled(ledger):
    for n, (name, actor, reason) in enumerate(
        [("a", PETER, "rain"), ("b", MARY, '=HYPERLINK("http://x")'), ("ab", PETER, "换行\n,")]
    ):
        ledger.execute(add(name, f"c{n}", 0, reason=reason), actor, NOW + n * 60_000, REAL)
    ledger.note(Draft(subject="audit/view", move="viewed", data={"n": 1.5}), MARY, NOW + 180_000, REAL)
    return ledger


def test_a_whole_ledger_is_said_to_be_whole_with_its_head(filled, audit):
    code, said, _ = audit("verify")
    assert (code, said) == (0, f"4 lines are as they were written. Head: 4:{filled.head()[1]}\n")


def test_a_changed_line_is_named_and_the_exit_code_says_so(filled, audit):
    with filled.database.write() as connection:
        connection.exec_driver_sql("UPDATE entries SET reason = 'sun' WHERE seq = 2")
    code, said, _ = audit("verify")
    assert code == 1 and said.startswith("BROKEN at line 2: ")


def test_a_chain_made_anew_is_found_by_a_head_noted_down_before(filled, audit, url):
    noted = "2:" + filled.entries(1, 1)[0].hash
    assert audit("verify", "--expect", noted)[0] == 0
    filled.execute(add("a", "more", 1), PETER, NOW, REAL)
    assert audit("verify", "--expect", noted)[0] == 0  # the ledger may have grown since
    with filled.database.write() as connection:
        for table in ("entries", "streams", "outbox", "commands"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("UPDATE head SET seq = 0, hash = '', recorded = 0")
    other = Ledger(url, AGGREGATES)
    for n in range(5):
        other.execute(add("a", f"c{n}", n), MARY, NOW, REAL)
    other.close()
    assert audit("verify")[0] == 0
    code, said, _ = audit("verify", "--expect", noted)
    assert code == 1 and said.startswith("BROKEN")
    assert audit("verify", "--expect", "nonsense")[0] == 2


def test_jsonl_is_every_line_with_every_field(filled, audit):
    code, said, _ = audit("export")
    lines = [json.loads(line) for line in said.splitlines()]
    assert code == 0 and [line["seq"] for line in lines] == [1, 2, 3, 4]
    assert lines[0] == {
        "seq": 1, "subject": "counter/a", "revision": 1, "move": "added", "time": NOW, "recorded": NOW, "real": REAL, "who": "peter",
        "role": "operator", "kind": "person", "desk": "desk-3", "unit": "water", "reason": "rain", "data": {"by": 1}, "command": "c0",
        "correlation": "c0", "causation": "", "previous": "", "hash": filled.entries(0, 1)[0].hash,
    }  # fmt: skip


def test_csv_reads_back_and_holds_no_formula(filled, audit):
    rows = list(csv.DictReader(io.StringIO(audit("export", "--format", "csv")[1])))
    assert [row["seq"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[1]["reason"] == '\'=HYPERLINK("http://x")' and rows[2]["reason"] == "换行\n,"
    assert json.loads(rows[3]["data"]) == {"n": 1.5}


def test_lines_are_chosen_by_person_subject_and_moment(filled, audit):
    def seqs(*options):
        return [json.loads(line)["seq"] for line in audit("export", *options)[1].splitlines()]

    def moment(ms):
        return datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC).isoformat()

    assert seqs("--who", "mary") == [2, 4]
    assert seqs("--subject", "counter/a") == [1, 3]
    assert seqs("--since", moment(NOW + 60_000), "--until", moment(NOW + 180_000)) == [2, 3]
    assert seqs("--until", moment(NOW + 60_000).removesuffix("+00:00")) == [1]  # without a city the zone is UTC
    assert audit("export", "--since", "yesterday")[0] == 2


def test_where_there_is_no_ledger_it_says_so_and_makes_none(audit, tmp_path):
    code, _, complaint = audit("verify")
    assert code == 2 and ("no ledger" in complaint or "not of this version" in complaint)
    assert list(tmp_path.iterdir()) == []
