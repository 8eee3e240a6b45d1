"""Commands, reports and views over HTTP, against a real web process with a real ledger."""

from __future__ import annotations

import asyncio
import itertools

import pytest

_ids = itertools.count()

REPORT = {
    "description": "路面积水约二十厘米",
    "class_name": "突发事件",
    "subclass_name": "道路积水",
    "severity": 2,
    "lon": 113.92,
    "lat": 35.30,
    "address": "人民路 1 号",
}


def fresh(name: str = "c") -> str:
    return f"{name}-{next(_ids):08d}"


async def reported(client, **more) -> dict:
    """A new case; its view, for this client."""
    answer = await client.post("/api/v1/cases", json={"id": fresh("report"), "case": {**REPORT, **more}})
    assert answer.status_code == 201, answer.text
    return answer.json()["view"]


def address(view: dict) -> str:
    return "/api/v1/cases/" + view["subject"].partition("/")[2] + "/commands"


async def move(client, view: dict, name: str, **more):
    body = {"id": fresh(), "move": name, "revision": view["revision"], **more}
    return await client.post(address(view), json=body)


async def moved(client, view: dict, name: str, **more) -> dict:
    answer = await move(client, view, name, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["view"]


async def test_a_report_becomes_a_case_with_a_number_of_the_day_and_an_open_file(city_hall):
    async with await city_hall.client("operator", "zhao") as client:
        body = {"id": fresh("report"), "case": REPORT, "caller": {"name": "李女士", "phone": "0373-123"}}
        answer = (await client.post("/api/v1/cases", json=body)).json()
        again = (await client.post("/api/v1/cases", json=body)).json()
        other = await client.post("/api/v1/cases", json={**body, "case": {**REPORT, "description": "别的"}})
    view = answer["view"]
    assert answer["case"].startswith("case/desk/20") and len(answer["case"].rpartition("/")[2]) == 15
    assert "case" in again, again
    assert again["case"] == answer["case"] and again["outcome"]["repeated"] and again["view"]["revision"] == view["revision"]
    assert (other.status_code, other.json()["reason"]) == (409, "command-id-reused")
    assert view["case"]["description"] == REPORT["description"] and view["case"]["stages"]["reported"] <= view["now"]
    assert [(entry["move"], entry["who"]) for entry in view["entries"]] == [("open", "zhao"), ("note", "zhao")]
    assert "0373-123" in view["entries"][1]["data"]["text"] and "0373-123" not in str(view["case"])


async def test_a_case_is_moved_by_its_revision_and_a_stale_command_hears_what_changed_and_by_whom(city_hall):
    async with await city_hall.client("operator", "zhao") as zhao, await city_hall.client("operator", "qian") as qian:
        view = await reported(zhao)
        taken = await moved(zhao, view, "accept")
        assert taken["revision"] == view["revision"] + 1 and taken["case"]["state"] == "pending_register"
        late = await move(qian, view, "accept")
    told = late.json()
    assert (late.status_code, told["reason"], told["revision"]) == (409, "stale", taken["revision"])
    assert [(entry["move"], entry["who"]) for entry in told["changed"]] == [("accept", "zhao")]


async def test_the_same_command_again_changes_nothing_and_the_id_serves_nobody_else(city_hall):
    async with await city_hall.client("operator", "zhao") as zhao, await city_hall.client("operator", "qian") as qian:
        view = await reported(zhao)
        body = {"id": fresh(), "move": "accept", "revision": view["revision"]}
        first, second = [(await zhao.post(address(view), json=body)).json() for _ in range(2)]
        assert second["outcome"] == {**first["outcome"], "repeated": True}
        for client, sent in ((qian, body), (zhao, {**body, "reason": "another"}), (zhao, {**body, "move": "claim"})):
            answer = await client.post(address(view), json=sent)
            assert (answer.status_code, answer.json()["reason"]) == (409, "command-id-reused")


async def test_in_a_batch_each_command_stands_for_itself(city_hall):
    async with await city_hall.client("operator", "zhao") as client:
        views = [await reported(client) for _ in range(3)]
        asked = [{"id": fresh(), "subject": v["subject"], "move": "accept", "revision": v["revision"]} for v in views]
        asked[1]["revision"] = 99
        asked.append({"id": fresh(), "subject": views[0]["subject"], "move": "close", "revision": 2})
        results = (await client.post("/api/v1/commands", json={"commands": asked})).json()["results"]
    assert ["outcome" in result for result in results] == [True, False, True, False]
    assert results[1]["refused"]["reason"] == "stale" and results[1]["refused"]["revision"] == 1


async def test_of_competing_commands_on_one_revision_exactly_one_wins(city_hall):
    async with await city_hall.client("operator", "zhao") as zhao, await city_hall.client("supervisor", "sun") as sun:
        view = await reported(zhao)
        answers = await asyncio.gather(*(move((zhao, sun)[n % 2], view, "accept") for n in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9


@pytest.mark.parametrize("name", ["open", "supplied", "escalate", "crew_state"])
async def test_the_halls_own_moves_are_nobodys_to_ask_for(city_hall, name):
    async with await city_hall.client("admin") as client:
        view = await reported(client)
        answer = await move(client, view, name, data={"case": {"feed": "desk", "case_id": "x"}})
    assert (answer.status_code, answer.json()["reason"]) == (403, "not-for-people")


async def test_a_seat_of_one_unit_sees_and_moves_the_cases_of_its_unit_only(city_hall):
    async with (
        await city_hall.client("supervisor", "sun") as sun,
        await city_hall.client("department", "drains", unit="排水处") as drains,
        await city_hall.client("department", "roads", unit="市政处") as roads,
    ):
        view = await reported(sun)
        view = await moved(sun, view, "dispatch", data={"unit": "排水处"})
        path = view["subject"]
        assert (await drains.get(f"/api/v1/files/{path.partition('/')[2]}")).status_code == 200
        refused = await roads.get(f"/api/v1/files/{path.partition('/')[2]}")
        assert (refused.status_code, refused.json()["reason"]) == (403, "not-your-unit")
        refused = await move(roads, view, "take")
        assert (refused.status_code, refused.json()["reason"]) == (403, "not-your-unit")
        stale = await roads.post(address(view), json={"id": fresh(), "move": "take", "revision": 1})
        assert stale.json()["reason"] == "not-your-unit" and "changed" not in stale.json()
        assert (await moved(drains, view, "take"))["case"]["state"] == "handling"


async def test_a_person_of_one_district_sees_and_moves_the_cases_of_his_district_only(city_hall):
    async with (
        await city_hall.client("supervisor", "sun") as sun,
        await city_hall.client("operator", "east", districts=("东区",)) as east,
    ):
        theirs = await reported(sun, district="西区", lon=None, lat=None)
        own = await reported(sun, district="东区", lon=None, lat=None)
        assert (await move(east, theirs, "accept")).json()["reason"] == "wrong-district"
        assert (await east.get("/api/v1/files/" + theirs["subject"].partition("/")[2])).json()["reason"] == "wrong-district"
        assert (await east.get("/api/v1/files/" + own["subject"].partition("/")[2])).status_code == 200
        await moved(east, own, "accept")
