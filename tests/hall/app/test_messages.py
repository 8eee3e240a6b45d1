"""A message to crews from the desk to the phone and back: who may, who is reached, what the phone says, what the record keeps."""

from __future__ import annotations

import uuid

from dispatch.messages.model import RECEIVERS
from hall.app import messages
from tests.hall.app.test_field import action, phone, side

__all__ = ["side"]


async def tell(client, name, crews, **more):
    data = {"text": "桥下积水，绕行", "crews": [f"crew/{one}" for one in crews], **more}
    body = {"id": more.pop("id", uuid.uuid4().hex), "move": "send", "data": data}
    return await client.post(f"/api/v1/streams/message/{name}/commands", json=body)


async def test_a_message_goes_to_the_phone_and_what_became_of_it_comes_back(city_hall, side):
    assert messages.RECEIVERS == RECEIVERS
    a, b, name = await side.crew(), await side.crew(), uuid.uuid4().hex
    async with await city_hall.client("dispatcher", "li") as li, phone(city_hall, a) as mine, phone(city_hall, b) as other:
        first = await mine.get("/api/v1/field/tasks")
        assert first.json()["messages"] == []
        looked = (await li.post("/api/v1/messages/preview", json={"crews": [a, b, "none"]})).json()
        assert [(row["crew"], row["reach"]) for row in looked["crews"]] == [(a, "now"), (b, "none")], "b's never asked"
        assert looked["unknown"] == ["none"]
        answer = await tell(li, name, [a, b], urgency="urgent", place={"lon": 113.9, "lat": 35.3})
        assert answer.status_code == 200, answer.text
        assert any(e.move == "send" and e.who == "li" for e in side.ledger.history(f"message/{name}")), "accepted is written"
        again = await mine.get("/api/v1/field/tasks", headers={"if-none-match": first.headers["etag"]})
        (shown,) = again.json()["messages"]
        assert (shown["text"], shown["sender"], shown["urgency"], shown["read"]) == ("桥下积水，绕行", "li", "urgent", None)
        assert "crews" not in shown and b not in again.text.replace(shown["subject"], ""), "who else got it is the desk's"
        assert (await mine.post("/api/v1/field/notices", json={"messages": [name, "x" * 20, "../a"]})).json() == {"stamped": 1}
        tapped = action(f"message/{name}", "read", time=side.process.clock.now() - 1)
        for _ in range(2):  # its answer was lost: asked again it is the same
            assert (await mine.post("/api/v1/field/commands", json=tapped)).status_code == 200
        state = (await li.get(f"/api/v1/streams/message/{name}")).json()
        one, two = state["state"]["crews"]
        assert one["received"] and one["read"] and two == {"crew": b}
        assert {row["move"] for row in state["allowed"]} == {"urge", "withdraw"}
        assert [entry["move"] for entry in state["entries"]] == ["send", "received", "read"]
        assert (await other.post("/api/v1/field/commands", json=action(f"message/{name}", "withdraw"))).status_code == 403
        urge = {"id": uuid.uuid4().hex, "move": "urge", "data": {}}
        assert (await li.post(f"/api/v1/streams/message/{name}/commands", json=urge)).status_code == 200
        assert (await other.get("/api/v1/field/tasks")).json()["messages"][0]["urged"]["times"] == 1
        take = {"id": uuid.uuid4().hex, "move": "withdraw", "reason": "误发", "data": {}}
        assert (await li.post(f"/api/v1/streams/message/{name}/commands", json=take)).status_code == 200
        (gone,) = (await mine.get("/api/v1/field/tasks")).json()["messages"]
        assert (gone["text"], gone["withdrawn_by"], gone["reason"]) == ("", "li", "误发")
        assert (await other.get("/api/v1/field/tasks")).json()["messages"] == [], "who never had it needs not know"


async def test_a_message_is_told_to_nobody_else(city_hall, side):
    crew, other, name = await side.crew(), await side.crew(), uuid.uuid4().hex
    subject = await side.task(crew)
    async with (
        await city_hall.client("dispatcher", "li") as li, await city_hall.client("operator", "zhang") as zhang, await city_hall.client("viewer", "zhao") as zhao,
        await city_hall.client("department", "wu", unit="排水所") as wu, phone(city_hall, other) as stranger, phone(city_hall, crew, case=subject) as narrow,
    ):  # fmt: skip
        assert (await tell(li, name, [crew])).status_code == 200
        assert (await tell(li, name, [crew])).status_code == 409, "another command does not write over it"
        for client in (zhang, zhao, wu):
            assert (await tell(client, uuid.uuid4().hex, [crew])).status_code == 403
            assert (await client.post("/api/v1/messages/preview", json={"crews": [crew]})).status_code == 403
        assert (await zhang.get(f"/api/v1/streams/message/{name}")).status_code == 200, "the room sees what was told"
        for client in (zhao, wu):
            assert (await client.get("/api/v1/streams/message")).status_code == 403
        for client in (stranger, narrow):
            assert (await client.post("/api/v1/field/commands", json=action(f"message/{name}", "read"))).status_code == 403
            assert not (await client.get("/api/v1/field/tasks")).json().get("messages")
            assert (await client.post("/api/v1/field/notices", json={"messages": [name]})).json() == {"stamped": 0}
