"""Things that move by a table: what a command must prove before anything is written."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from dispatch.tabled import KINDS, Field, Move, Tabled
from hall.core.command import Actor, Command, Entry
from hall.core.errors import Refused


class Gate(msgspec.Struct, kw_only=True, omit_defaults=True):
    state: str = ""
    unit: str = ""
    district: str = ""
    keeper: str = ""
    notes: list[str] = []
    revision: int = 0
    ended: bool = False


class Gates(Tabled):
    topic, State = "gate", Gate
    moves = {
        "build": Move(frm=("",), by=("supervisor", "system"), fields={"unit": Field(kind="text", must=True)}, revision=False),
        "shut": Move(frm=("open",), by=("operator", "unit", "own"), reason=True),
        "note": Move(frm=("open", "shut"), by=("operator",), fields={"text": Field(kind="text", longest=5)}, revision=False),
    }

    def fold(self, state, entry):
        state.state = {"build": "open", "shut": "shut"}.get(entry.move, state.state)
        state.unit = entry.data.get("unit", state.unit)
        if entry.move == "note":
            state.notes.append(entry.data["text"])

    def owns(self, state, actor):
        return state is not None and actor.name == state.keeper


class Look:
    now = real = 1

    def __init__(self, state):
        self.state = state

    def get(self, subject):
        return self.state


GATES = Gates()
SUN, LI, ZHAO = (Actor(name=name, role=role) for name, role in (("sun", "supervisor"), ("li", "operator"), ("zhao", "viewer")))
DRAINS = Actor(name="wu", role="department", unit="排水处")
HALL = Actor(name="system", role="system", kind="system")


def ask(state, move, actor, reason="because", **data):
    return GATES.decide(Look(state), Command(id="c-1", subject="gate/1", move=move, reason=reason, data=data), actor)


def why(*args, **more):
    with pytest.raises(Refused) as refused:
        ask(*args, **more)
    return refused.value.reason


def test_a_command_is_refused_for_the_first_thing_that_is_wrong_with_it():
    there = Gate(state="open", unit="排水处")
    assert why(there, "fly", LI) == "move-unknown"
    assert why(there, "shut", ZHAO) == "not-permitted"
    assert why(None, "shut", LI) == "unknown"
    assert why(Gate(state="shut"), "shut", LI) == "state-wrong"
    assert why(there, "shut", LI, reason="  ") == "reason-missing"
    assert why(there, "shut", LI, reason="x" * 501) == "bad-field"
    assert why(there, "shut", LI, colour="red") == "bad-field"
    assert why(None, "build", SUN) == "field-missing"
    assert why(there, "note", LI, text="longer") == "bad-field"
    (draft,) = ask(there, "shut", LI, reason=" wind ")
    assert (draft.subject, draft.move, draft.data, draft.reason) == ("gate/1", "shut", {}, "wind")


def test_the_unit_its_owner_and_the_hall_act_on_what_is_theirs():
    mine = Gate(state="open", unit="排水处", keeper="zhao")
    assert ask(mine, "shut", DRAINS) and why(Gate(state="open", unit="市政处"), "shut", DRAINS) == "not-permitted"
    assert ask(mine, "shut", ZHAO) and why(mine, "shut", HALL) == "not-permitted"
    assert ask(None, "build", HALL, reason="", unit="排水处")
    assert why(None, "build", Actor(name="x", role="system"), unit="a") == "not-permitted", "a person cannot be the hall"


def test_who_answers_for_another_district_moves_nothing_here():
    east = Gate(state="open", district="东区")
    assert why(east, "shut", Actor(name="li", role="operator", districts=("西区",))) == "not-permitted"
    assert ask(east, "shut", Actor(name="li", role="operator", districts=("东区", "西区")))
    assert ask(Gate(state="open"), "shut", Actor(name="li", role="operator", districts=("西区",))), "no district: everybody's"


def test_what_is_offered_is_what_is_not_refused():
    for state, actor in itertools.product(
        (None, Gate(state="open", unit="排水处"), Gate(state="shut")), (SUN, LI, ZHAO, DRAINS)
    ):
        offered = {one["move"] for one in GATES.offered(state, actor)}
        data = {"build": {"unit": "a"}, "note": {"text": "n"}}
        for move in GATES.moves:
            try:
                ask(state, move, actor, **data.get(move, {}))
                assert move in offered
            except Refused:
                assert move not in offered


def test_a_fold_changes_a_copy_and_an_unknown_move_only_the_revision():
    before = Gate(state="open", notes=["a"], revision=1)
    entry = Entry(seq=2, subject="gate/1", revision=2, move="note", time=0, recorded=0, real=0, who="li", role="operator")
    after = GATES.evolve(before, msgspec.structs.replace(entry, data={"text": "b"}))
    assert (before.notes, after.notes, after.revision) == (["a"], ["a", "b"], 2)
    assert GATES.evolve(before, msgspec.structs.replace(entry, move="of-tomorrow")) == Gate(
        state="open", notes=["a"], revision=2
    )


NAN = float("nan")
GOOD = {
    "text": ["a", " 两 行\n"], "line": ["a"], "number": [0, 1.5, 10], "whole": [3, 4.0], "choice": ["x"], "yes": [True, False],
    "moment": [0, 10**12], "subject": ["case/f/1"], "subjects": [["case/f/1", "case/f/2"]], "texts": [["a", "b"]],
    "place": [{"lon": 113, "lat": 35.5}], "amounts": [{"水泵": 2}], "record": [{"a": [1]}, 5],
    "photos": [[{"media": "m-1", "usage": "other"}], [{"media": "m1", "usage": "other", "lon": 113.0, "lat": 35.5}]],
}  # fmt: skip
BAD = {
    "text": [1, " ", "x" * 9, "\x07", ["a"]], "line": [{}, "\x00", "a\nb"], "number": ["1", True, NAN, 11, -1], "whole": [1.5, "2", False, 11],
    "choice": ["y", ["x"], 1], "yes": ["yes", 1, 0.0], "moment": [-1, 1.5, True, 2**60], "subject": ["file/f/1", "case/", 1, "case/" + "x" * 400],
    "subjects": ["case/f/1", ["file/x"], ["case/f/1"] * 201], "texts": ["a", [""], [1], ["a"] * 201],
    "place": [{"lon": 181, "lat": 0}, {"lon": 1}, {"lon": 1, "lat": 1, "alt": 1}, [1, 2], {"lon": True, "lat": 1}, "1,2", 5],
    "amounts": [["a"], {"a": "1"}, {"a": 11}, {"": 1}], "record": [{"a": "x" * 70_000}],
    "photos": [[], "m1", [{}], [{"media": "../m1"}], [{"media": "m1", "usage": "nothing"}], [{"media": "m1", "lon": 113}], [{"media": "m1", "alt": 1}]],
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_field_takes_what_is_good_and_names_what_is_not(kind):
    field = Field(kind=kind, low=0, high=10, longest=8, choices=("x",), topic="case")
    for value in GOOD[kind]:
        KINDS[kind]("field", value, field)
    for value in BAD[kind]:
        with pytest.raises(Refused) as refused:
            KINDS[kind]("field", value, field)
        assert refused.value.reason == "bad-field" and "field" in refused.value.detail


def test_repeated_names_in_a_list_count_once():
    assert KINDS["texts"]("f", ["b", "a", "b"], Field(kind="texts")) == ["b", "a"]
    assert KINDS["subjects"]("f", ["case/1", "case/1"], Field(kind="subjects", topic="case")) == ["case/1"]
