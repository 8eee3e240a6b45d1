"""Limits in prose, rule tables with merged cells, and which rule a case gets."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import msgspec
import openpyxl
import pytest

from dispatch.clocks import amounts, ruletable
from dispatch.clocks.calendar import HOUR_MS
from dispatch.clocks.limits import Limits
from feeds.demo.classes import CLASSES, PONDING
from hall.core.errors import ConfigError
from hall.core.model import Case

YUNCHENG = "cases/yuncheng_component_case_standards_zh.csv"


@pytest.mark.parametrize(
    ("text", "amount", "kind", "note"),
    [
        ("1工作日", 1, "working_day", ""),
        (" 5工作日", 5, "working_day", ""),
        ("4工作时", 4, "working_hour", ""),
        ("2紧急工作时", 2, "emergency", ""),
        ("2个工作日", 2, "working_day", ""),
        ("种植季节15工作日", 15, "working_day", "种植季节"),
        ("十五个工作日(种植季节)", 15, "working_day", "种植季节"),
        ("二十个自然日", 20, "natural_day", ""),
        ("两小时", 2, "emergency", ""),
        ("半天", 0.5, "natural_day", ""),
        ("4\n工作时", 4, "working_hour", ""),
        ("15分钟", 0.25, "emergency", ""),
        ("60秒", 1 / 60, "emergency", ""),
        ("60 s", 1 / 60, "emergency", ""),
        ("15 minutes", 0.25, "emergency", ""),
        ("1.5 working_day", 1.5, "working_day", ""),
        ("3 working days", 3, "working_day", ""),
    ],
)
def test_a_limit_in_a_citys_own_words_is_read(text, amount, kind, note):
    found = amounts.parse(text)
    assert (found.amount, found.kind, found.note) == (pytest.approx(amount), kind, note)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "limit-missing"),
        ("尽快", "limit-unparsable"),
        ("0工作日", "limit-unparsable"),
        ("5", "limit-unparsable"),
        ("1工作日,紧急情况2紧急工作时", "limit-ambiguous"),
    ],
)
def test_what_is_no_single_limit_is_refused_with_its_reason(text, reason):
    with pytest.raises(amounts.NoAmount) as caught:
        amounts.parse(text)
    assert caught.value.reason == reason


TABLE = """\
某市立案、处置和结案标准,,,,,,
大类代码,大类名称,小类代码,小类名称,立案条件,处置时限,责任主体
01,公用设施,01,井盖,缺失,2紧急工作时,甲单位
,,,,"破损
严重",4工作时,
01,公用设施,,,松动,1工作日,
,,02,路灯,不亮,尽快,
,,,,倾斜,3工作日,
,,,,倾斜,5工作日,
02,交通设施,,,,1工作日,
,,01,护栏,缺失,1工作日,乙单位
"""
MAPPING = {
    "columns": {
        "class_code": ["大类代码", "小类代码"],
        "class_name": "大类名称",
        "subclass_name": "小类名称",
        "condition": "立案条件",
        "limit": "处置时限",
        "unit": "责任主体",
    },
    "levels": [["大类代码", "大类名称"], ["小类代码", "小类名称", "责任主体"]],
}


def test_merged_cells_inherit_within_their_group_and_never_beyond(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE, encoding="gb18030")
    rules, refusals = ruletable.load(path, MAPPING)
    assert [(r.row, r.class_code, r.subclass_name, r.condition, r.limit.label, r.unit) for r in rules] == [
        (3, "0101", "井盖", "缺失", "2紧急工作时", "甲单位"),
        (4, "0101", "井盖", "破损\n严重", "4工作时", "甲单位"),
        (5, "0101", "井盖", "松动", "1工作日", "甲单位"),
        (7, "0102", "路灯", "倾斜", "3工作日", ""),
        (9, "", "", "", "1工作日", ""),
        (10, "0201", "护栏", "缺失", "1工作日", "乙单位"),
    ]
    assert [(r.row, r.reason) for r in refusals] == [(6, "limit-unparsable"), (8, "same-rule-twice")]


def test_the_same_table_as_a_spreadsheet_gives_the_same_rules(tmp_path):
    plain, sheet = tmp_path / "table.csv", tmp_path / "table.xlsx"
    plain.write_text(TABLE, encoding="utf-8-sig")
    book = openpyxl.Workbook()
    for row in csv.reader(TABLE.splitlines(keepends=True)):
        book.active.append([cell or None for cell in row])
    book.save(sheet)
    ours, theirs = ruletable.load(plain, MAPPING), ruletable.load(sheet, MAPPING)
    blank = [msgspec.structs.replace(rule, source="") for rule in theirs[0]]
    assert [msgspec.structs.replace(rule, source="") for rule in ours[0]] == blank
    assert [refusal.row for refusal in ours[1]] == [refusal.row for refusal in theirs[1]]


@pytest.mark.parametrize(
    ("text", "mapping", "problem"),
    [
        (TABLE, {"columns": {"limit": "没有"}}, "no row"),
        (TABLE, {"columns": {"colour": "处置时限"}}, "colour"),
        (TABLE, MAPPING | {"header": 1}, "row 1"),
        (TABLE, MAPPING | {"colour": 1}, "colour"),
        (TABLE, MAPPING | {"units": {"件": ["lunch", 1]}}, "件"),
        (TABLE, MAPPING | {"units": {"件": 1}}, "mapping"),
        (TABLE, MAPPING | {"levels": [[]]}, "levels"),
        (None, MAPPING, "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_read_at_all_says_why(tmp_path, text, mapping, problem):
    path = tmp_path / "table.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=problem):
        ruletable.load(path, mapping)


@pytest.mark.realdata
def test_every_row_of_the_real_table_becomes_the_rule_it_says(real_data):
    """The oracle reads the file again with a plain csv reader and a regular expression for the limit."""
    limits = Limits.from_table({"files": [{"file": YUNCHENG, "mapping": "gb30428"}]}, lambda name: real_data / name)
    with (real_data / YUNCHENG).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[2:]
    assert len(rows) == 279 and len(limits.rules) == 279 and not limits.refusals
    kinds = {"工作日": "working_day", "工作时": "working_hour", "紧急工作时": "emergency"}
    major = minor = ""
    for rule, row in zip(limits.rules, rows, strict=True):
        major, minor = row[0] or major, row[2] or minor
        number, word = re.search(r"(\d+)(\D+)$", row[5].strip()).groups()
        assert (rule.limit.amount, rule.limit.kind) == (int(number), kinds[word])
        assert rule.class_code == major + minor
        assert "".join(rule.condition.split()) == "".join(row[4].split())
        assert rule.unit and rule.competent
    assert Counter(rule.limit.kind for rule in limits.rules) == {"working_day": 234, "working_hour": 26, "emergency": 19}
    lid = limits.conditions({"kind": "component", "class_code": "0101"})
    assert [rule.limit.label for rule in lid] == ["2紧急工作时", "4工作时", "2工作日", "5工作日"]


def test_a_citys_own_word_for_a_unit_wins_over_ours(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("subclass_name,limit\nlid,4小时\n", encoding="utf-8")
    assert ruletable.load(path, {})[0][0].limit.kind == "emergency"
    assert ruletable.load(path, {"units": {"小时": ["working_hour", 1]}})[0][0].limit.kind == "working_hour"


def test_a_table_of_many_thousand_rules_loads_and_finds_each(tmp_path):
    path = tmp_path / "big.csv"
    lines = [
        "class_code,condition,limit",
        *(f"{number // 10:05d},条件{number % 10},{number % 9 + 1}工作日" for number in range(20_000)),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    limits = Limits.from_table({"files": ["big.csv"]}, lambda name: tmp_path / name)
    assert len(limits.rules) == 20_000
    assert limits.handling({"class_code": "01234"}, "条件7").limit.amount == 12_347 % 9 + 1


def test_every_class_of_the_demo_city_has_a_rule_and_the_usual_one_is_its_own():
    limits = Limits.from_table({})
    kinds = {"urgent": "emergency", "work": "working_hour", "days": "working_day"}
    for row in (*CLASSES, PONDING):
        case = Case(feed="demo", case_id="1", kind=row.kind, class_code=row.code, class_name=row.main, subclass_name=row.sub)
        rule = limits.handling(case)
        assert (rule.limit.amount, rule.limit.kind) == (row.limit, kinds[row.mode]), row.sub
        assert rule.closing and rule.unit and rule.competent
        without_code = msgspec.structs.replace(case, class_code="")
        assert limits.handling(without_code) == rule


RULES = [
    {"kind": "component", "class_code": "01", "subclass_name": "井盖", "condition": "缺失", "limit": "2紧急工作时"},
    {"kind": "component", "class_code": "01", "subclass_name": "井盖", "condition": "松动", "limit": "2工作日"},
    {"kind": "occurrence", "class_code": "01", "subclass_name": "垃圾", "condition": "堆放", "limit": "4工作时"},
    {"kind": "occurrence", "class_code": "01", "subclass_name": "垃圾", "limit": "1工作日"},
    {"class_name": "公共服务", "limit": "3自然日"},
]


@pytest.fixture
def limits():
    return Limits.from_table({"rules": RULES, "emergency": {"handling": "1紧急工作时"}})


def test_the_operator_picks_the_condition_and_the_rule_follows(limits):
    lid = {"kind": "component", "class_code": "01"}
    assert [rule.condition for rule in limits.conditions(lid)] == ["缺失", "松动"]
    assert limits.handling(lid, "松动").limit.label == "2工作日"
    assert limits.handling(lid, limits.conditions(lid)[1].id).limit.label == "2工作日"
    assert limits.handling(lid, "不存在") is None


def test_without_a_condition_the_unconditional_rule_holds_else_the_first(limits):
    assert limits.handling({"kind": "occurrence", "class_code": "01"}).limit.label == "1工作日"
    assert limits.handling({"kind": "component", "class_code": "01"}).limit.label == "2紧急工作时"


def test_a_code_that_means_another_thing_elsewhere_is_not_trusted(limits):
    assert limits.handling({"class_code": "01", "subclass_name": "垃圾"}).limit.label == "1工作日"
    assert limits.handling({"class_code": "01", "subclass_name": "占道"}) is None


def test_a_major_class_may_have_one_rule_for_all(limits):
    assert limits.handling({"class_name": "公共服务", "subclass_name": "咨询"}).limit.label == "3自然日"


def test_an_emergency_never_waits_for_office_hours(limits):
    assert limits.handling({"kind": "component", "class_code": "01"}, emergency=True).limit.label == "2紧急工作时"
    waste = limits.handling({"kind": "occurrence", "class_code": "01"}, emergency=True)
    assert (waste.limit.label, waste.limit.kind) == ("1紧急工作时", "emergency")
    assert limits.handling({"kind": "occurrence", "class_code": "01"}, "堆放", emergency=True).limit.label == "4工作时"


def test_routine_and_emergency_targets_of_the_desk_stand_side_by_side():
    limits = Limits.from_table({})
    assert limits.stage("dispatch").ms == 15 * 60_000 and limits.stage("dispatch", True).ms == 60_000
    assert limits.stage("accept").ms == 15 * 60_000
    assert limits.stage("verify_before").ms == limits.stage("check_after").ms == 30 * 60_000
    assert limits.stage("take") is None and limits.stage("handling") is None
    assert Limits.from_table({"stages": {"dispatch": "10 min"}}).stage("dispatch").ms == 10 * 60_000


def test_near_is_a_share_within_bounds_and_may_differ_by_kind():
    assert Limits.from_table({}).near("working_hour", 4 * HOUR_MS) == 48 * 60_000
    near = {"share": 0.25, "at_least": 0.5, "emergency": {"share": 0.5, "at_most": 0.75}}
    limits = Limits.from_table({"near": near})
    assert limits.near("working_hour", 1 * HOUR_MS) == HOUR_MS // 2
    assert limits.near("working_hour", 8 * HOUR_MS) == 2 * HOUR_MS
    assert limits.near("emergency", 4 * HOUR_MS) == 45 * 60_000
    assert limits.near("working_hour", HOUR_MS // 4) == HOUR_MS // 4  # never more than the whole limit


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"colour": 1}, "colour"),
        ({"stages": {"lunch": "1 h"}}, "stages.lunch"),
        ({"stages": {"dispatch": "soon"}}, "stages.dispatch"),
        ({"near": {"share": 2}}, "near"),
        ({"near": {"emergency": {"colour": 1}}}, "near"),
        ({"rules": [{"class_code": "1", "limit": "soon"}]}, "rules[0]"),
        ({"rules": [{"limit": "1工作日"}]}, "rules[0]"),
        ({"files": ["not-there.csv"]}, "files[0]"),
        ({"files": [{"mapping": "gb30428"}]}, "files[0]"),
        ({"files": "rules.csv"}, "files"),
        ({"near": 0.2}, "near"),
        ({"rules": ["1工作日"]}, "rules[0]"),
    ],
)
def test_limits_that_make_no_sense_are_refused_by_key(table, key):
    with pytest.raises(ConfigError) as caught:
        Limits.from_table(table, Path)
    assert caught.value.key == f"dispatch.limits.{key}"
