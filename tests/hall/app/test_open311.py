"""The Open311 server, with a client that knows the standard and nothing of the hall."""

from __future__ import annotations

import datetime
from xml.etree import ElementTree

import pytest
from defusedxml.ElementTree import fromstring

REPORT = {
    "lat": "35.30",
    "long": "113.92",
    "description": "路口积水 <b>很深</b> & 有人被困",
    "first_name": "王",
    "phone": "0373",
}


@pytest.fixture
async def keys(city_hall):
    """API keys by role."""
    found = {}
    async with await city_hall.client("admin") as admin:
        for token in (await admin.get("/api/v1/tokens")).json()["tokens"]:
            await admin.delete(f"/api/v1/tokens/{token['id']}")
        for role in ("operator", "viewer", "department"):
            made = await admin.post("/api/v1/tokens", json={"name": f"app-{role}", "role": role, "unit": "排水处"})
            found[role] = made.json()["token"]
    return found


def fields(xml: bytes) -> list[dict[str, str]]:
    return [{child.tag: child.text or "" for child in one} for one in fromstring(xml)]


async def a_code(client) -> str:
    return (await client.get("/open311/v2/services.json")).json()[0]["service_code"]


async def test_discovery_and_services_are_for_everybody_and_say_the_same_in_both_forms(city_hall):
    async with await city_hall.client() as client:
        found = (await client.get("/open311/v2/discovery.json")).json()
        assert found["endpoints"][0]["url"] == f"{city_hall.url}/open311/v2"
        plain = (await client.get("/open311/v2/services.json")).json()
        answer = await client.get("/open311/v2/services.xml")
        assert answer.headers["content-type"].startswith("text/xml")
        rows = fields(answer.content)
        assert [row["service_code"] for row in rows] == [row["service_code"] for row in plain] and len(rows) > 20
        assert rows[0].keys() == {"service_code", "service_name", "description", "metadata", "type", "keywords", "group"}
        definition = await client.get(f"/open311/v2/services/{plain[0]['service_code']}.xml")
        assert fromstring(definition.content).find("service_code").text == plain[0]["service_code"]


@pytest.mark.parametrize("form", ["xml", "json"])
async def test_a_report_becomes_a_case_of_the_desk_and_can_be_followed(city_hall, keys, form):
    async with await city_hall.client() as client, await city_hall.client("supervisor", "sun") as sun:
        sent = {**REPORT, "service_code": await a_code(client), "api_key": keys["operator"], "email": "a@example.org"}
        answer = await client.post(f"/open311/v2/requests.{form}", data=sent)
        assert answer.status_code == 201
        row = fields(answer.content)[0] if form == "xml" else answer.json()[0]
        number = row["service_request_id"]
        view = (await sun.get(f"/api/v1/files/desk/{number}")).json()
        shown = await client.get(f"/open311/v2/requests/{number}.{form}", params={"api_key": keys["viewer"]})
    assert view["case"]["description"] == REPORT["description"] and view["case"]["report_source"] == "Open311"
    assert [(entry["move"], entry["who"], entry["kind"]) for entry in view["entries"]][0] == (
        "open",
        "token:app-operator",
        "supplier",
    )
    assert "a@example.org" in view["entries"][1]["data"]["text"]
    told = fields(shown.content)[0] if form == "xml" else shown.json()[0]
    assert (told["status"], told["description"], float(told["long"])) == ("open", REPORT["description"], 113.92)
    assert abs(datetime.datetime.fromisoformat(told["requested_datetime"]).timestamp() * 1000 - view["now"]) < 60_000
    assert "0373" not in shown.text and "a@example.org" not in shown.text


async def test_an_idempotency_key_makes_a_repeated_report_one_case(city_hall, keys):
    async with await city_hall.client() as client:
        sent = {**REPORT, "service_code": await a_code(client), "api_key": keys["operator"]}
        numbers = {
            (await client.post("/open311/v2/requests.json", data=sent, headers={"idempotency-key": "k1"})).text
            for _ in range(3)
        }
    assert len(numbers) == 1


@pytest.mark.parametrize(
    "change,status",
    [
        ({"service_code": ""}, 400),
        ({"service_code": "none"}, 400),
        ({"description": " "}, 400),
        ({"description": "x" * 5000}, 400),
        ({"description": "a\x00b"}, 400),
        ({"lat": "north"}, 400),
        ({"lat": "nan"}, 400),
        ({"lat": "95"}, 400),
        ({"long": ""}, 400),
        ({"lat": "", "long": ""}, 400),
        ({"api_key": ""}, 403),
        ({"api_key": "x" * 3000}, 403),
    ],
)
async def test_what_cannot_be_taken_is_refused_in_the_standards_own_form(city_hall, keys, change, status):
    async with await city_hall.client() as client:
        sent = {**REPORT, "service_code": await a_code(client), "api_key": keys["operator"], **change}
        xml = await client.post("/open311/v2/requests.xml", data=sent)
        plain = await client.post("/open311/v2/requests.json", data=sent)
    top = fromstring(xml.content)
    assert (xml.status_code, plain.status_code, top.tag, top[0].tag) == (status, status, "errors", "error")
    assert top.find("error/code").text == str(status) and top.find("error/description").text
    assert plain.json()[0]["code"] == status


async def test_a_key_does_only_what_its_role_may(city_hall, keys):
    async with await city_hall.client() as client:
        sent = {**REPORT, "service_code": await a_code(client)}
        for role in ("viewer", "department"):
            answer = await client.post("/open311/v2/requests.json", data={**sent, "api_key": keys[role]})
            assert answer.status_code == 403
        made = (await client.post("/open311/v2/requests.json", data={**sent, "api_key": keys["operator"]})).json()[0]
        path = f"/open311/v2/requests/{made['service_request_id']}.json"
        assert (await client.get(path)).status_code == 403
        assert (await client.get(path, params={"api_key": keys["department"]})).status_code == 404  # not its unit's
        assert (
            await client.get("/open311/v2/requests.json", params={"api_key": keys["viewer"], "start_date": "x"})
        ).status_code == 400
        span = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-06-01T00:00:00Z"}
        assert (await client.get("/open311/v2/requests.json", params={"api_key": keys["viewer"], **span})).status_code == 400


async def test_the_answers_are_shaped_like_those_of_other_cities(city_hall, keys, real_data):
    """Every element of a captured answer that carries something is there in ours."""
    folder = real_data / "cases" / "open311_georeport_v2_mocks"
    captured = ElementTree.parse(folder / "service-request.xml").getroot()  # noqa: S314 - our own file
    async with await city_hall.client() as client:
        sent = {**REPORT, "service_code": await a_code(client), "api_key": keys["operator"]}
        made = (await client.post("/open311/v2/requests.json", data=sent)).json()[0]
        path = f"/open311/v2/requests/{made['service_request_id']}.xml"
        ours = fromstring((await client.get(path, params={"api_key": keys["viewer"]})).content)
    names = {child.tag for child in captured[0]} - {"address_id", "zipcode", "media_url"}
    assert (ours.tag, ours[0].tag) == (captured.tag, captured[0].tag)
    assert names <= {child.tag for child in ours[0]}
