"""What is told: changes at once, everything again before its silence would show, nothing else."""

from dispatch.facts import facts_of
from dispatch.indicators import Indicators
from dispatch.news import News
from hall.core.model import Case, Stages

NOW = 1_314_547_200_000
ALL = {f"kpi/{name}" for name in ("today", "trend", "by_class", "by_district", "by_source", "cells")}


def _subjects(news, counted, real):
    return {subject for subject, _ in news.of(counted, real)}


def test_only_what_changed_is_told_between_two_full_tellings():
    counted, news = Indicators("America/New_York"), News(1.5)
    counted.start(NOW, ())
    assert _subjects(news, counted, 10.0) == ALL
    assert _subjects(news, counted, 10.25) == set()
    counted.put("case/f/1", facts_of(Case(feed="f", case_id="1", stages=Stages(reported=NOW - 1000)), NOW))
    assert _subjects(news, counted, 10.5) == ALL - {"kpi/cells"}
    counted.put("case/f/1", facts_of(Case(feed="f", case_id="1", cell="c", stages=Stages(reported=NOW - 1000)), NOW))
    assert _subjects(news, counted, 10.75) == {"kpi/cells"}
    assert _subjects(news, counted, 11.49) == set()
    assert _subjects(news, counted, 11.5) == ALL


def test_an_hour_that_begins_is_told_with_the_next_full_telling():
    counted, news = Indicators("America/New_York"), News(1.5)
    counted.start(NOW - 1, ())
    assert _subjects(news, counted, 0.0) == ALL
    counted.advance(NOW)
    assert dict(news.of(counted, 1.5))["kpi/trend"]["today"][12] == 0
