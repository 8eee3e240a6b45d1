"""初报, 续报, 终报 against texts written by hand."""

from __future__ import annotations

import pytest

from dispatch.incidents import words
from dispatch.incidents.reminding import message_of, reminders
from hall.core.errors import Refused
from tests.dispatch.incidents.world import HE, HOUR, ID, LI, MINUTE, START, SUN, SYSTEM, World

INITIAL = """新中市突发事件信息报告
〔初报〕2026年7月20日 16:40
一、事件名称：京广路隧道积水
二、事件等级：较大（III级），自然灾害
三、信息来源：12345 热线
四、发生时间：2026年7月20日 16:27
五、发生地点：京广路隧道
六、事件起因：正在核实
七、伤亡和损失：受困 12 人（消防，截至 16:38）
八、现状和趋势：水位仍在上涨。告警：京广路隧道 0.85 m 应封闭道路。案卷 2 件，未结 2 件。
九、已采取措施：已设警戒。封控：京广路隧道（已下令封控）。出动队伍：排水一班。
十、现场负责人：赵队长。总指挥：李。
"""

FURTHER = """新中市突发事件信息报告
〔续报一〕2026年7月20日 17:40
事件名称：京广路隧道积水
初报（16:40）以来的变化：
1. 事件等级：较大（III级），自然灾害 → 重大（II级），自然灾害
2. 事件起因：短时强降雨
3. 受困：12 → 3 人（消防，截至 17:35）
4. 新增 死亡 1 人（医院，截至 17:38）
5. 告警解除：京广路隧道
6. 案卷 2 件，未结 2 件 → 案卷 3 件，未结 3 件
7. 封控：京广路隧道（已下令封控 → 已封控）
8. 总指挥：李 → 何
其余情况无变化。
"""

FINAL = """新中市突发事件信息报告
〔终报〕2026年7月20日 20:32
一、事件概况：京广路隧道积水，重大（II级），自然灾害，2026年7月20日 16:27 发生于京广路隧道，起因：短时强降雨
二、伤亡和损失：受困 3 人（消防，截至 17:35）；死亡 1 人（医院，截至 17:38）
三、处置经过：已设警戒。案卷 3 件，未结 3 件。封控：京广路隧道（已恢复通行）。出动队伍：排水一班。
四、处置时效：接报 2026年7月20日 16:32（发生后 5 分钟）；首次派遣 接报后 3 分钟；首支队伍到场 接报后 18 分钟；首次下令封控 接报后 6 分钟；全部恢复通行 接报后 3 小时 30 分钟；事件结束 接报后 4 小时
五、目标完成情况：救出被困人员（已完成）
六、信息报送：初报 2026年7月20日 16:45；续报一 2026年7月20日 17:45
七、评估：（请填写：起因分析、处置评价、存在问题、改进措施）
"""


def text(hall, kind):
    return hall.do(ID, "draft_report", LI, kind=kind).papers[-1].text


def send(hall):
    hall.now += 5 * MINUTE
    hall.do(ID, "sign_report", HE)
    hall.do(ID, "phone_report", LI, to="省应急厅值班室")
    hall.do(ID, "send_report", LI, to="省应急厅")


def story():
    """16:32 reported, 16:35 sent, 16:38 closed, 16:50 on scene, 20:02 open again, 20:32 over."""
    hall = World()
    at = lambda minutes: setattr(hall, "now", START + minutes * MINUTE)  # noqa: E731
    closure = hall.aggregates["closure"]
    made = closure.State(closure_id="jingguang", name="京广路隧道", kind="underpass", revision=1)
    made.state, made.ordered = "ordered", {"at": START + 6 * MINUTE, "by": "孙"}
    hall.states["closure/jingguang"] = made
    first, second = hall.case("1"), hall.case("2")
    hall.opened(members=[first, second, "alarm/g/1", "closure/jingguang", "channel/cams/41"], commander="李",
                trend="水位仍在上涨。", measures="已设警戒", officer="赵队长")  # fmt: skip
    hall.do(ID, "objective", LI, text="救出被困人员", priority=1)
    hall.write("crew/c1", "enrol", {"crew_id": "c1", "name": "排水一班", "unit": "排水处"})
    alarm = {"name": "京广路隧道", "label": "京广路隧道 · 应封闭道路", "value": 0.8512, "unit": "m", "severity": 4, "active": True, "rule": "close",
             "cause": "observation/g/1/water_depth"}  # fmt: skip
    hall.write("alarm/g/1", "raise", alarm)
    at(3)
    hall.do(first, "accept", LI)
    hall.do(first, "register", LI)
    hall.do(first, "dispatch", SUN, unit="排水处", crews=["c1"])
    at(6)
    hall.do(ID, "figures", LI, figures={"trapped": 12}, source="消防")
    at(8)
    return hall, at, first, made


def test_a_first_report_says_source_time_place_cause_losses_trend_measures_and_who_is_there():
    hall, *_ = story()
    assert text(hall, "initial") == INITIAL


def test_what_nobody_has_said_is_being_verified_and_never_made_up():
    hall = World()
    hall.do(ID, "begin", LI, title="不明异响", grade="IV")
    said = text(hall, "initial").splitlines()
    assert [line.partition("：")[2] for line in said[2:]] == [
        "不明异响", "一般（IV级）", *["正在核实"] * 7, "正在核实。总指挥：未定。",
    ]  # fmt: skip


