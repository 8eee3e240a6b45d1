"""Nobody sends alone; what was approved is what is sent; each end of a bulletin."""

import hashlib
import json

import msgspec
import pytest

from hall.core.command import Actor
from tests.dispatch.bulletins.world import CHEN, CITY, HALL, HOUR, LI, MINUTE, START, WANG, WATER, ZHAO, World

ADMIN = Actor(name="root", role="admin")


@pytest.mark.parametrize("exercise", [False, True])
def test_two_different_people_who_did_not_write_it_have_to_approve(exercise):
    world = World()
    world.do(LI, "draft", **WATER, exercise=exercise)
    assert world.do(WANG, "submit").state == "submitted"
    assert world.refused(WANG, "approve", digest="x") == "not-permitted"  # his role does not approve
    digest = world.states["bulletin/one"].message.digest
    assert world.refused(LI, "approve", digest=digest) == "own-hand"
    assert world.approve(ZHAO).state == "submitted"
    assert world.refused(ZHAO, "approve", digest=digest) == "approved-already"
    found = world.approve(CHEN)
    assert (found.state, [act.by for act in found.approvals]) == ("issued", ["zhao", "chen"])
    assert found.exercise is exercise and found.issued_at == START


def test_whoever_edited_or_submitted_it_is_an_author_too():
    world = World()
    world.do(WANG, "draft", **WATER)
    world.do(ZHAO, "edit", headline={"zh-CN": "积水"})
    world.do(LI, "submit")
    for actor in (ZHAO, LI):
        assert world.refused(actor, "approve", digest=world.states["bulletin/one"].message.digest) == "own-hand"
        assert "approve" not in [row["move"] for row in world.kind.offered(world.states["bulletin/one"], actor)]
    assert "approve" in [row["move"] for row in world.kind.offered(world.states["bulletin/one"], CHEN)]


def test_of_the_approvals_of_a_red_warning_one_is_a_leaders():
    world = World()
    world.do(WANG, "draft", **{**WATER, "severity": 4})
    world.do(WANG, "submit")
    world.approve(LI)
    assert world.refused(ZHAO, "approve", digest=world.states["bulletin/one"].message.digest) == "lead-missing"
    assert world.approve(CHEN).state == "issued"


def test_the_hall_drafts_so_who_signed_may_approve_and_nobody_can_pretend_that():
    world = World()
    drafted = world.write("bulletin/plan", "draft", {**WATER, "response": "response/flood"}, CHEN)
    assert (drafted.drafted_by, drafted.cause, drafted.authors) == ("system", "response/flood", [])
    world.do(WANG, "submit", "plan")
    world.approve(CHEN, "plan")
    assert world.approve(LI, "plan").state == "issued"
    assert world.refused(LI, "draft", "mine", **WATER, cause="response/flood") == "bad-field"


def test_an_approval_is_of_exactly_what_is_sent():
    world = World()
    world.do(WANG, "draft", **WATER)
    message = world.do(WANG, "submit").message
    sent = msgspec.json.encode([message.xml, message.texts])
    assert message.digest == hashlib.sha256(sent).hexdigest() and json.loads(sent)[0] == message.xml
    assert world.refused(LI, "approve", digest="0" * 64) == "digest-wrong"
    world.approve(LI)
    assert world.do(WANG, "take_back").approvals == []
    world.do(WANG, "edit", text={"zh-CN": "改了"})
    assert world.do(WANG, "submit").message.digest != message.digest
    assert world.refused(CHEN, "approve", digest=message.digest) == "digest-wrong"
    for actor in (LI, CHEN):
        world.approve(actor)
    assert world.states["bulletin/one"].message.xml == world.states["bulletin/one"].message.xml != message.xml


