"""A place is closed and what it needs is sent, over HTTP: one decides, another confirms, a third may only look."""

from __future__ import annotations

import itertools

import pytest

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
