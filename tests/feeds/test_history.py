"""A city's recordings as documents in the order of time: against the rows of the files themselves."""

from __future__ import annotations

import csv
import datetime

import pytest

from feeds.history import History
from hall.core import config
from hall.core.errors import ConfigError
from tests.conftest import ROOT

EXAMPLE = ROOT / "examples" / "zhengzhou-2021"


def ms(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def table(name: str) -> list[dict[str, str]]:
    with (EXAMPLE / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def city():
    return config.load(EXAMPLE / "hall.toml")


def test_every_row_is_told_once_and_in_the_order_of_time_directories_first(city):
    told = list(History(city).facts())
    directory = [fact for fact in told if fact.subject.startswith("sensor/")]
    assert told[: len(directory)] == directory and len(directory) == len(table("sensors.csv"))
    times = [fact.time for fact in told[len(directory) :]]
    assert times == sorted(times)
    readings = [
        (fact.time, fact.doc.sensor_id, fact.doc.value) for fact in told if fact.subject.startswith("observation/zz/57083")
    ]
    assert readings == [
        (ms(r["time"]), "57083", float(r["rain_10min_mm"])) for r in table("rain.csv") if r["sensor"] == "57083"
    ]
    depths = sorted((fact.time, fact.doc.sensor_id, fact.doc.value) for fact in told if fact.subject.endswith("/water_depth"))
    assert depths == sorted((ms(r["time"]), r["sensor"], round(float(r["depth_cm"]) / 100, 9)) for r in table("water.csv"))


def test_a_window_has_the_facts_from_its_start_on_and_before_its_end(city):
    since, until = ms("2021-07-20T14:00:00+08:00"), ms("2021-07-20T15:00:00+08:00")
    told = [fact for fact in History(city, kinds=("observation",)).facts(since, until)]
    inside = [r for name in ("rain.csv", "water.csv") for r in table(name) if since <= ms(r["time"]) < until]
    assert len(told) == len(inside) > 100


def test_what_a_warning_replaced_is_told_as_gone(city):
    gone = [fact for fact in History(city, kinds=("warning",)).facts() if fact.doc is None]
    assert len(gone) == 4 and all(fact.subject.startswith("warning/signals/") for fact in gone)


def test_rows_that_are_not_fit_are_counted_by_reason(city, tmp_path):
    (tmp_path / "broken.csv").write_text(
        "sensor,time,depth_cm,basis\nx,2021-07-20T14:00:00+08:00,deep,a\nx,never,1,a\n", encoding="utf-8"
    )
    history = History(city, {"water": tmp_path / "broken.csv"}, kinds=("observation",))
    assert not [fact for fact in history.facts() if fact.subject.startswith("observation/zz/x")]
    assert {feed for feed, _ in history.refused} == {"water"} and sum(history.refused.values()) == 2


def test_a_file_for_a_feed_that_is_not_there_is_refused(city, tmp_path):
    with pytest.raises(ConfigError, match="nobody"):
        History(city, {"nobody": tmp_path})
