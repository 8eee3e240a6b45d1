"""A place is closed and what it needs is sent, over HTTP: one decides, another confirms, a third may only look."""

from __future__ import annotations

import io
import itertools

import pytest
from PIL import Image

from hall.core.command import Actor
from tests.hall.app.test_field import DISPATCHER, OPERATOR, Side, action, phone

_ids = itertools.count()


async def move(client, subject, name, expected=200, /, revision=None, reason="积水", **data):
    topic, _, rest = subject.partition("/")
    body = {"id": f"closures-{next(_ids)}", "move": name, "revision": revision, "reason": reason, "data": data}
    answer = await client.post(f"/api/v1/streams/{topic}/{rest}/commands", json=body)
    assert answer.status_code == expected, answer.text
    return answer.json()


async def look(client, subject):
    answer = await client.get(f"/api/v1/streams/{subject}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def people(city_hall):
    found = {role: await city_hall.client(role) for role in ("operator", "dispatcher", "supervisor", "viewer")}
    found["department"] = await city_hall.client("department", unit="排水处")
    yield found
    for client in found.values():
        await client.aclose()


async def test_from_the_proposal_to_the_traffic_let_back_in(people):
    operator, dispatcher = people["operator"], people["dispatcher"]
    road = "closure/pingyuan"
    view = (await move(operator, road, "propose", name="平原路", depth=0.3, unit="排水处", place={"lon": 113.9, "lat": 35.3}))[
        "view"
    ]
    assert view["state"]["state"] == "proposed" and "order" not in [offer["move"] for offer in view["allowed"]]
    refused = await move(operator, road, "order", 403, revision=view["revision"])
    assert refused["reason"] == "not-permitted"
    view = (await move(dispatcher, road, "order", revision=view["revision"]))["view"]
    late = await move(dispatcher, road, "decline", 409, revision=1)
    assert late["reason"] == "stale", "somebody else decided meanwhile"
    assert view["state"]["missing"] == ["on_site", "by_video"]
    view = (await move(people["department"], road, "confirm_site", note="围挡到位"))["view"]
    assert view["state"]["state"] == "confirmed" and view["state"]["on_site"]["by"] == "a-department"
    view = (await move(operator, road, "confirm_video", channel="channel/cams/1"))["view"]
    view = (await move(operator, road, "propose_reopening", revision=view["revision"], depth=0.05))["view"]
    view = (await move(dispatcher, road, "reopen", revision=view["revision"]))["view"]
    assert view["state"]["state"] == "reopened"
    assert [line["move"] for line in view["entries"]] == [
        "propose", "order", "confirm_site", "confirm_video", "propose_reopening", "reopen"
    ]  # fmt: skip
    everything = (await people["viewer"].get("/api/v1/streams/closure")).json()
    assert [row["subject"] for row in everything["streams"]] == [road] and everything["new"] == []
    await move(people["viewer"], road, "propose", 403, name="平原路")


async def test_pumps_asked_for_by_a_department_are_allotted_from_two_depots_and_the_rest_is_missing(people):
    dispatcher, unit = people["dispatcher"], people["department"]
    for name, count in (("east", 3), ("west", 1)):
        items = [{"name": "排水泵", "count": count, "kind": "pump", "unit": "台"}]
        await move(people["supervisor"], f"depot/{name}", "enrol", name=name, items=items)
    view = (await move(unit, "request/p1", "request", item="排水泵", wanted=5, place="平原路"))["view"]
    assert view["state"]["unit"] == "排水处" and view["state"]["missing"] == 5
    too_many = await move(dispatcher, "request/p1", "allot", 409, revision=1, depots={"depot/west": 2})
    assert too_many["reason"] == "stock-short" and "1 of 排水泵 free" in too_many["detail"]
    view = (await move(dispatcher, "request/p1", "allot", revision=1, depots={"east": 3, "west": 1}))["view"]
    assert (view["state"]["state"], view["state"]["missing"]) == ("partly", 1)
    assert (await look(people["viewer"], "depot/east"))["state"]["stock"]["排水泵"] == {
        "have": 3, "out": 3, "kind": "pump", "unit": "台"
    }  # fmt: skip
    await move(unit, "request/p1", "give_back", 409, revision=1)
    view = (await move(unit, "request/p1", "cancel", revision=2))["view"]
    assert view["state"]["state"] == "cancelled" and (await look(unit, "depot/east"))["state"]["stock"]["排水泵"]["have"] == 3
    other = await people["viewer"].get("/api/v1/streams/request/none")
    assert other.status_code == 404


# -- from a crew's phone -------------------------------------------------------------------------------------------------------

LEADER = Actor(name="zhao", role="leader")
HERE = {"lon": 113.9201, "lat": 35.3001}


@pytest.fixture
async def side(city_hall, monkeypatch):
    made = Side(city_hall, monkeypatch)
    yield made
    await made.close()


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "#3a7").save(out, "JPEG")
    return out.getvalue()


