"""A city's own files as roster: what is taken, what is refused and why, and that the ledger follows them."""

import json

import pytest

from dispatch.crews.roster import commands, load
from dispatch.crews.settings import needs_of, settings_of
from hall.core import config as configuration
from hall.core.errors import ConfigError
from tests.dispatch.crews.conftest import SYSTEM

CITY = '[city]\nname = {en = "T"}\ncentre = [113.9, 35.3]\n\n'

CSV = """编号,名称,类型,所属单位,技能,装备,人员,责任网格,班次,定位,经度,纬度,驻地
P1,排涝一组,crew,市政处,排水;电工,水泵*2;沙袋×300,张三 13800000000;李四,410702001,1-5 08:00-20:00;6,7 09:00-17:00,position/gps/1,113.91,35.31,平原路1号
P2,清扫2号车,vehicle,环卫处,环卫,,,,,,,,
P2,again,,,,,,,,,,,
,nameless,,,,,,,,,,,
P3,坏班次,,,,,,,8点到18点,,,,
P4,坏坐标,,,,,,,,,abc,35,
"""


def read(tmp_path, body, name="crews.csv", more=""):
    (tmp_path / name).write_text(body, encoding="utf-8")
    text = f'{CITY}[dispatch.crews]\nroster = "{name}"\n{more}'
    config = configuration.parse(text, str(tmp_path / "hall.toml"))
    return load(config, settings_of(config))


def test_a_table_with_chinese_headings_needs_no_mapping(tmp_path):
    found = read(tmp_path, CSV.replace("6,7 09", "6 09"))
    first = found.rows["P1"]
    assert first["skills"] == ["排水", "电工"] and first["duty"] == {"cells": ["410702001"]}
    assert first["equipment"] == [{"name": "水泵", "count": 2.0}, {"name": "沙袋", "count": 300.0}]
    assert first["members"] == [{"name": "张三", "phone": "13800000000"}, {"name": "李四"}]
    assert first["shifts"] == [
        {"start": "08:00", "end": "20:00", "days": [1, 2, 3, 4, 5]}, {"start": "09:00", "end": "17:00", "days": [6]}
    ]  # fmt: skip
    assert first["base"] == {"lon": 113.91, "lat": 35.31, "address": "平原路1号"}
    assert found.rows["P2"]["kind"] == "vehicle" and set(found.rows) == {"P1", "P2"}
    assert [(r.row, r.reason.split(":")[0]) for r in found.refused] == [
        (3, "P2 is there twice"), (4, "crew_id"), (5, "shifts"), (6, "lon, lat")
    ]  # fmt: skip


def test_the_same_crew_from_json_and_toml(tmp_path):
    row = {"crew_id": "P1", "skills": ["排水"], "equipment": [{"name": "水泵", "count": 2}], "shifts": [{"days": [1]}]}
    toml = '[[crews]]\ncrew_id = "P1"\nskills = ["排水"]\nequipment = [{name = "水泵", count = 2}]\nshifts = [{days = [1]}]\n'
    assert read(tmp_path, json.dumps([row]), "c.json").rows == read(tmp_path, toml, "c.toml").rows


def test_the_columns_of_another_system_are_named(tmp_path):
    more = 'crs = "GCJ-02"\n[dispatch.crews.columns]\ncrew_id = "no"\nposition = {column = "sim", prefix = "position/gps/"}\n'
    more += 'skills = {const = ["排水"]}\nkind = {column = "t", map = {"1" = "pump"}}\n'
    found = read(tmp_path, "no,sim,t,lon,lat\n7,0138,1,113.9,35.3\n", more=more)
    row = found.rows["7"]
    assert (row["position"], row["skills"], row["kind"]) == ("position/gps/0138", ["排水"], "pump")
    assert 0.003 < 113.9 - row["base"]["lon"] < 0.009  # GCJ-02 lies east of WGS-84 here


@pytest.mark.parametrize(("name", "body"), [("c.json", "{"), ("c.toml", "="), ("c.csv", None), ("c.json", "[1]")])
def test_a_file_that_cannot_be_read_is_an_error_at_its_line(tmp_path, name, body):
    with pytest.raises(ConfigError) as error:
        if body is None:
            config = configuration.parse(f'{CITY}[dispatch.crews]\nroster = "none.csv"\n', str(tmp_path / "hall.toml"))
            load(config, settings_of(config))
        else:
            read(tmp_path, body, name)
    assert "dispatch.crews.roster" in str(error.value) and error.value.line == 6


