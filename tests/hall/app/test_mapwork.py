"""Drawings, selections and exports over HTTP: who sees which, two editors at once, a stranger's file, what the record keeps."""

import asyncio
import io
import json
import re
import uuid

import pytest
from PIL import Image

from dispatch.casebook import Casebook, Version
from hall.app.mapexports import PAPERS, page
from hall.core.errors import Refused
from hall.core.event import Event, encode
from hall.core.model import Case

RING = [[113.90, 35.30], [113.92, 35.30], [113.92, 35.32], [113.90, 35.32], [113.90, 35.30]]
#: what every GeoJSON file says of itself
HEAD = ("title", "coordinates", "made_at", "made_by", "marks", "bbox", "as_of")
AREA = {"type": "Polygon", "coordinates": [RING]}


async def do(client, name, move, revision=None, **data):
    body = {"id": uuid.uuid4().hex, "move": move, "revision": revision, "data": data}
    answer = await client.post(f"/api/v1/streams/shape/{name}/commands", json=body)
    return answer.status_code, answer.json()


async def seen(client):
    answer = await client.get("/api/v1/streams/shape")
    return {row["state"]["title"] for row in answer.json()["streams"]} if answer.status_code == 200 else answer.status_code


async def test_everybody_sees_what_is_shared_with_him_and_two_editors_are_told_of_each_other(city_hall):
    what = {"kind": "polygon", "geometry": AREA}
    async with (
        await city_hall.client("operator", "li") as li, await city_hall.client("supervisor", "sun") as sun,
        await city_hall.client("department", "wu", unit="排水处") as wu, await city_hall.client("department", "he", unit="市政处") as he,
        await city_hall.client("viewer", "zhao") as zhao,
    ):  # fmt: skip
        for client, name, share in ((li, "a", "me"), (li, "b", "room"), (li, "c", "walls"), (wu, "d", "unit"), (wu, "e", "me")):
            status, body = await do(client, name, "draw", title=name, share=share, **what)
            assert status == 200, body
        assert [await seen(one) for one in (li, sun, wu, he, zhao)] == [
            {"a", "b", "c"}, {"b", "c"}, {"c", "d", "e"}, {"c"}, {"c"}]  # fmt: skip
        assert (await do(sun, "a", "remove", 1))[0] == 403, "nobody else's to see, so nobody else's to change"
        assert (await do(zhao, "f", "draw", title="f", share="me", **what))[0] == 403
        assert (await do(sun, "b", "change", 1, title="b2", share="room", **what))[0] == 200
        status, body = await do(li, "b", "change", 1, title="b3", share="room", **what)
        assert (status, body["reason"], body["changed"][0]["who"]) == (409, "stale", "sun")
        assert (await do(li, "b", "remove", 2))[0] == 200
        removed = (await li.get("/api/v1/streams/shape?ended=true")).json()["streams"]
        assert [row["state"]["state"] for row in removed if row["subject"] == "shape/b"] == ["removed"]
        status, body = await do(li, "b", "restore", 3)
        assert status == 200 and body["view"]["state"]["title"] == "b2"
        assert [entry["move"] for entry in body["view"]["entries"]] == ["draw", "change", "remove", "restore"]


