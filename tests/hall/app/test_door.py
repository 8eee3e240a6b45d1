"""Who gets through which door: every address with every role, written out by hand, against the real process."""

from __future__ import annotations

import httpx
import pytest
import websockets

from hall import access

ROLES = ("viewer", "wall", "operator", "dispatcher", "supervisor", "leader", "admin", "inspector", "department", "crew")
# address -> one letter per role in the order of ROLES: y passes the door, - is refused
DOORS = {
    ("GET", "/"): "yyyyyyyyy-",
    ("GET", "/walls"): "yyyyyyyyy-",
    ("GET", "/wall/flood"): "yyyyyyyyy-",
    ("GET", "/wall/east"): "yyyyyyyyy-",
    ("GET", "/desk"): "y-yyyyyyy-",
    ("GET", "/map"): "y-yyyyyyy-",
    ("GET", "/admin/feeds"): "--yyyyy---",
    ("GET", "/admin/screens"): "--yyyyy---",
    ("GET", "/admin/users"): "------y---",
    ("GET", "/_dash-layout"): "yyyyyyyyy-",
    ("GET", "/_dash-dependencies"): "yyyyyyyyy-",
    ("GET", "/~L2Rlc2s/_dash-layout"): "y-yyyyyyy-",  # /desk
    ("GET", "/~L2FkbWluL3VzZXJz/_dash-layout"): "------y---",  # /admin/users
    ("GET", "/api/v1/geography/districts.json"): "yyyyyyyyyy",
    ("GET", "/api/v1/components/grid"): "yyyyyyyyyy",
    ("GET", "/api/v1/components/pack"): "yyyyyyyyy-",
    ("GET", "/api/v1/measures"): "yyyyyyyyy-",
    ("GET", "/api/v1/heat"): "yyyyyyyyy-",
    ("GET", "/api/v1/heat/about"): "yyyyyyyyy-",
    ("GET", "/api/v1/measures/open_cases/cells"): "yyyyyyyyy-",
    ("GET", "/tiles"): "yyyyyyyyyy",
    ("GET", "/tiles/town/5/1/1"): "yyyyyyyyyy",
    ("GET", "/video/poster/channel/x/1.jpg"): "yyyyyyyyy-",
    ("GET", "/api/v1/channels"): "yyyyyyyyy-",
    ("GET", "/api/v1/channels/tree"): "yyyyyyyyy-",
    ("GET", "/api/v1/channels/near"): "yyyyyyyyy-",
    ("POST", "/api/v1/video/views"): "yyyyyyyyy-",
    ("GET", "/api/v1/video/audit"): "----y-y---",
    ("GET", "/api/v1/video/audit.csv"): "----y-y---",
    ("GET", "/api/v1/recordings"): "--yyyyyyy-",
    ("POST", "/api/v1/recordings"): "--yyy-y---",
    ("GET", "/api/v1/recordings/r18c0ffee-123456/segments"): "--yyyyyyy-",
    ("POST", "/api/v1/recordings/r18c0ffee-123456/export"): "--yyy-y---",
    ("GET", "/api/v1/recordings/r18c0ffee-123456/export/e0123456789ab"): "--yyy-y---",
    ("DELETE", "/api/v1/recordings/r18c0ffee-123456"): "--yyy-y---",
    ("POST", "/api/v1/video/snapshot"): "--yyy-y---",
    ("POST", "/api/v1/video/regions"): "--yyy-y---",
    ("GET", "/api/v1/me"): "y-yyyyyyy-",
    ("GET", "/api/v1/openapi.json"): "y-yyyyyyy-",
    ("GET", "/api/v1/cases"): "y-yyyyyyy-",
    ("GET", "/api/v1/cases/case/x/1"): "y-yyyyyyy-",
    ("GET", "/api/v1/board/case"): "y-yyyyyyy-",
    ("GET", "/api/v1/board/screen"): "--yyyyy---",
    ("GET", "/api/v1/find"): "y-yyyyyyy-",
    ("GET", "/api/v1/around"): "y-yyyyyyy-",
    ("GET", "/api/v1/feeds"): "--yyyyy---",
    ("GET", "/api/v1/screens"): "--yyyyy---",
    ("GET", "/api/v1/feeds/probe/parked"): "--yyy-y---",
    ("POST", "/api/v1/feeds/probe/replay-parked"): "----y-y---",
    ("POST", "/api/v1/feeds/reload"): "----y-y---",
    ("POST", "/api/v1/scene/east"): "--yyyyy---",
    ("GET", "/api/v1/walls"): "------y---",
    ("POST", "/api/v1/walls/pair"): "------y---",
    ("DELETE", "/api/v1/walls/" + "0" * 64): "------y---",
    ("POST", "/api/v1/cases/probe/1/commands"): "--yyyyyyyy",
    ("POST", "/api/v1/crews/1/commands"): "--yyyyyyyy",
    ("POST", "/api/v1/commands"): "--yyyyyyy-",
    ("POST", "/api/v1/cases"): "--yyy-yy--",
    ("GET", "/api/v1/files/probe/1"): "y-yyyyyyy-",
    ("GET", "/api/v1/files/probe/1/around"): "y-yyyyyyy-",
    ("GET", "/api/v1/crews"): "y-yyyyyyy-",
    ("GET", "/api/v1/units"): "y-yyyyyyy-",
    ("POST", "/api/v1/media"): "--yyyyyyyy",
    ("GET", "/api/v1/media/x"): "yyyyyyyyyy",
    ("GET", "/api/v1/preferences/views"): "y-yyyyyyy-",
    ("PUT", "/api/v1/preferences/views"): "y-yyyyyyy-",
    ("GET", "/api/v1/notices"): "--yyyyyyyy",
    ("POST", "/api/v1/messages/preview"): "---yyyy---",
    ("GET", "/api/v1/field/tasks"): "---------y",
    ("GET", "/api/v1/field/links"): "--yyy-y-y-",
    ("POST", "/api/v1/field/links"): "--yyy-y-y-",
    ("GET", "/api/v1/webhooks"): "----y-y---",
    ("GET", "/api/v1/rule-trials"): "----y-y---",
    ("GET", "/api/v1/shifts"): "--yyyyy---",
    ("POST", "/api/v1/shifts/desk/commands"): "--yyy-y---",
    ("GET", "/api/v1/evaluation"): "----yyy-y-",
    ("GET", "/emergency"): "y-yyyyyyy-",
    ("GET", "/api/v1/streams/incident"): "y-yyyyyyy-",
    ("GET", "/api/v1/incidents/settings"): "y-yyyyyyy-",
    ("POST", "/api/v1/streams/incident/x/commands"): "--yyyyyyy-",
    ("GET", "/api/v1/tokens"): "------y---",
    ("POST", "/api/v1/tokens"): "------y---",
    ("GET", "/api/v1/shows"): "--yyyyy---",
    ("POST", "/api/v1/shows"): "--yyyyy---",
    ("GET", "/api/v1/acting"): "-yyyyyyyy-",
    ("GET", "/api/v1/card/probe/1"): "yyyyyyyyy-",
    ("GET", "/pair"): "-yyyyyyyy-",
    ("GET", "/api/v1/rounds"): "yyyyyyyyy-",
    ("GET", "/api/v1/rounds/all/coverage"): "yyyyyyyyy-",
    ("POST", "/api/v1/rounds"): "--yyy-y---",
    ("POST", "/api/v1/rounds/all/do"): "--yyy-y---",
    ("DELETE", "/api/v1/rounds/all"): "--yyy-y---",
    ("GET", "/api/v1/video/ptz/channel/x/1"): "--yyy-y---",
    ("POST", "/api/v1/video/ptz/channel/x/1"): "--yyy-y---",
    ("GET", "/api/v1/users"): "------y---",
    ("POST", "/api/v1/users"): "------y---",
    ("PATCH", "/api/v1/users/nobody"): "------y---",
    ("DELETE", "/api/v1/users/nobody"): "------y---",
}


