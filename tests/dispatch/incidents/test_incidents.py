"""What belongs together, who commands it, and what it owes."""

from __future__ import annotations

import pytest

from dispatch.incidents import rules_of
from dispatch.incidents.duties import report_due
from dispatch.incidents.keeping import incident_of
from hall.core.command import Actor
from hall.core.config import parse
from hall.core.errors import ConfigError, Refused
from tests.dispatch.incidents.world import CITY, HE, HOUR, ID, LI, MINUTE, START, SUN, SYSTEM, ZHOU, World


@pytest.fixture
def hall():
    return World()


def why(call, *args, **data):
    with pytest.raises(Refused) as refused:
        call(*args, **data)
    return refused.value.reason


# -- the roof ----------------------------------------------------------------------------------------------------------------


def test_an_incident_takes_cases_in_and_their_files_say_so(hall):
    first, second = hall.case("1"), hall.case("2")
    hall.opened(members=[first.replace("file/", "case/"), "channel/cams/41"])
    hall.do(ID, "link", LI, members=[second, first, "alarm/g/1"])
    assert hall.get(ID).members == [first, "channel/cams/41", second, "alarm/g/1"]
    assert hall.get(first).incident == hall.get(second).incident == "20260720-1"
    assert hall.document()["counts"] == {"file": 2, "channel": 1, "alarm": 1}
    hall.do(ID, "unlink", LI, "另一处", members=[first])
    assert hall.get(first).incident == "" and hall.get(second).incident == "20260720-1"
    assert hall.do(ID, "link", LI, members=[second]).revision == hall.get(ID).revision  # nothing new, nothing written


def test_a_case_is_under_one_roof_only_and_what_is_not_there_is_not_linked(hall):
    case = hall.case("1")
    hall.opened(members=[case])
    other = "incident/other"
    hall.do(other, "begin", LI, title="另一起", grade="IV")
    assert why(hall.do, other, "link", LI, members=[case]) == "linked-elsewhere"
    assert why(hall.do, ID, "link", LI, members=["file/t/404"]) == "unknown"
    assert why(hall.do, ID, "link", LI, members=["kpi/today"]) == "bad-field"
    near = Actor(name="王", role="operator", districts=("红旗区",))
    assert why(hall.do, ID, "link", near, members=[hall.case("9", district="卫滨区")]) == "wrong-district"
    hall.do(ID, "close", SUN, "已处置")
    assert hall.do(other, "link", LI, members=[case]).members == [case]  # the first one is over


def test_what_a_person_let_go_the_hall_does_not_take_in_again(hall):
    hall.opened()
    hall.do(ID, "linked", SYSTEM, members=["closure/jingguang", "task/1"])
    hall.do(ID, "unlink", LI, "无关", members=["task/1"])
    hall.do(ID, "linked", SYSTEM, members=["closure/jingguang", "task/1"])
    assert hall.get(ID).members == ["closure/jingguang"]
    assert why(hall.do, ID, "linked", LI, members=["task/1"]) == "not-permitted"
    assert incident_of("x") == incident_of("incident/x") == "incident/x" and incident_of(" ") == ""


def test_two_incidents_become_one_with_all_that_is_under_both_roofs(hall):
    first, second = hall.case("1"), hall.case("2")
    hall.opened(members=[first])
    hall.do("incident/b", "begin", LI, title="同一起", grade="IV", members=[second, "alarm/g/1"])
    assert why(hall.do, "incident/b", "merge", SUN, "x", into="incident/b") == "bad-target"
    assert why(hall.do, "incident/b", "merge", LI, "x", into=ID) == "not-permitted"
    hall.do("incident/b", "merge", SUN, "同一处积水", into=ID)
    assert hall.get(ID).members == [first, second, "alarm/g/1"] and hall.get(ID).absorbed == ["b"]
    assert hall.get(second).incident == "20260720-1"
    gone = hall.get("incident/b")
    assert (gone.state, gone.merged_into, gone.ended, hall.document("incident/b")) == ("merged", "20260720-1", True, None)


def test_an_exercise_is_not_merged_with_what_is_real(hall):
    hall.opened()
    hall.do("incident/drill", "begin", LI, title="演练", grade="IV", exercise=True)
    assert hall.document("incident/drill")["exercise"] is True
    assert why(hall.do, "incident/drill", "merge", SUN, "x", into=ID) == "exercise"


# -- grade -------------------------------------------------------------------------------------------------------------------