async def test_a_geojson_file_becomes_shapes_and_says_what_it_left_out(city_hall):
    bow = [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]
    features = [{"type": "Feature", "properties": {"name": "站\u0007点"}, "geometry": {"type": "Point", "coordinates": [113.9, 35.3]}},
                {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": bow}},
                {"type": "Feature", "properties": {}, "geometry": None}]  # fmt: skip
    async with await city_hall.client("operator", "fang") as client:
        where = "/api/v1/map/shapes/import?share=room&name=plan"
        answer = await client.post(where, content=json.dumps({"type": "FeatureCollection", "features": features}))
        found = answer.json()
        assert [(one["number"], one["title"], one["repaired"]) for one in found["made"]] == [
            (1, "站点", False),
            (2, "plan 2", True),
            (2, "plan 2", True),
        ]
        assert found["left_out"] == [{"number": 3, "reason": "geometry-missing", "detail": "the feature has no geometry"}]
        for body, reason in (
            (b"{", "geojson-unreadable"),
            (b"\xff", "geojson-unreadable"),
            (b"[" * 100_000, "geojson-unreadable"),
        ):
            answer = await client.post(where, content=body)
            assert (answer.status_code, answer.json()["reason"]) == (422, reason)


async def test_the_view_of_a_province_is_a_file_of_all_its_layers_as_the_asker_may_see_them(city_hall):
    bus, now = city_hall.bus(), 1_790_000_000_000
    ring = [[113.0, 35.0], [114.5, 35.0], [114.5, 36.0], [113.0, 36.0], [113.0, 35.0]]
    place = {"lon": 113.95, "lat": 35.35}
    told = {
        "warning/w/1": {"feed": "w", "warning_id": "1", "headline": {"zh-CN": "暴雨红色预警"}, "severity": 4, "areas": [{"polygons": [ring]}]},
        "closure/1": {"closure_id": "1", "state": "ordered", "name": "隧道", "depth": 0.4, **place},
        "closure/2": {"closure_id": "2", "state": "reopened", "name": "已开", **place},
        "depot/1": {"depot_id": "1", "name": "北库", "phone": "13800138000", "stock": {"pump": {"have": 8, "out": 2}}, **place},
        "incident/1": {"incident_id": "1", "state": "open", "title": "内涝 13800138000", "grade": "I", **place},
        "sensor/g/9": {"feed": "g", "sensor_id": "9", **place},
        "position/bus/7": {"feed": "bus", "unit_id": "7", "name": "7 路", **place},
        "observation/g/9/water_depth": {"feed": "g", "sensor_id": "9", "quantity": "water_depth", "value": 0.27, "unit": "m"},
    }  # fmt: skip
    events = [Event(id=name, source="t", subject=name, time=now, recordedtime=now, data=data) for name, data in told.items()]
    await bus.publish([encode(one) for one in events])
    catalogue = {"measures": [{"name": "open_cases", "label": {"zh-CN": "在办"}, "unit": "", "decimals": 0}], "levels": []}
    await bus.hash_set({"": json.dumps(catalogue)}, "measures")
    await bus.close()
    kinds = ["warnings", "closures", "depots", "incidents", "gauges", "crews", "vehicles", "measures", "heat"]
    view = {"box": [108.0, 30.0, 118.0, 38.0], "kinds": kinds, "title": "全省", "marks": ["exercise"]}
    view["measures"] = {"measure": "open_cases", "level": "districts"}
    view["heat"] = {"from": 0, "to": 2_000_000_000_000, "zoom": 7}
    async with (
        await city_hall.client("operator", "qi") as whole, await city_hall.client("leader", "chen") as chen,
        await city_hall.client("wall", "w") as wall,
    ):  # fmt: skip
        assert (await wall.post("/api/v1/map/exports/geojson", json=view)).status_code == 403
        counted = (await whole.post("/api/v1/map/exports/view", json=view)).json()
        answer = await whole.post("/api/v1/map/exports/geojson", json=view)
        made, hers = answer.json(), (await chen.post("/api/v1/map/exports/geojson", json=view)).json()
        bad = await whole.post("/api/v1/map/exports/view", json={**view, "box": [1, 2, 0, 3]})
        assert (bad.status_code, bad.json()["reason"]) == (422, "bad-request")
    assert {kind: one["total"] for kind, one in counted["kinds"].items()} == made["counts"]
    assert list(made["missing"]) == ["measures"] and made["not_all"] == {} and made["marks"] == ["exercise"]
    by_kind = {one["properties"]["kind"]: one["properties"] for one in made["features"]}
    assert all(one["properties"].get("time") and one["properties"].get("source") for one in made["features"])
    assert (by_kind["gauges"]["value"], by_kind["gauges"]["source"]) == (0.27, "g")
    assert (by_kind["vehicles"]["name"], by_kind["vehicles"]["source"]) == ("7 路", "bus")
    assert (by_kind["depots"]["free"], by_kind["closures"]["name"]) == ({"pump": 6}, "隧道")
    assert (by_kind["incidents"]["severity"], by_kind["warnings"]["severity"]) == (4, 4)
    assert "13800138000" in json.dumps(made) and "13800138000" not in json.dumps(hers)
    assert (made["view"], made["made_by"], hers["made_by"]) == ({"box": view["box"]}, "qi", "chen")
    assert made["as_of"]["closures"]["newest"] == by_kind["closures"]["time"] and set(HEAD) < set(made)
    lines = await asyncio.to_thread(_audit, city_hall)
    assert lines[-2:] == [("qi", "map"), ("chen", "map")]


async def test_a_selection_counts_what_the_asker_may_see_and_its_file_is_in_the_record(city_hall):
    before = await asyncio.to_thread(_audit, city_hall)
    book = await asyncio.to_thread(Casebook.open_writer, city_hall.home / "var" / "cases.db")
    rows = [
        ("1", "红旗区", 113.91, 35.31),
        ("2", "牧野区", 113.911, 35.311),
        ("3", "", 113.912, 35.312),
        ("4", "红旗区", 114.2, 35.31),
    ]
    cases = [
        Case(
            feed="f",
            case_id=number,
            district=district,
            lon=lon,
            lat=lat,
            class_name="道路积水",
            description="=1+1 电话 13800138000",
        )
        for number, district, lon, lat in rows
    ]
    book.record([Version(f"case/f/{case.case_id}", (1, 0, case.case_id), "t", case) for case in cases])
    book.close()
    asked = {"geometry": AREA, "kinds": ["cases", "crews", "components", "gauges"]}
    async with (
        await city_hall.client("operator", "qi") as whole, await city_hall.client("operator", "east", districts=("红旗区",)) as east,
        await city_hall.client("department", "wu", unit="排水处") as wu, await city_hall.client("leader", "chen") as chen,
    ):  # fmt: skip
        counts = []
        for client in (whole, east, wu):
            answer = await client.post("/api/v1/map/selection", json=asked)
            counts.append(answer.json()["kinds"]["cases"]["total"])
        assert counts == [3, 2, 0] and "components" not in answer.json()["kinds"]
        to_act = [(await one.post("/api/v1/map/selection/cases", json=asked)).json() for one in (whole, east, wu)]
        assert [(one["total"], sorted(row[0] for row in one["rows"])) for one in to_act] == [
            (3, ["case/f/1", "case/f/2", "case/f/3"]), (2, ["case/f/1", "case/f/3"]), (0, [])]  # fmt: skip
        circle = {"geometry": {"type": "Point", "coordinates": [113.91, 35.31]}, "radius_m": 60, "kinds": ["cases"]}
        assert (await whole.post("/api/v1/map/selection", json=circle)).json()["kinds"]["cases"]["total"] == 1
        large = {"geometry": {"type": "Polygon", "coordinates": [[[100, 30], [110, 30], [110, 40], [100, 30]]]}}
        assert (await whole.post("/api/v1/map/selection", json=large)).json()["reason"] == "area-large"
        order = {**asked, "format": "csv", "title": "防汛"}
        mine, hers = [
            (await one.post("/api/v1/map/selection/export", json=order)).content.decode("utf-8-sig") for one in (whole, chen)
        ]
        assert "'=1+1 电话 13800138000" in mine and mine.count("道路积水") == 3
        assert "13800138000" not in hers and "•••" in hers, "who does not call reads no numbers"
        made = (await whole.post("/api/v1/map/selection/export", json={**order, "format": "geojson", "marks": ["demo"]})).json()
        assert set(HEAD) < set(made) and (made["marks"], made["area"], made["made_by"]) == (["demo"], AREA, "qi")
        assert made["bbox"] == [113.91, 35.31, 113.912, 35.312] and set(made["as_of"]) == {"cases"}
        assert {tuple(one["geometry"]["coordinates"]) for one in made["features"]} == {row[2:] for row in rows[:3]}
        sheet = {
            "what": "geojson",
            "title": "t",
            "box": [113, 35, 114, 36],
            "layers": ["cases"],
            "zoom": 12.5,
            "marks": ["replay"],
        }
        told = (await chen.post("/api/v1/map/exports", json=sheet)).json()
        assert told["who"] == "chen" and set(told["head"]) == {
            "type",
            "title",
            "coordinates",
            "made_at",
            "made_by",
            "marks",
            "view",
        }
        assert told["head"]["view"] == {"box": [113, 35, 114, 36], "zoom": 12.5, "scale": "1:78600"}
    told = await asyncio.to_thread(_audit, city_hall)
    assert told[len(before) :] == [("qi", "selection"), ("chen", "selection"), ("qi", "selection"), ("chen", "map")]


def _audit(hall):
    import sqlite3

    with sqlite3.connect(hall.home / "var" / "ledger.db") as db:
        rows = db.execute("SELECT who, data FROM entries WHERE subject = 'audit/export' ORDER BY seq").fetchall()
    return [(who, json.loads(data)["what"]) for who, data in rows]


@pytest.mark.parametrize("paper", PAPERS)
def test_a_page_of_pdf_has_the_size_of_its_paper(paper):
    wide, high = PAPERS[paper]
    picture = io.BytesIO()
    Image.new("RGB", (round(wide * 100), round(high * 100)), "white").save(picture, "JPEG")
    made = page(picture.getvalue(), paper, "图", "li")
    box = [float(part) for part in re.search(rb"MediaBox \[([^\]]*)\]", made)[1].split()]
    assert made.startswith(b"%PDF-") and box[2:] == pytest.approx([wide * 72, high * 72], abs=2), "points"
    for body in (b"", b"x" * 100, picture.getvalue()[:300]):
        with pytest.raises(Refused):
            page(body, paper, "", "")
    square = io.BytesIO()
    Image.new("L", (100, 100)).save(square, "PNG")
    with pytest.raises(Refused, match="shape"):
        page(square.getvalue(), paper, "", "")
