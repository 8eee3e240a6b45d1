"""The city's sums against pandas-plain arithmetic; the city's list against rows written by hand and the real drill's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dispatch.depots import Depots, Requests
from dispatch.depots.part import ResourcePart
from dispatch.depots.roster import commands, load, row_from, settings_of
from dispatch.depots.totals import totals
from dispatch.desk import Desk
from dispatch.ledger import Ledger
from hall.core.command import Actor, Command, Outcome
from hall.core.config import parse
from hall.core.errors import ConfigError
from tests.dispatch.ledgerdesk import SYSTEM, Standing
from tests.dispatch.plainledger import PlainLedger

CITY = '[city]\nname = { "zh-CN" = "试验市" }\ncentre = [116.2, 40.1]\n'
LI = Actor(name="li", role="dispatcher")
SHARED = Path(os.environ.get("HALL_REAL_DATA", Path(__file__).parents[4] / "shared/data"))
REAL = SHARED / "dispatch/haidian_flood_drill_resources.json"


def config(text, tmp_path):
    return parse(CITY + text, str(tmp_path / "hall.toml"))


def depot(**stock):
    return {"stock": stock}


def test_depots_and_crews_are_counted_together_and_pumping_capacity_is_what_the_pumps_can_do():
    pump = {"kind": "pump", "unit": "台", "capacity": 500.0, "capacity_unit": "m3/h"}
    crews = [
        {"equipment": [{"name": "水泵", "count": 2, "capacity": 300.0, "unit": "m3/h"}, {"name": "沙袋", "count": 50}]},
        {
            "equipment": [{"name": "水泵", "count": 1, "capacity": 1000.0, "unit": "m3/h"}],
            "assignments": [{"subject": "file/a", "state": "on_scene"}, {"subject": "file/b", "state": "assigned"}],
        },
        {
            "equipment": [{"name": "水泵", "count": 4, "capacity": 100.0, "unit": "m3/h"}],
            "assignments": [{"subject": "file/c", "resources": [{"name": "水泵", "count": 3}]}],
        },
    ]
    found = totals(
        [
            depot(排水泵=pump | {"have": 4, "out": 3}),
            depot(排水泵=pump | {"have": 2}, 床位={"kind": "place", "have": 80, "out": 12}),
        ],
        [],
        crews,
    )
    assert found["pumping"] == {"have": 6 * 500 + 2 * 300 + 1000 + 4 * 100, "in_use": 3 * 500 + 1000 + 3 * 100, "unit": "m3/h"}
    rows = {row["item"]: row for row in found["items"]}
    assert (rows["排水泵"]["have"], rows["排水泵"]["out"], rows["排水泵"]["free"]) == (6, 3, 3)
    assert (rows["水泵"]["have"], rows["水泵"]["out"], rows["水泵"]["carried"]) == (7, 4, 7)
    assert rows["沙袋"]["free"] == 50 and found["shelters"] == {"places": 80, "taken": 12, "free": 68}


def test_what_is_missing_is_summed_over_the_city_also_for_what_nobody_has():
    requests = [
        {"item": "排水泵", "wanted": 6, "missing": 4, "state": "partly"}, {"item": "排水泵", "wanted": 2, "missing": 2, "state": "open"},
        {"item": "冲锋舟", "wanted": 3, "missing": 3, "state": "open"}, {"item": "沙袋", "wanted": 100, "state": "delivered"},
        {"item": "沙袋", "wanted": 100, "missing": 0, "state": "refused"},
    ]  # fmt: skip
    found = totals([depot(排水泵={"have": 1, "out": 1})], requests, [])
    assert [(row["item"], row["missing"]) for row in found["missing"]] == [("排水泵", 6), ("冲锋舟", 3)]
    assert {row["item"]: row.get("requested", 0) for row in found["items"]} == {"排水泵": 8, "冲锋舟": 3}
    assert found["requests"] == {"partly": 1, "open": 2, "delivered": 1, "refused": 1}


def test_lists_in_csv_json_and_toml_mean_the_same_and_odd_rows_are_refused_singly(tmp_path):
    (tmp_path / "a.csv").write_text(
        "编号,名称,类型,经度,纬度,物资\n"
        "k1,东库,物资库,116.2,40.1,排水泵*4@500m3/h;沙袋*3000\n"
        "k2,,物资库,,,\n"
        "k3,西库,飞船,,,\n"
        "k1,再来,,,,\n"
        "k4,南库,,216.2,40.1,\n"
        "k5,北库,,,,很多沙袋\n",
        encoding="utf-8",
    )
    city = config('[dispatch.depots]\nfile = "a.csv"\n', tmp_path)
    found = load(city, settings_of(city))
    assert list(found.rows) == ["k1"]
    assert [why.partition(": ")[0] for why in found.refused] == [f"a.csv, row {number}" for number in (2, 3, 4, 5, 6)]
    pump = {"name": "排水泵", "count": 4, "kind": "pump", "unit": "台", "capacity": 500.0, "capacity_unit": "m3/h"}
    assert found.rows["k1"]["items"] == [pump, {"name": "沙袋", "count": 3000, "kind": "sandbag", "unit": "条"}]
    plain = {"id": "k1", "name": "东库", "lon": 116.2, "lat": 40.1, "items": [pump, {"name": "沙袋", "count": 3000}]}
    assert row_from(plain, settings_of(city)) == ("k1", found.rows["k1"])
    (tmp_path / "a.toml").write_text(
        '[[depots]]\nid = "k1"\nname = "东库"\nlon = 116.2\nlat = 40.1\nitems = "排水泵*4@500m3/h;沙袋*3000"\n',
        encoding="utf-8",
    )
    same = config('[dispatch.depots]\nfile = "a.toml"\n', tmp_path)
    assert load(same, settings_of(same)).rows == found.rows


def test_a_mistake_in_the_table_is_named(tmp_path):
    for text, key in (
        ("[dispatch.depots]\nkeep_minutes = 0", "dispatch.depots.keep_minutes"),
        ('[dispatch.depots.columns]\ncolour = "x"', "dispatch.depots.columns.colour"),
        ('[dispatch.depots]\nfile = "none.json"', "dispatch.depots.file"),
    ):
        city = config(text, tmp_path)
        with pytest.raises(ConfigError) as error:
            load(city, settings_of(city))
        assert error.value.key == key and error.value.line


def test_a_depot_that_left_the_list_is_closed_unless_something_of_it_is_away(tmp_path):
    ledger = PlainLedger(Depots(), Requests())
    rows = {name: {"name": name, "source": "list", "items": [{"name": "沙袋", "count": 5}]} for name in ("a", "b", "c")}
    for command in commands(rows, {}):
        ledger.do(command.subject, command.move, SYSTEM, **command.data)
    ledger.do("depot/own", "enrol", SYSTEM, name="own", items=[])
    ledger.do("request/r", "request", LI, item="沙袋", wanted=1)
    ledger.do("request/r", "allot", LI, depots={"b": 1})
    known = {subject: ledger.get(subject) for subject in ledger.names("depot")}
    left = commands({"a": rows["a"]}, known)
    assert [(command.subject, command.move) for command in left if command.move == "close"] == [("depot/c", "close")]
    assert [command.id for command in commands({"a": rows["a"]}, known)] == [command.id for command in left]


class Nudged:
    async def nudge(self):
        pass


async def test_the_process_brings_in_the_list_once_counts_and_says_what_is_missing_after_a_restart_too(tmp_path):
    (tmp_path / "d.json").write_text(json.dumps([{"id": "k1", "name": "东库", "items": "排水泵*4@500m3/h"}]), encoding="utf-8")
    process = Standing(tmp_path, Nudged())
    process.config = config('[dispatch.depots]\nfile = "d.json"\n', tmp_path)
    told = {}
    process.event, process.bulk = (
        lambda subject, data: (subject, data),
        type("Lane", (), {"put": lambda self, e: told.update([e])})(),
    )
    lines = []
    for _ in range(2):
        ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}", {one.topic: one for one in (Depots(), Requests())})
        desk = Desk(process, ledger, None, lambda subject: None)
        part = ResourcePart(process, desk, settings_of(process.config))
        await part.start()
        asked = Command(id="r1", subject="request/r1", move="request", data={"item": "排水泵", "wanted": 6})
        assert isinstance(await desk.execute(asked, LI), Outcome)
        await part.take(await desk.entries())
        work = part.run()
        work.send(None)  # as far as its first pause
        work.close()
        lines.append(len(await desk.entries()))
        desk.close()
        assert told["kpi/resources"]["missing"] == [{"item": "排水泵", "missing": 6, "unit": "台"}]
        assert told["kpi/resources"]["pumping"]["have"] == 2000.0
    assert lines == [2, 2], "enrolled once, asked once"


@pytest.mark.skipif(not REAL.exists(), reason="no real data")
def test_the_haidian_drills_resources_are_read_with_columns_alone_and_the_one_without_coordinates_stays(tmp_path):
    text = f"""
[dispatch.depots]
file = "{REAL}"
where = {{ type = ["qiangxianduiwu", "shuizha", "xiangjiaoba"] }}
[dispatch.depots.columns]
lon = "lgtd"
lat = "lttd"
kind = {{ column = "type", map = {{ qiangxianduiwu = "depot", shuizha = "pump_station", xiangjiaoba = "pump_station" }} }}
"""
    city = config(text, tmp_path)
    found = load(city, settings_of(city))
    raw = [row for row in json.loads(REAL.read_text("utf-8")) if row["type"] in ("qiangxianduiwu", "shuizha", "xiangjiaoba")]
    assert not found.refused and {name: row["name"] for name, row in found.rows.items()} == {r["id"]: r["name"] for r in raw}
    placed = {name: (row["place"]["lon"], row["place"]["lat"]) for name, row in found.rows.items() if "place" in row}
    assert placed == {row["id"]: (float(row["lgtd"]), float(row["lttd"])) for row in raw if row["lgtd"]}
    assert len(found.rows) - len(placed) == 1 and found.filtered == 20 - len(raw)
