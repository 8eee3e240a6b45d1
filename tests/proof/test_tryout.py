"""`hall alarms try` from the command line on a recorded file: what it prints, what it refuses, by which place."""

from __future__ import annotations

import json

import msgspec
import pytest

from dispatch.alarming import happened, tryout
from dispatch.alarming.episodes import Flood
from dispatch.reader import Head
from dispatch.readings.ring import Ring
from dispatch.readings.settings import FILE
from feeds.history import History
from hall.core import config
from hall.core.command import Entry
from hall.core.errors import ConfigError, HallError
from hall.core.model import Observation

CITY = """
[city]
name = {en = "Town"}
centre = [113.9, 35.3]
timezone = "Asia/Shanghai"

[[thresholds]]
quantity = "water_depth"
value = 0.10
severity = 2

[[feeds]]
name = "gauges"
kind = "observation"
url = "push://"
[feeds.mapping]
sensor_id = "id"
quantity = {const = "water_depth"}
value = {path = "cm", unit = "cm"}
time = {path = "at", time = "iso"}
"""
#: two waters at `a`: 12 cm deep at one o'clock, 30 cm at four
DEPTHS = {1: 12, 4: 30}
CHANGED = '[[thresholds]]\nquantity = "water_depth"\nvalue = 0.20\nseverity = 2\n'


