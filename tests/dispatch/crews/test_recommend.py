"""The order of crews against a plain loop; every score is the sum of its reasons."""

import math
import random

import pytest

from dispatch.crews.model import Assignment, Base, Crew, Done, Duty, Item, Shift
from dispatch.crews.ranking import Fix, Needs, Place, Weights
from dispatch.crews.recommend import is_override, recommend
from dispatch.crews.routing import Straight, StraightRouter

NOW = 1_784_000_000_000
PLACE = Place(113.92, 35.30, "红旗区", "410702001001005")
ROUTER = StraightRouter(Straight(factor=1.4, kmh=30.0))


def crew(number, lon, lat=35.30, *, age_s=10, **fields):
    fields = {"skills": ["排水"], "equipment": [Item(name="水泵", count=2)]} | fields
    made = Crew(crew_id=f"P{number}", name=f"{number}组", position=f"position/gps/{number}", **fields)
    return made, Fix(lon, lat, NOW - int(age_s * 1000))


def rank(pairs, needs=None, **more):
    crews = [c for c, _ in pairs]
    positions = {c.position: fix for c, fix in pairs if fix is not None}
    return recommend(PLACE, needs or Needs(skills=["排水"]), crews, positions, NOW, ROUTER, **more)


def metres(lon1, lat1, lon2, lat2):
    """The law of cosines on a sphere, another way than the code's."""
    a, b, d = math.radians(lat1), math.radians(lat2), math.radians(lon2 - lon1)
    return 6_371_008.8 * math.acos(min(1.0, math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(d)))


def test_the_nearest_capable_and_available_crew_comes_first_and_the_others_say_why_not():
    found = rank([
        crew(1, 113.93), crew(2, 113.925, skills=["园林"]), crew(3, 113.94), crew(4, 113.921, state="out_of_service", reason="检修"),
        crew(5, 113.922, assignments=[Assignment(subject="file/c/1")], state="en_route", assignment="file/c/1"),
        (crew(6, 0)[0], None), crew(7, 113.9201, shifts=[Shift(start="00:00", end="00:01", dates=["2000-01-01"])]),
        crew(8, 113.9202, equipment=[]), crew(9, 113.92, kind="boat"), crew(10, 113.92, ended=True),
    ], Needs(skills=["排水"], equipment=[Item(name="水泵", count=1)], kinds=["crew"]))  # fmt: skip
    assert [r.crew for r in found.ranked] == ["P1", "P3"]
    assert {r.crew: r.excluded for r in found.excluded} == {
        "P2": "skill_missing", "P4": "out_of_service", "P5": "busy", "P6": "position_unknown", "P7": "off_shift",
        "P8": "equipment_missing", "P9": "other_kind",
    }  # fmt: skip
    assert found.counts["ranked"] == 2 and sum(found.counts.values()) == 9
    first = found.ranked[0]
    assert first.how == "straight" and first.why[0].code == "no_network"
    assert first.distance_m == pytest.approx(1.4 * metres(113.93, 35.3, 113.92, 35.3), rel=1e-6)
    assert first.eta_s == pytest.approx(first.distance_m / (30 / 3.6))
    assert (found.routing, found.factor, found.kmh) == ("straight", 1.4, 30.0)