def test_a_further_report_says_what_changed_since_the_last_and_nothing_else():
    hall, at, first, closure = story()
    text(hall, "initial")
    send(hall)
    at(18)
    hall.write(first, "crew_state", {"crew": "c1", "state": "on_scene"}, SYSTEM)
    at(63)
    hall.do(ID, "figures", LI, figures={"trapped": 3}, source="消防")
    at(66)
    hall.do(ID, "figures", LI, figures={"deaths": 1}, source="医院")
    hall.do(ID, "grade", HE, "人员死亡", grade="II")
    hall.do(ID, "correct", LI, cause="短时强降雨")
    hall.do(ID, "appoint", HE, "提级指挥", person="何")
    hall.do(ID, "link", LI, members=[hall.case("3")])
    hall.write("alarm/g/1", "return", {"value": 0.02, "severity": 0, "rules": []})
    closure.state = "confirmed"
    at(68)
    assert text(hall, "further") == FURTHER
    send(hall)
    at(80)
    assert "续报一（17:40）以来情况无变化。" in text(hall, "further")
    hall.do(ID, "discard_report", LI, "没有内容")

    closure.state, closure.reopened = "reopened", {"at": START + 210 * MINUTE, "by": "孙"}
    hall.do(ID, "objective_done", LI, number=1)
    hall.do(ID, "correct", LI, trend="积水已排除")
    at(240)
    hall.do(ID, "close", SUN, "险情解除")
    written = text(hall, "final")
    assert written.splitlines()[4].startswith("三、处置经过：已设警戒。")
    assert written == FINAL


def test_reports_follow_one_another_signed_told_by_telephone_and_then_sent():
    hall, *_ = story()

    def why(move, actor=LI, reason="", **data):
        with pytest.raises(Refused) as refused:
            hall.do(ID, move, actor, reason, **data)
        return refused.value.reason

    assert why("draft_report", kind="further") == "report-first"
    assert why("sign_report", HE) == "report-unknown"
    hall.do(ID, "draft_report", LI, kind="initial")
    assert why("draft_report", kind="initial") == "report-open"
    assert why("send_report", to="省厅") == "not-signed"
    hall.do(ID, "edit_report", LI, text="改过的初报")
    assert why("sign_report") == "not-permitted"
    hall.do(ID, "grade", HE, "死亡", grade="II")
    assert why("sign_report", SUN) == "signer"  # of this grade a leader signs
    report = hall.do(ID, "sign_report", HE).papers[-1]
    assert (report.text, report.signed_by, report.signed_role, report.edited) == ("改过的初报", "何", "leader", True)
    assert why("edit_report", text="再改") == "signed"
    assert why("send_report", to="省厅") == "phone-first"
    hall.do(ID, "phone_report", LI, to="值班室 68888888")
    report = hall.do(ID, "send_report", LI, to="省厅").papers[-1]
    assert (report.state, report.sent_to, report.phones[0]["to"]) == ("sent", "省厅", "值班室 68888888")
    assert why("draft_report", kind="initial") == "report-again"
    assert why("draft_report", kind="final") == "state-wrong"
    shown = hall.document()["reports"]
    assert [(one["title"], one["state"], one["signed_by"]) for one in shown] == [
        ("初报", "sent", "何")
    ] and "text" not in shown[0]


def test_an_exercise_is_marked_in_every_text_that_leaves_it():
    hall = World()
    hall.opened(exercise=True, commander="李")
    assert text(hall, "initial").startswith("【演练】新中市突发事件信息报告\n")
    hall.do(ID, "discard_report", LI, "x")
    rules = hall.aggregates["incident"].rules
    tell = reminders(ID, hall.get(ID), rules, START + HOUR)[1][0]
    assert tell.data["values"]["title"] == "【演练】京广路隧道积水"
    assert message_of(hall.sent("initial"), 1, rules).data["exercise"] is True


def test_a_sent_report_becomes_the_draft_of_a_message_under_a_name_of_its_own():
    hall, *_ = story()
    state = hall.sent("initial")
    rules = hall.aggregates["incident"].rules
    made = message_of(state, 1, rules)
    assert made.subject == "bulletin/incident-20260720-1-1" and made == message_of(state, 1, rules)
    assert made.data["text"] == {"zh-CN": state.papers[0].text} and made.data["kind"] == "message"
    assert message_of(state, 7, rules) is None


def test_who_must_write_a_report_is_reminded_before_it_is_due_and_when_it_is_overdue():
    hall = World('[dispatch.incidents]\ntell = ["person:commander", "role:supervisor"]\nnear_minutes = 10\n')
    hall.opened(commander="李")
    rules = hall.aggregates["incident"].rules
    look = lambda now: reminders(ID, hall.get(ID), rules, now)  # noqa: E731
    assert look(START + 49 * MINUTE)[1] == []
    stage, near = look(START + 50 * MINUTE)
    assert stage == ("near", START + HOUR)
    assert [(tell.data["to"], tell.data["key"]) for tell in near] == [
        ({"person": "李"}, "notice.incident_initial_near"), ({"role": "supervisor"}, "notice.incident_initial_near"),
    ]  # fmt: skip
    assert near[0].data["values"] == {"title": "京广路隧道积水", "due": "17:32"}
    stage, over = look(START + HOUR)
    assert stage[0] == "over" and not {tell.subject for tell in near} & {tell.subject for tell in over}
    assert look(START + 26 * HOUR)[1] == []


@pytest.mark.parametrize(
    ("n", "said"), [(1, "一"), (9, "九"), (10, "十"), (11, "十一"), (20, "二十"), (37, "三十七"), (100, "100")]
)
def test_further_reports_are_counted_in_chinese(n, said):
    assert words.numeral(n) == said and words.name_of("further", n) == f"续报{said}"


@pytest.mark.parametrize(("minutes", "said"), [(0, "0 分钟"), (59, "59 分钟"), (60, "1 小时"), (125, "2 小时 5 分钟")])
def test_spans_are_said_in_hours_and_minutes(minutes, said):
    assert words.span(minutes * MINUTE) == said
