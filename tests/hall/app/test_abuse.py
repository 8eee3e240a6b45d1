"""Abuse of dispatch: every attempt is refused with a reason, changes nothing, and leaves a line in the audit."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from dispatch.ledger import Ledger
from hall.app.pace import BURST, Pace
from hall.app.refusals import LINES, Kind, Refusals
from hall.core.errors import Refused
from tests.hall.app.test_dispatching import REPORT, address, fresh, move, moved, reported

SCRIPT = "<img src=x onerror=alert(1)><script>alert(1)</script>"


def audited(hall, **wanted) -> list[dict]:
    """Data of the audit's refusal lines that say all of `wanted`."""
    ledger = Ledger(f"sqlite:///{hall.home / 'var' / 'ledger.db'}", {}, migrate=False)
    try:
        lines = [{**entry.data, "who": entry.who} for entry in ledger.entries(0, 100_000, subject_prefix="audit/refused")]
    finally:
        ledger.close()
    return [line for line in lines if all(line.get(name) == value for name, value in wanted.items())]


async def audited_soon(hall, **wanted) -> list[dict]:
    """The same once the line is there: the door writes it after it has answered."""
    for _ in range(100):
        if found := audited(hall, **wanted):
            return found
        await asyncio.sleep(0.05)
    return []


# role -> moves of a new report that it may ask for; written from the roles, not from the code
MAY = {
    "operator": {"accept", "register", "reject", "note", "claim", "correct"},
    "dispatcher": {"note", "claim", "correct"},
    "supervisor": {"accept", "register", "reject", "note", "claim", "correct", "dispatch"},
    "leader": {"note"},
    "admin": {"accept", "register", "reject", "note", "claim", "correct", "dispatch"},
    "inspector": {"note"},
    "department": set(),
    "viewer": set(),
    "wall": set(),
    "crew": set(),
}
MOVES = {
    "accept": {},
    "register": {},
    "reject": {"reason": "重复"},
    "note": {"data": {"text": "x"}},
    "claim": {},
    "correct": {"data": {"fields": {"address": "别处"}}, "reason": "x"},
    "dispatch": {"data": {"unit": "排水处"}},
    "close": {},
    "force_close": {"reason": "x"},
}


@pytest.mark.parametrize("role", MAY)
async def test_each_role_makes_exactly_its_moves_of_a_new_report(city_hall, role):
    async with await city_hall.client("admin") as admin, await city_hall.client(role, unit="排水处", crew="k") as client:
        for name, more in MOVES.items():
            view = await reported(admin)
            answer = await move(client, view, name, **more)
            assert (answer.status_code == 200) == (name in MAY[role]), f"{role} {name}: {answer.text}"
            if answer.status_code != 200:
                assert answer.status_code in (401, 403, 409) and answer.json()["reason"], answer.text
                after = (await admin.get("/api/v1/files/" + view["subject"].partition("/")[2])).json()
                assert after["revision"] == view["revision"]


@pytest.mark.parametrize("revision", [None, -1, 0, 2, 10**9, 2**63, "1; drop table entries", 1.5, True])
async def test_a_forged_revision_moves_nothing(city_hall, revision):
    async with await city_hall.client("operator", "zhao") as client:
        view = await reported(client)
        answer = await client.post(address(view), json={"id": fresh(), "move": "accept", "revision": revision})
        after = (await client.get("/api/v1/files/" + view["subject"].partition("/")[2])).json()
    if revision is True:  # JSON's true is no number
        assert answer.status_code in (409, 422) or after["revision"] == view["revision"] + 1
        return
    assert 400 <= answer.status_code < 500 and answer.json()["reason"]
    assert after["revision"] == view["revision"]


async def test_a_refused_command_is_in_the_audit_with_who_and_why(city_hall):
    async with await city_hall.client("leader", "li-leader") as client, await city_hall.client("operator", "zhao") as zhao:
        view = await reported(zhao)
        await move(client, view, "accept")
    (line,) = audited(city_hall, who="li-leader", subject=view["subject"])
    assert (line["move"], line["code"]) == ("accept", "role")


