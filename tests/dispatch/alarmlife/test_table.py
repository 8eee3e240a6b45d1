"""Every move from every state by every role: what the table says is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.alarmlife.table import MOVES
from hall.core.errors import Refused
from hall.roles import ROLES
from tests.dispatch.alarmlife.world import HOUR, World

#: state -> what leads there from nothing
WAYS = {
    "unanswered": [],
    "acknowledged": ["acknowledge"],
    "returned": ["return"],
    "over": ["acknowledge", "return"],
    "latched": ["return"],
    "gone": ["acknowledge", "return", "retire"],
}
#: what each move of people takes, and who may make it: written down here anew, from ISA-18.2 and the issue, not read from the table
DESK = {"operator", "dispatcher", "supervisor", "admin"}
LEAD = {"supervisor", "admin"}
ASKS = {
    "acknowledge": (DESK, {}, ""),
    "comment": (DESK, {"text": "seen on the camera"}, ""),
    "shelve": (DESK, {"until": None}, "works on site"),
    "unshelve": (DESK, {}, ""),
    "dispose": (DESK, {"found": "false"}, "a plastic bag on the sensor"),
    "link_case": (DESK, {"case": "file/desk/1"}, ""),
    "unlink_case": (DESK, {"case": "file/desk/0"}, "another street"),
    "link_closure": (DESK | {"leader"}, {"closure": "closure/u1"}, ""),
    "reset": (DESK, {}, ""),
    "out_of_service": (LEAD, {}, "the sensor is being changed"),
    "in_service": (LEAD, {}, ""),
}
STANDING = {"unanswered", "acknowledged", "returned", "latched"}
SHOWN = STANDING | {"over"}
FROM = dict.fromkeys(ASKS, SHOWN) | {"acknowledge": STANDING, "reset": {"latched"}}


def world_in(state: str) -> World:
    world = World()
    if not state:
        return world
    world.raised(latched=state == "latched")
    for move in WAYS[state]:
        world.machine(move) if move in ("return", "retire") else world.do(move)
    assert world.state.state == state
    return world


def ready(world: World, move: str, state: str) -> None:
    """What must be so before a bit can be taken back."""
    if state in SHOWN and move == "unshelve":
        world.do("shelve", reason="works", until=world.now + HOUR)
    if state in SHOWN and move == "unlink_case":
        world.do("link_case", case="file/desk/0", role="system", sort="system", who="system")
    if state in SHOWN and move == "in_service":
        world.do("out_of_service", reason="broken")


@pytest.mark.parametrize("move", ASKS)
@pytest.mark.parametrize("state", ["", *WAYS])
def test_who_may_make_which_move_from_which_state(move, state):
    roles, data, reason = ASKS[move]
    for role in ROLES:
        world = world_in(state)
        ready(world, move, state)
        given = {name: world.now + HOUR if name == "until" else value for name, value in data.items()}
        allowed = role in roles and state in FROM[move]
        lines = len(world.entries)
        try:
            world.do(move, role=role, reason=reason, **given)
            done = True
        except Refused as refusal:
            done = False
            assert refusal.detail, "a refusal says why"
        assert done is allowed, (move, state, role)
        assert done or len(world.entries) == lines


@pytest.mark.parametrize("move", sorted(name for name, row in MOVES.items() if row.by == ("system",)))
def test_no_person_makes_the_halls_own_moves(move):
    for role in ROLES:
        with pytest.raises(Refused) as caught:
            world_in("unanswered").do(move, role=role)
        assert caught.value.reason == "not-permitted"


def test_every_move_of_people_is_walked_here():
    assert set(ASKS) == {name for name, row in MOVES.items() if row.by != ("system",)}


@pytest.mark.parametrize("move", [name for name, (_, _, reason) in ASKS.items() if reason])
def test_putting_away_and_judging_need_a_reason(move):
    world = world_in("unanswered")
    _, data, _ = ASKS[move]
    with pytest.raises(Refused) as caught:
        world.do(move, **{name: world.now + HOUR if name == "until" else value for name, value in data.items()})
    assert caught.value.reason == "reason-missing"


@pytest.mark.parametrize("state", list(WAYS))
def test_what_a_screen_offers_is_what_the_ledger_takes(state):
    for role in ROLES:
        world = world_in(state)
        from hall.core.command import Actor

        offered = {row["move"] for row in world.alarms.offered(world.state, Actor(name="li", role=role))}
        for move, (_, data, reason) in ASKS.items():
            given = {name: world.now + HOUR if name == "until" else value for name, value in data.items()}
            trial = world_in(state)
            try:
                taken = bool(trial.do(move, role=role, reason=reason, **given))
            except Refused:
                taken = False
            assert (move in offered) is taken, (state, role, move)


def test_who_answers_for_one_district_does_not_move_another_ones_alarm():
    world = World()
    world.raised(district="卫滨区")
    with pytest.raises(Refused):
        world.do("acknowledge", role="operator", districts=("红旗区",))
    assert world.do("acknowledge", role="operator", districts=("卫滨区",)) == ["acknowledge"]


def test_the_page_for_people_names_every_move_and_who_makes_it():
    page = (Path(__file__).parents[3] / "docs" / "ALARMS.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for move in MOVES:
        assert any(f"`{move}`" in row.split("|")[1] for row in rows), move
