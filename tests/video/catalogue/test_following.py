"""The catalogue over a real bus and its HTTP: follows, bounds by the scope it is told, gives away no address."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from hall.core import secrets
from hall.core.event import Event, encode
from hall.core.model import Channel, subject_of
from tests.video.catalogue.cameras import camera
from tests.video.conftest import NOW
from video.catalogue.scope import ALL, Scope

URL = "rtsp://operator:open-sesame@10.1.2.3:554/stream?token=hush"
HIDDEN = ("open-sesame", "10.1.2.3", "hush", "rtsp://")


async def test_channels_told_on_the_bus_are_found_and_those_that_went_are_not(room):
    cameras = [camera(number, random.Random(number)) for number in range(50)]
    await room.tell(*cameras)
    found = (await room.get("/channels?limit=100")).json()
    assert found["total"] == 50 and found["as_of"] == NOW and found["lost"] == ""
    following = room.process.spawn(room.directory.follow())
    gone = [subject_of(channel) for channel in cameras[:20]]
    events = [Event(id=f"g{n}", source="t", subject=s, time=NOW + 900, recordedtime=NOW) for n, s in enumerate(gone)]
    events.append(Event(id="new", source="t", subject="channel/gb/new", time=NOW, recordedtime=NOW,
                        data=Channel(feed="gb", channel_id="new", name="新来的", has_stream=True)))  # fmt: skip
    await room.process.bus.publish([encode(event) for event in events])
    async with asyncio.timeout(20):
        while len(room.directory.catalogue.index) != 31:
            await asyncio.sleep(0.01)
    answer = (await room.get("/channels?text=xld")).json()
    assert [row["subject"] for row in answer["rows"]] == ["channel/gb/new"]
    assert (await room.get(f"/channels/one/{gone[0]}")).status_code == 404
    for subject in (gone[0], "channel/gb/never", "feed/gb"):
        assert room.directory.unseen(subject, ALL) == room.directory.unseen(subject, Scope(districts=())) == "unknown-channel"
    following.cancel()


SCOPES = [
    (None, None), ((), None), (("红旗区",), None), (("红旗区", "牧野区"), None), (None, ()), (None, ("水利局",)), (("卫滨区",), ("城管局",)),
]  # fmt: skip


@pytest.mark.parametrize("districts,departments", SCOPES)
async def test_every_answer_stays_within_the_scope(room, districts, departments):
    """Oracle: the two sentences of the rule, asked of each document."""
    cameras = [camera(number, random.Random(number)) for number in range(120)]
    await room.tell(*cameras)
    scope = {name: value for name, value in (("districts", districts), ("departments", departments)) if value is not None}
    headers = {"x-hall-scope": json.dumps(scope)} if scope else {}
    mine = {
        subject_of(channel)
        for channel in cameras
        if (districts is None or channel.district == "" or channel.district in districts)
        and (departments is None or channel.owner in departments)
    }
    answer = (await room.get("/channels?limit=500", **headers)).json()
    assert {row["subject"] for row in answer["rows"]} == mine and answer["total"] == len(mine)
    near = (await room.get("/channels/near?lon=113.9&lat=35.3&k=100", **headers)).json()["rows"]
    assert {row["subject"] for row in near} <= mine
    tree = (await room.get("/channels/tree?node=owner", **headers)).json()
    assert tree["total"] == len(mine)
    some = (await room.client.post("/channels/some", json=[subject_of(ch) for ch in cameras], headers=headers)).json()
    assert set(some["found"]) == mine and set(some["refused"].values()) <= {"wrong-district", "not-your-unit"}
    for channel in cameras[::7]:
        one = await room.get(f"/channels/one/{subject_of(channel)}", **headers)
        poster = await room.get(f"/poster/{subject_of(channel)}.jpg?w=64", **headers)
        assert (one.status_code == 200) == (subject_of(channel) in mine), one.text
        assert subject_of(channel) in mine or poster.status_code == 403


async def test_no_answer_holds_an_address_or_a_password(room):
    """Every address of the catalogue is asked, the address itself lies sealed on the bus and, as a hostile supplier might
    have it, nowhere in the documents: what suppliers say is concealed at the intake (tests/feeds)."""
    subject = "channel/cams/1"
    sealed = secrets.load(room.process.settings.data_dir).seal(URL, subject)
    await room.tell(
        Channel(feed="cams", channel_id="1", name="桥下", has_stream=True, state="online", lon=1.0, lat=1.0), **{"1": sealed}
    )
    asked = ["/channels", "/channels/tree", "/channels/tree?node=owner", "/channels/near?lon=1&lat=1", f"/channels/one/{subject}",
             f"/poster/{subject}.jpg", "/healthz", "/channels?text=rtsp"]  # fmt: skip
    answers = [await room.get(path) for path in asked]
    answers.append(await room.client.post("/channels/some", json=[subject]))
    for answer in answers:
        assert not any(word in answer.text for word in HIDDEN), answer.url
    assert (await room.directory.picture(subject)).url == URL, "the video process itself can open it"


@pytest.mark.parametrize("path,status", [
    ("/channels?limit=0", 422), ("/channels?limit=x", 422), ("/channels?cursor=%00", 422), ("/channels/near?lon=1", 422),
    ("/channels/near?lon=nan&lat=1", 422), ("/channels/near?lon=1&lat=91", 422), ("/channels/near?lon=1&lat=1&k=101", 422),
    ("/channels?box=1,2,3", 422), ("/channels?box=nan,0,1,1", 422), ("/channels?box=1,5,2,3", 422),
    ("/channels/tree?node=zone", 404), ("/channels/one/case/x/1", 404), ("/channels/one/channel/none/1", 404),
])  # fmt: skip
async def test_what_cannot_be_answered_is_refused_with_a_reason(room, path, status):
    answer = await room.get(path)
    assert answer.status_code == status and set(answer.json()) == {"reason", "detail"}


@pytest.mark.parametrize("scope", ["", "{", "[]", '{"districts": 1}', '{"wards": []}'])
async def test_a_scope_that_cannot_be_read_lets_nothing_through(room, scope):
    answer = await room.get("/channels", x_hall_scope=scope)
    assert answer.status_code == 400 and answer.json()["reason"] == "scope-malformed"