def test_nothing_changes_the_message_between_approval_and_issue():
    world = World('[dispatch.bulletins]\nissue = "by_hand"\n')
    assert world.issued().state == "approved"
    before = msgspec.to_builtins(world.states["bulletin/one"].message)
    assert world.refused(WANG, "edit", headline={"zh-CN": "x"}) == "state-wrong"
    assert world.do(WANG, "issue").state == "issued"
    assert msgspec.to_builtins(world.states["bulletin/one"].message) == before


def test_refused_with_a_reason_it_can_be_worked_over():
    world = World()
    world.do(WANG, "draft", **WATER)
    world.do(WANG, "submit")
    assert world.refused(LI, "refuse", reason=" ") == "reason-missing"
    assert world.do(LI, "refuse", reason="太早").refused.reason == "太早"
    assert world.do(WANG, "edit", severity=2).state == "draft"
    world.do(WANG, "submit")
    assert world.do(WANG, "withdraw").ended


def test_what_waited_too_long_for_its_approval_is_submitted_anew():
    world = World()
    world.do(WANG, "draft", **WATER, expires_minutes=30)
    world.do(WANG, "submit")
    world.approve(LI)
    world.now += 31 * MINUTE
    assert world.refused(CHEN, "approve", digest=world.states["bulletin/one"].message.digest) == "too-old"
    world.do(WANG, "take_back")
    assert world.do(WANG, "submit").message.sent == world.now


def test_an_update_replaces_and_a_cancel_says_all_clear_each_approved_by_two_again():
    world = World()
    first = world.issued()
    world.do(ZHAO, "update")
    world.do(WANG, "edit", "one-update1", severity=4)
    world.do(WANG, "submit", "one-update1")
    world.approve(LI, "one-update1")
    second = world.approve(CHEN, "one-update1")
    assert (second.message_type, second.message.references) == ("Update", [first.message.reference])
    assert (
        world.states["bulletin/one"].state == "replaced" and world.states["bulletin/one"].followed_by == "bulletin/one-update1"
    )
    assert world.refused(WANG, "cancel", reason="x") == "state-wrong"
    world.do(WANG, "cancel", "one-update1", reason="水已退")
    lifting = world.states["bulletin/one-update1-cancel1"]
    assert lifting.headline["zh-CN"] == "解除：部分路段积水" and lifting.responses == ["AllClear"] and lifting.note == "水已退"
    assert world.do(ZHAO, "submit", "one-update1-cancel1").message.references == [
        first.message.reference,
        second.message.reference,
    ]
    world.approve(LI, "one-update1-cancel1")
    assert world.states["bulletin/one-update1"].state == "issued"  # one approval cancels nothing
    world.approve(CHEN, "one-update1-cancel1")
    assert world.states["bulletin/one-update1"].state == "cancelled"


def test_of_two_updates_of_one_bulletin_the_second_is_refused_when_the_first_is_out():
    world = World()
    world.issued()
    for _ in range(2):
        world.do(WANG, "update")
    for name in ("one-update1", "one-update2"):
        world.do(WANG, "submit", name)
        world.approve(LI, name)
    world.approve(CHEN, "one-update1")
    assert (
        world.refused(CHEN, "approve", "one-update2", digest=world.states["bulletin/one-update2"].message.digest)
        == "state-wrong"
    )


def test_an_exercise_never_turns_real():
    world = World()
    world.do(WANG, "draft", **WATER, exercise=True)
    assert world.refused(WANG, "edit", exercise=False) == "exercise"
    world.do(WANG, "submit")
    for actor in (LI, CHEN):
        world.approve(actor)
    world.do(WANG, "draft", "real", **WATER, replaces="bulletin/one", message_type="Update")
    assert world.refused(WANG, "submit", "real") == "exercise"
    world.do(WANG, "update")
    assert world.states["bulletin/one-update1"].exercise


def test_a_hall_that_is_an_exercise_as_a_whole_tells_nobody_anything_real():
    for config in ({"text": "[dispatch.plans]\nexercise = true\n"}, {"city": CITY + "demo = true\n"}):
        world = World(**config)
        assert world.do(WANG, "draft", **WATER, exercise=False).exercise
        world.write("bulletin/other", "draft", WATER, WANG)  # past the table
        assert world.refused(WANG, "submit", "other") == "exercise"


