"""Series against a plain list of readings: newest of each minute, gaps as null, bounded, told only when changed."""

from hypothesis import given
from hypothesis import strategies as st

from dispatch.series import STEP, STEPS, AllSeries

SUBJECT, NAME = "observation/g/s1/water_depth", "series/g/s1/water_depth"


def _taken(readings):
    series = AllSeries()
    for time, value in readings:
        series.reading(SUBJECT, "water_depth", time, value)
    return series


@given(st.lists(st.tuples(st.integers(0, 400 * STEP), st.floats(0, 1)), min_size=1, unique_by=lambda r: r[0]), st.randoms())
def test_whatever_the_order_the_last_three_hours_are_the_newest_reading_of_each_minute(readings, generator):
    shuffled = list(readings)
    generator.shuffle(shuffled)
    minutes = {}
    for time, value in sorted(readings):
        minutes[time // STEP] = round(value, 4)
    last = max(minutes)
    kept = {minute: value for minute, value in minutes.items() if minute > last - STEPS}
    expected = [kept.get(minute) for minute in range(min(kept), last + 1)]
    assert _taken(shuffled).document(NAME) == {"start": min(kept) * STEP, "step": STEP, "values": expected}


def test_only_a_changed_series_is_told_and_not_oftener_than_asked():
    series = _taken([(STEP, 0.1)])
    assert [name for name, _ in series.due(100.0, 5.0)] == [NAME]
    assert series.due(200.0, 5.0) == []
    series.reading(SUBJECT, "water_depth", STEP + 1, 0.1)
    assert series.due(200.0, 5.0) == []
    series.reading(SUBJECT, "water_depth", STEP + 2, 0.2)
    assert series.due(104.0, 5.0) == []
    assert [document["values"] for _, document in series.due(105.0, 5.0)] == [[0.2]]


def test_an_equal_value_still_counts_as_the_newer_reading_of_its_minute():
    series = _taken([(STEP + 10, 0.1), (STEP + 30, 0.1), (STEP + 20, 0.5)])
    assert series.document(NAME)["values"] == [0.1]


def test_a_restored_series_goes_on():
    document = _taken([(STEP, 0.1), (3 * STEP, 0.3)]).document(NAME)
    again = AllSeries()
    again.restore(NAME, document)
    again.reading(SUBJECT, "water_depth", 4 * STEP, 0.4)
    assert again.document(NAME)["values"] == [0.1, None, 0.3, 0.4]


def test_other_quantities_and_missing_values_have_no_series():
    series = AllSeries()
    series.reading("observation/g/s1/battery", "battery", STEP, 3.0)
    series.reading(SUBJECT, "water_depth", STEP, None)
    assert series.due(1.0, 0.0) == []


def test_subjects_beyond_the_bound_are_refused_and_counted_once_each():
    series = AllSeries(bound=2)
    for turn in range(2):
        for n in range(4):
            series.reading(f"observation/g/s{n}/water_depth", "water_depth", STEP + turn, 0.1)
    assert (series.count, series.refused) == (2, 2)
