"""`hall feeds check`: what a mapping understood, what it refused and why, in words."""

from __future__ import annotations

import pytest

from feeds.check import main
from tests.feeds.conftest import CITY

FEED = """
[[feeds]]
name = "f"
kind = "case"
url = "replay://cases.csv"
[feeds.mapping]
case_id = "id"
time = "t"
[[feeds]]
name = "p"
kind = "case"
url = "push://"
[feeds.mapping]
case_id = "id"
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "cases.csv").write_text("id,t,other\n1,2024-01-01,x\n2,tomorrow,x\n3,2024-01-03,x\n")
    path = tmp_path / "hall.toml"
    path.write_text(CITY + FEED)
    return path


def test_it_says_what_was_understood_and_what_was_refused_and_why(config, capsys):
    assert main([str(config), "--feed", "f"]) == 0
    said = capsys.readouterr().out
    for words in ("rows 3 · understood 2 · filtered 0 · refused 1", "time-unparsable", "'tomorrow'", "columns not read: other"):
        assert words in said
    assert "from 2024-01-01T00:00:00+00:00 to 2024-01-03T00:00:00+00:00" in said


def test_a_pushed_feed_is_tried_on_a_sample(config, capsys, tmp_path):
    sample = tmp_path / "sample.json"
    sample.write_text('[{"id": 7}, {"id": null}]')
    assert main([str(config), "--feed", "p", "--sample", str(sample)]) == 0
    assert "identifier-missing" in capsys.readouterr().out


def test_a_sample_of_which_nothing_is_understood_fails(config, tmp_path, capsys):
    sample = tmp_path / "sample.json"
    sample.write_text("{")
    assert main([str(config), "--feed", "p", "--sample", str(sample)]) == 1
    assert "json-malformed" in capsys.readouterr().out


def test_a_wrong_configuration_is_told_with_file_line_and_key(config, capsys):
    config.write_text(config.read_text().replace('time = "t"', 'tmie = "t"'))
    assert main([str(config)]) == 2
    assert "hall.toml:13: feeds[0].mapping.tmie" in capsys.readouterr().err
    assert main([str(config), "--feed", "nobody"]) == 2


def test_a_sample_is_tried_on_the_configuration_in_use(config, capsys, monkeypatch):
    monkeypatch.setenv("HALL_CONFIG", str(config))
    sample = config.parent / "pushed.json"
    sample.write_text('[{"id": "1", "t": "2024-01-01"}, {"id": "2"}]')
    assert main([str(sample), "--feed", "p"]) in (0, 1)
    assert "rows 2" in capsys.readouterr().out
    assert main([str(sample)]) == 2
    assert "--feed" in capsys.readouterr().err
