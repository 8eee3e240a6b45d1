"""Closures move by their table: who orders, what confirms, what the hall can never do."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from dispatch.closures import Closures
from dispatch.closures.aggregate import table
from dispatch.closures.settings import settings_of
from hall.core.command import Actor
from hall.core.config import parse
from hall.core.errors import ConfigError, Refused
from tests.dispatch.plainledger import SYSTEM, PlainLedger

CITY = """
[city]
name = { "zh-CN" = "试验市" }
centre = [113.9, 35.3]
languages = ["zh-CN", "en"]
[[dispatch.closures.places]]
id = "jiefang"
name = { "zh-CN" = "解放大道下穿", en = "Jiefang underpass" }
site = "gauges/X01"
lon = 113.91
lat = 35.31
district = "红旗区"
unit = "排水处"
detour = { "zh-CN" = "绕行平原路" }
"""
RULES = settings_of(parse(CITY))
ROLES = ("viewer", "wall", "operator", "dispatcher", "supervisor", "leader", "admin", "inspector", "department", "crew")
ROAD, PASS, UNKNOWN = "closure/road-1", "closure/jiefang", "closure/none"


def person(role, **more):
    return Actor(name=role, role=role, **more)


DECIDER = person("dispatcher")


def town():
    return PlainLedger(Closures(RULES))


def brought_to(ledger, state, subject=ROAD, **about):
    """A closure in a state, by the shortest way."""
    ledger.do(subject, "propose", SYSTEM, **({"name": "平原路", "kind": "road"} | about))
    ways = {
        "proposed": (), "declined": ("decline",), "cancelled": ("order", "cancel"), "ordered": ("order",),
        "confirmed": ("order", "confirm_site"), "reopening_proposed": ("order", "propose_reopening"),
        "reopened": ("order", "propose_reopening", "reopen"),
    }  # fmt: skip
    for move in ways[state]:
        ledger.do(subject, move, DECIDER)
    assert ledger.states[subject].state == state
    return ledger


STATES = ("proposed", "ordered", "confirmed", "reopening_proposed", "reopened", "declined", "cancelled")
#: what people may do by state, written down here once more: the oracle of the walk. Roles of a row in ALLOWED
DECIDE = {"dispatcher", "supervisor", "leader", "admin"}
SEE = {"operator", "dispatcher", "supervisor", "admin"}
ALLOWED = {
    "propose": ({"reopened", "declined", "cancelled"}, DECIDE | SEE),
    "order": ({"proposed"}, DECIDE),
    "decline": ({"proposed"}, DECIDE),
    "cancel": ({"proposed", "ordered"}, DECIDE),
    "confirm_site": ({"ordered", "confirmed", "reopening_proposed"}, SEE),
    "confirm_video": ({"ordered", "confirmed", "reopening_proposed"}, SEE | {"leader"}),
    "propose_reopening": ({"ordered", "confirmed"}, DECIDE | SEE),
    "reopen": ({"ordered", "confirmed", "reopening_proposed"}, DECIDE),
    "keep_closed": ({"reopening_proposed"}, DECIDE),
    "correct": ({"proposed", "ordered", "confirmed", "reopening_proposed"}, SEE),
    "link": ({"proposed", "ordered", "confirmed", "reopening_proposed"}, SEE),
    "verify": ({"proposed"}, SEE | {"leader"}),
    "cannot_close": ({"ordered", "confirmed", "reopening_proposed"}, SEE),
    "barriers_removed": ({"reopened", "cancelled"}, SEE),  # of a declined one nothing was put up
    "send": ({"proposed", "ordered", "confirmed", "reopening_proposed"}, SEE),
    "recall": (set(STATES), SEE),
    "worsen": ({"proposed"}, set()),
    "doubt": ({"proposed"}, set()),
    "trust": ({"proposed"}, set()),
    "lapse": ({"proposed"}, set()),
    "retire": ({"reopened", "declined", "cancelled"}, set()),
}
GIVEN = {
    "confirm_video": {"channel": "channel/cams/1"}, "correct": {"name": "新名"}, "link": {"incident": "incident/i1"},
    "propose": {"name": "平原路"}, "verify": {"found": "water"}, "send": {"crew": "c2"}, "recall": {"crew": "c1"},
    "doubt": {"doubt": [{"code": "steep"}]},
}  # fmt: skip


def test_every_move_from_every_state_by_every_role_is_allowed_or_refused_as_written_here():
    assert set(table(RULES)) == set(ALLOWED)
    for state in STATES:
        ledger = brought_to(town(), state)
        known = msgspec.structs.replace(ledger.states[ROAD], crews=[{"crew": "c1"}])
        for move, role in itertools.product(ALLOWED, ROLES):
            states, roles = ALLOWED[move]
            offered = {offer["move"] for offer in ledger.aggregates["closure"].offered(known, person(role))}
            ledger.states[ROAD] = known
            try:
                ledger.do(ROAD, move, person(role), **GIVEN.get(move, {}))
                done = True
            except Refused as refusal:
                done = False
                assert refusal.reason in ("not-permitted", "state-wrong"), (state, move, role, refusal)
            assert done == (state in states and role in roles), (state, move, role)
            assert (move in offered) == done, (state, move, role)


def test_the_hall_by_itself_can_neither_order_nor_decline_nor_confirm_nor_reopen():
    for state, move in itertools.product(STATES, ("order", "decline", "reopen", "confirm_site", "confirm_video", "cancel")):
        with pytest.raises(Refused) as refusal:
            brought_to(town(), state).do(ROAD, move, SYSTEM, **GIVEN.get(move, {}))
        assert refusal.value.reason == "not-permitted"


def test_an_underpass_is_confirmed_by_both_facts_and_shows_the_one_that_is_missing():
    ledger = brought_to(town(), "ordered", PASS)
    assert ledger.document(PASS)["missing"] == ["on_site", "by_video"]
    ledger.do(PASS, "confirm_video", person("operator"), channel="channel/cams/7", media="m1")
    shown = ledger.document(PASS)
    assert (shown["state"], shown["missing"]) == ("ordered", ["on_site"])
    assert shown["by_video"] == {
        "at": ledger.now, "by": "operator", "role": "operator", "reason": "because", "channel": "channel/cams/7", "media": "m1",
    }  # fmt: skip
    ledger.do(PASS, "confirm_site", person("department", unit="排水处"), note="围挡已到位")
    shown = ledger.document(PASS)
    assert shown["state"] == "confirmed" and "missing" not in shown and shown["on_site"]["note"] == "围挡已到位"


def test_a_road_is_confirmed_by_either_fact_and_the_other_one_is_still_taken():
    for first, second in itertools.permutations(("confirm_site", "confirm_video")):
        ledger = brought_to(town(), "ordered")
        ledger.do(ROAD, first, DECIDER, **GIVEN.get(first, {}))
        assert ledger.document(ROAD)["state"] == "confirmed"
        ledger.do(ROAD, second, DECIDER, **GIVEN.get(second, {}))
        assert {"on_site", "by_video"} <= set(ledger.document(ROAD))


def test_a_place_of_the_citys_list_is_known_by_its_name_and_its_site_whoever_proposes_it():
    ledger = town()
    ledger.do(PASS, "propose", person("operator"), depth=0.26)
    shown = ledger.document(PASS)
    assert (shown["name"], shown["kind"], shown["district"]) == ("解放大道下穿", "underpass", "红旗区")
    assert shown["gauge"] == "observation/gauges/X01/water_depth" and (shown["lon"], shown["lat"]) == (113.91, 35.31)
    assert shown["detour"] == {"zh-CN": "绕行平原路"} and shown["confirm"] == "both"


def test_a_place_that_closes_again_begins_anew_and_is_counted():
    ledger = brought_to(town(), "reopened", PASS)
    ledger.do(PASS, "propose", SYSTEM, depth=0.3)
    shown = ledger.document(PASS)
    assert (shown["state"], shown["number"], shown["depth"]) == ("proposed", 2, 0.3)
    assert not {"ordered", "reopened", "reopening"} & set(shown)


def test_not_yet_leads_back_to_what_was_known_before():
    ledger = brought_to(town(), "confirmed")
    ledger.do(ROAD, "propose_reopening", person("operator"))
    ledger.do(ROAD, "keep_closed", DECIDER, "泵还没撤")
    assert ledger.document(ROAD)["state"] == "confirmed" and ledger.document(ROAD)["kept"]["reason"] == "泵还没撤"
    ledger = brought_to(town(), "reopening_proposed")
    ledger.do(ROAD, "keep_closed", DECIDER)
    assert ledger.document(ROAD)["state"] == "ordered"
    ledger = brought_to(town(), "reopening_proposed")
    ledger.do(ROAD, "confirm_site", DECIDER)
    assert ledger.document(ROAD)["state"] == "reopening_proposed", "a fact that comes late is a fact"
    ledger.do(ROAD, "keep_closed", DECIDER)
    assert ledger.document(ROAD)["state"] == "confirmed"


def test_an_exercise_has_a_name_of_its_own_and_so_never_stands_in_a_real_closings_way():
    ledger = town()
    with pytest.raises(Refused, match="exercise"):
        ledger.do(PASS, "propose", person("operator"), exercise=True)
    ledger.do(f"{PASS}-exercise", "propose", person("operator"), exercise=True)
    assert ledger.document(f"{PASS}-exercise")["exercise"] and ledger.document(f"{PASS}-exercise")["name"] == "解放大道下穿"
    ledger.do(PASS, "propose", SYSTEM)
    ledger.do(f"{ROAD}-exercise", "propose", person("operator"), name="平原路")
    assert ledger.document(f"{ROAD}-exercise")["exercise"], "its name says so"
    demo = settings_of(parse(CITY.replace("[city]", "[city]\ndemo = true")))
    ledger = PlainLedger(Closures(demo))
    ledger.do(PASS, "propose", SYSTEM)
    assert ledger.document(PASS)["exercise"], "everything is one in a hall that is"


def test_persons_say_why_and_what_and_cannot_fill_in_what_is_the_halls():
    ledger = town()
    for reason, data, code in (
        ("", {"name": "平原路"}, "reason-missing"),
        ("积水", {}, "field-missing"),
        ("积水", {"name": "平原路", "why": []}, None),
        ("积水", {"name": "平原路", "urgent": True}, "bad-field"),
        ("积水", {"name": "平原路", "depth": -1}, "bad-field"),
    ):
        if code:
            with pytest.raises(Refused) as refusal:
                ledger.do(ROAD, "propose", person("operator"), reason, **data)
            assert refusal.value.reason == code
        else:
            ledger.do("closure/other", "propose", person("operator"), reason, **data)


def test_who_answers_for_one_district_moves_nothing_of_another():
    ledger = brought_to(town(), "proposed", PASS)
    for district, allowed in (("红旗区", True), ("牧野区", False)):
        actor = person("supervisor", districts=(district,))
        assert bool(ledger.aggregates["closure"].offered(ledger.states[PASS], actor)) == allowed
    with pytest.raises(Refused, match="红旗区"):
        town().do(PASS, "propose", person("supervisor", districts=("牧野区",)))


def test_a_correction_of_the_kind_changes_what_confirms_it():
    ledger = brought_to(town(), "ordered")
    ledger.do(ROAD, "correct", person("operator"), kind="underpass")
    ledger.do(ROAD, "confirm_site", person("operator"))
    assert ledger.document(ROAD)["state"] == "ordered" and ledger.document(ROAD)["missing"] == ["by_video"]


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("[dispatch.closures]\nhold_readings = 0", "dispatch.closures.hold_readings", 2),
        ('[dispatch.closures]\ndeciders = ["police"]', "dispatch.closures.deciders", 2),
        ("[dispatch.closures.lines.underpass]\nclose = 0.05", "dispatch.closures.lines.underpass", 1),
        ('[dispatch.closures.confirm]\nroad = "perhaps"', "dispatch.closures.confirm.road", 2),
        ('[[dispatch.closures.places]]\nid = "a b"\nname = {en = "x"}', "dispatch.closures.places[0].id", 2),
        ('[[dispatch.closures.places]]\nid = "a"\nname = {en = "x"}\nkind = "bridge"', "dispatch.closures.places[0].kind", 4),
        ('[[dispatch.closures.places]]\nid = "a"\nname = {en = "x"}\ndepth = 1', "dispatch.closures.places[0]", 1),
    ],
)
def test_a_mistake_in_the_configuration_is_named_by_file_line_and_key(text, key, line):
    city = '[city]\nname = {en = "x"}\ncentre = [1.0, 2.0]\n'
    with pytest.raises(ConfigError) as error:
        settings_of(parse(city + text, "hall.toml"))
    assert error.value.key.startswith(key) and error.value.line == line + 3


# -- told from the place ------------------------------------------------------------------------------------------------------

CREW = Actor(name="crew:c1", role="crew", kind="crew", crew="c1")
HERE, FAR = {"lon": 113.9101, "lat": 35.3101}, {"lon": 113.95, "lat": 35.31}
PHOTO = [{"media": "a" * 64, "usage": "after"}]


def sent(state="ordered"):
    ledger = brought_to(town(), state, PASS)
    ledger.do(PASS, "send", DECIDER, crew="c1")
    return ledger


def refused(ledger, move, actor=CREW, reason="", **data):
    with pytest.raises(Refused) as refusal:
        ledger.do(PASS, move, actor, reason, **data)
    return refusal.value


def test_a_crew_that_was_sent_confirms_with_its_photo_its_place_and_its_time():
    ledger = sent()
    ledger.do(PASS, "confirm_site", CREW, "", photos=PHOTO, position=HERE, accuracy=9)
    fact = ledger.document(PASS)["on_site"]
    assert (fact["by"], fact["at"], fact["photos"], fact["metres"]) == ("crew:c1", ledger.now, PHOTO, 14)
    assert ledger.document(PASS)["missing"] == ["by_video"]


def test_a_crew_that_was_not_sent_or_was_called_back_moves_nothing():
    stranger = Actor(name="crew:c9", role="crew", kind="crew", crew="c9")
    ledger = sent()
    assert refused(ledger, "confirm_site", stranger, position=HERE).reason == "not-permitted"
    assert {refused(ledger, move).reason for move in ("reopen", "cancel", "confirm_video")} == {"not-permitted"}
    ledger.do(PASS, "recall", DECIDER, "另有任务", crew="c1")
    assert refused(ledger, "confirm_site", position=HERE).reason == "not-permitted"


def test_from_further_away_or_without_a_position_a_crew_says_why_and_the_line_keeps_it():
    ledger = sent()
    far = refused(ledger, "confirm_site", position=FAR, accuracy=20)
    assert far.reason == "too-far" and "3630 m" in far.detail and "300 m" in far.detail
    assert refused(ledger, "confirm_site").reason == "position-missing"
    ledger.do(PASS, "confirm_site", CREW, "从桥上看到，水太深过不去", position=FAR)
    fact = ledger.document(PASS)["on_site"]
    assert fact["metres"] == 3630 and fact["reason"].startswith("从桥上")
    ledger.do(PASS, "confirm_site", DECIDER, "")
    assert "metres" not in ledger.document(PASS)["on_site"], "a desk is not asked where it is"


def test_what_cannot_be_closed_says_why_until_it_is_closed():
    ledger = sent()
    assert refused(ledger, "cannot_close", position=HERE).reason == "reason-missing"
    ledger.do(PASS, "cannot_close", CREW, "围挡不够", position=HERE)
    shown = ledger.document(PASS)
    assert shown["cannot"]["reason"] == "围挡不够" and shown["state"] == "ordered"
    assert refused(ledger, "confirm_site", position=HERE).reason == "photo-missing"
    ledger.do(PASS, "confirm_site", CREW, "", position=HERE, photos=PHOTO)
    assert "cannot" not in ledger.document(PASS)


def test_barriers_are_told_away_once_after_the_reopening():
    ledger = sent("reopening_proposed")
    assert refused(ledger, "barriers_removed", position=HERE).reason == "state-wrong"
    ledger.do(PASS, "reopen", DECIDER)
    ledger.do(PASS, "barriers_removed", CREW, "", position=HERE)
    assert ledger.document(PASS)["cleared"]["by"] == "crew:c1"
    assert refused(ledger, "barriers_removed", position=HERE).reason == "state-wrong"


def test_a_crew_sent_to_look_at_a_proposal_tells_what_it_found():
    ledger = sent("proposed")
    ledger.do(PASS, "verify", CREW, "", found="dry", position=HERE, photos=PHOTO)
    assert ledger.document(PASS)["verified"]["found"] == "dry" and ledger.document(PASS)["state"] == "proposed"