async def test_what_the_door_refuses_is_in_the_audit_counted_and_not_line_by_line(city_hall):
    async with await city_hall.client("operator", "zhao-csrf") as client, await city_hall.client() as nobody:
        view = await reported(client)
        client.headers["x-hall-csrf"] = "0" * 64
        for _ in range(30):
            answer = await move(client, view, "accept")
            assert (answer.status_code, answer.json()["reason"]) == (403, "csrf")
        for _ in range(5):
            assert (await nobody.post("/api/v1/cases", json={})).status_code == 401
    (line,) = await audited_soon(city_hall, who="zhao-csrf", code="csrf")
    assert line["path"] == "/api/v1/cases" and line["times"] == 1
    assert len(await audited_soon(city_hall, who="nobody", code="sign-in-needed", path="/api/v1/cases")) == 1


async def test_wrong_districts_and_units_are_in_the_audit_also_when_somebody_only_looked(city_hall):
    async with (
        await city_hall.client("supervisor", "sun") as sun,
        await city_hall.client("department", "curious", unit="市政处") as curious,
    ):
        view = await reported(sun)
        assert (await curious.get("/api/v1/files/" + view["subject"].partition("/")[2])).status_code == 403
    assert await audited_soon(city_hall, who="curious", code="not-your-unit")


