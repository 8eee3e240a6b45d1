"""A warning from draft to the feed over HTTP: three people, one of them twice in vain; what outsiders get and what they do not."""

import asyncio
import uuid

import msgspec
from lxml import etree

from feeds.formats.cap import rows
from feeds.transports.capindex import entries
from hall import access
from hall.core.config import CityConfig, FeedConfig, HallConfig

WATER = {
    "template": "waterlogging", "headline": {"zh-CN": "下穿通道积水", "en": "Underpasses are flooded"},
    "areas": [{"description": "平原路", "circle": {"lon": 113.9, "lat": 35.3, "radius_m": 800}}],
}  # fmt: skip


async def do(client, name, move, reason="", **data):
    """One move on the newest revision: (status, body)."""
    seen = await client.get(f"/api/v1/streams/bulletin/{name}")
    revision = seen.json()["revision"] if seen.status_code == 200 else None
    body = {"id": uuid.uuid4().hex, "move": move, "revision": revision, "reason": reason, "data": data}
    answer = await client.post(f"/api/v1/streams/bulletin/{name}/commands", json=body)
    return answer.status_code, answer.json()


async def issued(hall, name, **data):
    """Drafted by wang, approved by li and chen over HTTP, as a preview showed it; what came of each step."""
    steps = []
    async with (
        await hall.client("operator", "wang") as wang,
        await hall.client("supervisor", "li") as li,
        await hall.client("leader", "chen") as chen,
    ):
        steps.append(await do(wang, name, "draft", **WATER, **data))
        before = (await wang.get(f"/api/v1/bulletins/{name}/preview")).json()
        assert before["frozen"] is False and before["xml"].startswith("<?xml")
        steps.append(await do(wang, name, "submit"))
        shown = (await li.get(f"/api/v1/bulletins/{name}/preview")).json()
        steps.append(await do(wang, name, "approve", digest=shown["digest"]))
        steps.append(await do(li, name, "approve", digest=shown["digest"]))
        steps.append(await do(li, name, "approve", digest=shown["digest"]))
        steps.append(await do(chen, name, "approve", digest=shown["digest"]))
    return shown, steps


async def token(hall):
    bus = hall.bus()
    made = await access.make_token(bus, f"tv-{uuid.uuid4().hex[:6]}", "viewer", "", (), "admin")
    await bus.close()
    return {"Authorization": f"Bearer {made}"}


async def test_a_warning_is_drafted_by_one_approved_by_two_others_and_fetched_by_another_city_s_hall(city_hall):
    shown, steps = await issued(city_hall, "flood-1")
    assert [status for status, _ in steps] == [200, 200, 403, 200, 403, 200]
    assert [body.get("reason") for status, body in steps if status != 200] == ["not-permitted", "approved-already"]
    state = steps[-1][1]["view"]["state"]
    assert (state["state"], [act["by"] for act in state["approvals"]]) == ("issued", ["li", "chen"])
    assert [entry["move"] for entry in steps[-1][1]["view"]["entries"]] == ["draft", "submit", "approve", "approve", "issue"]
    async with await city_hall.client() as outside:
        assert (await outside.get("/cap/feed.xml")).status_code == 401
        assert (await outside.get("/cap/feed.xml?token=guess")).status_code == 401
        known = await token(city_hall)
        feed = await outside.get("/cap/feed.xml", headers=known)
        listed = [entry for entry in entries(feed.content) if shown["identifier"] in entry.link]
        assert len(listed) == 1 and feed.headers["content-type"].startswith("application/atom+xml")
        message = await outside.get(listed[0].link, headers=known)
        assert message.text == shown["xml"]  # what was approved, letter for letter
        assert (await outside.get("/cap/feed.xml", headers={**known, "If-None-Match": feed.headers["etag"]})).status_code == 304
        assert (await outside.get("/cap/none.xml", headers=known)).status_code == 404
    office = FeedConfig(name="hall", kind="warning", url="push://")
    there = HallConfig(city=CityConfig(name={"zh-CN": "邻市"}, centre=(113.9, 35.3)), feeds=[office])
    (row,) = rows(message.content, office, there)
    assert msgspec.to_builtins(row.doc)["headline"] == WATER["headline"] == shown["warning"]["headline"]


async def test_an_exercise_and_an_internal_message_never_reach_the_feed(city_hall):
    drill, steps = await issued(city_hall, "drill-1", exercise=True)
    inner, _ = await issued(city_hall, "inner-1", audience=["units"])
    assert steps[-1][1]["view"]["state"]["state"] == "issued"
    assert etree.fromstring(drill["xml"].encode()).findtext("{*}status") == "Exercise"
    async with await city_hall.client() as outside:
        known = await token(city_hall)
        public, _ = await issued(city_hall, "after-1")  # when this is in the feed, everything before it was looked at
        async with asyncio.timeout(20):
            while public["identifier"] not in (feed := (await outside.get("/cap/feed.xml", headers=known)).text):
                await asyncio.sleep(0.05)
        for shown in (drill, inner):
            assert shown["identifier"] not in feed
            assert (await outside.get(f"/cap/{shown['identifier']}.xml", headers=known)).status_code == 404


async def test_the_form_learns_what_it_may_offer_and_a_wall_learns_nothing(city_hall):
    async with await city_hall.client("operator", "wang") as client:
        offered = (await client.get("/api/v1/bulletins/options")).json()
        assert offered["audiences"]["public"]["feed"] and offered["approvals"]["warning"]["number"] == 2
        new = (await client.get("/api/v1/streams/bulletin")).json()["new"]
        assert [row["move"] for row in new] == ["draft"]
    async with await city_hall.client("wall") as wall:
        assert (await wall.get("/api/v1/bulletins/options")).status_code == 403
        assert (await wall.get("/api/v1/streams/bulletin")).status_code == 403


async def test_what_nobody_has_approved_is_read_by_nobody_who_is_not_told_of_bulletins(city_hall):
    async with await city_hall.client("operator", "wang") as wang:
        await do(wang, "secret-1", "draft", **WATER)
        assert (await wang.get("/api/v1/bulletins/secret-1/preview")).status_code == 200
    for role in ("viewer", "inspector", "department"):
        async with await city_hall.client(role, unit="排水处") as other:
            for path in ("options", "secret-1/preview"):
                answer = await other.get(f"/api/v1/bulletins/{path}")
                assert (answer.status_code, answer.json()["reason"]) == (403, "not-permitted"), (role, path)
