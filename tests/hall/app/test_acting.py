"""Acting at a wall: what a PIN or a confirmed code opens, for whom, where, how long; and everything it does not open."""

from __future__ import annotations

import uuid

import httpx
import pytest

from dispatch.ledger import Ledger
from hall import access
from hall.app.acting import COOKIE, PER_PERSON
from hall.app.users import Profile

PIN = "4826"


@pytest.fixture
def person(city_hall):
    """`person(role, ...)`: a new user with a PIN; returns the name."""

    def make(role="supervisor", pin=PIN, **profile):
        name = f"p{uuid.uuid4().hex[:10]}"
        city_hall.people.add(name, role, "a long password", Profile(pin=pin, **profile))
        return name

    return make


async def wall_client(hall, wall="main") -> httpx.AsyncClient:
    """A paired screen's browser."""
    bus = hall.bus()
    token = await access.pair_wall(bus, wall, "test")
    await bus.close()
    client = httpx.AsyncClient(base_url=hall.url, timeout=10, headers={"origin": hall.url}, verify=False)
    client.cookies.set(access.COOKIE, token)
    return client


async def new_case(hall) -> str:
    """A case reported at a desk; `feed/case id`."""
    async with await hall.client("operator", "reporter") as client:
        made = await client.post("/api/v1/cases", json={"id": uuid.uuid4().hex, "case": {"description": "井盖缺失", "class_name": "公用设施"},
                                                        "caller": {"name": "王某某", "phone": "13800000000"}})  # fmt: skip
        assert made.status_code < 300, made.text
        return made.json()["outcome"]["subject"].removeprefix("file/")


async def sign_in(wall: httpx.AsyncClient, name: str, pin: str = PIN) -> httpx.Response:
    answer = await wall.post("/api/v1/acting/pin", json={"name": name, "pin": pin})
    if answer.status_code == 200:
        wall.headers["x-hall-csrf"] = answer.json()["csrf"]
    return answer


def note(revision, **more):
    return {"id": uuid.uuid4().hex, "move": "note", "revision": revision, "reason": "", "data": {"text": "大厅已关注"}, **more}


def lines(hall, **filters):
    ledger = Ledger(f"sqlite:///{hall.home / 'var' / 'ledger.db'}", {})
    found = ledger.entries(**filters)
    ledger.close()
    return found


async def test_a_wall_by_itself_shows_the_card_and_may_do_nothing(city_hall):
    case = await new_case(city_hall)
    async with await wall_client(city_hall) as wall:
        card = (await wall.get(f"/api/v1/card/{case}")).json()
        assert card["case"]["description"] == "井盖缺失" and card["allowed"] == [] and card["entries"][0]["move"] == "open"
        assert "13800000000" not in str(card) and "王某某" not in str(card)
        for token in ("", access.csrf_token(wall.cookies[access.COOKIE])):
            answer = await wall.post(f"/api/v1/cases/{case}/commands", json=note(1), headers={"x-hall-csrf": token})
            assert answer.status_code == 403


async def test_a_pin_opens_the_moves_and_the_ledger_says_who_did_it_at_which_wall(city_hall, person):
    name, case = person(display="王芳"), await new_case(city_hall)
    async with await wall_client(city_hall, "main") as wall:
        assert {"name": name, "display": "王芳", "role": "supervisor"} in (await wall.get("/api/v1/acting/people")).json()[
            "people"
        ]
        found = (await sign_in(wall, name)).json()
        assert (found["name"], found["wall"]) == (name, "main")
        card = (await wall.get(f"/api/v1/card/{case}")).json()
        assert "note" in [move["move"] for move in card["allowed"]]
        answer = await wall.post(f"/api/v1/cases/{case}/commands", json=note(card["revision"]))
        assert answer.status_code == 200, answer.text
        last = (await wall.get(f"/api/v1/card/{case}")).json()["entries"][-1]
        assert (last["who"], last["role"], last["desk"]) == (name, "supervisor", "wall:main")
    line = lines(city_hall, subject_prefix="audit/wall-sign-in", who=name)[-1]
    assert (line.move, line.desk, line.data["by"]) == ("wall-sign-in", "wall:main", "pin")


async def test_an_action_renews_the_time_and_looking_does_not(city_hall, person):
    name, case = person(), await new_case(city_hall)
    async with await wall_client(city_hall) as wall:
        first = (await sign_in(wall, name)).json()["until"]
        card = (await wall.get(f"/api/v1/card/{case}")).json()
        assert (await wall.get("/api/v1/acting")).json()["until"] == first
        await wall.post(f"/api/v1/cases/{case}/commands", json=note(card["revision"]))
        assert (await wall.get("/api/v1/acting")).json()["until"] > first


async def test_the_lent_name_holds_at_this_browser_of_this_wall_and_for_these_addresses_only(city_hall, person):
    name, case = person("admin"), await new_case(city_hall)
    async with await wall_client(city_hall, "main") as wall, await wall_client(city_hall, "other") as other:
        assert (await sign_in(wall, name)).status_code == 200
        lent, token = wall.cookies[COOKIE], wall.headers["x-hall-csrf"]
        for address in ("/desk", "/admin/users", "/api/v1/users", "/api/v1/feeds", "/api/v1/shows", "/api/v1/me"):
            assert (await wall.get(address)).status_code in (303, 403), address
        # elsewhere the same cookie is nothing: at another wall, without a wall, as a sign-in
        other.cookies.set(COOKIE, lent)
        other.headers["x-hall-csrf"] = token
        assert (await other.get("/api/v1/acting")).json() == {"name": ""}
        assert (await other.post(f"/api/v1/cases/{case}/commands", json=note(1))).status_code == 403
        async with httpx.AsyncClient(base_url=city_hall.url, headers={"x-hall-csrf": token}, verify=False) as thief:
            thief.cookies.set(COOKIE, lent)
            assert (await thief.post(f"/api/v1/cases/{case}/commands", json=note(1))).status_code == 401
            thief.cookies.set(access.COOKIE, lent)
            assert (await thief.get("/api/v1/me")).status_code == 401


