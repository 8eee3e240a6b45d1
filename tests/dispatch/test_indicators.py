"""Indicators against the slow oracle: any order, repeats, corrections, time moving, days passing."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.facts import facts_of
from dispatch.indicators import ROWS, Indicators
from hall.core.model import CASE_STATES, Case
from tests.dispatch import oracle

ZONE = "America/New_York"
DAY0 = 1_314_417_600_000  # Saturday 2011-08-27 00:00 in New York
HOUR = 3_600_000

moment = st.integers(DAY0 - 9 * 24 * HOUR, DAY0 + 3 * 24 * HOUR)
stages = st.dictionaries(
    st.sampled_from(["reported", "accepted", "registered", "dispatched", "handled", "checked", "closed"]), moment
)
case_data = st.fixed_dictionaries(
    {"feed": st.just("f"), "case_id": st.just("x"), "state": st.sampled_from(CASE_STATES), "stages": stages},
    optional={
        "due": moment,
        "unit": st.sampled_from(["", "crew"]),
        "class_name": st.sampled_from(["", "tree", "flood"]),
        "district": st.sampled_from(["A", "B"]),
        "report_source": st.sampled_from(["", "call"]),
        "cell": st.sampled_from(["", "c1", "c2"]),
        "severity": st.integers(0, 4),
    },
)
event = st.tuples(
    st.sampled_from(["case/f/1", "case/f/2", "case/f/3", "case/f/4"]), moment, st.integers(0, 2), st.none() | case_data
)
clock_steps = st.lists(st.integers(0, 30 * HOUR), min_size=1, max_size=4)


class Ledger:
    """Keeps the newest version per case in a plain dict and feeds the indicators only what won."""

    def __init__(self):
        self.events, self.key, self.cases = [], {}, {}
        self.counted = Indicators(ZONE)

    def tell(self, subject, time, recorded, data, now):
        name = f"e{len(self.events):06d}"
        self.events.append((subject, time, recorded, name, data))
        if (time, recorded, name) > self.key.get(subject, (0, 0, "")):
            self.key[subject] = (time, recorded, name)
            facts = None if data is None else facts_of(msgspec.convert(data, Case), time)
            self.cases[subject] = facts
            self.at(now)
            self.counted.put(subject, facts)

    def at(self, now):
        if self.counted.outdated(now):
            self.counted.start(now, [(s, f) for s, f in self.cases.items() if f is not None])
        else:
            self.counted.advance(now)

    def check(self, now):
        self.at(now)
        cases, documents = oracle.newest(self.events), self.counted.documents()
        cards = {card["key"]: (card["value"], card["of"]) for card in documents["kpi/today"]["cards"]}
        assert cards == oracle.today(cases, now, ZONE)
        for subject, field in [
            ("kpi/by_class", "class_name"),
            ("kpi/by_district", "district"),
            ("kpi/by_source", "report_source"),
        ]:
            rows = {r["name"]: (r["today"], r["open"], r["overdue"], r["closed"]) for r in documents[subject]["rows"]}
            assert rows == oracle.breakdown(cases, now, ZONE, field)
        assert documents["kpi/cells"]["rows"] == oracle.cells(cases, now)
        trend, day = documents["kpi/trend"], oracle.midnight(now, ZONE)
        expected = [n if day + h * HOUR <= now else None for h, n in enumerate(oracle.hours(cases, now, ZONE))]
        assert trend["today"] == expected
        assert trend["reference"] == oracle.hours(cases, now, ZONE, 7)
        assert {document["as_of"] for document in documents.values()} == {now}


@settings(max_examples=300, deadline=None)
@given(st.lists(event, max_size=12), clock_steps, st.data())
def test_counters_equal_a_count_from_scratch_whatever_comes_in_whatever_order(events, steps, data):
    ledger, now = Ledger(), DAY0 + 5 * HOUR
    for subject, time, recorded, case in events:
        ledger.tell(subject, time, recorded, case, now)
    ledger.check(now)
    for step in steps:
        now += step
        ledger.check(now)
        subject, time, recorded, case = data.draw(event)
        ledger.tell(subject, time, recorded, case, now)
        ledger.check(now)


@given(st.lists(event, max_size=8), moment, moment)
def test_a_clock_set_back_counts_the_earlier_moment(events, first, second):
    ledger = Ledger()
    for subject, time, recorded, case in events:
        ledger.tell(subject, time, recorded, case, first)
    ledger.check(first)
    ledger.check(second)


def _one(now=DAY0 + 6 * HOUR, **case):
    counted = Indicators(ZONE)
    data = {"feed": "f", "case_id": "1"} | case
    counted.start(now, [("case/f/1", facts_of(msgspec.convert(data, Case), now))])
    return counted


def _values(counted):
    return {card["key"]: card["value"] for card in counted.documents()["kpi/today"]["cards"]}


def test_a_deadline_passing_makes_a_case_overdue_without_any_event():
    due = DAY0 + 7 * HOUR
    counted = _one(stages={"reported": DAY0 + HOUR}, due=due)
    counted.advance(due)
    assert _values(counted)["overdue"] == 0
    counted.advance(due + 1)
    assert _values(counted)["overdue"] == 1


def test_a_supplier_that_tells_only_reported_and_closed_implies_the_stages_between():
    counted = _one(state="closed", stages={"reported": DAY0 + HOUR, "closed": DAY0 + 2 * HOUR})
    expected = {"reported": 1, "accepted": 1, "dispatched": 1, "handled": 1, "closed": 1, "overdue": 0, "open": 0}
    assert _values(counted) == expected


def test_a_named_unit_is_a_dispatch_only_when_the_state_does_not_say_otherwise():
    assert _values(_one(unit="crew", stages={"reported": DAY0 + HOUR}))["dispatched"] == 1
    assert _values(_one(unit="crew", state="pending_dispatch", stages={"reported": DAY0 + HOUR}))["dispatched"] == 0


def test_a_case_not_accepted_is_neither_open_nor_closed_today():
    values = _values(_one(state="not_accepted", stages={"reported": DAY0 + HOUR, "closed": DAY0 + 2 * HOUR}))
    assert (values["reported"], values["accepted"], values["closed"], values["open"]) == (1, 0, 0, 0)


def test_rows_beyond_the_bound_are_summed_without_a_name():
    counted = Indicators(ZONE)
    cases = []
    for n in range(70):
        case = Case(feed="f", case_id=str(n), class_name="" if n % 35 == 0 else f"k{n % 66:02d}")
        cases.append((f"case/f/{n}", facts_of(case, DAY0 + HOUR)))
    counted.start(DAY0 + 2 * HOUR, cases)
    rows = counted.documents()["kpi/by_class"]["rows"]
    assert len(rows) == ROWS
    assert sum(row["today"] for row in rows) == 70
    assert rows[-1]["name"] == ""
    named = [row["today"] for row in rows[:-1]]
    assert named == sorted(named, reverse=True)


def test_a_thousand_corrections_leave_a_small_heap():
    counted = _one(stages={"reported": DAY0 + HOUR}, due=DAY0 + 9 * HOUR)
    for n in range(20_000):
        case = Case(feed="f", case_id="1", due=DAY0 + 9 * HOUR + n)
        counted.put("case/f/1", facts_of(case, DAY0 + HOUR))
    assert len(counted._heap) < 2_000
    assert _values(counted)["open"] == 1
