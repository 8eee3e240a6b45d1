"""The proofs of docs/PROOF-FLOODS.md on parts of the real input, and their measures against plain oracles."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.closures.aggregate import Closures
from dispatch.closures.model import Closure
from hall.core.command import Actor, Command
from hall.core.errors import Refused
from tests.proof import floodnet, forecast, liars, tennessee, zhengzhou
from tests.proof.engines import alarms_of, edges_of, rulebook
from tests.proof.floods import Profile, bouts, profiles

MINUTE = 60_000
SYSTEM = Actor(name="system", role="system", kind="system")


# -- the measures ------------------------------------------------------------------------------------------------------------


def plain_bouts(rows, line, gap):
    """One look at each sample after the other."""
    found = {}
    for site in {row.site for row in rows}:
        samples = sorted(
            (t, v) for row in rows if row.site == site for t, v in zip(row.times.tolist(), row.inches.tolist(), strict=True)
        )
        current, fell = None, None
        for time, value in samples:
            if value > line:
                if current is None or (fell is not None and time - fell > gap):
                    current = [time, time]
                    found.setdefault(site, []).append(current)
                current[1], fell = time, None
            elif current is not None and fell is None:
                fell = time
    return {site: [tuple(pair) for pair in pairs] for site, pairs in found.items()}


samples = st.lists(st.tuples(st.integers(1, 90), st.sampled_from([0.0, 2.0, 4.0, 4.01, 9.0])), min_size=1, max_size=30)


@given(st.lists(st.tuples(st.sampled_from("ab"), samples), min_size=1, max_size=4))
def test_bouts_are_what_a_look_at_each_sample_says(given_rows):
    rows, now = [], 0
    for site, steps in given_rows:
        times, values = [], []
        for minutes, value in steps:
            now += minutes * MINUTE
            times.append(now)
            values.append(value)
        rows.append(Profile(site, np.array(times), np.array(values), max(values), 0.0))
    assert bouts(rows, 4.0, 60 * MINUTE) == plain_bouts(rows, 4.0, 60 * MINUTE)


@given(st.lists(st.integers(0, 3_000), max_size=60).map(sorted))
def test_time_in_flood_is_what_watching_every_second_says(seconds):
    flooded, total = False, 0
    for now in range(3_000):
        count = sum(now - 600 < at <= now for at in seconds)
        flooded = count >= 10 or (flooded and count >= 5)
        total += flooded
    assert tennessee.in_flood([at * 1000 for at in seconds], 3_000_000) == total * 1000


# -- FloodNet ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows(real_data):
    """A third of the sites, all their floods: bouts are judged by whole sites."""
    found = profiles(real_data)
    chosen = set(sorted({row.site for row in found})[::3])
    return [row for row in found if row.site in chosen]


@pytest.mark.realdata
def test_every_flood_over_four_inches_raises_an_alarm_and_nothing_else_does(rows):
    found = floodnet.score(rows, alarms_of(rulebook({**floodnet.STREET, **next(iter(floodnet.RULES.values()))}), rows))
    assert found.floods > 250
    assert (found.missed, found.false, found.doubtful) == (0, 0, 0)
    assert found.bouts_exact == found.bouts == found.alarms
    assert found.exact + floodnet.rows_of_several_bouts(rows) + found.covered == found.floods
    assert found.from_sample.max() == 0


@pytest.mark.realdata
def test_a_forecast_is_judged_on_every_telling_and_is_no_worse_than_the_last_slope(rows):
    few = set(sorted({row.site for row in rows})[::3])
    rows = [row for row in rows if row.site in few]
    told = forecast.told_by_engine(rows, 25.0)
    judged = [(row, one, forecast.outcome(row, one, 25.0)) for one in told if (row := forecast.row_of(rows, one))]
    assert len(judged) == len(told) > 100
    true = [one for _, _, one in judged if one is not None]
    ours = np.median([abs(one.error) for one in true])
    naive = np.nanmedian([abs(one.naive) for one in true])
    assert ours <= naive


# -- Tennessee Eastman ---------------------------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_an_operator_of_the_plant_is_asked_a_tenth_as_often_and_no_first_of_its_kind_is_hidden(real_data):
    (run,) = tennessee.lines(real_data, 1).values()
    edges = edges_of(tennessee.default_rules(), tennessee.inputs(run))
    span = run[0].time, run[-1].time
    before = tennessee.load([(*span, [line.time for line in run if line.active])])
    after = tennessee.load([(*span, tennessee.announcements(edges))])
    assert before.announcements >= 10 * after.announcements
    assert after.flood < 0.01 < before.flood
    hidden, delays = tennessee.hidden_firsts(run, edges)
    assert hidden == [] and len(delays) == len({(line.tag, line.type) for line in run if line.active})


# -- sensors that lie ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", ["", "proposed", "ordered", "confirmed", "reopening_proposed", "reopened", "declined", "cancelled"]
)
def test_the_hall_itself_closes_no_road_from_any_state(state):
    rules = liars.default_closures()
    closures = Closures(rules)
    known = None if not state else Closure(closure_id="x", name="x", kind="underpass", state=state, depth=9.0, urgent=True)

    class View:
        now = real = 0

        def get(self, subject):
            return known

        def names(self, topic):
            return []

    for move in ("order", "confirm_site", "confirm_video", "reopen"):
        with pytest.raises(Refused):
            closures.decide(View(), Command(id="1", subject="closure/x", move=move, reason="water"), SYSTEM)
    assert not [o for o in closures.offered(known, SYSTEM) if o["move"] in ("order", "confirm_site", "confirm_video", "reopen")]


@pytest.mark.realdata
def test_truth_single_spikes_and_clocks_a_day_off_never_get_a_closing_proposed(real_data):
    harmless = (
        "nothing (the truth)",
        "stuck at its value",
        "one spike of 50-200 cm",
        "clock a day ahead",
        "clock a day behind",
    )
    found = liars.trial(real_data, each=6, only=harmless)
    assert {name for name, _ in found} == set(harmless)
    assert not any(result.proposed >= 0 or result.believed for results in found.values() for result in results)


@pytest.mark.realdata
@pytest.mark.parametrize("shift", [liars.DAY, -liars.DAY])
def test_real_water_of_another_day_gets_no_closing_proposed_and_todays_does(real_data, shift):
    assert all(result.proposed < 0 for _, result in liars.floods_with(real_data, shift, 12))
    assert all(result.proposed >= 0 for _, result in liars.floods_with(real_data, 0, 12))


# -- Zhengzhou -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told():
    return zhengzhou.facts()


def test_level_one_is_proposed_within_the_minute_of_the_first_red_signal(told):
    found = zhengzhou.steps(told, zhengzhou.VARIANTS[0])
    assert [(step.level, zhengzhou.clock(step.at)) for step in found if step.level == "I"] == [("I", "19 July 21:59")]


def test_the_rain_alone_proposes_level_one_before_the_worst_hour_however_it_was_spread(told):
    for variant in zhengzhou.VARIANTS[2:4]:
        (top,) = [step for step in zhengzhou.steps(told, variant) if step.level == "I"]
        assert top.at < zhengzhou.CITY_LEVEL_I.timestamp() * 1000 - 30 * MINUTE


def test_one_gauge_alone_never_proposes_a_level_above_the_mildest(told):
    assert {step.level for step in zhengzhou.steps(told, zhengzhou.VARIANTS[4])} <= {"IV"}


def test_everything_of_the_exercise_says_that_it_is_one(told):
    warnings = [fact.doc for fact in told if fact.subject.startswith("warning/") and fact.doc is not None]
    assert len(warnings) == 5 and {doc.status for doc in warnings} == {"Exercise"}
    assert {doc.severity for doc in warnings} == {4}
    bases = {fact.doc.extra["basis"] for fact in told if hasattr(fact.doc, "extra") and "basis" in fact.doc.extra}
    assert bases == {"public", "interpolated", "assumed", "scripted"}
    assert msgspec.to_builtins(warnings[0])["headline"]["zh-CN"].startswith("【演练】")