async def test_acting_ends_by_a_touch_and_when_the_person_is_changed(city_hall, person):
    name = person()
    async with await wall_client(city_hall) as wall:
        await sign_in(wall, name)
        assert (await wall.post("/api/v1/acting/end")).status_code == 200
        assert (await wall.get("/api/v1/acting")).json() == {"name": ""}
        await sign_in(wall, name)
        bus = city_hall.bus()
        await access.end_sessions(bus, name)
        await bus.close()
        assert (await wall.get("/api/v1/acting")).json() == {"name": ""}


async def test_guessing_a_pin_is_bounded_audited_and_costs_nobody_else_his_turn(city_hall, person):
    name, colleague = person(), person()
    async with await wall_client(city_hall, "guess") as wall:
        for _ in range(PER_PERSON):
            answer = await sign_in(wall, name, "9137")
            assert (answer.status_code, answer.json()["reason"]) == (401, "wrong-pin")
        locked = await sign_in(wall, name)  # the right one
        assert (
            locked.status_code == 429 and locked.json()["reason"] == "too-many-attempts" and int(locked.json()["detail"]) <= 15
        )
        assert (await sign_in(wall, colleague)).status_code == 200
    async with await wall_client(city_hall, "next-door") as wall:
        assert (await sign_in(wall, name)).status_code == 429, "another wall is no new chance"
    refused = [line for line in lines(city_hall, subject_prefix="audit/wall-sign-in-refused") if line.data.get("name") == name]
    assert len(refused) == PER_PERSON and {line.desk for line in refused} == {"wall:guess"}
    assert "9137" not in str([(line.data, line.reason) for line in refused])  # hashes are full of digits


async def test_one_wall_is_a_bounded_place_to_guess_at_everybody(city_hall):
    async with await wall_client(city_hall, "many") as wall:
        answers = [(await sign_in(wall, f"nobody-{n}", "9137")).status_code for n in range(21)]
    assert answers == [401] * 20 + [429]


async def test_a_role_without_deeds_does_not_act_though_its_pin_is_right(city_hall, person):
    async with await wall_client(city_hall) as wall:
        assert (await sign_in(wall, person("viewer"))).json()["reason"] == "wrong-pin"


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null"])
async def test_a_pin_from_another_sites_page_is_not_looked_at(city_hall, person, origin):
    async with await wall_client(city_hall) as wall:
        del wall.headers["origin"]
        headers = {"origin": origin} if origin else {}
        answer = await wall.post("/api/v1/acting/pin", json={"name": person(), "pin": PIN}, headers=headers)
        assert answer.status_code == 403 and COOKIE not in answer.cookies


async def test_a_person_confirms_the_walls_code_once_and_acts_there_from_then_on(city_hall):
    async with await wall_client(city_hall, "main") as wall, await city_hall.client("dispatcher", "phone") as phone:
        made = (await wall.post("/api/v1/acting/pairing", json={})).json()
        assert made["address"] == f"{city_hall.url}/pair?code={made['code']}" and made["picture"].startswith(
            "data:image/svg+xml"
        )
        assert (await wall.get("/api/v1/acting/pairing")).json() == {"state": "waiting"}
        assert (await phone.get(f"/api/v1/acting/asked/{made['code']}")).json() == {"wall": "main", "minutes": 5.0}
        assert (await phone.post("/api/v1/acting/confirm", json={"code": made["code"]})).status_code == 200
        assert (await phone.post("/api/v1/acting/confirm", json={"code": made["code"]})).json()["reason"] == "code-unknown"
        found = (await wall.get("/api/v1/acting/pairing")).json()
        assert (found["name"], found["role"], found["wall"]) == ("phone", "dispatcher", "main")
        assert (await wall.get("/api/v1/acting")).json()["name"] == "phone"
        assert (await wall.get("/api/v1/acting/pairing")).json() == {"state": "over"}


async def test_a_code_is_confirmed_by_persons_only_and_its_grant_goes_to_the_browser_that_shows_it(city_hall):
    async with (
        await wall_client(city_hall) as wall,
        await wall_client(city_hall) as beside,
        await city_hall.client("admin") as phone,
    ):
        code = (await wall.post("/api/v1/acting/pairing", json={})).json()["code"]
        wall.headers["x-hall-csrf"] = access.csrf_token(wall.cookies[access.COOKIE])
        assert (await wall.post("/api/v1/acting/confirm", json={"code": code})).json()["reason"] == "not-a-person"
        await phone.post("/api/v1/acting/confirm", json={"code": code})
        assert (await beside.get("/api/v1/acting/pairing")).json() == {"state": "over"}
        assert (await wall.get("/api/v1/acting/pairing")).json()["name"] == "a-admin"


async def test_guessing_codes_is_bounded(city_hall):
    async with await city_hall.client("operator", "guesser") as phone:
        answers = [(await phone.post("/api/v1/acting/confirm", json={"code": f"{n:08d}"})).status_code for n in range(11)]
    assert answers == [404] * 10 + [429]
