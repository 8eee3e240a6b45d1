"""What water, alarms, crews and pumps lead to, and what never does."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.closures import Closures
from dispatch.closures.advice import Advisor
from hall.core.command import Actor
from tests.dispatch.closures.test_table import PASS, RULES
from tests.dispatch.plainledger import SYSTEM, PlainLedger

SITE, GAUGE = "gauges/X01", "observation/gauges/X01/water_depth"
MINUTE = 60_000
LEADER = Actor(name="zhao", role="leader")


class Town:
    """Advice carried out at once on a ledger in memory, as the dispatch process would."""

    def __init__(self, rules=RULES):
        self.ledger, self.advisor = PlainLedger(Closures(rules)), Advisor(rules)
        self.given = []

    @property
    def now(self):
        return self.ledger.now

    def alarm(self, site=SITE, **document):
        facts = {"alarm_id": "one", "cause": f"observation/{site}/water_depth", "quantity": "water_depth", "kind": "underpass"}
        self.advisor.alarm(site, facts | document)
        return self

    def water(self, *depths, every=30, at=0, subject=GAUGE):
        """Readings `every` seconds, `at` ms beside the city's clock; after each, what is advised is done."""
        for depth in depths:
            self.ledger.now += every * 1000
            self.advisor.reading(subject, depth, self.now + at, self.now)
            self.work()
        return self

    def work(self):
        for advice in self.advisor.advise(self.now):
            subject = f"closure/{advice.closure_id}"
            self.given.append((advice.move, advice.closure_id))
            self.ledger.do(subject, advice.move, SYSTEM, "", advice.revision, **advice.data)
            self.told(subject)

    def told(self, subject=PASS):
        self.advisor.closure(self.ledger.states[subject])

    def do(self, move, actor=LEADER, subject=PASS, **data):
        self.ledger.do(subject, move, actor, **data)
        self.told(subject)

    @property
    def state(self):
        return self.ledger.states[PASS].state if PASS in self.ledger.states else ""


def test_water_at_the_line_for_a_minute_under_an_alarm_proposes_once_and_says_why():
    town = Town().alarm()
    town.water(0.10, 0.26, 0.26)
    assert town.state == "", "thirty seconds are no minute"
    town.water(0.26, 0.26, 0.26)
    assert town.given == [("propose", "jiefang")]
    shown = town.ledger.document(PASS)
    assert shown["why"] == [{"code": "depth", "values": {"value": 0.26, "line": 0.25}}] and shown["alarm"] == f"alarm/{SITE}"
    assert (shown["state"], shown["depth"], "urgent" in shown) == ("proposed", 0.26, False)


def test_past_the_red_line_a_proposal_becomes_urgent_once():
    town = Town().alarm().water(0.26, 0.26, 0.26, 0.3, 0.3, 0.3, 0.3)
    assert town.given == [("propose", "jiefang"), ("worsen", "jiefang")]
    assert town.ledger.document(PASS)["urgent"] and town.ledger.document(PASS)["why"][0]["code"] == "past-must"


def test_an_alarm_that_advises_closing_proposes_at_its_own_line():
    town = Town().alarm(advice=["close"]).water(0.21, 0.21, 0.21)
    assert town.given == [("propose", "jiefang")] and town.ledger.document(PASS)["why"][0]["code"] == "advice"


def test_a_place_that_nobody_configured_is_named_by_its_alarm():
    town = Town().alarm("g/J7", kind="road", name="平原路口", lon=113.9, lat=35.3, district="卫滨区", alarm_id="j")
    town.water(0.3, 0.3, 0.3, subject="observation/g/J7/water_depth")
    shown = town.ledger.document("closure/g/J7")
    assert (shown["name"], shown["kind"], shown["district"], shown["lon"]) == ("平原路口", "road", "卫滨区", 113.9)


def test_without_an_alarm_or_of_another_kind_nothing_is_proposed():
    town = Town()
    town.advisor.watch(SITE, GAUGE, "underpass")
    town.water(*[0.5] * 10)
    town.alarm("r/1", kind="river", cause="observation/r/1/water_level", quantity="water_level")
    assert town.given == []


LIES = {
    "a single spike": [0.02, 0.02, 0.60, 0.02, 0.02] * 4,
    "spikes that follow each other with dry ground between": [0.60, 0.02] * 10,
    "centimetres told as metres": [26.0] * 12,
    "a broken cable": [-0.5] * 12,
    "silence": [None] * 12,
}