def test_every_score_is_the_sum_of_its_reasons_and_the_order_that_of_a_plain_loop():
    r = random.Random(4)
    pairs = []
    for n in range(400):
        done = [
            Done(subject=f"file/c/{k}", start=NOW - 3_600_000 * (k + 1), end=NOW - 3_600_000 * k) for k in range(r.randrange(4))
        ]
        pairs.append(crew(
            n, r.uniform(113.7, 114.1), r.uniform(35.1, 35.5), age_s=r.choice([5, 90, 400, 3000, 9000]), done=done,
            unit=r.choice(["市政处", "环卫处"]), duty=r.choice([Duty(), Duty(cells=["410702001"]), Duty(districts=["红旗区"])]),
            base=r.choice([Base(), Base(lon=113.9, lat=35.3)]),
        ))  # fmt: skip
    found = rank(pairs, Needs(skills=["排水"], prefer_unit="市政处"), limit=None)
    expected = {}
    for c, fix in pairs:
        age = (NOW - fix.time) / 1000
        at_base = age > 3600 and c.base.lon is not None
        lon, lat = (c.base.lon, c.base.lat) if at_base else (fix.lon, fix.lat)
        score = metres(lon, lat, *PLACE[:2]) * 1.4 / (30 / 3.6)
        score += 300 if at_base else min(900.0, max(0.0, age - 120) / 60 * 30)
        score += {"410702001": -180}.get(c.duty.cells[0], 0) if c.duty.cells else -90 if c.duty.districts else 0
        score += 0 if c.unit == "市政处" else 300
        recent = [d for d in c.done if d.end > NOW - 8 * 3_600_000]
        score += 120 * len(recent) + 2 * sum(d.end - d.start for d in recent) / 60_000
        expected[c.crew_id] = score
    for entry in found.ranked:
        assert entry.score == pytest.approx(sum(why.seconds for why in entry.why))
        assert entry.score == pytest.approx(expected[entry.crew], abs=0.05)
    assert len(found.ranked) == 400 and [e.rank for e in found.ranked] == list(range(1, 401))
    scores = [e.score for e in found.ranked]
    assert scores == sorted(scores)


def test_an_old_position_is_said_and_puts_a_crew_later():
    found = rank([crew(1, 113.9200, age_s=1800), crew(2, 113.9600)])
    assert [r.crew for r in found.ranked] == ["P2", "P1"]
    old = next(w for w in found.ranked[1].why if w.code == "position_old")
    assert old.values == {"seconds": 1800} and old.seconds == 840


def test_work_is_balanced_between_crews_side_by_side():
    busy = [Done(subject="file/c/1", start=NOW - 7_200_000, end=NOW - 3_600_000)]
    found = rank([crew(1, 113.9300, done=busy), crew(2, 113.9301)])
    assert [r.crew for r in found.ranked] == ["P2", "P1"]
    assert next(w for w in found.ranked[1].why if w.code == "workload").values == {"cases": 1, "minutes": 60}


def test_declined_cases_are_no_work_done_and_yesterdays_shift_does_not_count():
    shifts = [Shift(start="00:00", end="00:00")]  # since midnight, UTC
    midnight = NOW // 86_400_000 * 86_400_000
    done = [
        Done(subject="a", start=midnight - 7_200_000, end=midnight - 60_000),
        Done(subject="b", start=midnight - 600_000, end=midnight + 600_000),
        Done(subject="c", start=midnight + 700_000, end=midnight + 700_000, outcome="declined"),
    ]
    found = rank([crew(1, 113.93, done=done, shifts=shifts)])
    assert next(w for w in found.ranked[0].why if w.code == "workload").values == {"cases": 1, "minutes": 10}


def test_off_shift_may_be_an_allowance_instead_of_a_refusal():
    off = [Shift(dates=["2000-01-01"])]
    found = rank([crew(1, 113.93, shifts=off), crew(2, 113.95)], weights=Weights(off_shift_s=1200.0))
    assert [r.crew for r in found.ranked] == ["P2", "P1"]


def test_a_crew_with_room_for_another_case_comes_after_the_free_ones():
    working = {"capacity": 2, "assignment": "file/c/1", "state": "assigned"}
    now = [Assignment(subject="file/c/1", stamps={"assigned": NOW}, resources=[Item(name="水泵", count=2)])]
    pairs = [crew(1, 113.92, assignments=now, **working), crew(2, 113.93)]
    assert [r.crew for r in rank(pairs).ranked] == ["P2", "P1"]
    pumps = rank(pairs, Needs(equipment=[Item(name="水泵", count=1)]))
    assert [(r.crew, r.values) for r in pumps.excluded] == [("P1", {"equipment": {"水泵": 0}})]


def test_a_choice_beyond_the_first_asks_for_a_reason():
    found = rank([crew(n, 113.92 + n / 100) for n in range(1, 6)])
    assert [c for c in ("P1", "P3", "P4", "P99") if is_override(found.ranked, c, 3)] == ["P4", "P99"]
    assert is_override([], "P1")


def test_nobody_at_all_is_an_answer():
    found = rank([])
    assert found.ranked == [] and found.counts == {"ranked": 0}