def refused(answer: httpx.Response) -> bool:
    """Whether the door itself said no: JSON 401 or 403, or a person led to the sign-in."""
    return answer.status_code in (401, 403) or answer.headers.get("location", "").startswith("/sign-in")


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_passes_exactly_its_doors(city_hall, role):
    async with await city_hall.client(role, unit="排水处", crew="k") as client:
        for (method, path), row in DOORS.items():
            answer = await client.request(method, path)
            assert refused(answer) == (row[ROLES.index(role)] == "-"), f"{role} {method} {path}: {answer.status_code}"


async def test_nobody_unknown_passes_any_of_these_doors(city_hall):
    async with await city_hall.client() as client:
        for method, path in DOORS:
            answer = await client.request(method, path)
            assert refused(answer), f"{method} {path}: {answer.status_code}"
            if path.startswith(("/api", "/video", "/_dash", "/~")):
                assert answer.status_code == 401 and set(answer.json()) == {"reason", "detail"}


@pytest.mark.parametrize("path", ["/nothing", "/wall/none", "/api/v1/none", "/desk/..%2fx", "/_dash-update-component", "/docs"])
async def test_an_unknown_address_is_not_found_also_for_an_admin(city_hall, path):
    async with await city_hall.client("admin") as client:
        assert (await client.get(path)).status_code == 404


async def test_a_known_address_refuses_other_methods(city_hall):
    async with await city_hall.client("admin") as client:
        assert (await client.post("/desk")).status_code == 405
        assert (await client.delete("/api/v1/feeds")).status_code == 405