def test_a_grade_is_signed_by_those_it_names_and_figures_advise_a_worse_one(hall):
    hall.opened(grade="IV")
    assert why(hall.do, ID, "grade", SUN, "扩大", grade="II") == "signer"
    assert why(hall.do, ID, "grade", LI, "扩大", grade="III") == "not-permitted"
    assert why(hall.do, ID, "grade", HE, "", grade="II") == "reason-missing"
    assert hall.document()["advice"] is None
    for deaths, grade in ((2, None), (3, "III"), (9, "III"), (10, "II"), (29, "II"), (30, "I")):
        hall.do(ID, "figures", LI, figures={"deaths": deaths}, source="指挥部")
        advised = hall.document()["advice"]
        assert (advised and advised["grade"]) == grade
    assert advised["why"] == [{"code": "figure_at_least", "values": {"figure": "deaths", "value": 30, "line": 30}}]
    hall.do(ID, "grade", HE, "死亡 30 人", grade="I")
    assert hall.document()["advice"] is None and hall.get(ID).grades[-1]["reason"] == "死亡 30 人"


@pytest.mark.parametrize(("losses", "advised"), [(5000, None), (5001, "I")])
def test_losses_advise_the_first_grade_only_above_fifty_million_yuan(hall, losses, advised):
    hall.opened(grade="IV")
    hall.do(ID, "figures", LI, figures={"losses": losses}, source="评估组")
    assert (hall.document()["advice"] or {}).get("grade") == advised


def test_figures_have_a_source_and_a_time_and_only_known_names(hall):
    hall.opened()
    assert why(hall.do, ID, "figures", LI, figures={"ufos": 1}, source="x") == "bad-field"
    assert why(hall.do, ID, "figures", LI, figures={"deaths": -1}, source="x") == "bad-field"
    assert why(hall.do, ID, "figures", LI, figures={"deaths": 1}) == "field-missing"
    assert why(hall.do, ID, "figures", LI, figures={"deaths": 1}, source="x", at=START + HOUR) == "bad-field"
    found = hall.do(ID, "figures", LI, figures={"trapped": 12}, source="消防", at=START - MINUTE).figures["trapped"]
    assert (found.value, found.source, found.at, found.by) == (12, "消防", START - MINUTE, "李")


# -- command -----------------------------------------------------------------------------------------------------------------


def test_command_goes_over_with_the_second_signature_on_a_brief_the_hall_assembled(hall):
    hall.opened(commander="李", trend="水位上涨")
    hall.do(ID, "objective", SUN, text="救出被困人员", priority=1)
    hall.do(ID, "assign", LI, role="logistics", person="赵")
    assert why(hall.do, ID, "brief", LI, to="李") == "second-person"
    brief = hall.do(ID, "brief", LI, to="何").transfers[-1].brief
    assert "京广路隧道积水" in brief.situation and "水位上涨" in brief.situation
    assert brief.organisation == "总指挥：李\n后勤保障：赵" and brief.objectives == "1. 救出被困人员（进行中）"
    hall.do(ID, "edit_brief", LI, resources="两支队伍，四台泵")
    assert why(hall.do, ID, "take_command", HE) == "not-signed"
    assert why(hall.do, ID, "hand_over", SUN) == "not-yours"
    hall.do(ID, "hand_over", LI)
    assert why(hall.do, ID, "edit_brief", LI, resources="改") == "signed"
    assert why(hall.do, ID, "take_command", ZHOU) == "not-permitted"
    assert hall.get(ID).commander == "李"
    hall.now += 3 * MINUTE
    state = hall.do(ID, "take_command", HE)
    assert (state.commander, state.commander_since) == ("何", START + 3 * MINUTE)
    kept = state.transfers[-1]
    assert (kept.giver, kept.to, kept.handed_at, kept.taken_at, kept.outcome) == (
        "李",
        "何",
        START,
        START + 3 * MINUTE,
        "taken",
    )
    assert kept.brief.resources == "两支队伍，四台泵"


def test_a_transfer_may_be_recalled_declined_or_overtaken_by_an_appointment(hall):
    hall.opened(commander="李")
    hall.do(ID, "brief", LI, to="周")
    assert why(hall.do, ID, "brief", LI, to="何") == "handover-open"
    assert why(hall.do, ID, "decline_command", HE, "不在") in ("not-yours", "not-permitted")
    assert hall.do(ID, "decline_command", ZHOU, "在另一现场").transfers[-1].outcome == "declined"
    hall.do(ID, "brief", LI, to="周")
    hall.do(ID, "recall_brief", LI, "情况有变")
    hall.do(ID, "brief", LI, to="周")
    state = hall.do(ID, "appoint", HE, "李失联", person="孙")
    assert state.commander == "孙" and [one.outcome for one in state.transfers] == ["declined", "recalled", "appointed"]
    assert why(hall.do, ID, "hand_over", SUN) == "handover-unknown"


