"""Regions at the hall's door: who may draw, on which cameras, what is kept of it."""

from __future__ import annotations

import sqlite3

import pytest

from hall.core.model import subject_of
from tests.hall.app.channelled import cameras, running

OURS = next(subject_of(channel) for channel in cameras() if channel.district == "红旗区")
ROAD = {"channel": OURS, "analyser": "road-water", "region": [[0.1, 0.5], [0.9, 0.5], [0.5, 0.9]], "name": "桥下"}


@pytest.fixture(scope="module")
def video_hall(valkey, tmp_path_factory):
    yield from running(tmp_path_factory.mktemp("regions"), valkey)


def noted(hall, move):
    with sqlite3.connect(f"file:{hall.home}/var/ledger.db?mode=ro", uri=True) as db:
        return [row[0] for row in db.execute("select data from entries where subject = ?", (f"audit/{move}",))]


async def test_a_region_is_drawn_seen_changed_taken_away_and_brought_back_on_record(video_hall):
    async with await video_hall.client("operator", "li.ming") as client:
        key = (await client.post("/api/v1/video/regions", json=ROAD)).json()["id"]
        assert (await client.post("/api/v1/video/regions", json=ROAD | {"id": key, "name": "地道"})).status_code == 200
        async with await video_hall.client("viewer") as other:
            (row,) = (await other.get("/api/v1/video/regions", params={"channel": OURS})).json()["regions"]
            assert (row["name"], row["by"], row["undo"], row["region"]) == ("地道", "li.ming", 2, ROAD["region"])
            assert (await other.post("/api/v1/video/regions", json=ROAD)).status_code == 403
        for act, gone in (("remove", True), ("undo", False)):
            answer = await client.post(f"/api/v1/video/regions/{key}/do", json={"channel": OURS, "do": act})
            assert [row["gone"] for row in answer.json()["regions"]] == [gone]
        nothing = await client.post(f"/api/v1/video/regions/{key}/do", json={"channel": OURS, "do": "reference"})
        assert (nothing.status_code, nothing.json()["reason"]) == (409, "no-picture-yet")
    assert [len(noted(video_hall, move)) for move in ("region-drawn", "region-remove", "region-undo")] == [2, 1, 1]


async def test_nobody_draws_on_a_camera_that_is_not_his_nor_what_cannot_work(video_hall):
    async with await video_hall.client("operator", "wang", districts=("卫滨区",)) as client:
        for answer in (
            await client.post("/api/v1/video/regions", json=ROAD),
            await client.get("/api/v1/video/regions", params={"channel": OURS}),
        ):
            assert (answer.status_code, answer.json()["reason"]) == (403, "wrong-district")
    async with await video_hall.client("operator", "li.ming") as client:
        for wrong in ({"region": [[0, 0], [2, 0], [1, 1]]}, {"analyser": "tea-leaves"}, {"every_seconds": 0}, {"surprise": 1}):
            answer = await client.post("/api/v1/video/regions", json=ROAD | wrong)
            assert answer.status_code == 422, wrong
