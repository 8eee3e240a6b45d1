"""A whole hall: a case is dispatched, its notices are made, the department's system is told, and answers with its token."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from hall import access
from hall.core.bus import Bus
from tests.dispatch.webhooks.receiver import Receiver
from tests.push import push, write_city
from tests.running import RunningHall

SECRET = "a-secret-of-enough-characters"
HOOK = """
[[dispatch.webhooks]]
name = "drain"
url = "{url}"
secret = "env:DRAIN_SECRET"
units = ["排水所"]
allow = ["127.0.0.0/8"]
first_wait_seconds = 0.1
"""


async def until(found, seconds: float = 20):
    async with asyncio.timeout(seconds):
        while not (value := await found()):
            await asyncio.sleep(0.05)
        return value


class Seat:
    """Somebody signed in: `post` and `get` as a console does."""

    def __init__(self, hall: RunningHall, secret: str) -> None:
        headers = {"x-hall-csrf": access.csrf_token(secret)}
        self.client = httpx.AsyncClient(
            base_url=hall.url, headers=headers, cookies={access.COOKIE: secret}, timeout=20, verify=False
        )

    async def move(self, case: str, move: str, **data) -> httpx.Response:
        view = (await self.client.get(f"/api/v1/files/probe/{case}")).json()
        body = {"id": f"{case}-{move}-{view['revision']}", "move": move, "revision": view["revision"], "data": data}
        answer = await self.client.post(f"/api/v1/cases/probe/{case}/commands", json=body)
        assert answer.status_code == 200, answer.text
        return answer


@pytest.mark.chaos
async def test_a_dispatched_case_reaches_the_departments_system_which_takes_it(tmp_path):
    async with Receiver() as receiver:
        receiver.plan = [500]
        config = write_city(tmp_path / "hall.toml", {"probe": "case"}, extra=HOOK.format(url=receiver.url))
        with RunningHall(tmp_path / "var", config, DRAIN_SECRET=SECRET) as hall:
            bus = Bus(f"unix://{tmp_path / 'var' / 'run' / 'bus.sock'}")
            seat = Seat(hall, await access.open_session(bus, "wang", "supervisor"))
            token = await access.make_token(bus, "drain", "department", "排水所", (), "wang")
            await asyncio.to_thread(push, hall.url, "probe", [{"case_id": "1", "class_name": "积水", "severity": 2, "lon": 113.9, "lat": 35.3,
                                    "time": 1_700_000_000_000, "state": "reported", "reported": 1_700_000_000_000}])  # fmt: skip

            async def opened():
                return (await seat.client.get("/api/v1/files/probe/1")).status_code == 200

            await until(opened)
            await seat.move("1", "accept")
            await seat.move("1", "register")
            await seat.move("1", "dispatch", unit="排水所")
            event = (await receiver.wait_for(2))[1]["event"]
            assert event["type"].endswith(".dispatch") and event["subject"] == "file/probe/1"

            async def received():
                found = (await seat.client.get("/api/v1/notices", params={"about": "file/probe/1"})).json()["notices"]
                return [
                    n for n in found if n["to"] == {"unit": "排水所"} and n.get("ways", {}).get("webhook", {}).get("received")
                ]

            notice = (await until(received))[0]
            assert notice["key"] == "notice.dispatched" and notice["ways"]["webhook"]["tries"] == 2
            body = {"id": f"dept-{event['id']}", "move": "take", "revision": event["data"]["revision"]}
            headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
            async with httpx.AsyncClient(base_url=hall.url, timeout=20, verify=False) as department:
                answer = await department.post(event["data"]["answer"], headers=headers, content=json.dumps(body))
                assert answer.status_code == 200, answer.text
            view = (await seat.client.get("/api/v1/files/probe/1")).json()
            assert (view["file"]["state"], view["entries"][-1]["kind"]) == ("handling", "supplier")
            listed = (await seat.client.get("/api/v1/webhooks")).json()["webhooks"][0]
            assert (listed["sent"], listed["dead"], listed["waiting"]) == (1, 0, 0) and "secret" not in listed
            await seat.client.aclose()
            await bus.close()


async def test_dead_deliveries_are_shown_and_sent_again_by_supervisors_only(city_hall):
    from dispatch.webhooks.store import Delivery, DeliveryStore

    store = DeliveryStore(city_hall.home / "var" / "webhooks.db")
    store.cursor("gone", 0)
    dead = Delivery("gone-1", "gone", "file/a/1", 1, "dispatch", 1, b"{}", 0, 2, "")
    store.add("gone", [dead], 1)
    store.failed(dead, 500, "HTTP 500", None, 3)
    async with await city_hall.client("supervisor") as boss:
        assert (await boss.get("/api/v1/webhooks")).json() == {"webhooks": []}, "none is configured here"
        assert (await boss.get("/api/v1/webhooks/gone")).status_code == 404
        assert (await boss.post("/api/v1/webhooks/gone-1/again")).json() == {"id": "gone-1", "state": "waiting"}
        assert (await boss.post("/api/v1/webhooks/gone-1/again")).status_code == 404
    async with await city_hall.client("operator") as operator:
        assert (await operator.get("/api/v1/webhooks")).status_code == 403
    assert store.counts() == {"gone": {"waiting": 1}}
    store.close()
