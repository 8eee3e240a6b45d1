"""Stock is conserved, requests tell what is missing, and both are moved by who may."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.depots import Depots, Requests
from dispatch.depots.keeping import MOVES as DEPOT_MOVES
from dispatch.depots.requests import MOVES as REQUEST_MOVES
from hall.core.command import Actor
from hall.core.errors import Refused
from tests.dispatch.plainledger import SYSTEM, PlainLedger

PUMP = {"name": "排水泵", "count": 4, "kind": "pump", "unit": "台", "capacity": 500.0, "capacity_unit": "m3/h"}
DEPOTS = {"east": 4, "west": 3}
R1 = "request/r1"
LI = Actor(name="li", role="dispatcher")
WU = Actor(name="wu", role="department", unit="排水处")
ROLES = ("viewer", "wall", "operator", "dispatcher", "supervisor", "leader", "admin", "inspector", "department", "crew")


def town(**counts):
    ledger = PlainLedger(Depots(), Requests())
    for name, count in (counts or DEPOTS).items():
        ledger.do(f"depot/{name}", "enrol", SYSTEM, name=name, items=[PUMP | {"count": count}])
    return ledger


def asked(wanted=5, **more):
    ledger = town()
    ledger.do(R1, "request", LI, item="排水泵", wanted=wanted, **more)
    return ledger


def stock(ledger, name):
    found = ledger.states[f"depot/{name}"].stock["排水泵"]
    return found.have, found.out


def test_what_is_allotted_from_two_depots_is_away_there_and_what_is_missing_shows():
    ledger = asked(6)
    ledger.do(R1, "allot", LI, depots={"depot/east": 3})
    shown = ledger.document(R1)
    assert (shown["state"], shown["allotted"], shown["missing"], stock(ledger, "east")) == ("partly", 3, 3, (4, 3))
    lines = ledger.do(R1, "allot", LI, depots={"east": 1, "west": 2})
    assert [line.subject for line in lines] == [R1, "depot/east", "depot/west"], "one transaction over all three"
    shown = ledger.document(R1)
    assert shown["state"] == "allotted" and "missing" not in shown and stock(ledger, "west") == (3, 2)
    assert shown["depots"] == {"east": {"allotted": 4}, "west": {"allotted": 2}}


@pytest.mark.parametrize(
    ("depots", "code"),
    [({"east": 5}, "stock-short"), ({"east": 4, "west": 2}, "too-much"), ({"north": 1}, "depot-unknown"), ({"east": 1.5}, "bad-field"),
     ({"east": 0}, "field-missing"), ({"east": -1}, "bad-field")],
)  # fmt: skip
def test_nobody_gives_what_is_not_there_or_more_than_is_wanted_and_a_refusal_leaves_nothing(depots, code):
    ledger = asked(5)
    before = len(ledger.entries)
    with pytest.raises(Refused) as refusal:
        ledger.do(R1, "allot", LI, depots=depots)
    assert refusal.value.reason == code and len(ledger.entries) == before
    assert stock(ledger, "east") == (4, 0)


def test_from_delivery_to_return_with_one_lost_pump():
    ledger = asked(3)
    ledger.do(R1, "allot", LI, depots={"east": 3})
    ledger.do(R1, "deliver", LI, count=2)
    assert ledger.document(R1)["state"] == "allotted"
    ledger.do(R1, "deliver", LI)
    assert ledger.document(R1)["state"] == "delivered"
    ledger.do(R1, "give_back", LI, depots={"east": 1}, lost={"east": 1})
    assert (ledger.document(R1)["state"], stock(ledger, "east")) == ("delivered", (3, 1))
    ledger.do(R1, "give_back", LI)
    shown = ledger.document(R1)
    assert (shown["state"], shown["returned"], shown["lost"], stock(ledger, "east")) == ("returned", 2, 1, (3, 0))


def test_what_never_arrived_and_goes_back_is_wanted_still():
    ledger = asked(3)
    ledger.do(R1, "allot", LI, depots={"east": 3})
    ledger.do(R1, "give_back", LI, depots={"east": 2})
    shown = ledger.document(R1)
    assert (shown["state"], shown["allotted"], shown["missing"]) == ("partly", 1, 2)
    ledger.do(R1, "enough", LI, "够用了")
    assert ledger.document(R1)["state"] == "allotted" and ledger.document(R1)["wanted"] == 1


def test_a_cancelled_request_gives_everything_back_and_one_that_was_delivered_cannot_be_cancelled():
    ledger = asked(4)
    ledger.do(R1, "allot", LI, depots={"east": 2, "west": 2})
    ledger.do(R1, "cancel", LI, "雨停")
    assert stock(ledger, "east") == (4, 0) and stock(ledger, "west") == (3, 0) and ledger.document(R1)["state"] == "cancelled"
    ledger = asked(4)
    ledger.do(R1, "allot", LI, depots={"east": 4})
    ledger.do(R1, "deliver", LI)
    with pytest.raises(Refused):
        ledger.do(R1, "cancel", LI)


STATES = ("open", "partly", "allotted", "delivered", "returned", "refused", "cancelled")
SEE = {"operator", "dispatcher", "supervisor", "admin"}
SEND = {"dispatcher", "supervisor", "admin"}
#: move -> states, roles besides the unit's own; written here once more as the oracle of the walk
ALLOWED = {
    "request": (set(), SEE | {"leader", "inspector"}),
    "allot": ({"open", "partly"}, SEND),
    "deliver": ({"partly", "allotted"}, SEE),
    "give_back": ({"partly", "allotted", "delivered"}, SEE),
    "enough": ({"partly"}, SEE),
    "refuse": ({"open"}, SEND),
    "cancel": ({"open", "partly", "allotted"}, SEE),
    "retire": ({"returned", "refused", "cancelled"}, set()),
}
WAYS = {
    "open": (), "partly": (("allot", {"depots": {"east": 2}}),), "allotted": (("allot", {"depots": {"east": 3}}),),
    "delivered": (("allot", {"depots": {"east": 3}}), ("deliver", {})),
    "returned": (("allot", {"depots": {"east": 3}}), ("deliver", {}), ("give_back", {})),
    "refused": (("refuse", {}),), "cancelled": (("cancel", {}),),
}  # fmt: skip
GIVEN = {"request": {"item": "排水泵", "wanted": 1}, "allot": {"depots": {"west": 1}}}


def test_every_move_of_a_request_from_every_state_by_every_role_is_allowed_or_refused_as_written_here():
    assert set(REQUEST_MOVES) == set(ALLOWED)
    for state in STATES:
        ledger = asked(3)
        for move, data in WAYS[state]:
            ledger.do(R1, move, LI, **data)
        kept = dict(ledger.states)
        assert kept[R1].state == state
        for move, role in itertools.product(ALLOWED, ROLES):
            ledger.states = dict(kept)
            states, roles = ALLOWED[move]
            try:
                ledger.do(R1, move, Actor(name="somebody", role=role), **GIVEN.get(move, {}))
                done = True
            except Refused as refusal:
                done = False
                assert refusal.reason in ("not-permitted", "state-wrong"), (state, move, role, refusal)
            assert done == (state in states and role in roles), (state, move, role)


def test_a_department_asks_for_itself_and_moves_its_own_requests_only():
    ledger = town()
    ledger.do(R1, "request", WU, item="排水泵", wanted=1, unit="别的处")
    assert ledger.document(R1)["unit"] == "排水处"
    with pytest.raises(Refused):
        ledger.do(R1, "cancel", Actor(name="gao", role="department", unit="城管局"))
    ledger.do(R1, "cancel", WU)
    with pytest.raises(Refused):
        town().do(R1, "request", Actor(name="x", role="department"), item="排水泵", wanted=1)


def test_nobody_lends_or_takes_back_but_a_requests_decision():
    ledger = town()
    for role, move in itertools.product((*ROLES, "system"), ("lend", "take_back")):
        for kind in ("person", "system"):
            with pytest.raises(Refused):
                ledger.do("depot/east", move, Actor(name="x", role=role, kind=kind), item="排水泵", count=1)
    assert set(DEPOT_MOVES) == {"count", "receive", "write_off", "correct", "enrol", "close", "lend", "take_back"}


def test_counting_receiving_and_writing_off_correct_the_stock_and_say_why():
    ledger = asked(2)
    ledger.do(R1, "allot", LI, depots={"east": 2})
    ledger.do("depot/east", "count", LI, "盘点", item="排水泵", there=5)
    assert stock(ledger, "east") == (7, 2), "five are there, two are away"
    ledger.do("depot/east", "receive", LI, item="沙袋", count=3000, kind="sandbag", measure="条")
    assert ledger.states["depot/east"].stock["沙袋"].have == 3000
    for count, allowed in ((6, False), (5, True)):
        try:
            ledger.do("depot/east", "write_off", LI, "损坏", item="排水泵", count=count)
            assert allowed
        except Refused as refusal:
            assert not allowed and refusal.reason == "stock-short"
    with pytest.raises(Refused, match="say why"):
        ledger.do("depot/east", "count", LI, "", item="排水泵", there=1)
    with pytest.raises(Refused, match="receive some first"):
        ledger.do("depot/east", "count", LI, "盘点", item="无人机", there=1)


def test_a_list_read_again_overwrites_no_persons_count_and_a_changed_row_only_its_own_item():
    ledger = town()
    ledger.do("depot/east", "receive", LI, item="沙袋", count=100, kind="sandbag")
    ledger.do("depot/east", "count", LI, "盘点", item="排水泵", there=2)
    assert ledger.do("depot/east", "enrol", SYSTEM, name="east", items=[PUMP]) == [], "as it stood in the list"
    ledger.do("depot/east", "enrol", SYSTEM, name="东库", items=[PUMP, {"name": "发电机", "count": 1, "kind": "generator"}])
    assert stock(ledger, "east") == (2, 0) and ledger.document("depot/east")["name"] == "东库"
    ledger.do("depot/east", "enrol", SYSTEM, name="东库", items=[PUMP | {"count": 9}])
    assert stock(ledger, "east") == (9, 0) and set(ledger.states["depot/east"].stock) == {"排水泵", "沙袋"}


def test_a_depot_with_things_away_cannot_be_closed():
    ledger = asked(1)
    ledger.do(R1, "allot", LI, depots={"east": 1})
    with pytest.raises(Refused) as refusal:
        ledger.do("depot/east", "close", SYSTEM)
    assert refusal.value.reason == "stock-away"
    ledger.do(R1, "cancel", LI)
    ledger.do("depot/east", "close", SYSTEM)
    assert ledger.document("depot/east") is None


def test_a_request_for_a_closure_takes_over_where_it_is():
    from tests.dispatch.closures.test_table import RULES, Closures

    ledger = PlainLedger(Depots(), Requests(), Closures(RULES))
    ledger.do("closure/jiefang", "propose", SYSTEM, incident="incident/i7")
    ledger.do(R1, "request", LI, item="排水泵", wanted=2, purpose="closure/jiefang")
    shown = ledger.document(R1)
    assert (shown["place"], shown["district"], shown["incident"], shown["lon"]) == ("解放大道下穿", "红旗区", "i7", 113.91)
    with pytest.raises(Refused, match="purpose"):
        ledger.do("request/r2", "request", LI, item="排水泵", wanted=2, purpose="somewhere")


_MOVES = st.sampled_from(
    ("request", "allot", "deliver", "give_back", "lose", "enough", "cancel", "refuse", "receive", "write_off")
)


@settings(deadline=None, max_examples=200)
@given(
    steps=st.lists(
        st.tuples(_MOVES, st.sampled_from(("r1", "r2", "r3")), st.sampled_from(("east", "west")), st.integers(1, 6)),
        max_size=60,
    )
)
def test_stock_is_conserved_over_any_sequence_against_a_plain_dict(steps):
    ledger = town()
    #: the oracle knows only this: pieces in each depot, pieces each request holds of each depot, pieces gone or come for good
    there, holds = dict(DEPOTS), {}
    for move, name, depot, count in steps:
        subject = f"request/{name}"
        data = {
            "request": {"item": "排水泵", "wanted": count}, "allot": {"depots": {depot: count}}, "deliver": {"count": count},
            "give_back": {"depots": {depot: count}}, "lose": {"lost": {depot: count}},
            "receive": {"item": "排水泵", "count": count}, "write_off": {"item": "排水泵", "count": count},
        }.get(move, {})  # fmt: skip
        target = f"depot/{depot}" if move in ("receive", "write_off") else subject
        try:
            ledger.do(target, "give_back" if move == "lose" else move, LI, **data)
        except Refused:
            continue
        held = holds.setdefault(name, {})
        if move == "allot":
            there[depot] -= count
            held[depot] = held.get(depot, 0) + count
        elif move == "give_back":
            there[depot] += count
            held[depot] -= count
        elif move == "lose":
            held[depot] -= count
        elif move == "cancel":
            for home, pieces in held.items():
                there[home] += pieces
            held.clear()
        elif move in ("receive", "write_off"):
            there[depot] += count if move == "receive" else -count
        assert all(pieces >= 0 for pieces in there.values()) and all(p >= 0 for h in holds.values() for p in h.values())
    for depot in DEPOTS:
        found = ledger.states[f"depot/{depot}"].stock["排水泵"]
        assert found.free == there[depot] and found.out == sum(held.get(depot, 0) for held in holds.values())
    for name, held in holds.items():
        if not held:
            continue
        state = ledger.states[f"request/{name}"]
        assert {depot: share.out for depot, share in state.depots.items() if share.out} == {k: v for k, v in held.items() if v}
        assert state.allotted - state.returned - state.lost == sum(held.values())
        assert 0 <= state.missing <= state.wanted and state.delivered <= state.allotted
