"""The 0/1 columns: what Python says, what SQLite says and what a slow reading of the definitions says is one thing."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.evaluation.columns import BIT, COLUMNS, EXPRESSIONS, columns_of, mask_of, settled
from dispatch.evaluation.record import NEVER, NUMBERS, TEXTS, Record
from dispatch.evaluation.store import Reader, Scope, Writer
from layouts.catalogue import texts
from tests.dispatch.evaluation.oracle import columns

ROOT = Path(__file__).parent.parent.parent.parent
FLAGS = ("own", "exempt", "emergency", "forced", "public", "called_back", "satisfied", "reply_late")
COUNTS = ("reworks", "returns", "suspensions", "postponed")
MOMENT = st.one_of(st.just(NEVER), st.integers(100, 112))


@st.composite
def records(draw, subjects=None):
    """Moments in any order, so that the columns cannot lean on tidy stamps."""
    values = {name: draw(MOMENT) for name in NUMBERS}
    values |= {name: draw(st.integers(0, 1)) for name in FLAGS} | {name: draw(st.integers(0, 2)) for name in COUNTS}
    values["reported"] = draw(st.integers(100, 112))
    values["dropped"] = min(values["rejected"], values["cancelled"])
    values |= {name: draw(st.sampled_from(["", "甲", "乙"])) for name in TEXTS}
    return Record(**values)


@given(records(), st.integers(98, 115))
def test_the_columns_of_a_case_are_what_their_definitions_say(record, at):
    assert {name for name, value in columns_of(record, at).items() if value} == columns(record, at)


@given(records(), st.integers(0, 20))
def test_once_settled_time_alone_changes_no_column(record, more):
    assert mask_of(record, settled(record)) == mask_of(record, settled(record) + more)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(records(), min_size=1, max_size=12), st.integers(98, 115))
def test_the_database_counts_the_same_columns_as_the_cases_one_by_one(tmp_path_factory, found, at):
    path = tmp_path_factory.mktemp("e") / "evaluation.db"
    writer, reader = Writer(path, "x"), Reader(path)
    found = [record._replace(subject=f"case/t/{n}") for n, record in enumerate(found)]
    writer.put(found, [], {})
    counts = reader.counts(Scope("reported", 0, 200, at), "unit")
    summed = {}
    for unit, masks in counts.items():
        for mask, cases in masks.items():
            for name, bit in BIT.items():
                summed[unit, name] = summed.get((unit, name), 0) + (cases if mask & bit else 0)
    expected = {(record.unit, name): 0 for record in found for name in EXPRESSIONS}
    for record in found:
        for name in columns(record, at):
            expected[record.unit, name] += 1
    assert summed == expected
    writer.close()
    reader.close()


@given(records(), st.integers(98, 115))
def test_what_was_done_in_time_is_part_of_what_was_done_and_that_of_what_was_to_be_done(record, at):
    found = columns_of(record, at)
    for needed, done, in_time in (
        ("need_dispatch", "dispatch", "intime_dispatch"), ("need_dispose", "dispose", "intime_dispose"),
        ("need_close", "close", "intime_close"), ("need_verify", "verify", "intime_verify"),
        ("need_check", "check", "intime_check"), ("need_reply", "reply", "intime_reply"),
    ):  # fmt: skip
        assert found[in_time] <= found[done] <= found[needed]
    assert found["late"] == found["overtime_dispose"] + found["overdue_undisposed"]
    assert found["close"] == found["intime_close"] + found["overtime_close"]


def test_every_column_has_a_name_in_both_languages_and_a_line_in_the_documentation():
    for catalogue in texts().values():
        assert {key.rpartition(".")[2] for key in catalogue if key.startswith("evaluation.column.")} == set(COLUMNS)
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "EVALUATION.md").read_text(), re.M)
    assert [name for name in listed if name in COLUMNS] == list(COLUMNS)
