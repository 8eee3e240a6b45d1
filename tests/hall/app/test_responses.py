"""A response by two people over HTTP: one proposes, the leader signs; tasks, scene and record are there with one answer."""

from __future__ import annotations

import uuid

from dispatch.casefile.model import CaseFile
from dispatch.crews.model import Assignment, Crew
from dispatch.ledger import Ledger
from dispatch.policy import compile_policy
from hall.app.fieldtasks import tasks_document
from hall.core.clock import real_ms
from hall.core.command import Actor, Command
from hall.core.config import load

SYSTEM = Actor(name="system", role="system", kind="system")
FLOOD = "/api/v1/streams/response/flood"


def enrolled(hall) -> None:
    """As the dispatch process does when it starts: no such process runs here."""
    policy = compile_policy(load(hall.home / "hall.toml"))
    ledger = Ledger(f"sqlite:///{hall.home / 'var' / 'ledger.db'}", policy.aggregates())
    facts = next(one for one in policy.emergency if one.topic == "response").plans.by_name["flood"].facts()
    ledger.execute(Command(id="enrol", subject="response/flood", move="enrol", data=facts), SYSTEM, real_ms(), real_ms())
    ledger.close()


def lines(hall, subject: str) -> list:
    ledger = Ledger(f"sqlite:///{hall.home / 'var' / 'ledger.db'}", compile_policy(load(hall.home / "hall.toml")).aggregates())
    found = ledger.history(subject)
    ledger.close()
    return found


async def move(client, address: str, name: str, reason: str = "", **data):
    body = {"id": uuid.uuid4().hex, "move": name, "reason": reason, "data": data}
    return await client.post(f"{address}/commands", json=body)


async def test_one_proposes_the_leader_signs_and_everything_is_there_with_the_answer(city_hall):
    enrolled(city_hall)
    async with (
        await city_hall.client("operator", "zhang") as operator,
        await city_hall.client("leader", "wang") as leader,
        await city_hall.client("department", "pai", unit="市排水设施管理处") as drainage,
        await city_hall.client("department", "jiao", unit="市公安局交警支队") as police,
    ):
        assert (await move(operator, FLOOD, "propose", "下穿通道开始积水", level="III")).status_code == 200
        refused = await move(operator, FLOOD, "sign", "我来签", level="III")
        assert (refused.status_code, refused.json()["reason"]) == (403, "not-permitted")

        seen = (await leader.get(FLOOD)).json()
        preview = next(row for row in seen["allowed"] if row["move"] == "sign")["preview"]["III"]
        signed = await move(leader, FLOOD, "sign", "同意启动", level="III")
        assert signed.status_code == 200
        state = signed.json()["view"]["state"]
        assert (state["level"], state["signed_by"], state["signed_role"]) == ("III", "wang", "leader")

        tasks = (await leader.get("/api/v1/streams/task")).json()["streams"]
        assert len(tasks) == len(preview["tasks"]) > 0
        theirs = (await drainage.get("/api/v1/streams/task")).json()["streams"]
        assert {row["state"]["unit"] for row in theirs} == {"市排水设施管理处"}
        mine = theirs[0]["subject"].removeprefix("task/")
        assert (await move(police, f"/api/v1/streams/task/{mine}", "acknowledge")).status_code == 403
        taken = await move(drainage, f"/api/v1/streams/task/{mine}", "acknowledge")
        assert taken.json()["view"]["state"]["state"] == "acknowledged"

    [scene] = [line for line in lines(city_hall, "show/routine/all") if line.move == "scene"]
    assert (scene.data["layout"], scene.who, scene.reason) == ("flood", "wang", "同意启动")
    act = lines(city_hall, "response/flood")[-1]
    assert (act.move, act.who, act.role, act.reason) == ("sign", "wang", "leader", "同意启动")
    assert scene.causation == f"ledger-{act.seq:016d}", "one act: everything it made names it as its cause"


async def test_a_refused_signature_leaves_an_audit_line(city_hall):
    enrolled(city_hall)
    async with await city_hall.client("supervisor", "li") as supervisor:
        assert (await move(supervisor, FLOOD, "change", "升级", level="I")).json()["reason"] == "signature-not-yours"
    refused = [line for line in lines(city_hall, "audit/refused") if line.who == "li"]
    assert (refused[-1].data["subject"], refused[-1].data["move"]) == ("response/flood", "change")


def test_a_crew_is_told_on_its_phone_that_its_task_is_an_exercise():
    def shown(**extra) -> dict:
        case = {"feed": "desk", "case_id": "1", "subclass_name": "道路积水", **({"extra": extra} if extra else {})}
        file = CaseFile(feed="desk", case_id="1", report=case)
        crew = Crew(crew_id="c1", assignments=[Assignment(subject="file/desk/1", state="assigned")])
        actor = Actor(name="crew:c1", role="crew", kind="crew", crew="c1")
        return tasks_document(crew, {"file/desk/1": file}, actor, "", lambda *_: [], lambda *_: [])["tasks"][0]

    assert shown(exercise=True)["exercise"] is True
    assert "exercise" not in shown()
