"""Rates and counts against a plain reading of the cases, published figures, and the lists behind every figure."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.evaluation.columns import EXPRESSIONS
from dispatch.evaluation.evaluator import Evaluator
from dispatch.evaluation.kpis import compile_evaluation
from dispatch.evaluation.record import NEVER, NUMBERS, TEXTS, Record
from dispatch.evaluation.store import Reader, Writer
from hall.core import config
from hall.core.errors import ConfigError, Refused
from tests.dispatch.evaluation.oracle import columns
from tests.dispatch.evaluation.test_columns import records

CITY = '[city]\nname = {en = "T"}\ncentre = [0, 0]\ntimezone = "Asia/Shanghai"\n'
SPAN = dict(start=0, end=200)


def plain(**more) -> Record:
    """A case that was reported, registered and dispatched in good time at 100, due at 110."""
    values = dict.fromkeys(NUMBERS, NEVER) | dict.fromkeys(TEXTS, "")
    values |= dict.fromkeys(("reworks", "returns", "suspensions", "postponed", "exempt", "emergency", "forced"), 0)
    values |= dict.fromkeys(("public", "called_back", "satisfied", "reply_late"), 0)
    values |= dict(own=1, reported=100, accepted=100, registered=100, dispatched=100, due=110)
    return Record(**values | more)


@pytest.fixture
def book(tmp_path):
    """`book(records, toml)` gives an Evaluator over these cases."""
    opened = []

    def make(found, toml=""):
        path = tmp_path / f"evaluation{len(opened)}.db"
        writer = Writer(path, "x")
        writer.put([record._replace(subject=f"case/t/{n}") for n, record in enumerate(found)], [], {"as_of": 1})
        writer.close()
        opened.append(Evaluator(config.parse(CITY + toml), Reader(path)))
        return opened[-1]

    yield make
    for evaluator in opened:
        evaluator.close()


def rate(evaluator, name, at=150, **more):
    found = evaluator.figures({**SPAN, "by": "city", "at": at, "kpis": [name], **more}, 1_000)["total"]["kpis"][name]
    return found["numerator"], found["denominator"], found["rate"]


# -- published figures ------------------------------------------------------------------------------------------------


def test_tianmens_closing_rates_come_out_as_published(book):
    """996 filed, 972 of them due, 911 closed, 737 in time: 93.72 % and 75.82 %."""
    done = [plain(handled=109, closed=109)] * 737 + [plain(handled=120, closed=120)] * (911 - 737)
    evaluator = book(done + [plain()] * (972 - 911) + [plain(due=300)] * (996 - 972))
    assert evaluator.figures({**SPAN, "by": "city", "at": 150}, 1_000)["total"]["columns"]["register"] == 996
    assert rate(evaluator, "close_rate")[:2] == (911, 972)
    assert f"{rate(evaluator, 'close_rate')[2]:.2%}" == "93.72%"
    assert rate(evaluator, "intime_close_rate")[:2] == (737, 972)
    assert f"{rate(evaluator, 'intime_close_rate')[2]:.2%}" == "75.82%"


def test_lianyungangs_rate_comes_out_as_published(book):
    evaluator = book([plain(handled=109, closed=109)] * 23_974 + [plain()] * (24_932 - 23_974))
    assert rate(evaluator, "intime_close_rate")[:2] == (23_974, 24_932)
    assert f"{rate(evaluator, 'intime_close_rate')[2]:.2%}" == "96.16%"


def test_jinhua_leaves_suspended_cases_out_and_has_pass_marks(book):
    """应结案 − 缓办; 结案 90 %, 按期结案 70 %."""
    evaluator = book(
        [plain(handled=109, closed=109)] * 7 + [plain(handled=120, closed=120)] * 2 + [plain()] + [plain(suspended=105)] * 5
    )
    assert rate(evaluator, "close_rate")[:2] == (9, 15)
    assert rate(evaluator, "close_rate_hang")[:2] == (9, 10)
    kpis = evaluator.figures({**SPAN, "at": 150}, 1_000)["total"]["kpis"]
    assert kpis["close_rate_hang"]["passed"] and kpis["intime_close_rate_hang"]["passed"]
    assert "passed" not in kpis["close_rate"]


def test_a_granted_appeal_alters_the_statistics_and_the_raw_figure_stands_beside(book):
    evaluator = book([plain(handled=120, closed=120, exempt=1), plain(handled=120, closed=120), plain(handled=105, closed=105)])
    total = evaluator.figures({**SPAN, "at": 150}, 1_000)["total"]
    assert (total["late"], total["late_raw"]) == (1, 2)
    found = total["kpis"]["intime_dispose_rate"]
    assert (found["numerator"], found["denominator"]) == (2, 3)
    assert (found["raw"]["numerator"], found["raw"]["denominator"]) == (1, 3)


def test_units_are_ranked_by_counts_of_late_cases_not_by_rates(book):
    big = [plain(unit="大", handled=105)] * 97 + [plain(unit="大", handled=120)] * 3
    small = [plain(unit="小", handled=105)] + [plain(unit="小", handled=120)]
    same = [plain(unit="同", handled=120)] * 3
    rows = book(big + small + same).figures({**SPAN, "at": 150}, 1_000)["rows"]
    assert [(row["value"], row["late"], row["rank"]) for row in rows] == [("大", 3, 1), ("同", 3, 1), ("小", 1, 3)]


def test_an_earlier_moment_shows_what_was_so_then(book):
    evaluator = book([plain(handled=120, closed=125)])
    assert rate(evaluator, "close_rate", at=109) == (0, 0, None)
    assert rate(evaluator, "close_rate", at=115) == (0, 1, 0.0)
    assert rate(evaluator, "close_rate", at=130) == (1, 1, 1.0)


def test_the_period_before_is_looked_at_after_as_much_time(book):
    """This period at its half against the half of the one before: not against how that one ended in the meantime."""
    evaluator = book([plain(reported=1_000, due=1_010, handled=1_040), plain(reported=1_100, due=1_110)])
    asked = dict(by="city", start=1_100, end=1_200, compare=True, kpis=["dispose_rate"])
    answer = evaluator.figures(asked, 1_120)
    assert answer["total"]["kpis"]["dispose_rate"]["denominator"] == 1
    before = answer["total"]["before"]["kpis"]["dispose_rate"]
    assert (before["numerator"], before["denominator"]) == (0, 1)
    assert answer["compared"]["before"]["as_of"] == 1_020
    later = evaluator.figures(asked, 1_160)["total"]["before"]["kpis"]["dispose_rate"]
    assert (later["numerator"], later["denominator"]) == (1, 1)


# -- every figure leads to its cases -----------------------------------------------------------------------------------

BY = st.sampled_from(["city", "unit", "district", "class", "handler", "dispatcher"])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(records(), min_size=1, max_size=14), st.integers(98, 115), BY, st.sampled_from(["reported", "registered", "due", "closed"]),
       st.randoms(use_true_random=False))  # fmt: skip
def test_the_list_behind_a_figure_has_as_many_cases_as_the_figure_says(book, found, at, by, basis, chance):
    evaluator = book(found)
    asked = dict(by=by, start=100, end=111, basis=basis, at=at)
    answer = evaluator.figures(asked, 1_000)
    for row in [*answer["rows"], answer["total"]]:
        value = None if row is answer["total"] else row["value"]
        for name in chance.sample(sorted(EXPRESSIONS), 8):
            page = evaluator.cases(asked, dict(column=name, value=value), 1_000, 0, 500)
            assert page["total"] == len(page["rows"]) == row["columns"][name]
            assert all(name in columns(_record(shown), at) for shown in page["rows"])
        for name in chance.sample(sorted(row["kpis"]), 4):
            figure = row["kpis"][name]
            totals = {
                part: evaluator.cases(asked, dict(kpi=name, part=part, value=value), 1_000, 0, 1)["total"]
                for part in ("numerator", "denominator", "missed")
            }
            assert (totals["numerator"], totals["denominator"]) == (figure["numerator"], figure["denominator"])
            assert totals["missed"] == figure["denominator"] - figure["numerator"] >= 0
            raw = figure.get("raw", figure)
            page = evaluator.cases(asked, dict(kpi=name, part="numerator", raw=True, value=value), 1_000, 0, 1)
            assert page["total"] == raw["numerator"]


def _record(shown):
    return Record(**{name: NEVER if value is None else value for name, value in shown.items()})


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(records(), min_size=1, max_size=14), st.integers(98, 115))
def test_an_indicator_is_a_sum_over_the_cases_one_by_one(book, found, at):
    evaluator = book(found)
    for kpi in evaluator.table.kpis:
        held = [columns(record, at) for record in found]
        counted = [names for names in held if kpi.denominator in names and not names & set(kpi.exclusions)]
        expected = sum(kpi.numerator in names for names in counted)
        assert rate(evaluator, kpi.name, at=at)[:2] == (expected, len(counted)), kpi.name


def test_pages_of_a_list_make_the_whole_without_overlap(book):
    chance = random.Random(4)
    found = [plain(reported=chance.randrange(100, 110), handled=120) for _ in range(57)]
    evaluator, seen = book(found), []
    for offset in range(0, 60, 10):
        seen += [row["subject"] for row in evaluator.cases({**SPAN, "at": 150}, dict(column="late"), 1_000, offset, 10)["rows"]]
    assert len(seen) == len(set(seen)) == 57


def test_days_add_up_to_their_month_and_each_day_leads_to_its_cases(book):
    day = 86_400_000
    start = 1_793_462_400_000  # 1 November 2026 in Shanghai
    found = [plain(reported=start + n * day // 3, registered=start, due=start + n * day) for n in range(90)]
    evaluator = book(found)
    answer = evaluator.figures(dict(by="day", period="month", date="2026-11-07"), start + 200 * day)
    assert [row["value"] for row in answer["rows"]] == [f"2026-11-{n:02}" for n in range(1, 31)]
    assert [row["cases"] for row in answer["rows"]] == [3] * 30 and answer["total"]["cases"] == 90
    page = evaluator.cases(
        dict(by="day", period="month", date="2026-11-07"), dict(column="cases", value="2026-11-07"), start + 200 * day, 0, 9
    )
    assert sorted(row["reported"] for row in page["rows"]) == [start + n * day // 3 for n in (18, 19, 20)]


# -- a city's own formulae, and nonsense ---------------------------------------------------------------------------------


def test_a_city_replaces_hides_and_adds_indicators(book):
    toml = """
