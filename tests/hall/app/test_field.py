"""A crew's phone: links, least rights, actions taken once. Against a real web process and a real ledger."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from dispatch.desk import Desk
from dispatch.ledger import Ledger
from dispatch.notifier import Notifier
from dispatch.policy import compile_policy
from hall.app.rules import RULES
from hall.core import config, settings
from hall.core.command import Actor, Command
from hall.core.process import Process

SYSTEM = Actor(name="system", role="system", kind="system")
OPERATOR = Actor(name="zhang", role="operator")
DISPATCHER = Actor(name="li", role="dispatcher")
_numbers = itertools.count()
SECRET_TEXT = "市民 王女士 电话 13803731234，家住 12 号，身份证 410702198001011234，wang@example.com，积水到膝盖"


class Side:
    """The test's own hand on the ledger of a running hall: what the dispatch process and the operators would do."""

    def __init__(self, hall, monkeypatch) -> None:
        for name in ("HALL_CONFIG", "HALL_DATA_DIR", "HALL_PORT", "HALL_REDIS_URL", "HALL_BUS_PREFIX"):
            monkeypatch.setenv(name, hall.env[name])
        found = settings.read()
        self.process = Process("side", found, config.load(found.config_path))
        policy = compile_policy(self.process.config)
        self.ledger = Ledger(found.database_url, policy.aggregates())
        self.desk = Desk(self.process, self.ledger, policy.files, lambda subject: None)
        self.notifier, self.seen = Notifier(self.process, self.desk, self.ledger), 0

    async def do(self, subject: str, move: str, actor: Actor, reason: str = "", /, **data):
        state = await self.desk.state(subject)
        command = Command(
            id=f"side-{next(_numbers)}-{subject}", subject=subject, move=move, reason=reason, data=data,
            revision=state.revision if state else None,
        )  # fmt: skip
        return await self.desk.execute(command, actor)

    async def crew(self, unit: str = "排水所") -> str:
        name = f"crew-{next(_numbers):05d}"
        await self.do(f"crew/{name}", "enrol", SYSTEM, crew_id=name, name=f"{name}班", unit=unit)
        return name

    async def task(self, *crews: str, **more) -> str:
        name = f"k{next(_numbers)}"
        report = {"feed": "probe", "case_id": name, "class_name": "市政设施", "subclass_name": "道路积水", "severity": 2, "lon": 113.92,
                  "lat": 35.3, "address": "新中大道 12 号", "description": SECRET_TEXT, "district": "红旗区",
                  "extra": {"caller": "王女士", "phone": "13803731234"}, **more}  # fmt: skip
        subject = f"file/probe/{name}"
        await self.do(subject, "open", SYSTEM, case=report)
        await self.do(subject, "accept", OPERATOR)
        await self.do(subject, "register", OPERATOR)
        await self.do(subject, "dispatch", DISPATCHER, unit="排水所", **({"crews": list(crews)} if crews else {}))
        return subject

    async def tell(self) -> None:
        while entries := self.ledger.entries(self.seen):
            await self.notifier.take(entries)
            self.seen = entries[-1].seq

    async def close(self) -> None:
        self.desk.close()
        await self.process.bus.close()


@pytest.fixture
async def side(city_hall, monkeypatch):
    made = Side(city_hall, monkeypatch)
    yield made
    await made.close()


