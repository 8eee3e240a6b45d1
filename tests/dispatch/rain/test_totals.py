"""Rain of every gauge over its spans, against pandas' rolling sums of what fell each minute."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dispatch.plans.model import HOUR
from dispatch.plans.picture import Knowledge
from dispatch.rain.gauge import Gauges
from dispatch.rain.part import RainPart
from dispatch.rain.totals import MINUTE, SHOWN, SPANS, RainTotals
from dispatch.reader import Head

START = 1_800_000_000_000 // HOUR * HOUR


def storm(seed: int, minutes: int) -> pd.Series:
    """mm that fell in each minute: dry spells and bursts, in the tenths that a tipping bucket counts."""
    chance = np.random.default_rng(seed)
    rate = chance.gamma(0.25, 0.8, minutes) * (chance.random(minutes) < 0.6)
    return pd.Series(np.round(rate, 1), index=pd.to_datetime(START + MINUTE * np.arange(1, minutes + 1), unit="ms"))


def hear(totals: RainTotals, site: str, fell: pd.Series, quantity: str, window: str) -> int:
    told = fell.rolling(window).sum()
    for at, mm in zip(fell.index.as_unit("ms").asi8, told, strict=True):
        totals.reading(site, quantity, round(float(mm), 1), int(at))
    return int(fell.index.as_unit("ms").asi8[-1])


def added(totals: RainTotals, now: int) -> dict:
    while totals.step(now):
        pass
    return totals.document(now)


@pytest.mark.parametrize("seed", range(4))
def test_every_span_is_the_rolling_sum_of_what_fell(seed):
    totals, fell = RainTotals(), storm(seed, 25 * 60)
    now = hear(totals, "g/R1", fell, "rain_10min", "10min")
    (row,) = added(totals, now)["gauges"]
    wanted = {str(span): fell.rolling(f"{span}min").sum().iloc[-1] for span in SPANS}
    assert row["mm"] == {span: pytest.approx(mm, abs=0.02) for span, mm in wanted.items()}
    assert row["covers"] == 1440 and row["at"] == now


def test_a_gauge_that_tells_hours_only_says_nothing_of_ten_minutes():
    totals, fell = RainTotals(), storm(7, 4 * 60)
    now = hear(totals, "g/R1", fell, "rain_1h", "60min")
    (row,) = added(totals, now)["gauges"]
    assert "10" not in row["mm"] and row["mm"]["180"] == pytest.approx(fell.iloc[-180:].sum(), abs=0.02)


def test_what_was_not_heard_of_is_not_claimed():
    totals = RainTotals()
    now = hear(totals, "g/R1", storm(1, 90), "rain_10min", "10min")
    assert added(totals, now)["gauges"][0]["covers"] == 99, "90 minutes heard, the first of them telling of ten"


def test_rain_runs_out_with_time_though_the_gauge_is_silent():
    totals = RainTotals()
    totals.reading("g/R1", "rain_10min", 12.0, START)
    assert added(totals, START)["gauges"][0]["mm"]["10"] == 12.0
    later = added(totals, START + 15 * MINUTE)["gauges"][0]["mm"]
    assert later["10"] == 0.0 and later["60"] == 12.0
    assert added(totals, START + 25 * HOUR)["gauges"] == [], "a gauge silent for a day is not shown as dry"


def test_a_reading_that_its_supplier_doubts_is_no_rain():
    part = RainPart(_Process())
    raw = b'{"value":12.0,"quality":"%s"}'
    for site, quality in (("R1", b"suspect"), ("R2", b"good")):
        part.hear(Head("1", "t", f"observation/g/{site}/rain_1h", START, START, raw % quality))
    assert [site for site, _ in part.totals.gauges.items()] == ["g/R2"]


def test_what_is_no_rain_is_left_out_and_beyond_the_bound_it_is_counted():
    totals = RainTotals(Gauges(bound=3))
    for value in (None, True, "7", float("nan"), -1.0, 1e6):
        totals.reading("g/R0", "rain_1h", value, START)
    totals.reading("g/R0", "water_depth", 1.0, START)
    assert added(totals, START)["count"] == 0
    for n in range(5):
        totals.reading(f"g/R{n}", "rain_1h", float(n), START)
    found = added(totals, START)
    assert [row["site"] for row in found["gauges"]] == ["g/R2", "g/R1", "g/R0"] and totals.gauges.refused == 2


def test_the_wettest_of_a_large_city_are_named_and_the_most_is_of_all():
    totals = RainTotals()
    for n in range(500):
        totals.reading(f"g/{n}", "rain_1h", n / 10, START)
        totals.named(f"g/{n}", {"name": f"站 {n}", "lon": 1.0, "lat": 2.0, "kind": "rain"})
    found = added(totals, START)
    assert found["count"] == 500 and len(found["gauges"]) == SHOWN and found["most"]["60"] == 49.9
    assert found["gauges"][0] == {
        "site": "g/499", "mm": {"60": 49.9, "180": 49.9, "360": 49.9, "720": 49.9, "1440": 49.9},
        "covers": 60, "at": START, "name": "站 499", "lon": 1.0, "lat": 2.0,
    }  # fmt: skip


class _Process:
    """What the part asks of a process."""

    class clock:
        now = staticmethod(lambda: START + 3 * HOUR)

    def __init__(self) -> None:
        self.counters, self.told = {}, []
        self.bulk = self

    def event(self, subject, data):
        return subject, data

    def put(self, event) -> None:
        self.told.append(event)


def test_after_a_restart_the_boards_series_give_the_last_hours_back():
    series = b'{"start":%d,"step":60000,"values":[%s]}' % (
        START,
        b",".join(b"1.0" if n % 10 == 0 else b"null" for n in range(181)),
    )
    process = _Process()
    part = RainPart(process)
    part.hear(Head(id="1", source="t", subject="series/g/R1/rain_10min", time=START, recordedtime=START, data=series))
    part.hear(
        Head(
            id="2",
            source="t",
            subject="sensor/g/R1",
            time=START,
            recordedtime=START,
            data=b'{"name":"R","quantity":"rain_10min"}',
        )
    )
    part.look()
    ((subject, told),) = process.told
    assert subject == "kpi/rain" and told["gauges"][0]["mm"]["180"] == pytest.approx(18.0) and told["gauges"][0]["name"] == "R"
    seen = Knowledge([], part.totals.gauges).picture(None, process.clock.now(), HOUR, False, {})
    assert seen.rain["g/R1"].mm[3] == pytest.approx(18.0), "what responses are proposed by is the same rain"