[dispatch.evaluation]
hidden = ["satisfied_rate"]
[[dispatch.evaluation.kpis]]
name = "close_rate"
label = {en = "Ours"}
numerator = "close"
denominator = "report"
exclusions = ["emergency"]
[[dispatch.evaluation.kpis]]
name = "forced_share"
label = {en = "Forced"}
numerator = "force_close"
denominator = "close"
better = "low"
"""
    evaluator = book([plain(handled=105, closed=105, forced=1), plain(), plain(emergency=1)], toml)
    assert rate(evaluator, "close_rate")[:2] == (1, 2) and rate(evaluator, "forced_share")[:2] == (1, 1)
    names = [kpi.name for kpi in evaluator.table.kpis]
    assert "satisfied_rate" not in names and names[-1] == "forced_share" and names.count("close_rate") == 1


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ('basis = "birthday"', "dispatch.evaluation.basis"),
        ("month_begins = 31", "dispatch.evaluation.month_begins"),
        ('ranking = "beauty"', "dispatch.evaluation.ranking"),
        ("months = 12", "dispatch.evaluation"),
        ('[[dispatch.evaluation.kpis]]\nname = "a"\nlabel = {en = "A"}\nnumerator = "clos"\ndenominator = "close"', "dispatch.evaluation.kpis[0].numerator"),
        ('[[dispatch.evaluation.kpis]]\nname = "a"\nlabel = {en = "A"}\nnumerator = "close"\ndenominator = "close"\ntarget = 90.0', "dispatch.evaluation.kpis[0].target"),
        ('[[dispatch.evaluation.kpis]]\nname = "a"\nlabel = {}\nnumerator = "close"\ndenominator = "close"', "dispatch.evaluation.kpis[0].label"),
    ],
)  # fmt: skip
def test_a_formula_that_cannot_be_is_refused_with_its_place(lines, key):
    with pytest.raises(ConfigError) as told:
        compile_evaluation(config.parse(f"{CITY}[dispatch.evaluation]\n{lines}\n"))
    assert told.value.key.startswith(key)


@pytest.mark.parametrize(
    "asked",
    [
        {"by": "colour"}, {"by": "unit; drop table record"}, {"basis": "id"}, {"period": "decade"}, {"date": "yesterday"},
        {"date": "0001-01-01"}, {"date": "9999-12-31"}, {"start": 5}, {"start": 5, "end": 5}, {"start": 0, "end": 2**52},
        {"period": "custom"}, {"period": "custom", "date": "2026-02-02", "to": "2026-02-01"}, {"kpis": ["none"]},
        {"filters": {"mask": ["1"]}}, {"by": "day", "start": 0, "end": 4_000_000_000_000},
    ],
    ids=str,
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused_with_what_would(book, asked):
    with pytest.raises(Refused) as told:
        book([plain()]).figures(asked, 1_800_000_000_000)
    assert told.value.status == 422 and told.value.detail
