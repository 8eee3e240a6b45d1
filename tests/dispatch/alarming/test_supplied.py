"""Alarms of suppliers' own systems: one alarm per site, cleared, repeated, told in the wrong order, without end."""

import time

from dispatch.alarming import Engine, supplied
from dispatch.alarming.hearing import supplied_of
from dispatch.alarming.inputs import Reading, SensorSeen, Supplied
from hall.core.model import Sensor, SuppliedAlarm
from tests.dispatch.alarming.told import GAUGES, MINUTE, Told, rules


def line(name="1", at=MINUTE, **fields):
    given = {"device": "s1", "kind": "pump", "severity": 2, **fields}
    return supplied_of(SuppliedAlarm(feed="g", alarm_id=name, **given), at)


def test_a_line_joins_the_one_alarm_of_its_site_and_says_whose_it_is():
    told = Told(rules(gauges=GAUGES))
    told.sensor("s1", site="tunnel", name="Tunnel", kind="underpass", lon=8.0, lat=50.0, district="N")
    told.take(line(severity=3, label={"en": "pump tripped"}, text="P1 trip 0x3", severity_label="major", picture="e-9"))
    told.read([0.2, 0.2], start=2)
    assert list(told.alarms) == ["tunnel"]
    alarm = told.alarms["tunnel"]
    assert alarm["rules"] == ["supplied/pump", "threshold/water_depth"]
    assert (alarm["label"], alarm["severity"], alarm["district"], alarm["lon"]) == ("Tunnel · pump tripped", 3, "N", 8.0)
    assert alarm["cause"] == "supplied/g/1"
    assert alarm["supplied"] == {
        "feed": "g", "id": "1", "device": "s1", "kind": "pump", "word": "major", "text": "P1 trip 0x3", "picture": "e-9",
        "at": MINUTE,
    }  # fmt: skip
    told.take(Supplied(site="", id="g/1", active=False, time=4 * MINUTE))
    assert (told.alarms["tunnel"]["severity"], "supplied" in told.alarms["tunnel"]) == (2, False)


def test_what_is_told_again_or_too_late_changes_nothing_and_a_graver_line_asks_again():
    told = Told(rules())
    told.take(
        line(at=5 * MINUTE), line(at=5 * MINUTE), line(at=6 * MINUTE, text="other words"), line(at=2 * MINUTE, active=False)
    )
    assert [edge.move for edge in told.edges] == ["raise"]
    told.take(line(at=7 * MINUTE, severity=4))
    told.take(line(at=8 * MINUTE, severity=0))
    assert [(edge.move, edge.data.get("severity")) for edge in told.edges[1:]] == [("change", 4), ("return", None)]


def test_new_words_are_told_but_not_with_every_line():
    told = Told(rules())
    for n in range(60):
        told.take(line(at=MINUTE + n * 10_000, text=f"level {n}"))
    assert [edge.move for edge in told.edges] == ["raise", "change"]
    assert told.edges[1].data["supplied"]["text"] == "level 30"  # 300 s after the first


def test_lines_of_one_kind_at_a_site_end_with_the_last_of_them():
    told = Told(rules())
    told.take(line("a", severity=4), line("b", at=2 * MINUTE), line("a", at=3 * MINUTE, active=False))
    assert told.alarms["g/s1"]["severity"] == 2
    told.take(line("b", at=4 * MINUTE, active=False))
    assert told.alarms == {}


def test_a_line_that_lasts_ends_by_itself_unless_it_is_told_again():
    told = Told(rules())
    told.take(line(lasts_seconds=120.0), line(at=2 * MINUTE, lasts_seconds=120.0))
    told.advance(4 * MINUTE - 1)
    assert told.alarms
    kept = Engine(rules())
    kept.restore(told.engine.state())
    told.advance(4 * MINUTE)
    assert told.alarms == {} and [edge.move for edge in kept.advance(5 * MINUTE)] == ["return"]


def test_it_may_be_a_cause_and_shows_as_one():
    table = {"causes": [{"name": "power", "cause": ["supplied/power"], "hides": ["supplied/pump"], "reach": "station"}]}
    told = Told(rules(table))
    told.take(line("1", device="p1", station="S"), line("2", device="s", kind="power", station="S", at=2 * MINUTE))
    assert told.alarms["g/p1"]["hidden_by"] == "g/s"


def test_after_the_state_was_lost_the_ledgers_alarm_goes_on_with_what_the_board_has_or_ends():
    first = Told(rules())
    first.take(line("1"), line("2", device="s2"))
    engine = Engine(rules())
    engine.adopt(dict(first.alarms))
    assert engine.take([line("1")]) == []
    assert [(edge.move, edge.site) for edge in engine.settle()] == [("return", "g/s2")]
    assert [edge.move for edge in engine.take([line("1", at=3 * MINUTE, active=False)])] == ["return"]


def test_forty_three_thousand_lines_in_ten_minutes_are_bounded(monkeypatch):
    """One alarm a thousand times over, each with an id of its own and never cleared: at one site, and beyond every bound."""
    monkeypatch.setattr(supplied, "LINES", 40_000)
    told = Told(rules())
    told.take(SensorSeen(sensor=Sensor(feed="g", sensor_id="s1")))
    began = time.process_time()
    told.take(*(line(str(n), at=MINUTE + n * 14, text=str(n)) for n in range(43_000)))
    assert time.process_time() - began < 20
    assert told.engine.counters["supplied_refused"] == 3_000 and len(told.edges) == 2  # a raise, new words
    assert told.engine.take([Reading(feed="g", sensor="s2", quantity="water_depth", value=0.1, time=11 * MINUTE)]) == []