async def link_for(hall, crew: str, **more) -> dict:
    async with await hall.client("supervisor") as desk:
        answer = await desk.post("/api/v1/field/links", json={"crew": crew, "hours": 2, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()


@contextlib.asynccontextmanager
async def phone(hall, crew: str, **more) -> AsyncIterator[httpx.AsyncClient]:
    """A phone that opened a new link of this crew."""
    secret = re.search(r"#k=(.+)", (await link_for(hall, crew, **more))["url"])[1]
    client = await hall.client()
    answer = await client.post("/api/v1/field/session", json={"secret": secret})
    assert answer.status_code == 200, answer.text
    client.headers["x-hall-csrf"] = answer.json()["csrf"]
    yield client
    await client.aclose()


def action(task: str, move: str, **more) -> dict:
    return {"id": f"phone-{next(_numbers):08d}", "task": task, "move": move, **more}


async def test_a_crew_sees_its_own_tasks_without_the_callers_personal_data(city_hall, side):
    crew, other = await side.crew(), await side.crew()
    mine, theirs = await side.task(crew), await side.task(other)
    async with phone(city_hall, crew) as client:
        answer = await client.get("/api/v1/field/tasks")
        assert [task["subject"] for task in answer.json()["tasks"]] == [mine]
        for personal in (theirs, "13803731234", "410702198001011234", "wang@example.com", "caller", other):
            assert personal not in answer.text
        task = answer.json()["tasks"][0]
        assert "积水到膝盖" in task["description"] and task["state"] == "assigned"
        assert set(task["moves"]) == {"acknowledge", "muster", "en_route", "on_scene", "clear", "decline"}


async def test_unchanged_tasks_cost_no_body(city_hall, side):
    crew = await side.crew()
    subject = await side.task(crew)
    async with phone(city_hall, crew) as client:
        first = await client.get("/api/v1/field/tasks")
        again = await client.get("/api/v1/field/tasks", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        await side.do(subject, "urge", Actor(name="wang", role="supervisor"), "尽快")
        changed = await client.get("/api/v1/field/tasks", headers={"if-none-match": first.headers["etag"]})
        assert changed.status_code == 200 and changed.json()["tasks"][0]["urges"][0]["reason"] == "尽快"


async def test_a_whole_task_from_the_phone(city_hall, side):
    crew = await side.crew()
    subject = await side.task(crew)
    async with phone(city_hall, crew) as client:
        for move in ("acknowledge", "muster", "en_route", "on_scene"):
            answer = await client.post("/api/v1/field/commands", json=action(subject, move))
            assert answer.status_code == 200, answer.text
        done = action(subject, "feed_back", data={"opinion": "已抽排"})
        assert (await client.post("/api/v1/field/commands", json=done)).status_code == 200
        assert (await client.post("/api/v1/field/commands", json=action(subject, "clear"))).status_code == 200
        assert (await client.get("/api/v1/field/tasks")).json()["tasks"] == []
    file = await side.desk.state(subject)
    assert (file.state, file.opinion, file.crews[0].state) == ("handle_finish", "已抽排", "clear")
    assert [e.move for e in side.ledger.history(subject) if e.role == "crew"].count("feed_back") == 1


async def test_an_action_sent_again_is_taken_once_whatever_happened_meanwhile(city_hall, side):
    crew = await side.crew()
    subject = await side.task(crew)
    async with phone(city_hall, crew) as client:
        done = action(subject, "feed_back", data={"opinion": "已抽排"})
        first = await client.post("/api/v1/field/commands", json=done)
        await side.do(subject, "note", OPERATOR, text="收到")
        await client.post("/api/v1/field/commands", json=action(subject, "clear"))
        again = await client.post("/api/v1/field/commands", json=done)
        assert again.json()["outcome"] | {"repeated": False} == first.json()["outcome"] | {"repeated": False}
        assert again.json()["outcome"]["repeated"] is True
    async with phone(city_hall, crew) as another:  # the same crew on another phone
        third = await another.post("/api/v1/field/commands", json=done)
        assert third.json()["outcome"]["repeated"] is True
        forged = await another.post("/api/v1/field/commands", json={**done, "data": {"opinion": "别的"}})
        assert forged.json()["reason"] == "command-id-reused"
    assert [e.move for e in side.ledger.history(subject)].count("feed_back") == 1


async def test_what_a_phone_did_without_a_network_keeps_its_time_and_never_lies_in_the_future(city_hall, side):
    crew = await side.crew()
    subject = await side.task(crew)
    now = side.process.clock.now()
    async with phone(city_hall, crew) as client:
        await client.post("/api/v1/field/commands", json=action(subject, "note", data={"text": "早"}, time=now + 10_000_000))
        assert side.ledger.history(subject)[-1].time <= side.process.clock.now()
        early = side.ledger.history(subject)[0].time + 1
        await client.post("/api/v1/field/commands", json=action(subject, "en_route", time=early))
        assert next(e for e in side.ledger.history(f"crew/{crew}") if e.move == "en_route").time == early


async def test_a_phone_asks_for_nothing_beyond_its_moves_and_its_tasks(city_hall, side):
    crew, other = await side.crew(), await side.crew()
    mine, theirs = await side.task(crew), await side.task(other)
    before = [e.seq for subject in (mine, theirs) for e in side.ledger.history(subject)]
    async with phone(city_hall, crew) as client:
        for move in ("close", "urge", "assign", "take", "out_of_service", "enrol", "open", "crew_state", "note\x00"):
            answer = await client.post("/api/v1/field/commands", json=action(mine, move, reason="x"))
            assert answer.status_code in (400, 403), (move, answer.text)
        for move in ("acknowledge", "feed_back", "note", "clear"):
            data = {"feed_back": {"opinion": "x"}, "note": {"text": "x"}}.get(move, {})
            answer = await client.post("/api/v1/field/commands", json=action(theirs, move, data=data))
            assert answer.status_code in (403, 409), (move, answer.text)
            assert answer.json()["reason"] in ("not-your-case", "not-assigned")
    assert before == [e.seq for subject in (mine, theirs) for e in side.ledger.history(subject)]


async def test_a_link_for_one_case_shows_and_moves_that_case_only(city_hall, side):
    crew = await side.crew()
    await side.do(f"crew/{crew}", "enrol", SYSTEM, crew_id=crew, name="c", unit="排水所", capacity=2)
    one = await side.task(crew)
    async with phone(city_hall, crew, case=one) as client:
        assert [task["subject"] for task in (await client.get("/api/v1/field/tasks")).json()["tasks"]] == [one]
        answer = await client.post("/api/v1/field/commands", json=action("file/probe/else", "acknowledge"))
        assert (answer.status_code, answer.json()["reason"]) == (403, "not-your-case")


async def test_a_forged_expired_or_revoked_link_opens_nothing_and_is_audited(city_hall, side):
    crew = await side.crew()
    client = await city_hall.client()
    for secret in ("", "x" * 43, "../../etc", "a" * 300):
        answer = await client.post("/api/v1/field/session", json={"secret": secret})
        assert answer.status_code in (401, 422)
    short = await link_for(city_hall, crew, hours=0.0001)
    secret = short["url"].partition("#k=")[2]
    bus = city_hall.bus()
    from hall import access

    await bus.call("PEXPIRE", bus.key("field-link", access.digest(secret)), 1)
    await bus.call("DEL", bus.key("field-link", access.digest(secret)))
    assert (await client.post("/api/v1/field/session", json={"secret": secret})).json()["reason"] == "link-expired"
    link = await link_for(city_hall, crew)
    secret = link["url"].partition("#k=")[2]
    async with phone(city_hall, crew) as other:
        await client.post("/api/v1/field/session", json={"secret": secret})
        assert (await client.get("/api/v1/field/tasks")).status_code == 200
        async with await city_hall.client("dispatcher") as desk:
            listed = (await desk.get("/api/v1/field/links")).json()["links"]
            assert any(one["link_id"] == link["link_id"] and one["uses"] == 1 for one in listed)
            assert secret not in str(listed) and "digest" not in listed[0]
            assert (await desk.delete(f"/api/v1/field/links/{link['link_id']}")).status_code == 200
        assert (await client.get("/api/v1/field/tasks")).status_code == 401, "a phone of a revoked link is out at once"
        assert (await client.post("/api/v1/field/session", json={"secret": secret})).status_code == 401
        assert (await other.get("/api/v1/field/tasks")).status_code == 200, "another link of the crew still holds"
    moves = {e.move for e in side.ledger.entries(0, 10_000, subject_prefix="audit/")}
    assert {"field-link", "field-entered", "field-refused", "field-link-revoked"} <= moves
    kept = b"".join([key for key in await bus.call("KEYS", bus.key("field-link*"))])
    assert secret.encode() not in kept
    await bus.close()


async def test_guessing_links_is_slowed_down(new_hall):
    hall = new_hall().start()
    async with await hall.client() as client:
        codes = [(await client.post("/api/v1/field/session", json={"secret": f"{n:043d}"})).status_code for n in range(22)]
    assert codes[:20] == [401] * 20 and codes[-1] == 429


async def test_a_department_makes_links_for_its_own_crews_only_and_viewers_none(city_hall, side):
    own, other = await side.crew("排水所"), await side.crew("路灯所")
    from hall import access

    bus = city_hall.bus()
    secret = await access.open_session(bus, "pai", "department", unit="排水所")
    await bus.close()
    async with await city_hall.client() as seat:
        seat.cookies.set(access.COOKIE, secret)
        seat.headers["x-hall-csrf"] = access.csrf_token(secret)
        assert (await seat.post("/api/v1/field/links", json={"crew": own})).status_code == 201
        assert (await seat.post("/api/v1/field/links", json={"crew": other})).status_code == 403
        assert {link["unit"] for link in (await seat.get("/api/v1/field/links")).json()["links"]} == {"排水所"}
        assert {crew["unit"] for crew in (await seat.get("/api/v1/field/links/crews")).json()["crews"]} == {"排水所"}
    for role in ("viewer", "leader", "inspector", "wall"):
        async with await city_hall.client(role) as nobody:
            assert (await nobody.post("/api/v1/field/links", json={"crew": own})).status_code == 403


def _addresses(pattern) -> list[str]:
    """Addresses that fit a rule: every alternative, with and without what is optional."""
    found = [""]
    for token, value in pattern:
        match str(token):
            case "LITERAL":
                parts = [chr(value)]
            case "BRANCH":
                parts = [made for branch in value[1] for made in _addresses(branch)]
            case "SUBPATTERN":
                parts = _addresses(value[3])
            case "MAX_REPEAT":
                parts = [*([""] if value[0] == 0 else []), *_addresses(value[2])]
            case _:
                parts = ["x"]
        found = [before + part for before in found for part in parts]
    return found


def test_the_walk_knows_every_alternative_of_a_rule():
    from re import _parser

    assert set(_addresses(_parser.parse(r"/a(/b|/[^/]+)?|/c\.d"))) == {"/a", "/a/b", "/a/x", "/c.d"}


#: addresses that anybody reaches; their own tests say what they give
ANYBODY = ("/assets", "/_dash-component", "/_favicon", "/favicon", "/healthz", "/sign", "/enter", "/api/v1/ingest", "/open311")


async def test_a_crews_session_reaches_its_own_addresses_and_no_other(city_hall, side):
    from re import _parser

    crew, reached = await side.crew(), set()
    addresses = {made for _, pattern, _ in RULES for made in _addresses(_parser.parse(pattern))}
    async with phone(city_hall, crew) as client:
        for address in sorted(addresses):
            if address.startswith((*ANYBODY, "/field")) and not address.startswith("/field/links"):
                continue
            for method in ("GET", "POST", "PUT", "DELETE"):
                if address == "/api/v1/field/session":
                    continue  # that one signs out
                answer = await client.request(method, address, json={} if method in ("POST", "PUT") else None)
                if answer.status_code not in (303, 401, 403, 404, 405):
                    reached.add(address)
    # of the general addresses a crew gets its own moves, its photos and its notices; each checks whose they are
    own = (
        "/api/v1/field/",
        "/tiles",
        "/api/v1/geography/",
        "/api/v1/notices",
        "/api/v1/media",
        "/api/v1/cases/x/x/commands",
        "/api/v1/crews/x/commands",
        "/api/v1/components/grid",
        "/api/v1/components/at/",
    )
    assert {address for address in reached if not address.startswith(own)} <= {"/api/v1/components"}
    assert {"/api/v1/field/tasks", "/api/v1/field/commands", "/api/v1/field/position"} <= reached
    assert not reached & {"/api/v1/field/links", "/field/links"}


async def test_a_crew_follows_no_topic_of_the_stream(city_hall):
    from hall import access

    assert access.topics_for("crew") == ()


async def test_a_notice_is_received_read_and_seen_in_the_ledger_of_delivery(city_hall, side):
    crew, other = await side.crew(), await side.crew()
    subject = await side.task(crew)
    await side.tell()
    async with phone(city_hall, other) as stranger, phone(city_hall, crew) as client:
        notice = (await client.get("/api/v1/field/tasks")).json()["notices"][0]
        assert notice["key"] == "notice.assigned" and "who" in notice["values"]
        await stranger.post("/api/v1/field/notices", json={"read": [notice["id"]]})
        await client.post("/api/v1/field/notices", json={"received": [notice["id"]]})
        async with await city_hall.client("operator") as desk:
            about = (await desk.get("/api/v1/notices", params={"about": subject})).json()["notices"]
            shown = next(n for n in about if n["notice_id"] == notice["id"])
            assert shown["ways"].keys() == {"field"} and "read" not in shown["ways"]["field"]
            await client.post("/api/v1/field/notices", json={"read": [notice["id"]]})
            about = (await desk.get("/api/v1/notices", params={"about": subject})).json()["notices"]
            shown = next(n for n in about if n["notice_id"] == notice["id"])
            assert shown["ways"]["field"]["read"] >= shown["ways"]["field"]["received"] >= shown["made"]
        assert (await client.get("/api/v1/field/tasks")).json()["notices"] == []


async def test_a_console_reads_its_own_notices(city_hall, side):
    await side.do("file/probe/em", "open", SYSTEM, case={
        "feed": "probe", "case_id": "em", "severity": 4, "class_name": "突发", "stages": {"reported": side.process.clock.now()}})  # fmt: skip
    await side.tell()
    async with await city_hall.client("dispatcher", "li") as desk:
        mine = (await desk.get("/api/v1/notices")).json()["notices"]
        one = next(n for n in mine if n["about"] == "file/probe/em")
        assert (await desk.post(f"/api/v1/notices/{one['notice_id']}/received")).status_code == 200
        assert (await desk.post(f"/api/v1/notices/{one['notice_id']}/read")).status_code == 200
        assert not any(n["about"] == "file/probe/em" for n in (await desk.get("/api/v1/notices")).json()["notices"])
    async with await city_hall.client("viewer") as viewer:
        assert (await viewer.get("/api/v1/notices", params={"about": "file/probe/em"})).status_code == 403


async def test_the_ledger_of_delivery_of_another_district_is_not_shown(city_hall, side):
    from hall import access

    subject = await side.task()
    await side.tell()
    bus = city_hall.bus()
    for districts, status in ((("卫滨区",), 403), (("红旗区",), 200)):
        secret = await access.open_session(bus, "sun", "operator", districts=districts)
        async with await city_hall.client() as desk:
            desk.cookies.set(access.COOKIE, secret)
            assert (await desk.get("/api/v1/notices", params={"about": subject})).status_code == status
    await bus.close()


async def test_a_position_is_published_with_its_accuracy_for_the_own_crew(city_hall, side):
    crew = await side.crew()
    async with phone(city_hall, crew) as client:
        where = {"lon": 113.92, "lat": 35.3, "accuracy_m": 12}
        assert (await client.post("/api/v1/field/position", json=where)).status_code == 202
        for wrong in ({"lon": 200, "lat": 0}, {"lon": "nan", "lat": 0}, {"lon": 1, "lat": 1, "crew": "other"}):
            assert (await client.post("/api/v1/field/position", json=wrong)).status_code == 422
    from hall.app import documents

    bus = city_hall.bus()
    found = []
    while not found:
        found = [
            raw for raw in (await documents.current(bus, "position")).events if f"position/field/{crew}".encode() in bytes(raw)
        ]
    await bus.close()
    assert b'"accuracy_m":12' in bytes(found[0])


async def test_the_page_its_worker_and_manifest_are_served_to_anybody_and_hold_no_secret(city_hall):
    async with await city_hall.client() as client:
        page = await client.get("/field/")
        assert page.status_code == 200 and "geolocation=(self)" in page.headers["permissions-policy"]
        assert "'unsafe-inline'" not in page.headers["content-security-policy"].partition("script-src")[2].partition(";")[0]
        for source in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            assert (await client.get(source)).status_code == 200, source
        worker = await client.get("/field/sw.js")
        shell = re.search(r"const SHELL = (\[.*?\]);", worker.text)[1]
        for path in re.findall(r'"([^"]+)"', shell):
            assert (await client.get(path)).status_code == 200, path
        manifest = (await client.get("/field/manifest.webmanifest")).json()
        assert manifest["scope"] == "/field/" and manifest["display"] == "standalone"
        for icon in manifest["icons"]:
            assert (await client.get(icon["src"])).headers["content-type"] == "image/png"
        assert (await client.get("/field")).status_code == 308
        assert (await client.get("/field/../hall.toml")).status_code == 404
        assert (await client.get("/field/secret.js")).status_code == 404
        links = await client.get("/field/links")
        assert links.status_code == 303 and "/sign-in" in links.headers["location"]