@pytest.fixture
def town(tmp_path):
    (tmp_path / "hall.toml").write_text(CITY, encoding="utf-8")
    rows = ["id,at,cm"]
    for hour in range(6):
        rows += [f"a,2021-07-20T{hour:02}:{minute:02}:00+08:00,{DEPTHS.get(hour, 0)}" for minute in range(0, 60, 10)]
    (tmp_path / "recorded.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "changed.toml").write_text(CHANGED, encoding="utf-8")
    floods = "site,start,end,name\na,2021-07-20T01:00,2021-07-20T02:00,small\ngauges/a,2021-07-20T04:00,2021-07-20T05:00,big\n"
    (tmp_path / "floods.csv").write_text(floods, encoding="utf-8")
    return tmp_path


def run(town, *more, rules="changed.toml"):
    given = [str(town / rules), "--history", str(town / "hall.toml"), "--file", f"gauges={town / 'recorded.csv'}"]
    return tryout.main([*given, *more], History)


def test_it_says_how_many_alarms_instead_of_how_many_and_which_flood_would_be_missed(town, capsys):
    assert run(town, "--floods", str(town / "floods.csv"), "--language", "en") == 1
    text = capsys.readouterr().out
    assert text.startswith("These rules would have raised 1 instead of 2 alarms, 1 of the 2 confirmed floods missed.")
    assert "2021-07-20 01:00:00  a  small" in text


def test_rules_that_miss_nothing_end_well(town, capsys):
    assert run(town, "--floods", str(town / "floods.csv"), rules="hall.toml") == 0
    assert "漏报 0 起" in capsys.readouterr().out


def test_the_answer_as_json_has_every_figure(town, capsys):
    run(town, "--floods", str(town / "floods.csv"), "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["before"]["alarms"], found["after"]["alarms"], found["inputs"]) == (2, 1, 36)
    assert [flood["name"] for flood in found["newly_missed"]] == ["small"]


def test_a_window_of_time_leaves_the_rest_of_the_history_out(town, capsys):
    assert run(town, "--since", "2021-07-20T03:00", "--until", "2021-07-20T05:00", "--json") == 0
    assert json.loads(capsys.readouterr().out)["inputs"] == 12


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[thresholds]]\nquantity = "water_depth"\nvalue = "deep"\nseverity = 2\n', "thresholds[0].value"),
        ("[city2]\nname = 1\n", "city2"),
        ("[dispatch.crews]\nx = 1\n", "dispatch.crews"),
    ],
)
def test_a_mistake_in_the_changed_rules_is_named_by_its_place(town, text, key):
    (town / "changed.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        tryout.laid_over(config.load(town / "hall.toml"), town / "changed.toml")
    assert caught.value.key == key and caught.value.file.endswith("changed.toml") and caught.value.line


def test_a_city_without_a_recording_is_told_what_to_give(town):
    with pytest.raises(HallError, match="--file"):
        tryout.main([str(town / "changed.toml"), "--history", str(town / "hall.toml")], History)


def test_a_flood_that_ends_before_it_starts_is_named_by_its_line(town):
    (town / "floods.csv").write_text("site,start,end\na,2021-07-20T05:00,2021-07-20T04:00\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        tryout.floods_of_file(town / "floods.csv", config.load(town / "hall.toml"))
    assert caught.value.line == 2


def entries(*moves):
    return [
        Entry(
            seq=n, subject="alarm/f/a", revision=n, move=move, time=time, recorded=time, real=time, who="x", role="system", data=data
        )
        for n, (move, time, data) in enumerate(moves, 1)
    ]  # fmt: skip


def test_a_confirmed_alarm_of_the_ledger_is_a_flood_from_its_raise_to_its_return():
    told = entries(
        ("raise", 10, {}), ("change", 20, {}), ("dispose", 25, {"found": "confirmed"}), ("return", 30, {}),
        ("raise", 50, {}), ("return", 60, {}), ("dispose", 70, {"found": "false"}),
        ("raise", 80, {}), ("dispose", 90, {"found": "false"}), ("dispose", 95, {"found": "confirmed"}), ("change", 99, {}),
    )  # fmt: skip
    assert happened.confirmed_in(told) == [Flood("f/a", 10, 30), Flood("f/a", 80, 99)]


def test_a_worker_tells_a_mistake_by_its_line(town, capsys, monkeypatch):
    monkeypatch.setattr(tryout, "_gentle", lambda megabytes: None)
    (town / "changed.toml").write_text("# rules\n[[thresholds]\n", encoding="utf-8")
    assert run(town, "--worker", "1") == 2
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["line"] == 2 and told["file"] == ""


def lines(subject, *moves):
    return [msgspec.structs.replace(entry, subject=subject) for entry in entries(*moves)]


def test_a_closure_that_was_confirmed_and_an_alarm_whose_case_was_registered_are_floods_too():
    about = {"site": "f/a", "name": "Tunnel"}
    closures = [
        *lines("closure/t", ("propose", 10, about), ("order", 12, {}), ("confirm_site", 14, {}), ("reopen", 30, {})),
        *lines("closure/t", ("propose", 50, about), ("decline", 52, {})),
        *lines("closure/t-exercise", ("propose", 60, about | {"exercise": True}), ("confirm_video", 61, {})),
    ]
    alarms = entries(
        ("raise", 25, {}), ("link_case", 26, {"case": "file/c/1"}), ("return", 40, {}), ("dispose", 41, {"found": "false"}),
        ("raise", 70, {}), ("link_case", 71, {"case": "file/c/2"}), ("return", 75, {}),
    )  # fmt: skip
    files = {"file/c/1": lines("file/c/1", ("register", 30, {})), "file/c/2": lines("file/c/2", ("open", 71, {}))}
    assert happened.happened(alarms, closures, files.get) == [Flood("f/a", 10, 40, "Tunnel")]  # one, though it is known twice


def test_what_the_hall_itself_heard_is_a_history(town, capsys, monkeypatch):
    monkeypatch.setenv("HALL_DATA_DIR", str(town))
    monkeypatch.setenv("HALL_CONFIG", str(town / "hall.toml"))
    given = [str(town / "changed.toml"), "--from-hall"]
    with pytest.raises(HallError, match="keeps no readings"):
        tryout.main(given, History)
    ring, start = Ring(town / FILE, 10**7, 10**12), 1_626_710_400_000
    for n in range(36):
        doc = Observation(feed="gauges", sensor_id="a", quantity="water_depth", value=DEPTHS.get(n // 6, 0) / 100, unit="m")
        at, data = start + n * 600_000, msgspec.Raw(msgspec.json.encode(doc))
        ring.write([Head(f"{n}", "gauges", "observation/gauges/a/water_depth", at, at, data)], {}, {})
    ring.close()
    assert tryout.main([*given, "--floods", str(town / "floods.csv"), "--language", "en"], History) == 1
    assert "1 instead of 2 alarms, 1 of the 2" in capsys.readouterr().out