@pytest.mark.parametrize("name", LIES)
def test_a_gauge_that_lies_proposes_nothing(name):
    town = Town().alarm().water(*LIES[name])
    assert town.given == []


def test_a_jump_that_water_could_hardly_make_waits_two_minutes_and_is_told_with_the_proposal():
    for before, after, every, quiet in ((0.03, 3.0, 60, 2), (0.05, 1.0, 300, 1), (0.0, 0.5, 30, 4)):
        town = Town().alarm().water(before, before, before, *[after] * quiet, every=every)
        assert town.given == [], (before, after)
        town.water(after, every=every)
        assert town.given == [("propose", "jiefang")]
        assert [why["code"] for why in town.ledger.document(PASS)["why"]][-1] == "jump"


def test_fast_water_is_no_jump():
    town = Town().alarm().water(*[0.02 + 0.08 * minute for minute in range(6)], every=60)
    assert town.given[0] == ("propose", "jiefang") and len(town.ledger.document(PASS)["why"]) == 1


@pytest.mark.parametrize("hours", (-24, -1, 1, 24))
def test_a_gauge_whose_clock_is_off_proposes_nothing(hours):
    town = Town().alarm().water(*[0.5] * 12, at=hours * 60 * MINUTE)
    assert town.given == [] and town.advisor.counters["closure_readings_refused"] == 12


@pytest.mark.parametrize(
    "said",
    ({"doubtful": True}, {"out_of_service": {"by": "li", "reason": "维修"}}, {"hidden_by": "power/1"}, {"active": False}),
)
def test_a_gauge_in_doubt_out_of_service_hidden_or_without_an_active_alarm_proposes_nothing(said):
    town = Town().alarm(**said).water(*[0.5] * 12)
    assert town.given == []


@settings(deadline=None, max_examples=150)
@given(
    steps=st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(-2, 40, allow_nan=False)),
            st.integers(-2 * 86_400, 2 * 86_400),
            st.booleans(),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_whatever_gauges_say_no_place_is_ever_ordered_closed_or_opened_without_a_person(steps):
    town = Town()
    for depth, off, doubtful, exact in steps:
        town.alarm(doubtful=doubtful).water(depth, every=40, at=0 if exact else off * 1000)
        doubted = (
            doubtful and any(move == "propose" for move, _ in town.given[-1:]) and town.ledger.entries[-1].time == town.now
        )
        assert not doubted, "in doubt, and yet proposed"
    assert {move for move, _ in town.given} <= {
        "propose",
        "worsen",
        "lapse",
        "retire",
        "propose_reopening",
        "keep_closed",
        "link",
    }
    assert town.state in ("", "proposed", "cancelled")


def test_after_a_no_the_same_water_is_proposed_again_only_when_deeper_or_much_later_or_by_another_alarm():
    town = Town().alarm().water(*[0.26] * 3)
    town.do("decline")
    town.water(*[0.26] * 50)  # 25 min
    assert town.given == [("propose", "jiefang")]
    deeper = Town().alarm().water(*[0.26] * 3)
    deeper.do("decline")
    assert deeper.water(*[0.32] * 4).state == "proposed"
    later = Town().alarm().water(*[0.26] * 3)
    later.do("decline")
    assert later.water(*[0.26] * 62).state == "proposed"
    other = Town().alarm().water(*[0.26] * 3)
    other.do("decline")
    assert other.alarm(alarm_id="two").water(0.26).state == "proposed"


def test_a_proposal_that_nobody_decided_lapses_when_its_water_has_gone():
    town = Town().alarm().water(*[0.26] * 3, *[0.05] * 22)
    assert town.state == "cancelled" and town.ledger.document(PASS)["over"]["move"] == "lapse"
    by_hand = Town()
    by_hand.do("propose", Actor(name="li", role="operator"))
    by_hand.water(*[0.05] * 40)
    assert by_hand.state == "proposed", "what a person proposed a person ends"


def closed():
    town = Town().alarm(case="file/desk/1").water(*[0.30] * 3)
    town.do("order")
    town.do("confirm_site", Actor(name="li", role="operator"))
    town.do("confirm_video", channel="channel/cams/1")
    return town


