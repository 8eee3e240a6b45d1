"""`hall limits check`: what it says of a table and of a configuration."""

from __future__ import annotations

from dispatch.clocks.check import main

HALL = """
[city]
name = { en = "Test" }
centre = [0, 0]
timezone = "Asia/Shanghai"

[dispatch.limits]
files = [{ file = "rules.csv", columns = { subclass_name = "what", limit = "by" } }]
"""


def test_a_table_is_told_rule_by_kind_and_refused_rows_by_number(tmp_path, capsys):
    table = tmp_path / "rules.csv"
    table.write_text("subclass_name,limit\nlid,2紧急工作时\nlamp,季节性3工作日\nbench,soon\n", encoding="utf-8")
    assert main([str(table)]) == 1
    told = capsys.readouterr().out
    assert "2 rules for 2 classes: 1 emergency, 1 working_day" in told
    assert "row 3" in told and "季节性" in told
    assert "rules.csv row 4: limit-unparsable: soon" in told


def test_a_citys_configuration_is_told_with_its_ladder(tmp_path, capsys):
    (tmp_path / "hall.toml").write_text(HALL, encoding="utf-8")
    (tmp_path / "rules.csv").write_text("what,by\nlid,2 h\n", encoding="utf-8")
    assert main([str(tmp_path / "hall.toml")]) == 0
    told = capsys.readouterr().out
    assert "1 rules for 1 classes: 1 emergency" in told and "ladder, working_day: near -> unit" in told


def test_what_cannot_be_read_is_no_traceback(tmp_path, capsys):
    assert main([str(tmp_path / "missing.csv")]) == 2
    assert main([str(tmp_path / "missing.toml")]) == 2
    assert main([str(tmp_path / "missing.csv"), "--mapping", str(tmp_path / "none.toml")]) == 2
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 3 and all(line.startswith("cannot be used: ") for line in told)
