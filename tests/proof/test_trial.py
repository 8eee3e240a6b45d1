"""Trying rules on a history: the arithmetic of the comparison against hand-counted cases and a slow oracle; texts; the list."""

from __future__ import annotations

import csv
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.alarming.episodes import Episode, Flood, episodes, found_by, load, without
from dispatch.alarming.trial import compare, laid_side_by_side
from dispatch.alarming.trialtext import LANGUAGES, lines_of, quantile

MINUTE = 60_000


class Edge(NamedTuple):
    site: str
    move: str
    time: int
    data: dict


class Level:
    """The plainest rules there can be: an alarm while a value is at or over `line`."""

    def __init__(self, line: float) -> None:
        self.line, self.active = line, set()

    def take(self, inputs):
        made = []
        for site, time, value in inputs:
            if (value >= self.line) != (site in self.active):
                self.active ^= {site}
                move = "raise" if site in self.active else "return"
                made.append(Edge(site, move, time, {"rule": f"over-{self.line:g}", "severity": 2} if move == "raise" else {}))
        return made

    def advance(self, now):
        return []


class Told(tuple):
    """An input with the time that the comparison reads."""

    time = property(lambda self: self[1])


def history(*values):
    return iter([Told(("f/a", (n + 1) * MINUTE, value)) for n, value in enumerate(values)])


def test_the_headline_counts_alarms_and_missed_floods_of_both_sides():
    floods = [Flood("f/a", 2 * MINUTE, 3 * MINUTE), Flood("a", 6 * MINUTE, 7 * MINUTE)]
    found = compare(Level(10), Level(20), history(0, 12, 12, 0, 0, 25, 25, 0), floods)
    assert (found.before.alarms, found.after.alarms, found.inputs) == (2, 1, 8)
    assert (found.before.missed, found.after.missed) == ([], [floods[0]])
    assert found.newly_missed == [floods[0]] and found.newly_found == []
    assert [e.at for e in found.gone] == [2 * MINUTE] and found.anew == []
    assert [(c.rule, c.before, c.after) for c in found.rules] == [("over-10", 2, 0), ("over-20", 0, 1)]


def test_rules_tried_against_themselves_differ_in_nothing():
    found = compare(Level(10), Level(10), history(0, 12, 0, 30, 0), [])
    assert found.before == found.after and not (found.anew or found.gone or found.newly_missed or found.newly_found)


def test_an_alarm_that_another_one_explains_all_the_time_is_counted_apart_and_finds_no_flood():
    edges = [
        Edge("f/a", "raise", 10, {"rule": "silence", "severity": 1, "hidden_by": "f/station"}),
        Edge("f/a", "return", 20, {}),
        Edge("f/b", "raise", 10, {"rule": "silence", "severity": 1, "hidden_by": "f/station"}),
        Edge("f/b", "change", 15, {"rule": "silence", "severity": 1}),
    ]
    found = laid_side_by_side(episodes(edges), episodes(edges), [Flood("f/a", 10, 20), Flood("f/b", 10, 20)], 0, 100, 4)
    assert (found.after.alarms, found.after.hidden) == (1, 1)
    assert found.after.missed == [Flood("f/a", 10, 20)]


def test_a_worse_edge_leads_and_every_rule_of_the_course_is_kept():
    found = episodes([
        Edge("s", "raise", 1, {"rule": "forecast", "rules": ["forecast"], "severity": 2, "priority": 2, "since": 0, "doubtful": True}),
        Edge("s", "change", 5, {"rule": "depth", "rules": ["depth"], "severity": 4, "priority": 1, "label": "close"}),
        Edge("s", "change", 6, {"rule": "depth", "rules": ["depth"], "severity": 3, "priority": 2, "label": "care"}),
        Edge("s", "return", 9, {}),
        Edge("s", "return", 10, {}),
    ])  # fmt: skip
    assert found == [
        Episode(
            site="s", at=1, since=0, rule="forecast", rules=["depth", "forecast"], severity=4, priority=1, label="close", until=9,
            hidden=False, doubtful=False,
        )
    ]  # fmt: skip


spans = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60), st.integers(0, 20)), max_size=25)


@given(spans, spans)
def test_which_alarm_meets_which_flood_is_what_a_look_at_every_pair_says(alarms, floods):
    made = [Episode(site=f"f/{site}", at=start, since=start, until=start + length) for site, start, length in alarms]
    listed = [Flood(f"f/{site}", start, start + length) for site, start, length in floods]

    def meets(alarm, flood):
        return alarm.site == flood.site and alarm.at <= flood.end and flood.start <= alarm.until

    for flood, found in zip(listed, found_by(made, listed), strict=True):
        met = [alarm for alarm in made if meets(alarm, flood)]
        assert (found is None) == (not met)
        assert found is None or found.at == min(alarm.at for alarm in met)
    other = [Episode(site=f.site, at=f.start, since=f.start, until=f.end) for f in listed]
    assert without(made, other) == [a for a in made if not any(meets(a, f) for f in listed)]


@given(st.lists(st.integers(0, 7_200_000), max_size=60))
def test_the_load_is_what_counting_every_window_says(moments):
    peak, share = load(moments, 0, 7_200_000)
    assert peak == max((sum(m - 600_000 < other <= m for other in moments) for m in moments), default=0)
    windows = [sum(n * 600_000 <= m < (n + 1) * 600_000 for m in moments) for n in range(13)]
    assert share == pytest.approx(sum(count >= 10 for count in windows) / 12)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40), st.sampled_from([0.5, 0.9, 1.0]))
def test_a_quantile_is_a_value_that_so_many_do_not_exceed(values, share):
    found = quantile(sorted(values), share)
    assert found in values
    assert sum(v <= found for v in values) >= share * len(values) > sum(v < found for v in values) - 1e-9


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_says_the_headline_and_names_what_is_newly_missed(language):
    floods = [Flood("f/a", 2 * MINUTE, 3 * MINUTE, "Main Street")]
    text = list(lines_of(compare(Level(10), Level(20), history(0, 12, 12, 0), floods), language, 5, "Asia/Shanghai"))
    assert "0" in text[0] and "1" in text[0] and any("Main Street" in line for line in text)
    assert not any("{" in line for line in text)


def test_both_languages_say_the_same_things():
    chinese, english = LANGUAGES["zh-CN"], LANGUAGES["en"]
    assert chinese.keys() == english.keys()
    for key, text in english.items():
        names = {part.split(":")[0].rstrip("}") for part in text.replace("}", ":").split("{")[1:]}
        assert names == {part.split(":")[0].rstrip("}") for part in chinese[key].replace("}", ":").split("{")[1:]}, key


def test_the_example_writes_its_files_from_its_figures(tmp_path):
    """The spans must give back every public figure, computed here from the written file alone."""
    from tests.conftest import ROOT

    with (ROOT / "examples" / "zhengzhou-2021" / "rain.csv").open(encoding="utf-8") as file:
        rows = [(row["time"], float(row["rain_10min_mm"])) for row in csv.DictReader(file) if row["sensor"] == "57083"]

    def fell(start, end):
        return sum(mm for time, mm in rows if f"2021-07-{start}:00:00+08:00" < time <= f"2021-07-{end}:00:00+08:00")

    assert fell("20T16", "20T17") == pytest.approx(201.9, abs=0.01)
    assert fell("19T20", "20T20") == pytest.approx(552.5, abs=0.1)
    assert fell("17T20", "20T20") == pytest.approx(617.1, abs=0.2)
    assert fell("19T17", "20T17") == pytest.approx(457.5, abs=0.1)