async def test_every_rule_of_the_table_has_a_row_here():
    from hall.app.rules import RULES, act_for

    named = {act for _, _, act in RULES if act}
    assert named == {act_for(method, path.replace("~L2Rlc2s/", "")) for method, path in DOORS if "~" not in path}


@pytest.mark.parametrize("method,path", [key for key in DOORS if key[0] != "GET"])
async def test_a_change_without_the_pages_token_is_refused(city_hall, method, path):
    async with await city_hall.client("admin") as client:
        for token in ("", "wrong", access.csrf_token("other")):
            client.headers["x-hall-csrf"] = token
            answer = await client.request(method, path)
            assert answer.status_code == 403 and answer.json()["reason"] == "csrf"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1.evil.example"])
async def test_a_change_from_another_sites_page_is_refused(city_hall, origin):
    async with await city_hall.client("admin") as client:
        answer = await client.post("/api/v1/users", headers={"origin": origin}, json={})
        assert answer.status_code == 403 and answer.json()["reason"] == "foreign-origin"
        assert (await client.post("/sign-in", headers={"origin": origin})).status_code == 403


async def test_in_the_demo_this_machine_sees_walls_and_nothing_else_without_signing_in(demo_hall):
    async with await demo_hall.client() as client:
        for (method, path), row in DOORS.items():
            headers = {} if method == "GET" else {"origin": demo_hall.url}  # no cookie, so no token: its page's origin
            answer = await client.request(method, path, headers=headers)
            assert refused(answer) == (row[ROLES.index("wall")] == "-"), f"{method} {path}: {answer.status_code}"


async def test_a_foreign_name_that_leads_here_does_not_open_the_demo(demo_hall):
    async with await demo_hall.client() as client:
        answer = await client.get("/api/v1/geography/districts.json", headers={"host": f"evil.example:{demo_hall.port}"})
        assert answer.status_code == 401


async def test_a_wall_token_moves_from_the_address_into_the_cookie_and_works_until_taken_back(city_hall):
    async with await city_hall.client("admin") as admin, await city_hall.client() as screen:
        made = (await admin.post("/api/v1/walls/pair", json={"wall": "east"})).json()
        answer = await screen.get(f"/wall/flood?part=0,0&token={made['token']}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/wall/flood?part=0%2C0")
        flags = answer.headers["set-cookie"].lower()
        assert "httponly" in flags and "samesite=strict" in flags
        assert (await screen.get("/wall/flood?part=0,0")).status_code == 200
        assert (await screen.get("/desk")).status_code == 303
        assert [row["id"] for row in (await admin.get("/api/v1/walls")).json()["paired"]] == [made["id"]]
        assert (await admin.delete(f"/api/v1/walls/{made['id']}")).status_code == 200
        assert (await screen.get("/wall/flood")).status_code == 303


@pytest.mark.parametrize("path", ["/_dash-ws-callback", "/desk", "/api/v1/board/case", "/nothing"])
async def test_anonymous_and_even_signed_in_sockets_are_refused(city_hall, path):
    async with await city_hall.client("admin") as client:
        for cookie in ("", f"{access.COOKIE}={client.cookies[access.COOKIE]}"):
            with pytest.raises(websockets.InvalidStatus) as error:
                headers = {"cookie": cookie} if cookie else {}
                await websockets.connect(
                    f"ws://127.0.0.1:{city_hall.port}{path}", origin=city_hall.url, additional_headers=headers
                )
            assert error.value.response.status_code == 403


async def test_a_suppliers_push_passes_by_its_own_token_only(city_hall):
    async with await city_hall.client() as client:
        path = "/api/v1/ingest/probe"
        assert (await client.post(path, content=b"{}")).status_code == 401
        sent = await client.post(path, content=b"{}", headers={"authorization": "Bearer supplier-secret"})
        assert sent.status_code in (200, 202)


async def test_every_answer_carries_the_security_headers(city_hall):
    async with await city_hall.client("admin") as client:
        for path in ("/desk", "/sign-in", "/healthz", "/api/v1/feeds", "/nothing", "/assets/10-hall.js"):
            headers = (await client.get(path)).headers
            policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
            assert policy["default-src"] == "'self'" and policy["frame-ancestors"] == "'none'"
            gate, relay = (
                f"ws://127.0.0.1:{number} wss://127.0.0.1:{number}" for number in (city_hall.port + 1, city_hall.port + 2)
            )
            assert policy["connect-src"] == f"'self' {gate} {relay}"
            assert "unsafe" not in policy["script-src"] and "http" not in policy["script-src"]
            assert headers["x-content-type-options"] == "nosniff" and "server" not in headers