async def test_a_script_in_any_text_comes_back_as_the_text_it_is(city_hall):
    async with await city_hall.client("supervisor", "sun") as client:
        texts = {
            name: SCRIPT for name in ("description", "class_name", "subclass_name", "address", "district", "report_source")
        }
        body = {"id": fresh("report"), "case": {**REPORT, **texts, "lon": None, "lat": None}}
        body["caller"] = {"name": SCRIPT, "phone": SCRIPT[:50]}
        made = await client.post("/api/v1/cases", json=body)
        view = made.json()["view"]
        view = await moved(client, view, "note", data={"text": SCRIPT})
        view = await moved(client, view, "reject", reason=SCRIPT)
        answer = await client.get("/api/v1/files/" + view["subject"].partition("/")[2])
    assert answer.headers["content-type"] == "application/json" and answer.headers["x-content-type-options"] == "nosniff"
    shown = answer.json()
    assert {name: shown["case"][name] for name in texts} == texts
    assert shown["entries"][-1]["reason"] == SCRIPT


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "x"},
        {"id": "x" * 300, "move": "note"},
        {"id": "\ud800aaaaaaa", "move": "note", "data": {"text": "x"}},
        {"id": "a\x00aaaaaaa", "move": "note", "data": {"text": "x"}},
        {"id": "aaaaaaaaaa", "move": "nothing", "revision": 1},
        {"id": "aaaaaaaaab", "move": "note", "data": {"text": "x", "role": "admin"}},
        {"id": "aaaaaaaaac", "move": "note", "data": {"text": "x" * 5000}},
        {"id": "aaaaaaaaad", "move": "note", "data": {"text": "a\ud800"}},
        {"id": "aaaaaaaaae", "move": "note", "data": {"text": ["x"]}},
        {"id": "aaaaaaaaaf", "move": "note", "data": []},
        {"id": "aaaaaaaaag", "move": "note", "data": {"text": "x"}, "who": "admin"},
        {"id": "aaaaaaaaah", "move": "note", "data": {"text": "x"}, "time": 2**60},
        {"id": "aaaaaaaaai", "move": "note", "data": {"text": "x"}, "time": 2**52},
    ],
)
async def test_a_malformed_command_is_refused_with_a_reason(city_hall, body):
    import json

    async with await city_hall.client("operator", "zhao") as client:
        view = await reported(client)
        content = json.dumps(body).encode()
        answer = await client.post(address(view), content=content, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500 and answer.json()["reason"], answer.text


async def test_a_token_of_a_department_works_without_a_cookie_and_only_for_its_unit(city_hall):
    async with await city_hall.client("admin") as admin, await city_hall.client("supervisor", "sun") as sun:
        made = (await admin.post("/api/v1/tokens", json={"name": "drains", "role": "department", "unit": "排水处"})).json()
        for body in ({"name": "x", "role": "admin"}, {"name": "x", "role": "department"}, {"name": "drains", "role": "viewer"}):
            assert (await admin.post("/api/v1/tokens", json=body)).status_code in (409, 422)
        view = await reported(sun)
        view = await moved(sun, view, "dispatch", data={"unit": "排水处"})
        other = await moved(sun, await reported(sun), "dispatch", data={"unit": "市政处"})
        async with httpx.AsyncClient(
            base_url=city_hall.url, headers={"authorization": f"Bearer {made['token']}"}, verify=False
        ) as machine:
            taken = await moved(machine, view, "take")
            assert taken["entries"][-1]["kind"] == "supplier" and taken["entries"][-1]["who"] == "token:drains"
            assert (await move(machine, other, "take")).json()["reason"] == "not-your-unit"
            assert (await machine.get("/api/v1/users")).status_code == 403
            assert (await admin.delete(f"/api/v1/tokens/{made['id']}")).status_code == 200
            assert (await machine.get("/api/v1/me")).json()["reason"] == "token-unknown"


async def test_a_flood_of_commands_is_bounded_per_person_and_others_go_on(city_hall):
    async with await city_hall.client("operator", "flood") as flood, await city_hall.client("operator", "calm") as calm:
        view = await reported(calm)
        subject = view["subject"]
        refused = 0
        for _ in range(int(BURST) // 200 + 3):
            batch = [{"id": fresh("f"), "subject": subject, "move": "close", "revision": 99} for _ in range(200)]
            answer = await flood.post("/api/v1/commands", json={"commands": batch})
            if answer.status_code != 200:
                assert (answer.status_code, answer.json()["reason"]) == (429, "too-many")
                refused += 1
        assert refused and (await move(calm, view, "accept")).status_code == 200
        batch = [{"id": fresh("f"), "subject": subject, "move": "close", "revision": 99}] * 201
        assert (await calm.post("/api/v1/commands", json={"commands": batch})).status_code == 422
    assert await audited_soon(city_hall, who="flood", code="too-many")


def test_a_bucket_gives_its_burst_and_then_its_rate(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("hall.app.pace.monotonic", lambda: now[0])
    pace = Pace(rate=2, burst=5)
    pace.take("a", 5)
    with pytest.raises(Refused):
        pace.take("a")
    pace.take("b", 5)  # another's is his own
    now[0] += 1.0
    pace.take("a", 2)
    with pytest.raises(Refused):
        pace.take("a")


async def test_an_attacker_fills_no_disk_however_often_and_however_differently_he_tries(monkeypatch):
    written: list[tuple[Kind, int]] = []

    async def write(kind, times):
        written.append((kind, times))

    refusals = Refusals(write)
    for n in range(10_000):
        refusals.count(Kind("forbidden", f"n{n % 100}", "viewer", f"1.2.3.{n % 7}", f"/{n}"))
    for _ in range(500):
        refusals.count(Kind("forbidden", "n0", "viewer", "1.2.3.0", "/0"))
    await refusals.close()
    assert len(written) <= 2 * LINES + 1
    by_kind: dict[Kind, int] = {}
    for kind, times in written:
        by_kind[kind] = max(by_kind.get(kind, 0), times)
    assert sum(by_kind.values()) == 10_500


async def test_the_description_of_the_interface_is_whole(city_hall):
    """Every address of the API has a tag, a summary and an answer; references lead somewhere."""
    async with await city_hall.client("admin") as client:
        spec = (await client.get("/api/v1/openapi.json")).json()
    assert spec["openapi"].startswith("3.") and spec["info"]["version"]
    text = str(spec)
    for name in spec["components"]["schemas"]:
        assert f"#/components/schemas/{name}" in text
    for path, methods in spec["paths"].items():
        for method, described in methods.items():
            assert described.get("tags") and described.get("summary"), f"{method} {path}"
            assert any(code.startswith("2") for code in described["responses"]), f"{method} {path}"
            named = {part["name"] for part in described.get("parameters", []) if part["in"] == "path"}
            assert named == {part.partition(":")[0] for part in path.replace("}", "{").split("{")[1::2]}, path
    for path in (
        "/api/v1/cases/{feed}/{case_id}/commands", "/api/v1/commands", "/api/v1/cases", "/api/v1/files/{feed}/{case_id}",
        "/api/v1/files/{feed}/{case_id}/around", "/api/v1/files/{feed}/{case_id}/premise",
        "/api/v1/files/{feed}/{case_id}/duplicates", "/api/v1/files/{feed}/{case_id}/conditions",
        "/api/v1/files/{feed}/{case_id}/crews", "/api/v1/crews", "/api/v1/crews/{crew_id}/commands", "/api/v1/units",
        "/api/v1/media", "/api/v1/media/{media}", "/api/v1/preferences/{name}", "/api/v1/tokens",
        "/open311/v2/requests.{form}", "/open311/v2/services.{form}",
    ):  # fmt: skip
        assert path in spec["paths"], path