def test_it_expires_and_is_retired_by_the_hall_alone():
    world = World()
    message = world.issued(expires_minutes=60).message
    assert world.refused(CHEN, "expire") == "not-permitted"
    assert world.do(HALL, "expire").state == "issued"  # not yet
    world.now = message.expires
    assert world.do(HALL, "expire").state == "expired"
    assert world.kind.document(world.states["bulletin/one"])["state"] == "expired"
    assert world.kind.document(world.do(HALL, "retire")) is None


def test_who_answers_for_some_districts_approves_nothing_for_the_city():
    world = World()
    world.do(WANG, "draft", **WATER)
    world.do(WANG, "submit")
    near = Actor(name="qian", role="supervisor", districts=("红旗区",))
    assert world.refused(near, "approve", digest=world.states["bulletin/one"].message.digest) == "not-permitted"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"headline": {"en": "only English"}}, "field-missing"), ({"audience": []}, "field-missing"), ({"severity": 0}, "field-missing"),
        ({"expires": START - 1}, "bad-field"), ({"expires": START + 80 * HOUR}, "bad-field"),
        ({"onset": START + 9 * HOUR, "expires": START + HOUR}, "bad-field"), ({"areas": [{"districts": ["火星区"]}]}, "district-unknown"),
        ({"areas": [{"description": "x", "circle": {"lon": 0, "lat": 99, "radius_m": 1}}]}, "bad-field"),
        ({"areas": [{"polygon": [[0, 0], [1, 1], [0, 1]]}]}, "field-missing"), ({"areas": [{"description": "x"}]}, "bad-field"),
        ({"text": {"zh-CN": "a\x0bb"}}, "bad-field"), ({"replaces": "", "message_type": "Update"}, "field-missing"),
    ],
)  # fmt: skip
def test_what_is_not_fit_to_be_sent_is_refused_when_submitted(change, reason):
    world = World()
    world.write("bulletin/one", "draft", {**WATER, **change}, WANG)  # as other parts of the hall write: unchecked
    assert world.refused(WANG, "submit") == reason


@pytest.mark.parametrize(
    "change",
    [{"headline": 5}, {"headline": {"zh-CN": "x" * 5000}}, {"audience": ["nobody"]}, {"areas": {"a": 1}}, {"areas": [{"x": 1}]},
     {"category": ["Rain"]}, {"signal": [1]}, {"replaces": "bulletin/none"}, {"severity": 9}, {"template": "none"}],
)  # fmt: skip
def test_a_persons_draft_is_checked_when_it_is_made(change):
    assert World().refused(WANG, "draft", **{**WATER, **change}) in ("bad-field", "unknown")


def test_a_draft_that_nobody_checked_is_folded_as_far_as_it_makes_sense():
    state = World().write(
        "bulletin/one",
        "draft",
        {"kind": "message", "headline": "积水", "severity": "high", "audience": None, "areas": 3, "odd": 1},
    )
    assert (state.headline, state.severity, state.audience, state.state) == ({"zh-CN": "积水"}, 0, [], "draft")


def test_a_template_gives_what_the_draft_leaves_open():
    state = World().do(WANG, "draft", template="evacuation", headline={"zh-CN": "转移"})
    assert (state.kind, state.severity, state.responses, state.headline) == ("warning", 4, ["Evacuate"], {"zh-CN": "转移"})


def test_a_message_to_units_needs_one_approval_and_is_no_warning():
    world = World()
    world.do(WANG, "draft", kind="message", headline={"zh-CN": "开会"}, text={"zh-CN": "三点"}, audience=["units"])
    assert world.do(WANG, "submit").message.xml == ""
    assert world.approve(LI).state == "issued"
