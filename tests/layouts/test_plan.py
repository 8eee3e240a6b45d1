"""A drawing becomes a grid whose lines fall on the seams of the wall."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hall.core.errors import HallError
from layouts import plan

weights = st.lists(st.floats(0.5, 60), min_size=1, max_size=12).map(tuple)


def test_a_drawing_is_read_into_areas_weights_and_panels_in_reading_order():
    found = plan.read("""
              1   2.5  1
        3  |  a   a    b
        40 |  c   .    b
    """)
    assert found.columns == (1, 2.5, 1) and found.rows == (3, 40)
    assert found.areas == '"a a b" "c . b"' and found.names == ("a", "b", "c")
    assert plan.boxes(found) == {"a": (0, 0, 1, 2), "b": (0, 2, 2, 3), "c": (1, 0, 2, 1)}


@pytest.mark.parametrize(
    ("drawing", "said"),
    [
        ("1 1\n1 | a", "1 panels where 2 columns"),
        ("1 1\n1 | a b\n1 | b a", "does not fill a rectangle"),
        ("1 x\n1 | a b", "could not convert"),
        ("1", "at least one row"),
    ],
)
def test_a_drawing_that_cannot_be_laid_out_is_refused_with_the_reason(drawing, said):
    with pytest.raises(HallError, match=said):
        plan.read(drawing)


@given(weights, st.integers(1, 6))
def test_snapping_keeps_every_track_and_the_whole(found, seams):
    parts = plan.snapped(found, seams)
    assert len(parts) == len(found) and sum(parts) == pytest.approx(1) and min(parts) > 0


@given(weights, st.integers(1, 6))
def test_each_seam_is_a_line_when_there_are_lines_enough(found, seams):
    lines = list(itertools.accumulate(plan.snapped(found, seams)))
    if len(found) >= seams:
        for k in range(1, seams):
            assert any(line == pytest.approx(k / seams) for line in lines)


@given(weights)
def test_a_wall_of_one_screen_keeps_the_drawn_proportions(found):
    assert plan.snapped(found, 1) == pytest.approx([weight / sum(found) for weight in found])


def test_rows_given_in_text_lines_keep_their_height_and_the_others_share_the_rest():
    found = plan.read("1\n2.5em | a\n10 | b\n30 | c")
    assert found.fixed == (True, False, False)
    assert plan.shares(found.rows, found.fixed, 1 / 50) == pytest.approx([2.5 / 50, 47.5 / 200, 47.5 * 3 / 200])
    assert plan.tracks([0.05, 0.95], {0: 2.5}) == "2.5em minmax(0,950.0000fr)"


@given(st.lists(st.tuples(st.floats(1, 20), st.booleans()), min_size=2, max_size=10), st.integers(2, 4))
def test_rows_of_text_lines_keep_their_height_beside_seams_when_another_can_give_way(rows, seams):
    fixed = tuple(flag for _, flag in rows)
    weights = plan.shares(tuple(weight for weight, _ in rows), fixed, 1 / 400)
    parts = plan.snapped(weights, seams, fixed)
    assert sum(parts) == pytest.approx(1) and min(parts) > 0
    lines = list(itertools.accumulate(parts))
    ends = [0.0, *(k / seams for k in range(1, seams) if any(line == pytest.approx(k / seams) for line in lines)), 1.0]
    for start, end in itertools.pairwise(ends):
        inside = [i for i, line in enumerate(lines) if start + 1e-9 < line <= end + 1e-9]
        if any(not fixed[i] for i in inside) and sum(weights[i] for i in inside if fixed[i]) < 0.9 * (end - start):
            assert all(parts[i] == pytest.approx(weights[i]) for i in inside if fixed[i])