def test_reopening_is_proposed_ten_minutes_under_the_line_and_no_earlier():
    town = closed()
    town.water(0.2, 0.12, *[0.09] * 20)
    assert town.state == "confirmed"
    assert [one["code"] for one in town.advisor.waiting(town.ledger.states[PASS], town.now)] == ["time"]
    town.water(0.09)
    assert town.state == "reopening_proposed" and town.ledger.document(PASS)["reopening"]["why"][0]["code"] == "water-down"


def test_where_people_saw_water_that_the_gauge_did_not_the_hall_proposes_no_reopening():
    town = Town().water(*[0.0] * 30)
    town.do("propose", Actor(name="li", role="operator"))
    town.do("order")
    town.water(*[0.0] * 60)
    assert town.state == "ordered"
    assert [one["code"] for one in town.advisor.waiting(town.ledger.states[PASS], town.now)] == ["never-wet"]
    town.water(0.15, *[0.0] * 22)
    assert town.state == "reopening_proposed", "now it saw water come and go"


def test_a_place_that_is_ordered_closed_late_is_not_proposed_for_reopening_at_once():
    town = Town().alarm().water(*[0.3] * 3, *[0.05] * 15)
    town.do("order")
    town.water(*[0.05] * 19)
    assert town.state == "ordered"
    assert town.water(0.05, 0.05).state == "reopening_proposed"


def test_water_over_the_line_in_between_begins_the_ten_minutes_anew():
    town = closed().water(*[0.09] * 15, 0.11, *[0.09] * 20)
    assert town.state == "confirmed"
    assert town.water(0.09).state == "reopening_proposed"


def test_crews_at_work_and_pumps_not_yet_brought_back_keep_reopening_from_being_proposed():
    town = closed()
    town.advisor.crew("crew/c1", {"assignments": [{"subject": "file/desk/1", "state": "on_scene"}]})
    pump = {"purpose": PASS, "item": "排水泵", "kind": "pump", "allotted": 2}
    town.advisor.request("request/r1", pump)
    town.advisor.request("request/r2", pump | {"kind": "sandbag", "item": "沙袋"})
    town.water(*[0.05] * 30)
    waiting = town.advisor.waiting(town.ledger.states[PASS], town.now)
    assert waiting == [
        {"code": "crews", "values": {"crews": ["c1"]}}, {"code": "supplies", "values": {"item": "排水泵", "count": 2}},
    ]  # fmt: skip
    town.advisor.crew("crew/c1", {"assignments": [{"subject": "file/desk/1", "state": "clear"}]})
    town.advisor.request("request/r1", pump | {"returned": 2})
    assert town.water(0.05).state == "reopening_proposed"


def test_a_gauge_that_is_silent_or_in_doubt_opens_nothing():
    town = closed().water(*[0.05] * 10)
    town.alarm(doubtful=True, case="file/desk/1").water(*[0.05] * 30)
    assert town.state == "confirmed"
    town.alarm(case="file/desk/1")
    town.ledger.now += 20 * MINUTE
    town.work()
    assert town.state == "confirmed" and town.advisor.waiting(town.ledger.states[PASS], town.now)[0]["code"] == "no-reading"


def test_when_the_water_rises_again_the_proposal_to_reopen_is_taken_back():
    town = closed().water(*[0.05] * 22)
    assert town.state == "reopening_proposed"
    town.water(*[0.3] * 4)
    assert town.state == "confirmed" and town.ledger.document(PASS)["kept"]["why"][0]["code"] == "rose-again"


def test_not_yet_is_respected_for_half_an_hour():
    town = closed().water(*[0.05] * 22)
    town.do("keep_closed")
    town.water(*[0.05] * 59)
    assert town.state == "confirmed"
    assert town.water(0.05, 0.05).state == "reopening_proposed"


def test_what_is_over_leaves_the_screens_after_its_time_and_can_close_again():
    town = closed()
    town.do("reopen")
    town.alarm(active=False).water(*[0.05] * 239)
    assert not town.ledger.states[PASS].ended
    town.water(0.05, 0.05)
    assert town.ledger.states[PASS].ended and town.ledger.document(PASS) is None
    town.alarm(alarm_id="two").water(*[0.3] * 3)
    assert town.state == "proposed" and town.ledger.states[PASS].number == 2


