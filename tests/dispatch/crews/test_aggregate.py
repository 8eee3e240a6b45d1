"""A crew's moves: what is written, who may, what is refused and why."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.crews.aggregate import assignment_draft, release_draft
from dispatch.crews.model import free
from dispatch.crews.moves import MOVES, allowed
from hall.core.command import Actor
from hall.core.errors import Refused
from tests.dispatch.crews.conftest import DISPATCHER, SUPERVISOR, SYSTEM, Streams

CREW, CASE, OTHER = "crew/P1", "file/cases/17", "file/cases/18"
ROW = {
    "crew_id": "P1", "name": "排涝一组", "unit": "市政处", "skills": ["排水"], "equipment": [{"name": "水泵", "count": 2}],
    "members": [{"name": "赵明", "phone": "13800000000"}], "duty": {"districts": ["红旗区"]},
}  # fmt: skip


def enrolled(streams, **row):
    streams.do(CREW, "enrol", SYSTEM, **(ROW | row))
    return streams


def assign(streams, subject=CASE, **more):
    streams.write(assignment_draft(streams.get(CREW), subject, DISPATCHER, **more))


def reason_of(call, *args, **kwargs):
    with pytest.raises(Refused) as refused:
        call(*args, **kwargs)
    assert refused.value.detail
    return refused.value.reason


def test_one_call_out_is_stamped_from_order_to_clearance(streams):
    enrolled(streams)
    told = []
    streams.now = 2_000
    assign(streams)
    for step, move in enumerate(("acknowledge", "muster", "en_route", "on_scene"), 3):
        streams.now = step * 1_000
        told += streams.do(CREW, move, subject=CASE)
    crew = streams.get(CREW)
    assert crew.state == "on_scene" and crew.assignment == CASE and crew.since == 6_000
    assert crew.stamps == {"assigned": 2_000, "acknowledged": 3_000, "mustered": 4_000, "en_route": 5_000, "on_scene": 6_000}
    streams.now = 9_000
    told += streams.do(CREW, "clear", subject=CASE)
    crew = streams.get(CREW)
    assert (crew.state, crew.assignment, crew.stamps, crew.assignments) == ("available", "", {}, [])
    assert [(d.subject, d.start, d.end, d.outcome) for d in crew.done] == [(CASE, 2_000, 9_000, "clear")]
    to_file = [d for d in told if d.subject == CASE]
    assert [(d.move, d.data["crew"], d.data["state"]) for d in to_file] == [
        ("crew_state", "P1", s) for s in ("acknowledged", "mustered", "en_route", "on_scene", "clear")
    ]


def test_a_skipped_step_is_implied_and_said_to_be(streams):
    enrolled(streams)
    assign(streams)
    streams.now = 5_000
    drafts = streams.do(CREW, "on_scene", subject=CASE)
    found = streams.get(CREW).assignments[0]
    assert found.stamps["en_route"] == 5_000 and found.implied == ["acknowledged", "mustered", "en_route"]
    assert drafts[1].data["implied"] == found.implied


def test_backwards_is_refused_with_what_is_so(streams):
    enrolled(streams)
    assign(streams)
    streams.do(CREW, "on_scene", subject=CASE)
    assert reason_of(streams.do, CREW, "en_route", subject=CASE) == "state-passed"
    assert reason_of(streams.do, CREW, "on_scene", subject=CASE) == "state-passed"
    assert reason_of(streams.do, CREW, "decline", subject=CASE, reason="太远") == "state-wrong"


def test_a_late_stamp_never_comes_before_the_step_it_follows(streams):
    enrolled(streams)
    streams.now = 10_000
    assign(streams)
    streams.do(CREW, "en_route", subject=CASE, at=20_000)
    streams.do(CREW, "on_scene", subject=CASE, at=15_000)
    assert streams.get(CREW).stamps["on_scene"] == 20_000


def test_a_move_for_a_case_it_is_no_longer_on_is_refused(streams):
    enrolled(streams)
    assign(streams)
    streams.write(release_draft("P1", CASE, "结案"))
    assign(streams, OTHER)
    assert reason_of(streams.do, CREW, "on_scene", subject=CASE) == "not-assigned"
    assert reason_of(streams.do, CREW, "on_scene") == "assignment-missing"
    streams.do(CREW, "on_scene", revision=streams.get(CREW).revision)
    assert streams.get(CREW).state == "on_scene"


def test_declining_gives_the_case_back_with_the_reason(streams):
    enrolled(streams)
    assign(streams)
    assert reason_of(streams.do, CREW, "decline", subject=CASE, reason=" ") == "reason-missing"
    drafts = streams.do(CREW, "decline", subject=CASE, reason="车辆故障")
    assert [(d.subject, d.move, d.reason) for d in drafts] == [
        (CREW, "decline", "车辆故障"),
        (CASE, "unassign", "车辆故障"),
    ]
    assert streams.get(CREW).state == "available" and streams.get(CREW).done[0].outcome == "declined"


def test_going_out_of_service_gives_every_case_back(streams):
    enrolled(streams, capacity=2)
    assign(streams)
    assign(streams, OTHER)
    drafts = streams.do(CREW, "out_of_service", reason="翻车")
    assert {d.subject for d in drafts if d.move == "unassign"} == {CASE, OTHER}
    crew = streams.get(CREW)
    assert (crew.state, crew.reason, crew.assignments, crew.assignment) == ("out_of_service", "翻车", [], "")
    assert reason_of(assignment_draft, crew, CASE, DISPATCHER) == "crew-out-of-service"
    streams.do(CREW, "in_service")
    assert streams.get(CREW).state == "available"


def test_a_crew_takes_no_more_than_its_capacity_and_shows_the_furthest(streams):
    enrolled(streams, capacity=2)
    assign(streams)
    assert reason_of(assignment_draft, streams.get(CREW), CASE, DISPATCHER) == "crew-already-assigned"
    assign(streams, OTHER)
    assert reason_of(assignment_draft, streams.get(CREW), "file/cases/19", DISPATCHER) == "crew-busy"
    streams.do(CREW, "en_route", subject=OTHER)
    assert streams.get(CREW).assignment == OTHER
    streams.do(CREW, "clear", subject=OTHER)
    assert (streams.get(CREW).assignment, streams.get(CREW).state) == (CASE, "assigned")


def test_resources_are_held_while_the_assignment_lasts(streams):
    enrolled(streams, capacity=3)
    assign(streams, resources=[{"name": "水泵", "count": 2}])
    assert free(streams.get(CREW)) == {"水泵": 0}
    crew = streams.get(CREW)
    assert reason_of(assignment_draft, crew, OTHER, DISPATCHER, [{"name": "水泵", "count": 1}]) == "resources-short"
    assert reason_of(assignment_draft, crew, OTHER, DISPATCHER, [{"name": "水泵", "count": -1}]) == "resources-malformed"
    streams.write(release_draft("P1", CASE, "结案"))
    assert free(streams.get(CREW)) == {"水泵": 2}


def test_a_case_assigns_and_nobody_else(streams):
    enrolled(streams)
    assert reason_of(streams.do, CREW, "assigned", SUPERVISOR, subject=CASE) == "move-by-case"
    assign(streams)
    assert reason_of(streams.do, CREW, "released", SUPERVISOR, subject=CASE) == "move-by-case"


def test_the_roster_enrols_updates_and_retires(streams):
    enrolled(streams)
    assert streams.do(CREW, "enrol", SYSTEM, **ROW) == []
    streams.do(CREW, "enrol", SUPERVISOR, **(ROW | {"name": "排涝二组"}))
    assert streams.get(CREW).name == "排涝二组" and streams.get(CREW).revision == 2
    assign(streams)
    assert reason_of(streams.do, CREW, "retire", SUPERVISOR, reason="解散") == "crew-busy"
    streams.write(release_draft("P1", CASE))
    streams.do(CREW, "retire", SUPERVISOR, reason="解散")
    assert streams.crews.document(streams.get(CREW)) is None
    assert reason_of(streams.do, CREW, "in_service") == "crew-retired"
    streams.do(CREW, "enrol", SYSTEM, **ROW)
    assert not streams.get(CREW).ended


@pytest.mark.parametrize(
    "row",
    [{"capacity": 0}, {"skills": "排水"}, {"colour": "red"}, {"equipment": [{"name": "泵", "count": -1}]}, {"crew_id": "P2"}],
)
def test_a_roster_row_that_is_wrong_is_refused_by_field(streams, row):
    assert reason_of(streams.do, CREW, "enrol", SYSTEM, **(ROW | row)) == "roster-malformed"


def test_handover_names_who_is_there_and_keeps_the_roster(streams):
    enrolled(streams)
    assert reason_of(streams.do, CREW, "handover") == "handover-empty"
    streams.do(CREW, "handover", members=[{"name": "钱二", "phone": "139"}], note="2号泵待修")
    crew = streams.get(CREW)
    assert [m.name for m in crew.present] == ["钱二"] and [m.name for m in crew.members] == ["赵明"]
    assert streams.do(CREW, "enrol", SYSTEM, **ROW) == []


def test_no_telephone_number_reaches_the_screens(streams):
    enrolled(streams)
    streams.do(CREW, "handover", members=[{"name": "钱二", "phone": "13911111111"}])
    text = msgspec.json.encode(streams.crews.document(streams.get(CREW))).decode()
    assert "赵明" in text and "钱二" in text and "138" not in text and "139" not in text


PEOPLE = {
    "own crew": Actor(name="a", role="crew", crew="P1"),
    "other crew": Actor(name="b", role="crew", crew="P2"),
    "other crew of the unit": Actor(name="c", role="crew", crew="P2", unit="市政处"),
    "unit's seat": Actor(name="d", role="department", unit="市政处"),
    "other unit's seat": Actor(name="e", role="department", unit="环卫处"),
    "dispatcher": DISPATCHER,
    "dispatcher of the district": Actor(name="f", role="dispatcher", districts=("红旗区",)),
    "dispatcher of another": Actor(name="g", role="dispatcher", districts=("卫滨区",)),
    "viewer in the unit": Actor(name="h", role="viewer", unit="市政处"),
    "leader": Actor(name="i", role="leader"),
    "wall": Actor(name="j", role="wall", crew="P1"),
    "forged system": Actor(name="k", role="system"),
}
MAY_WORK = {"own crew", "unit's seat", "dispatcher", "dispatcher of the district"}


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("move", ["acknowledge", "muster", "en_route", "on_scene", "clear", "decline"])
def test_who_may_move_a_crew_cell_by_cell(streams, who, move):
    enrolled(streams)
    assign(streams)
    actor = PEOPLE[who]
    if who in MAY_WORK:
        assert move in allowed(streams.get(CREW), actor)
        streams.do(CREW, move, actor, subject=CASE, reason="x")
    else:
        assert allowed(streams.get(CREW), actor) == []
        assert reason_of(streams.do, CREW, move, actor, subject=CASE, reason="x") == "not-permitted"


@given(st.lists(st.tuples(st.sampled_from([*MOVES, "assign"]), st.sampled_from([CASE, OTHER])), max_size=25))
def test_any_walk_agrees_with_a_plain_model(steps):
    """The model: a dict case -> rank; the order of ranks is the only rule."""
    rank = {"assigned": 0, "acknowledge": 1, "muster": 2, "en_route": 3, "on_scene": 4, "clear": 5}
    streams, model, out, ended = enrolled(Streams(), capacity=2), {}, False, False
    for n, (move, subject) in enumerate(steps):
        streams.now = 10_000 + n
        crew = streams.get(CREW)
        try:
            if move == "assign":
                streams.write(assignment_draft(crew, subject, DISPATCHER))
                done = True
            elif move == "enrol":
                done = streams.do(CREW, move, SYSTEM, **(ROW | {"capacity": 2}))
            else:
                streams.do(CREW, move, SUPERVISOR, reason="r", subject=subject, **({"note": "n"} if move == "handover" else {}))
                done = True
        except Refused:
            done = False
        if move == "assign":
            possible = not ended and not out and subject not in model and len(model) < 2
            model |= {subject: 0} if possible else {}
        elif move in ("assigned", "released"):
            possible = False
        elif move in rank:
            possible = not ended and subject in model and model[subject] < rank[move]
            if possible:
                model[subject] = rank[move]
                if move == "clear":
                    del model[subject]
        elif move == "decline":
            possible = not ended and model.get(subject, 9) < 3
            if possible:
                del model[subject]
        elif move == "out_of_service":
            possible = not ended and not out
            if possible:
                out, model = True, {}
        elif move == "in_service":
            possible = not ended and out
            out = out and not possible
        elif move == "retire":
            possible = not ended and not model
            ended = ended or possible
        elif move == "enrol":
            possible, ended = ended, False
        else:
            possible = not ended
        assert bool(done) == possible, (move, subject)
        crew = streams.get(CREW)
        assert {a.subject: a.state for a in crew.assignments}.keys() == model.keys()
        names = {v: k for k, v in rank.items()} | {1: "acknowledged", 2: "mustered"}
        best = max(model.values(), default=None)
        assert crew.state == ("out_of_service" if out else "available" if best is None else names[best])
        assert (crew.assignment in model) if model else crew.assignment == ""