async def closing(side, *crews: str) -> str:
    subject = f"closure/p{next(_ids)}"
    await side.do(subject, "propose", OPERATOR, "积水", name="平原路", place={"lon": 113.92, "lat": 35.3}, depth=0.4)
    await side.do(subject, "order", DISPATCHER, "水深超限，联系 13803731234")
    for crew in crews:
        await side.do(subject, "send", DISPATCHER, crew=crew)
    return subject


async def test_a_crew_closes_a_place_from_its_phone_and_the_desk_sees_by_whom_and_the_photo(city_hall, side):
    crew, other = await side.crew(), await side.crew()
    mine, theirs = await closing(side, crew), await closing(side, other)
    async with phone(city_hall, crew) as client:
        answer = await client.get("/api/v1/field/tasks")
        (place,) = answer.json()["closures"]
        assert (place["subject"], place["depth"], place["near_metres"]) == (mine, 0.4, 300)
        assert place["moves"] == ["confirm_site", "cannot_close"] and "13803731234" not in answer.text
        media = (await client.post("/api/v1/media", content=photo(), headers={"content-type": "image/jpeg"})).json()["media"]
        photos = [{"media": media, "usage": "after"}]
        far = action(mine, "confirm_site", data={"photos": photos, "position": {"lon": 113.95, "lat": 35.3}})
        answer = await client.post("/api/v1/field/commands", json=far)
        assert (answer.status_code, answer.json()["reason"]) == (422, "too-far")
        done = action(mine, "confirm_site", data={"photos": photos, "position": HERE, "accuracy": 8})
        for _ in range(2):  # a lost answer is asked for again
            answer = await client.post("/api/v1/field/commands", json=done)
            assert answer.status_code == 200, answer.text
        stranger = await client.post("/api/v1/field/commands", json=action(theirs, "confirm_site", data={"position": HERE}))
        assert (stranger.status_code, stranger.json()["reason"]) == (403, "not-permitted")
        order = await client.post("/api/v1/field/commands", json=action(mine, "order", reason="x"))
        assert order.status_code == 403
    async with await city_hall.client("viewer") as desk:
        state = (await desk.get(f"/api/v1/streams/{mine}")).json()["state"]
        assert (state["state"], state["on_site"]["by"], state["on_site"]["photos"]) == ("confirmed", f"crew:{crew}", photos)
        assert (await desk.get(f"/api/v1/media/{media}")).status_code == 200
    moves = [entry.move for entry in side.ledger.history(mine)]
    assert moves == ["propose", "order", "send", "confirm_site"]


async def test_a_link_for_one_case_shows_and_moves_no_other_thing(city_hall, side):
    crew = await side.crew()
    place, case = await closing(side, crew), await side.task(crew)
    async with phone(city_hall, crew, case=case) as client:
        assert "closures" not in (await client.get("/api/v1/field/tasks")).json()
        answer = await client.post("/api/v1/field/commands", json=action(place, "confirm_site", data={"position": HERE}))
        assert answer.status_code == 403


async def test_a_task_of_a_response_is_acknowledged_and_done_or_said_to_be_impossible(city_hall, side):
    crew = await side.crew()
    names = [f"task/t{next(_ids)}" for _ in range(2)]
    for name in names:
        await side.do(name, "make", LEADER, label="检查泵站", unit="排水所")
        await side.do(name, "hand", LEADER, crew=crew)
    async with phone(city_hall, crew) as client:
        given = (await client.get("/api/v1/field/tasks")).json()["tasks_given"]
        assert [task["moves"] for task in given] == [["acknowledge", "done", "cannot"]] * 2
        for name, move, reason in ((names[0], "acknowledge", ""), (names[0], "done", ""), (names[1], "cannot", "路断了")):
            answer = await client.post("/api/v1/field/commands", json=action(name, move, reason=reason))
            assert answer.status_code == 200, answer.text
        assert (await client.get("/api/v1/field/tasks")).json()["tasks_given"] == []
    assert (await side.desk.state(names[0])).done_by == f"crew:{crew}"
    assert (await side.desk.state(names[1])).cannot["reason"] == "路断了"
