"""Which pictures a wall shows, kept over HTTP: the real web process, read back from the bus as browsers get it."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from hall.core.event import decode, unpack

CELLS = ["channel/v/1", None, "channel/v/gb/2"]


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
        answer: httpx.Response = await client.put("/api/v1/video/walls/roles", json={"grid": {"layout": 4}})
        assert answer.status_code == may
