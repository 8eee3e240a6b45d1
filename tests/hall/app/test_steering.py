"""Rounds and cameras at the hall's door: who may, for which cameras, and what the ledger keeps of it."""

from __future__ import annotations

import sqlite3

import pytest

from hall.core.model import subject_of
from tests.hall.app.channelled import HIDDEN, cameras, mine, running

PLAN = {"name": "west", "label": {"zh-CN": "西区"}, "tiles": 2, "select": {"district": ["卫滨区"]}}
TURNS = [subject_of(channel) for channel in cameras() if channel.ptz]


@pytest.fixture(scope="module")
def video_hall(valkey, tmp_path_factory):
    yield from running(tmp_path_factory.mktemp("steering"), valkey)


def noted(hall, move):
    with sqlite3.connect(f"file:{hall.home}/var/ledger.db?mode=ro", uri=True) as db:
        return [row[0] for row in db.execute("select data from entries where subject = ?", (f"audit/{move}",))]


async def test_a_round_is_made_seen_by_everybody_changed_and_dropped_on_record(video_hall):
    async with await video_hall.client("operator", "li.ming") as client:
        assert (await client.post("/api/v1/rounds", json=PLAN)).status_code == 200
        async with await video_hall.client("viewer") as other:
            rounds = {found["plan"]["name"]: found for found in (await other.get("/api/v1/rounds")).json()["rounds"]}
        assert rounds["west"]["plan"]["tiles"] == 2 and set(rounds) >= {"west"}
        held = await client.post("/api/v1/rounds/west/do", json={"do": "hold"})
        assert held.status_code == 200 and held.json()["held_by"]
        covered = (await client.get("/api/v1/rounds/west/coverage")).json()
        assert covered["hours"] == 24 and {row["owner"] for row in covered["rows"]} <= {"排水处", "公安局", ""}
        assert (await client.delete("/api/v1/rounds/west")).status_code == 200
        assert (await client.get("/api/v1/rounds/west/coverage")).json()["reason"] == "round-unknown"
    assert len(noted(video_hall, "round-saved")) == 1 and len(noted(video_hall, "round-dropped")) == 1


async def test_a_bad_round_says_what_is_wrong_and_leaves_no_line(video_hall):
    async with await video_hall.client("operator", "li.ming") as client:
        before = len(noted(video_hall, "round-saved"))
        for body in (b"{", b'{"name": "x y"}', b'{"name": "x", "tiles": 99}', b'"x"'):
            answer = await client.post("/api/v1/rounds", content=body)
            assert answer.status_code in (400, 422) and answer.json()["detail"], body
        assert len(noted(video_hall, "round-saved")) == before


async def test_nobody_steers_a_camera_that_is_not_his(video_hall):
    district = ("红旗区",)
    async with await video_hall.client("operator", "wang", districts=district) as client:
        for subject in TURNS:
            answer = await client.post(f"/api/v1/video/ptz/{subject}", json={"do": "move", "pan": 0.1})
            inside = subject in mine("operator", district, "")
            # these cameras have no address to be turned by: whoever may is told that, the others are told nothing
            assert answer.json()["reason"] == ("no-driver" if inside else "wrong-district")
            assert not any(word in answer.text for word in HIDDEN)


async def test_a_camera_that_does_not_turn_or_is_not_there(video_hall):
    fixed = next(subject_of(channel) for channel in cameras() if not channel.ptz)
    async with await video_hall.client("operator", "li.ming") as client:
        for subject, status, reason in ((fixed, 409, "no-ptz"), ("channel/cams/none", 404, "unknown-channel")):
            answer = await client.get(f"/api/v1/video/ptz/{subject}")
            assert (answer.status_code, answer.json()["reason"]) == (status, reason)


async def test_while_the_video_process_is_away_the_door_says_so(video_hall):
    child = video_hall.children["video"]
    child.terminate()
    child.wait(20)
    async with await video_hall.client("operator", "li.ming") as client:
        answer = await client.get("/api/v1/rounds")
        assert (answer.status_code, answer.json()["reason"]) == (503, "video-down")