@pytest.mark.parametrize(
    ("more", "key"),
    [('colour = "red"', "dispatch.crews"), ("weights = {fresh_s = 'x'}", "weights.fresh_s"), ("speeds = {a = 1}", "speeds")],
)
def test_a_wrong_setting_is_named(tmp_path, more, key):
    config = configuration.parse(f"{CITY}[dispatch.crews]\n{more}\n", "hall.toml")
    with pytest.raises(ConfigError, match=key.replace(".", r"\.")):
        settings_of(config)


def test_a_setting_replaces_the_default_key_by_key():
    config = configuration.parse(f"{CITY}[dispatch.crews]\nweights = {{per_case_s = 5}}\n", "hall.toml")
    assert (settings_of(config).weights.per_case_s, settings_of(config).weights.also_on_s) == (5.0, 900.0)


def test_what_a_case_needs_follows_its_class():
    rules = settings_of(configuration.parse(CITY, "hall.toml")).needs
    ponding = needs_of(rules, {"subclass_name": "道路积水", "class_name": "突发事件", "unit": "市政处"})
    assert (ponding.skills, ponding.equipment[0].name, ponding.prefer_unit) == (["排水"], "水泵", "市政处")
    assert needs_of(rules, {"class_name": "街面秩序", "subclass_name": "占道经营"}).skills == ["综合执法"]
    assert needs_of(rules, {"subclass_name": "无人知道"}).skills == []


def apply(streams, found):
    """Runs what the roster asks for; returns the moves."""
    asked = commands(found.rows, streams.states)
    for command in asked:
        for draft in streams.crews.decide(streams, command, SYSTEM):
            streams.write(draft, SYSTEM)
    return [(c.move, c.subject) for c in asked]


def test_the_ledger_follows_the_file_and_a_restart_asks_nothing(tmp_path, streams):
    two = "crew_id,name\nP1,a\nP2,b\n"
    assert apply(streams, read(tmp_path, two)) == [("enrol", "crew/P1"), ("enrol", "crew/P2")]
    assert apply(streams, read(tmp_path, two)) == []
    assert apply(streams, read(tmp_path, two.replace("b", "c"))) == [("enrol", "crew/P2")]
    assert apply(streams, read(tmp_path, two)) == [("enrol", "crew/P2")]  # changed back is a change, too
    assert apply(streams, read(tmp_path, "crew_id,name\nP1,a\n")) == [("retire", "crew/P2")]
    assert streams.get("crew/P2").ended
    assert apply(streams, read(tmp_path, two)) == [("enrol", "crew/P2")]
    assert not streams.get("crew/P2").ended


def test_asking_twice_gives_the_same_ids(tmp_path):
    found = read(tmp_path, "crew_id\nP1\n")
    assert [c.id for c in commands(found.rows, {})] == [c.id for c in commands(found.rows, {})]


def test_a_crew_enrolled_by_hand_is_not_retired_by_the_file(tmp_path, streams):
    streams.do("crew/H1", "enrol", SYSTEM, crew_id="H1")
    assert apply(streams, read(tmp_path, "crew_id\nP1\n")) == [("enrol", "crew/P1")]


def test_depots_are_crews_whose_counts_are_the_bound(tmp_path):
    (tmp_path / "depots.csv").write_text("id,name,物资,经度,纬度\nD1,东库,沙袋*5000,113.9,35.3\n", encoding="utf-8")
    config = configuration.parse(f'{CITY}[dispatch.crews]\nresources = "depots.csv"\n', str(tmp_path / "hall.toml"))
    row = load(config, settings_of(config)).rows["D1"]
    assert (row["kind"], row["capacity"], row["base"]["lon"]) == ("depot", 1000, 113.9)


@pytest.mark.realdata
def test_the_drill_list_of_a_district_loads_with_three_lines_of_mapping(real_data):
    """20 items: seven rescue and drainage crews, one of them without a place."""
    path = real_data / "dispatch" / "haidian_flood_drill_resources.json"
    items = json.loads(path.read_text(encoding="utf-8"))
    kinds = sorted({i["type"] for i in items if "队" in i["name"]})
    more = f"where = {{type = {json.dumps(kinds)}}}\n"
    more += 'columns = {crew_id = "id", lon = "lgtd", lat = "lttd", kind = {const = "crew"}, skills = {const = ["排水"]}}\n'
    config = configuration.parse(f'{CITY}[dispatch.crews]\nroster = "{path}"\n{more}', "hall.toml")
    found = load(config, settings_of(config))
    wanted = [i for i in items if i["type"] in kinds]
    assert not found.refused and len(found.rows) == len(wanted) == 7 and found.filtered == 13
    assert sum("base" not in row for row in found.rows.values()) == 1
