"""What one operator sees of many alarms, against a slow reading of the same lines."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.alarmlife.overview import DAY, Overview
from dispatch.alarmlife.settings import settings_of
from dispatch.alarmlife.windows import Flood, Told, Window
from tests.dispatch.alarmlife.world import HOUR, MINUTE, START, World

SETTINGS = settings_of()


class Hall(World):
    """Alarms of several sites with the overview that follows them."""

    def __init__(self):
        super().__init__()
        self.overview = Overview(SETTINGS)

    def do(self, move, *, subject, **more):
        before = len(self.entries)
        made = super().do(move, subject=subject, **more)
        self.follow(self.overview, before)
        return made

    def follow(self, overview, after=0):
        for entry in self.entries[after:]:
            overview.take(entry)
            overview.put(entry.subject.partition("/")[2], self.states[entry.subject])

    def edge(self, move, site, **data):
        known = {"rule": "r", "cause": "c", "severity": 2, "priority": 2} if move != "return" else {}
        return self.machine(move, subject=f"alarm/{site}", **{**known, **data})

    def answer(self, site, move="acknowledge", **more):
        return self.do(move, subject=f"alarm/{site}", **more)


# -- sliding spans -------------------------------------------------------------------------------------------------------------

moments = st.lists(st.integers(0, 60), min_size=0, max_size=40).map(sorted)


@given(moments, st.lists(st.integers(0, 120), max_size=5))
def test_a_flood_begins_and_ends_where_counting_every_tick_says_however_often_it_is_asked(times, looks):
    window, begins, ends_below = 10, 4, 2
    flood, asked = Flood(window, begins, ends_below, 1_000), sorted(looks)
    on, spans, since = False, [], None
    for tick in range(140):  # the slow way: count at every tick
        for _ in range(times.count(tick)):
            while asked and asked[0] < tick:
                flood.advance(asked.pop(0))
            flood.take(tick)
        count = sum(tick - window < at <= tick for at in times)
        if on and count < ends_below:
            on = False
            spans.append((since, tick))
        elif not on and count >= begins:
            on, since = True, tick
    flood.advance(140)
    assert list(flood.spans) == spans and flood.since == (since if on else None)
    assert flood.share(140) == sum(end - start for start, end in spans) / 1_000


@given(
    st.lists(st.tuples(st.integers(0, 50), st.sampled_from("abc"), st.sampled_from([1, 2, 3])), max_size=60), st.integers(0, 80)
)
def test_a_window_counts_what_lies_in_it(told, now):
    window = Window(10)
    for at, site, priority in sorted(told):
        if at <= now:
            window.advance(at)
            window.take(Told(at, site, priority, ""))
    window.advance(now)
    within = [row for row in told if now - 10 < row[0] <= now]
    assert len(window) == len(within)
    assert window.sites == Counter(site for _, site, _ in within)
    assert window.priorities == Counter(priority for _, _, priority in within)


def test_a_window_never_grows_beyond_its_bound_and_says_what_it_forgot():
    window = Window(DAY, bound=5)
    for at in range(9):
        window.take(Told(at, "s", 1, ""))
    assert (len(window), window.dropped, window.sites["s"]) == (5, 4, 5)


# -- the whole, against a slow reading -------------------------------------------------------------------------------------

acts = st.tuples(
    st.sampled_from(["raise", "raise", "worse", "return", "hide", "joined", "acknowledge", "shelve", "unshelve"]),
    st.integers(0, 5), st.integers(0, 3 * MINUTE), st.booleans(),
)  # fmt: skip


@given(st.lists(acts, max_size=60))
def test_groups_and_figures_are_what_a_plain_count_of_all_alarms_says(steps):
    hall, told = Hall(), {}
    for act, number, later, look in steps:
        hall.now += later
        site = f"g/{number}"
        _act(hall, act, site, number)
        if look:
            told.update(hall.overview.groups(hall.now))
    told.update(hall.overview.groups(hall.now))
    fresh = Overview(SETTINGS)
    hall.follow(fresh)  # all at once instead of line by line
    health = hall.overview.health(hall.now)
    assert fresh.health(hall.now) == health
    everything = {subject: document for subject, document in fresh.groups(hall.now) if document}
    assert {subject: document for subject, document in told.items() if document} == everything
    _compare(hall, {subject.partition("/")[2]: document for subject, document in everything.items()}, health)


def _act(hall, act, site, number):
    match act:
        case "raise":
            hall.edge("raise", site, group=f"e{number % 2}")
        case "worse" | "hide":
            more = {"severity": 4} if act == "worse" else {"hidden_by": "g/0", "hidden_why": {"code": "power"}}
            hall.edge("change", site, group=f"e{number % 2}", **more)
        case "joined":  # e1 went into e0
            hall.edge("change", site, group="e0", group_was=["e1"])
        case "return":
            hall.edge("return", site)
        case _:
            state = hall.states.get(f"alarm/{site}")
            if state is None or (act == "acknowledge" and state.state == "over") or (act == "shelve" and state.shelved):
                return
            more = {"until": hall.now + HOUR, "reason": "works"} if act == "shelve" else {}
            if act != "unshelve" or state.shelved:
                hall.answer(site, act, **more)


def _compare(hall, groups, health):
    """From states and lines alone."""
    states = {name.partition("/")[2]: state for name, state in hall.states.items()}
    standing = {s: a for s, a in states.items() if a.active or not a.acknowledged}
    went = {old: a.group for a in states.values() if not a.ended for old in a.group_was}
    by_group = Counter(went.get(alarm.group, alarm.group) for alarm in standing.values())
    groups = {name: row for name, row in groups.items() if "into" not in row}
    assert {name: row["total"] for name, row in groups.items()} == dict(by_group)
    asking = [a for a in standing.values() if not (a.acknowledged or a.hidden_by or a.shelved or a.out_of_service)]
    assert health["counts"]["unacknowledged"] == len(asking) == sum(row["unacknowledged"] for row in groups.values())
    assert health["counts"]["hidden"] == sum(bool(a.hidden_by) for a in standing.values())
    announced = [entry for entry in hall.entries if entry.data.get("announced")]
    day = [entry for entry in announced if entry.recorded > hall.now - DAY]
    assert health["rate"]["day"] == len(day) == health["top"]["of"]
    assert health["rate"]["now"] == sum(entry.recorded > hall.now - 10 * MINUTE for entry in announced)
    often = Counter(e.subject.partition("/")[2] for e in announced if e.recorded > hall.now - SETTINGS.chatter.window)
    chatter = {site for site, times in often.items() if times >= SETTINGS.chatter.times and site in standing}
    assert {row["site"] for row in health["chattering"]["rows"]} == chatter
    assert sum(health["buckets"]["values"]) == sum(e.recorded >= health["buckets"]["start"] for e in day)


# -- what people are promised ---------------------------------------------------------------------------------------------


@pytest.fixture
def hall():
    return Hall()


def groups_of(hall):
    return {s.partition("/")[2]: d for s, d in hall.overview.groups(hall.now)}


def test_ten_alarms_in_ten_minutes_are_a_flood_with_one_cause_and_the_rest_counted(hall):
    for n in range(28):
        hall.now += 15_000
        hall.edge("raise", f"g/{n}", group="rain-1", kind="road", district="卫滨区", severity=2 + (n == 7), label=f"路口{n}")
    found = groups_of(hall)
    assert set(found) == {"rain-1"} and found["rain-1"]["total"] == 28
    assert found["rain-1"]["sites"][0] == "g/7", "the most severe first"
    health = hall.overview.health(hall.now)
    assert health["flood"]["since"] == START + 10 * 15_000
    assert health["flood"]["districts"] == {"卫滨区": START + 10 * 15_000}
    hall.now += 10 * MINUTE
    assert hall.overview.health(hall.now)["flood"]["since"] is None


def test_a_stations_power_failure_hides_its_sensors_and_says_so(hall):
    hall.edge("raise", "st/power", group="p", label="泵站断电", severity=3)
    for n in range(30):
        hall.edge("raise", f"st/{n}", group="p", hidden_by="st/power", hidden_why={"code": "power", "values": {"n": 30}})
    group = groups_of(hall)["p"]
    assert (group["total"], group["hidden"], group["unacknowledged"]) == (31, 30, 1)
    assert group["cause"] == [{"site": "st/power", "explains": 30, "label": "泵站断电", "name": "", "since": START}]
    health = hall.overview.health(hall.now)
    assert health["rate"]["day"] == 1 and health["counts"]["hidden"] == 30
    assert health["away"][0]["why"] == {"code": "power", "values": {"n": 30, "site": "st/power"}}


def test_everything_put_away_is_listed_with_who_and_why(hall):
    hall.edge("raise", "g/1", label="甲")
    hall.edge("raise", "g/2", label="乙")
    hall.answer("g/1", "shelve", until=START + HOUR, reason="施工")
    hall.answer("g/2", "out_of_service", reason="换探头")
    health = hall.overview.health(hall.now)
    shown = {row["site"]: (row["how"], row["why"]["values"]["by"], row["why"]["values"]["reason"]) for row in health["away"]}
    assert shown == {"g/1": ("shelved", "li", "施工"), "g/2": ("out_of_service", "li", "换探头")}
    assert health["counts"]["unacknowledged"] == 0


def test_the_time_from_announcement_to_answer_is_measured(hall):
    for n, minutes in enumerate((1, 3, 8)):
        start = hall.now
        hall.edge("raise", f"g/{n}")
        hall.now = start + minutes * MINUTE
        hall.answer(f"g/{n}")
    assert hall.overview.health(hall.now)["answered"] == {"of": 3, "median_minutes": 3.0, "p90_minutes": 8.0}


def test_what_stands_longer_than_a_day_is_named(hall):
    hall.edge("raise", "g/1", label="老告警")
    hall.answer("g/1")
    hall.now += 25 * HOUR
    health = hall.overview.health(hall.now)
    assert (health["stale"]["count"], health["stale"]["rows"][0]["label"]) == (1, "老告警")
    assert health["rate"]["day"] == 0 and health["top"]["share"] is None


def test_an_alarm_that_left_leaves_its_group_and_the_group_the_screens(hall):
    hall.edge("raise", "g/1", group="e")
    hall.overview.groups(hall.now)
    hall.answer("g/1")
    hall.edge("return", "g/1")
    assert groups_of(hall) == {"e": None}
    assert groups_of(hall) == {}


def test_an_alarm_without_a_group_is_counted_by_kind_and_district(hall):
    hall.edge("raise", "g/1", kind="river", district="牧野区")
    hall.edge("raise", "g/2", quantity="methane")
    assert set(groups_of(hall)) == {"river-牧野区", "methane-city"}


def test_groups_that_went_into_another_one_are_found_in_it_with_their_answers(hall):
    for n in range(3):
        hall.edge("raise", f"g/{n}", group="a", district="N")
        hall.edge("raise", f"h/{n}", group="b", district="S")
    hall.answer("h/0")
    hall.edge("return", "h/1")
    assert set(groups_of(hall)) == {"a", "b"}
    hall.edge("raise", "m/1", group="a", group_was=["b"])
    found = groups_of(hall)
    assert found["b"] == {"group_id": "b", "into": "a"}
    assert (found["a"]["total"], found["a"]["unacknowledged"], found["a"]["was"]) == (7, 6, ["b"])
    assert hall.states["alarm/h/0"].acknowledged and hall.overview.group("b") == hall.overview.group("a")
    for n in range(3):
        hall.edge("change", f"h/{n}", group="a", group_was=["b"])
    hall.edge("raise", "z/1", group="0", group_was=["a"])
    assert {name: row.get("into") for name, row in groups_of(hall).items()} == {"0": None, "a": "0", "b": "0"}


def test_of_many_groups_the_small_ones_of_a_kind_are_one_line(hall):
    for n in range(6):
        hall.edge("raise", f"g/{n}", group=f"ponding-{n}", family="ponding", kind="road", district=f"d{n}")
    for n in range(5):
        hall.edge("raise", f"big/{n}", group="ponding-9", family="ponding", kind="road", severity=4)
    assert not any("line" in row for row in groups_of(hall).values()), "seven are few"
    hall.edge("raise", "s/1", group="silence-1", family="silence")
    found = groups_of(hall)
    lines = {name: row for name, row in found.items() if name.startswith("~")}
    assert {name: (row["total"], row["merged"], row["districts"]) for name, row in lines.items()} == {
        "~ponding-road": (6, 6, [f"d{n}" for n in range(6)])
    }
    assert found["ponding-3"]["line"] == "~ponding-road" and "ponding-9" not in found, "large ones stand for themselves"
    hall.edge("return", "g/0")
    hall.answer("g/0")
    found = groups_of(hall)
    assert found["~ponding-road"] is None and found["ponding-0"] is None and "line" not in found["ponding-3"]


told_lines = st.lists(st.tuples(st.integers(0, 3 * MINUTE), st.sampled_from(["N", "S", "E", ""])), max_size=60)


@settings(deadline=None, max_examples=50)
@given(told_lines, st.integers(0, 60), st.sampled_from([("N",), ("N", "S")]))
def test_who_answers_for_some_districts_has_the_flood_of_a_hall_that_knows_nothing_else(steps, asked_after, scope):
    whole, own = Hall(), Hall()
    for n, (later, district) in enumerate(steps):
        if n == asked_after:
            whole.overview.follow([scope])
        whole.now, own.now = whole.now + later, own.now + later
        whole.edge("raise", f"g/{n}", district=district)
        if district in (*scope, ""):
            own.edge("raise", f"g/{n}", district=district)
    whole.overview.follow([scope, tuple(reversed(scope))])
    (found,) = whole.overview.health(whole.now)["scopes"]
    said = own.overview.health(whole.now)
    assert (found["since"], found["share"]) == (said["flood"]["since"], said["flood"]["share"])
    assert found["rate"] == {name: said["rate"][name] for name in ("now", "hour", "day")}
    assert (found["active"], found["unacknowledged"]) == (said["counts"]["active"], said["counts"]["unacknowledged"])
    whole.overview.follow([])
    assert whole.overview.health(whole.now)["scopes"] == []
