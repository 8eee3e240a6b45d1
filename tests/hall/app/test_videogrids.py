"""Which pictures a wall shows, kept over HTTP: the real web process, read back from the bus as browsers get it."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from hall import access
from hall.core.board import Entry, Position
from hall.core.event import Event, decode, encode, unpack
from hall.core.model import Channel

CELLS = ["channel/v/1", None, "channel/v/gb/2"]


@pytest.fixture(scope="module", autouse=True)
def paired(city_hall):
    """Walls that somebody hung up."""

    async def pair() -> None:
        bus = city_hall.bus()
        for wall in ("north", "many", "full"):
            await access.pair_wall(bus, wall, "admin")
        await bus.close()

    asyncio.run(pair())


async def told(hall, wall: str) -> list[dict]:
    """What was published of the wall, oldest first."""
    bus = hall.bus()
    try:
        entries = await bus.call("XRANGE", bus.key("fast"), "-", "+")
    finally:
        await bus.close()
    events = [event for _, fields in entries for event in map(decode, unpack(fields[b"p"]))]
    return [event.data for event in events if event.subject == f"scene/{wall}/video"]


async def test_what_is_put_is_kept_and_told_to_the_walls_browsers(city_hall):
    async with await city_hall.client("dispatcher", "wang") as client:
        made = await client.put("/api/v1/video/walls/north", json={"grid": {"layout": 9, "cells": CELLS, "spotlight": 2}})
        assert made.status_code == 200
        assert made.json()["grid"] == {"layout": 9, "cells": CELLS, "spotlight": 2, "round": ""} and made.json()["by"] == "wang"
        assert (await client.get("/api/v1/video/walls/north")).json() == made.json()
        assert (await client.get("/api/v1/video/walls/south")).json() == {"presets": {}}
    assert (await told(city_hall, "north"))[-1] == made.json()


async def test_presets_kept_at_the_same_time_are_all_kept_and_can_be_forgotten(city_hall):
    async with await city_hall.client("supervisor") as client:
        names = [f"预案 {n}" for n in range(12)]
        asked = [
            client.put("/api/v1/video/walls/many", json={"name": n, "preset": {"layout": 4, "cells": CELLS}}) for n in names
        ]
        answers = await asyncio.gather(*asked)
        assert len({answer.json()["at"] for answer in answers}) == 12  # each is newer than the one before
        assert set((await client.get("/api/v1/video/walls/many")).json()["presets"]) == set(names)
        await client.put("/api/v1/video/walls/many", json={"name": names[3]})
        assert names[3] not in (await client.get("/api/v1/video/walls/many")).json()["presets"]


@pytest.mark.parametrize(
    "change",
    [
        {"grid": {"layout": 7}},
        {"grid": {"layout": 9, "cells": ["http://camera/"]}},
        {"grid": {"layout": 9, "cells": ["channel/v/1"] * 65}},
        {"grid": {"layout": 9, "spotlight": -1}},
        {"name": "x" * 61},
        {"other": 1},
    ],
)
async def test_what_no_wall_can_show_is_refused(city_hall, change):
    async with await city_hall.client("dispatcher") as client:
        assert (await client.put("/api/v1/video/walls/bad", json=change)).status_code == 422
        assert (await client.get("/api/v1/video/walls/bad")).json() == {"presets": {}}


async def test_a_wall_keeps_a_bounded_number_of_presets(city_hall):
    async with await city_hall.client("admin") as client:
        for n in range(41):
            answer = await client.put("/api/v1/video/walls/full", json={"name": str(n), "preset": {"layout": 1}})
        assert (answer.status_code, answer.json()["reason"]) == (422, "too-many-presets")


@pytest.mark.parametrize(
    ("role", "may"),
    [("viewer", 403), ("wall", 403), ("inspector", 403), ("department", 403), ("operator", 200), ("leader", 200)],
)
async def test_who_may_change_what_a_wall_shows(city_hall, role, may):
    async with await city_hall.client(role) as client:
        answer: httpx.Response = await client.put("/api/v1/video/walls/east", json={"grid": {"layout": 4}})
        assert answer.status_code == may


async def test_a_wall_that_there_is_not_is_not_given_pictures(city_hall):
    async with await city_hall.client("dispatcher", "wang") as client:
        put = [
            await client.put(f"/api/v1/video/walls/{wall}", json={"grid": {"layout": 4}})
            for wall in ("nowhere", "video", "east")
        ]
        assert [answer.status_code for answer in put] == [404, 200, 200], "declared and configured walls are there"
        assert put[0].json()["reason"] == "unknown-wall" and (await client.get("/api/v1/video/walls/nowhere")).json() == {
            "presets": {}
        }


async def test_a_person_of_one_district_hangs_up_no_camera_of_another_but_may_leave_it(city_hall):
    """Without a video process what is known of channels is read from the bus."""
    grid = {"layout": 4, "cells": ["channel/v/far", "channel/v/here"]}
    bus = city_hall.bus()
    docs = [Channel(feed="v", channel_id=name, district=district) for name, district in (("far", "东区"), ("here", "西区"))]
    named = {f"channel/v/{doc.channel_id}": doc for doc in docs}
    kept = {name: Entry(encode(Event(id="e", source="t", subject=name, time=1, recordedtime=1, data=doc)), (1, 1, "e"), "bulk", (1, 0), False, name) for name, doc in named.items()}  # fmt: skip
    await bus.save_checkpoint(list(kept.items()), Position(), whole=False, forgotten=[], horizon=Position())
    await bus.close()
    async with (
        await city_hall.client("admin") as chief,
        await city_hall.client("dispatcher", "wei", districts=("西区",)) as client,
    ):
        refused = await client.put("/api/v1/video/walls/east", json={"grid": grid})
        assert (refused.status_code, refused.json()["reason"]) == (403, "wrong-district")
        assert (await client.put("/api/v1/video/walls/east", json={"name": "a", "preset": grid})).status_code == 403
        for who in (chief, client):
            assert (await who.put("/api/v1/video/walls/east", json={"grid": grid})).status_code == 200
