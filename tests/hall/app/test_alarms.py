"""Alarms over HTTP: seen, answered, put away, answered by the group; what is refused says why."""

from __future__ import annotations

from hall.core.clock import real_ms
from tests.dispatch.alarmlife.raising import raise_alarms
from tests.hall.app.test_dispatching import fresh

HOUR = 3_600_000


async def act(client, site, move, reason="", **data):
    body = {"id": fresh("alarm"), "move": move, "reason": reason, "data": data}
    return await client.post(f"/api/v1/streams/alarm/{site}/commands", json=body)


async def test_an_alarm_is_looked_at_answered_shelved_and_disposed_and_a_whole_group_at_once(city_hall):
    sites = {f"http/s{n}": {"name": f"路口{n}", "group": "rain", "severity": 2 + n % 3} for n in range(12)}
    raise_alarms(city_hall.home / "var", sites)
    async with (
        await city_hall.client("operator", "li") as li,
        await city_hall.client("leader", "he") as he,
        await city_hall.client("wall") as wall,
    ):
        listed = (await li.get("/api/v1/streams/alarm")).json()
        mine = {row["subject"]: row["state"] for row in listed["streams"] if row["subject"].startswith("alarm/http/")}
        assert len(mine) == 12 and listed["new"] == [], "nobody makes an alarm by hand"
        view = (await li.get("/api/v1/streams/alarm/http/s0")).json()
        assert {row["move"] for row in view["allowed"]} >= {"acknowledge", "shelve", "dispose", "comment", "link_case"}
        assert "out_of_service" not in {row["move"] for row in view["allowed"]}, "that is a supervisor's"
        assert (await he.get("/api/v1/streams/alarm/http/s0")).json()["allowed"][0]["move"] == "link_closure"
        assert (await wall.get("/api/v1/streams/alarm")).status_code == 403

        worse = await act(li, "http/s2", "acknowledge", alarm_id=mine["alarm/http/s2"]["alarm_id"], seen=1)
        assert (worse.status_code, worse.json()["reason"]) == (409, "alarm-worse")
        done = await act(li, "http/s0", "acknowledge", alarm_id=view["state"]["alarm_id"], seen=2, comment="已派人看")
        state = done.json()["view"]["state"]
        assert (state["state"], state["acked_by"], state["comments"][0]["text"]) == ("acknowledged", "li", "已派人看")
        long = await act(li, "http/s1", "shelve", "施工", until=real_ms() + 40 * HOUR)
        assert (long.status_code, long.json()["reason"]) == (422, "bad-field")
        shelf = await act(li, "http/s1", "shelve", "施工", until=real_ms() + HOUR)
        assert shelf.json()["view"]["state"]["shelved"]["reason"] == "施工"
        found = await act(li, "http/s3", "dispose", "塑料袋遮挡", found="false")
        assert found.json()["view"]["state"]["disposition"] == "false"

        batch = [
            {"id": fresh("batch"), "subject": name, "move": "acknowledge", "data": {"alarm_id": alarm["alarm_id"], "seen": 4}}
            for name, alarm in mine.items()
        ]
        results = (await li.post("/api/v1/commands", json={"commands": batch})).json()["results"]
        assert len(results) == 12 and not any(one.get("refused") for one in results)
        left = (await li.get("/api/v1/streams/alarm")).json()["streams"]
        assert {row["state"]["state"] for row in left if row["subject"].startswith("alarm/http/")} == {"acknowledged"}
