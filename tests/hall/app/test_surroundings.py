"""What is around a case, against plain arithmetic; crews, units, limits and settings over HTTP."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hall.app.gazetteer import Gazetteer, Place
from hall.app.nearness import Spot, alike, metres, nearest
from hall.core.clock import real_ms
from hall.core.event import Event, encode
from hall.core.typed import Directory, Names
from tests.hall.app.test_dispatching import REPORT, fresh, moved, reported

lons, lats = st.floats(-179, 179), st.floats(-70, 70)
small = st.floats(-0.2, 0.2)


def haversine(lon, lat, lon2, lat2) -> float:
    a, b = math.radians(lat), math.radians(lat2)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(h))


@given(lons, lats, small, small)
def test_distances_in_a_city_agree_with_the_great_circle(lon, lat, east, north):
    assert metres(lon, lat, lon + east, lat + north) == pytest.approx(
        haversine(lon, lat, lon + east, lat + north), rel=1e-3, abs=0.01
    )


@given(lons, lats, st.lists(st.tuples(small, small), max_size=30), st.floats(1, 20_000))
def test_the_nearest_are_those_a_plain_loop_finds(lon, lat, offsets, radius):
    spots = [Spot(f"case/t/{n}", lon + x, lat + y, 0, {}) for n, (x, y) in enumerate(offsets)]
    found = [row["subject"] for row in nearest(spots, lon, lat, radius, 10)]
    expected = sorted((metres(lon, lat, spot.lon, spot.lat), spot.subject) for spot in spots)
    assert found == [subject for distance, subject in expected if distance <= radius][:10]


def spot(name: str, east_metres: float, minutes: float, major="突发事件", minor="道路积水") -> Spot:
    lon = 113.92 + east_metres / (111_195 * math.cos(math.radians(35.3)))
    shown = {"class_name": major, "subclass_name": minor, "reported": 1_000_000_000 + minutes * 60_000}
    return Spot(f"case/t/{name}", lon, 35.3, 0, shown)


def test_probable_duplicates_are_near_alike_and_at_the_same_time_and_say_why():
    case = {"lon": 113.92, "lat": 35.3, "class_name": "突发事件", "subclass_name": "道路积水"}
    spots = [
        spot("twin", 10, 5),
        spot("farther", 150, 60),
        spot("major-only", 20, 5, minor="路面塌陷"),
        spot("another-class", 1, 1, major="市容环境", minor="暴露垃圾"),
        spot("too-far", 301, 1),
        spot("yesterday", 5, -1500),
    ]
    found = alike(case, 1_000_000_000, spots, 10)
    assert [row["subject"] for row in found] == ["case/t/twin", "case/t/farther", "case/t/major-only"] or [
        row["subject"] for row in found
    ] == ["case/t/twin", "case/t/major-only", "case/t/farther"]
    assert found[0]["score"] == pytest.approx(0.4 * (1 - 10 / 300) + 0.35 + 0.25 * (1 - 5 / 1440), abs=2e-3)
    assert {why["code"] for why in found[0]["why"]} == {"distance", "class", "time"}


def event(subject, data):
    now = real_ms()
    return encode(Event(id=f"{subject}@{now}", source="test", subject=subject, time=now, recordedtime=now, data=data))


async def test_around_a_case_are_cases_cameras_gauges_and_crews_within_the_radius(city_hall):
    bus = city_hall.bus()
    place = {"lon": 20.0, "lat": 10.0}
    near, far = {"lon": 20.001, "lat": 10.0}, {"lon": 20.1, "lat": 10.0}
    told = [event(f"channel/t/{name}", {"name": name, **at}) for name, at in (("near", near), ("far", far))]
    told += [event("sensor/t/g", {"name": "g", **near}), event("position/t/p1", {"name": "p1", **near})]
    told += [event("position/bus/7", {"name": "7 路", "unit_id": "7", **near})]
    told += [event("case/t/open", {"state": "handling", **near}), event("case/t/done", {"state": "closed", **near})]
    await bus.publish(told)
    async with await city_hall.client("supervisor", "sun") as sun:
        for crew, position, districts in (("pump-1", "position/t/p1", []), ("pump-2", "", ["卫滨区"])):
            row = {"crew_id": crew, "name": crew, "unit": "排水处", "position": position, "base": far}
            row["duty"] = {"districts": districts}
            body = {"id": fresh("enrol"), "move": "enrol", "data": row}
            assert (await sun.post(f"/api/v1/crews/{crew}/commands", json=body)).status_code == 200
        view = await reported(sun, **place)
        path = "/api/v1/files/" + view["subject"].partition("/")[2]
        found = (await sun.get(f"{path}/around?radius=500")).json()
        wide = (await sun.get(f"{path}/around?radius=20000")).json()
        crews = (await sun.get("/api/v1/crews")).json()["crews"]
        ranked = (await sun.get(f"{path}/crews")).json()
        place = (await sun.get("/api/v1/around?lon=20&lat=10&radius=500")).json()
        named = (await sun.get("/api/v1/find?q=pump&kinds=crew&near=20.1,10")).json()
        circle = {"geometry": {"type": "Point", "coordinates": [20.0, 10.0]}, "radius_m": 500, "kinds": ["crews", "vehicles"]}
        inside = (await sun.post("/api/v1/map/selection", json=circle)).json()["kinds"]
        point = (await sun.get("/api/v1/find?q=10.0,20.0&kinds=point")).json()
        wrong = [await sun.get(f"/api/v1/{what}") for what in ("find?q=x&kinds=moon", "find?q=x&near=1", "around?lon=1&lat=91")]
    async with await city_hall.client("operator", "wang", districts=["红旗区"]) as wang:
        his = (await wang.get(f"{path}/around?radius=20000")).json()
    async with await city_hall.client("department", "li", unit="园林处") as li:
        theirs = (await li.get("/api/v1/around?lon=20&lat=10&radius=500")).json()
        hidden = (await li.post("/api/v1/map/selection", json=circle)).json()["kinds"]
        unknown = (await li.get("/api/v1/find?q=pump&kinds=crew")).json()
    chosen = [{kind: [row["subject"] for row in one["rows"]] for kind, one in found.items()} for found in (inside, hidden)]
    assert chosen[0] == {"crews": ["crew/pump-1"], "vehicles": ["position/bus/7"]}
    assert chosen[1] == {"crews": [], "vehicles": ["position/bus/7"]}, "another unit's crew is no vehicle without one"
    kinds = {group["kind"]: [row["subject"] for row in group["rows"]] for group in place["kinds"]}
    assert {kind: rows for kind, rows in kinds.items() if kind != "case"} == {
        "crew": ["crew/pump-1"], "camera": ["channel/t/near"], "closure": [], "gauge": ["sensor/t/g"], "resource": [], "component": []
    }  # fmt: skip
    assert "case/t/open" in kinds["case"] and "case/t/done" not in kinds["case"]
    crew = next(group for group in place["kinds"] if group["kind"] == "crew")["rows"][0]
    assert crew["bearing"] == 90 and crew["how"] == "straight" and crew["eta_s"] > 0
    assert [row["subject"] for row in named["groups"][0]["rows"]] == ["crew/pump-1", "crew/pump-2"]
    assert [(row["lon"], row["lat"], row["about"]) for row in point["groups"][0]["rows"]] == [(20.0, 10.0, "WGS-84")]
    assert [answer.status_code for answer in wrong] == [422, 422, 422]
    assert all(not group["rows"] for group in theirs["kinds"] if group["kind"] in ("case", "crew", "camera"))
    assert unknown["groups"] == []
    assert [row["subject"] for row in found["cameras"]] == ["channel/t/near"]
    assert [row["subject"] for row in found["sensors"]] == ["sensor/t/g"]
    assert [row["subject"] for row in found["cases"]] == ["case/t/open"]
    assert [(row["subject"], row["live"]) for row in found["crews"]] == [("crew/pump-1", True)]
    assert found["cameras"][0]["distance_m"] == pytest.approx(haversine(20, 10, 20.001, 10), abs=0.2)
    assert [row["subject"] for row in wide["crews"]] == ["crew/pump-1", "crew/pump-2"]
    assert [row["subject"] for row in his["crews"]] == ["crew/pump-1"], "crews of districts that are not his are not told"
    shown = {row["crew_id"]: row["fix"] for row in crews}
    assert shown["pump-1"]["lon"] == 20.001 and shown["pump-2"] is None
    assert "pump-1" in str(ranked)
    await bus.close()


async def soon(client, path: str) -> list[dict]:
    """Cases of an answer once there are any: the picture of surroundings may be a few seconds old."""
    for _ in range(100):
        if found := (await client.get(path)).json()["cases"]:
            return found
        await asyncio.sleep(0.1)
    return []


async def test_earlier_cases_at_the_same_place_and_probable_duplicates_are_offered(city_hall):
    bus = city_hall.bus()
    there = {"lon": 50.0, "lat": 12.0, "state": "handling", "class_name": REPORT["class_name"]}
    stages = {"reported": real_ms() - 60_000}
    twin = {**there, "subclass_name": REPORT["subclass_name"], "stages": stages}
    await bus.publish([event("case/t/twin", twin), event("case/t/away", {**twin, "lon": 51.0})])
    async with await city_hall.client("operator", "zhao") as zhao:
        view = await reported(zhao, lon=50.0001, lat=12.0)
        path = "/api/v1/files/" + view["subject"].partition("/")[2]
        same = await soon(zhao, f"{path}/duplicates")
        earlier = (await zhao.get(f"{path}/premise")).json()["cases"]
        lost = await reported(zhao, lon=None, lat=None)
        refused = await zhao.get("/api/v1/files/" + lost["subject"].partition("/")[2] + "/around")
    assert [row["subject"] for row in same] == ["case/t/twin"] and same[0]["score"] > 0.9
    assert [row["subject"] for row in earlier] == ["case/t/twin"]
    assert (refused.status_code, refused.json()["reason"]) == (409, "place-unknown")
    await bus.close()


async def test_limits_of_a_class_are_offered_and_the_chosen_one_starts_the_clock(city_hall):
    async with await city_hall.client("supervisor", "sun") as sun:
        view = await reported(sun)
        path = "/api/v1/files/" + view["subject"].partition("/")[2]
        offered = (await sun.get(f"{path}/conditions")).json()["conditions"]
        assert offered and all(row["label"] and row["id"] for row in offered)
        view = await moved(sun, view, "dispatch", data={"unit": "排水处", "condition": offered[0]["id"]})
    assert view["file"]["clock"]["label"] == offered[0]["label"]


async def test_units_are_those_of_crews_and_seats_with_what_they_hold(city_hall):
    async with await city_hall.client("admin") as admin, await city_hall.client("department", "d", unit="园林处") as seat:
        user = {"name": "garden", "role": "department", "password": "0123456789", "unit": "园林处"}
        await admin.post("/api/v1/users", json=user)
        units = (await admin.get("/api/v1/units")).json()["units"]
        own = (await seat.get("/api/v1/units")).json()["units"]
        await admin.delete("/api/v1/users/garden")
    assert "园林处" in {row["unit"] for row in units}
    assert {row["unit"] for row in own} == {"园林处"}


async def test_settings_are_a_persons_own_and_bounded(city_hall):
    async with await city_hall.client("operator", "zhao") as zhao, await city_hall.client("operator", "qian") as qian:
        kept = {"views": [{"name": "<script>", "filter": ["超期"]}]}
        assert (await zhao.put("/api/v1/preferences/views", json=kept)).status_code == 200
        assert (await zhao.get("/api/v1/preferences/views")).json() == kept
        assert (await qian.get("/api/v1/preferences/views")).json() is None
        assert (await zhao.put("/api/v1/preferences/views", content=b"{")).json()["reason"] == "bad-request"
        assert (await zhao.put("/api/v1/preferences/views", content=b'"' + b"x" * 70_000 + b'"')).status_code == 413
        for n in range(60):
            last = await zhao.put(f"/api/v1/preferences/n{n}", json=1)
        assert (last.status_code, last.json()["reason"]) == (422, "too-many-settings")
        assert (await zhao.delete("/api/v1/preferences/views")).status_code == 200
        assert (await zhao.get("/api/v1/preferences/views")).json() is None


def test_a_street_of_many_ways_and_a_district_of_three_maps_are_one_row_each_and_branches_are_not():
    km = 1 / 111.195  # degrees of latitude

    def place(name, kind, north, what=""):
        return Place(name, kind, what, 113.6, 34.7 + north * km, "m", Names.of(name))

    some = [place("人民路", "street", 3 * n) for n in range(7)] + [place("人民路", "street", 60)]
    some += [place("人民路", "district", 9), place("人民路", "place", 17, "suburb"), place("人民路", "place", 17.1, "label")]
    some += [place("人民路", "place", 40, "village"), place("人民路", "poi", 1), place("人民路", "poi", 2)]
    places = Gazetteer(None, None)  # as it is after reading
    for kind in {one.kind for one in some}:
        own = [one for one in some if one.kind == kind]
        places._places[kind] = own, Directory([one.names for one in own])
    kinds = ("place", "poi", "street", "park", "water", "district")
    found, more = places.find(("人民路",), 7, (113.6, 34.7), kinds)
    rows = [(one.kind, round((one.lat - 34.7) / km)) for one in found]
    assert rows == [("district", 9), ("place", 40), ("street", 0), ("street", 60), ("poi", 1), ("poi", 2)] and not more
    found, more = places.find(("人民路",), 3, (113.6, 34.7 + 60 * km), kinds)
    assert [one.kind for one in found] == ["district", "place", "street"] and more
    assert round((found[2].lat - 34.7) / km) == 60, "the nearest way of each"