def test_an_advisor_made_anew_from_the_ledger_says_nothing_that_was_said_before():
    town = Town().alarm().water(*[0.30] * 3)
    fresh = Advisor(RULES)
    fresh.closure(msgspec.convert(msgspec.to_builtins(town.ledger.states[PASS]), type(town.ledger.states[PASS])))
    town.advisor = fresh
    town.alarm().water(*[0.30] * 10)
    assert town.given == [("propose", "jiefang")], "it was urgent already"


def test_a_drill_does_not_keep_a_real_flood_from_being_proposed():
    town = Town()
    town.do("propose", Actor(name="li", role="operator"), f"{PASS}-exercise", exercise=True)
    town.alarm().water(*[0.30] * 3)
    assert town.state == "proposed" and not town.ledger.states[PASS].exercise


# -- look first ---------------------------------------------------------------------------------------------------------------


def doubts(town):
    return [sign["code"] for sign in town.ledger.states[PASS].doubt]


@pytest.mark.parametrize(
    ("code", "depths", "every"),
    [
        ("factor", [0.03, 0.031, 0.31, 0.312, 0.309, 0.31], 60),  # millimetres for centimetres
        ("factor", [0.11, 0.11, 0.28, 0.281, 0.283, 0.28], 120),  # inches for centimetres
        ("steep", [0.03, 0.03, 0.42, 0.41, 0.43, 0.44], 60),
        ("frozen", [0.04, 0.05, 0.31, 0.31, 0.31, 0.31], 300),
    ],
)
def test_what_water_hardly_does_asks_to_look_before_it_asks_to_close(code, depths, every):
    town = Town().alarm().water(*depths, every=every)
    assert town.state == "proposed" and code in doubts(town) and not town.ledger.states[PASS].urgent
    offers = town.ledger.aggregates["closure"].offered(town.ledger.states[PASS], Actor(name="li", role="dispatcher"))
    assert [offer["move"] for offer in offers[:2]] == ["verify", "send"] and "order" in [offer["move"] for offer in offers]


def test_water_that_rises_as_water_does_is_proposed_without_a_doubt_and_urgently():
    town = Town().alarm().water(*[n / 50 for n in range(1, 25)], every=60)  # two centimetres a minute
    assert doubts(town) == [] and town.ledger.states[PASS].urgent


def test_somebody_who_saw_the_water_ends_the_doubt_and_it_does_not_come_back():
    town = Town().alarm().water(0.03, 0.03, 0.42, 0.41, 0.43, every=60)
    town.do("verify", found="water")
    town.water(0.43, 0.44, every=60)
    assert doubts(town) == [] and town.ledger.states[PASS].urgent


def test_who_saw_no_water_leaves_the_doubt_and_the_road_open():
    town = Town().alarm().water(0.03, 0.03, 0.42, 0.41, 0.43, every=60)
    town.do("verify", found="dry")
    town.water(*[0.43, 0.44] * 5, every=60)
    assert doubts(town) == ["steep"] and town.state == "proposed" and not town.ledger.states[PASS].urgent


def test_reports_of_people_take_the_doubt_away_but_not_the_halls_own_case():
    town = Town().alarm(cases=["file/desk/7"]).water(0.03, 0.03, 0.42, 0.41, 0.43, every=60)
    assert doubts(town) == ["steep"]
    town.alarm(cases=["file/desk/7", "file/hotline/9"]).water(0.43, every=60)
    assert doubts(town) == [] and town.ledger.states[PASS].trusted["why"][0]["code"] == "people"


def test_a_neighbours_water_explains_a_fast_rise_but_no_changed_unit():
    for depths, left in (([0.03, 0.03, 0.44, 0.43, 0.42], []), ([0.03, 0.03, 0.30, 0.31, 0.30], ["factor"])):
        town, other = Town(), "observation/gauges/X02/water_depth"
        near = {"lon": 113.915, "lat": 35.31}
        town.alarm("gauges/X02", alarm_id="two", kind="road", **near)
        town.alarm(lon=113.91, lat=35.31)
        for depth in depths:
            town.advisor.reading(other, 0.18 + depth / 100, town.now + 30_000, town.now + 30_000)
            town.water(depth, every=60)
        assert doubts(town) == left


def test_a_process_begun_anew_keeps_the_doubt_that_it_did_not_see():
    town = Town().alarm().water(0.03, 0.031, 0.31, 0.312, 0.309, every=60)
    assert "factor" in doubts(town)
    town.advisor = Advisor(RULES)
    town.told()
    town.alarm().water(0.31, 0.31, 0.312, every=60)
    assert "factor" in doubts(town)