def test_each_is_offered_only_what_he_can_do_now(hall):
    hall.opened(commander="李")
    assert {"brief", "link", "draft_report", "note"} <= set(hall.moves(ID, LI))
    assert not {"grade", "close", "take_command", "sign_report", "edit_brief"} & set(hall.moves(ID, LI))
    hall.do(ID, "brief", LI, to="王")
    wang = Actor(name="王", role="inspector")
    assert {"hand_over", "edit_brief", "recall_brief"} <= set(hall.moves(ID, LI)) and "brief" not in hall.moves(ID, LI)
    assert hall.moves(ID, wang) == ["note", "decline_command"]
    hall.do(ID, "hand_over", LI)
    assert hall.moves(ID, wang) == ["note", "take_command", "decline_command"]
    hall.do(ID, "take_command", wang)
    assert "close" not in hall.moves(ID, wang) and {"brief", "objective", "assign"} <= set(hall.moves(ID, wang))
    hall.do(ID, "draft_report", LI, kind="initial")
    assert "sign_report" in hall.moves(ID, HE) and "sign_report" not in hall.moves(ID, LI)
    assert hall.moves(ID, Actor(name="看", role="viewer")) == []


def test_every_offered_move_without_fields_is_taken_and_every_other_refused_for_its_role(hall):
    """The screen's table and the decision are one: what is offered is never refused as not permitted, and the other way round."""
    hall.opened(commander="李")
    for actor in (LI, ZHOU, SUN, HE, Actor(name="看", role="viewer"), Actor(name="王", role="department", unit="x")):
        offered = set(hall.moves(ID, actor))
        for move in hall.aggregates["incident"].moves:
            reason = ""
            try:
                hall.aggregates["incident"].decide(hall, _command(move), actor)
            except Refused as refused:
                reason = refused.reason
            if move in offered:
                assert reason not in ("not-permitted", "not-yours", "state-wrong"), (actor, move)


def _command(move):
    from hall.core.command import Command

    return Command(id="ask", subject=ID, move=move, reason="x")


# -- what is owed ------------------------------------------------------------------------------------------------------------


def due(hall):
    found = report_due(hall.get(ID), hall.aggregates["incident"].rules)
    return found and (found["kind"], (found["due"] - START) / HOUR)


def test_a_first_report_is_due_an_hour_after_the_grade_asks_for_one_then_further_ones_then_the_final(hall):
    hall.opened(grade="IV")
    assert due(hall) is None
    hall.now = START + 2 * HOUR
    hall.do(ID, "grade", SUN, "扩大", grade="III")
    assert due(hall) == ("initial", 3)
    hall.now = START + 150 * MINUTE
    hall.do(ID, "grade", HE, "再扩大", grade="I")
    assert due(hall) == ("initial", 3)  # a worse grade gives no more time
    hall.sent("initial")
    assert due(hall) == ("further", 4.5)
    hall.now = START + 5 * HOUR
    hall.sent("further")
    assert due(hall) == ("further", 7)
    hall.do(ID, "close", SUN, "险情解除")
    assert due(hall) == ("final", 29) and not hall.get(ID).ended
    hall.sent("final")
    assert due(hall) is None and hall.get(ID).ended and hall.document() is None
    hall.do(ID, "reopen", SUN, "再次积水")
    assert due(hall) == ("further", 7) and not hall.get(ID).ended  # two hours after the last report that still holds


def test_what_owes_nothing_leaves_the_screens_with_its_closing(hall):
    hall.opened(grade="IV")
    assert hall.do(ID, "close", SUN, "误报").ended
    assert hall.do(ID, "reopen", SUN, "并非误报").state == "open"


def test_a_mistake_in_the_configuration_is_named(hall):
    for line, key in (
        ("members = 1", "dispatch.incidents.members"),
        ('phone_first = ["V"]', "dispatch.incidents.phone_first[0]"),
        ('tell = ["all"]', "dispatch.incidents.tell[0]"),
        ('grades = [{grade = "I", signers = ["leader"], grade_by = ["leader"]}]', "dispatch.incidents.grades"),
        ('roles = [{name = "A B"}]', "dispatch.incidents.roles[0].name"),
    ):
        with pytest.raises(ConfigError) as error:
            rules_of(parse(f"{CITY}[dispatch.incidents]\n{line}\n"))
        assert error.value.key == key
