"""The API against documents the test itself put on the bus and into a casebook."""

from __future__ import annotations

import socket
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest

from dispatch.casebook import Casebook, Version
from hall.app import documents
from hall.app.cases import day_start
from hall.core.board import Board
from hall.core.clock import real_ms
from hall.core.event import Event, encode, unpack
from hall.core.model import Case, Stages

NOW = 1_800_000_000_000


def event(subject, time, data, **more):
    return Event(id=f"{subject}@{time}", source="test", subject=subject, time=time, recordedtime=time, data=data, **more)


async def test_a_topic_is_read_newest_wins_from_the_stream_alone(city_hall):
    bus = city_hall.bus()
    told = [("a", 1, "old"), ("b", 5, "kept"), ("a", 9, "new"), ("b", 3, "late"), ("c", 4, "x"), ("c", 6, None)]
    for lane in ("bulk", "fast"):
        await bus.publish([encode(event(f"sensor/t/{name}", at, value)) for name, at, value in told], lane)
    async with await city_hall.client("viewer") as client:
        answer = (await client.get("/api/v1/board/sensor")).json()
    assert {e["subject"]: e["data"] for e in answer["events"]} == {"sensor/t/a": "new", "sensor/t/b": "kept"}
    assert answer["complete"] is True
    await bus.close()


async def test_a_topic_is_read_from_a_checkpoint_and_what_came_after(bus):
    board = Board()
    await bus.publish([encode(event(f"case/t/{n}", 10 + n, n)) for n in range(50)])
    position = await bus.load_board(board)
    await bus.save_checkpoint(list(board.entries()), position)
    await bus.publish([encode(event("case/t/7", 100, "changed")), encode(event("case/t/8", 100, None))])
    await bus.publish([encode(event("sensor/t/7", 100, "another topic"))], "fast")
    found = await documents.current(bus, "case")
    shown = {e["subject"]: e["data"] for e in map(msgspec.json.decode, found.events)}
    expected = {f"case/t/{n}": n for n in range(50)} | {"case/t/7": "changed"}
    del expected["case/t/8"]
    assert shown == expected and found.complete


async def test_unknown_topics_and_log_topics_are_refused(city_hall):
    async with await city_hall.client("admin") as client:
        for topic in ("nothing", "log", "audit"):
            assert (await client.get(f"/api/v1/board/{topic}")).json()["reason"] == "unknown-topic"


async def test_parked_input_is_paged_and_asked_to_be_tried_again(city_hall):
    bus = city_hall.bus()
    for n in range(7):
        fields = {"reason": "time-unparsable", "detail": f"row {n}", "raw": b"\xff{" + b"x" * 9000, "form": "csv", "at": str(n)}
        await bus.queue_add(fields, "parked", "probe")
        await bus.hash_add("time-unparsable", 1, "parked-counts", "probe")
    seen, after = [], "0-0"
    async with await city_hall.client("supervisor") as client:
        while after:
            page = (await client.get(f"/api/v1/feeds/probe/parked?limit=3&after={after}")).json()
            seen += [row["detail"] for row in page["rows"]]
            assert all(row["raw"].startswith("\\xff{x") and len(row["raw"]) < 5000 for row in page["rows"])
            after = page["next"]
        assert seen == [f"row {n}" for n in range(7)] and page["counts"] == {"time-unparsable": 7} and page["kept"] == 7
        answer = await client.post("/api/v1/feeds/probe/replay-parked")
        assert (answer.status_code, answer.json()["kept"]) == (202, 7)
        assert (await client.get("/api/v1/feeds/none/parked")).status_code == 404
        assert (await client.get("/api/v1/feeds/probe/parked?after=x")).status_code == 422
    ((_, command),) = await bus.queue_read("commands", "feeds")
    assert msgspec.json.decode(command["command"]) == {"do": "replay-parked", "feed": "probe"}
    await bus.close()


async def test_feeds_tell_what_is_parked_by_reason(city_hall):
    bus = city_hall.bus()
    await bus.publish([encode(event("feed/gauges", NOW, {"name": "gauges", "state": "stale", "accepted": 12}))])
    await bus.hash_add("no-id", 4, "parked-counts", "gauges")
    async with await city_hall.client("leader") as client:
        feeds = (await client.get("/api/v1/feeds")).json()["feeds"]
    assert {"name": "gauges", "state": "stale", "accepted": 12, "parked_by_reason": {"no-id": 4}} in feeds
    await bus.close()


async def test_a_scene_goes_out_on_the_fast_lane_for_a_moment_ahead(city_hall):
    bus = city_hall.bus()
    before = await bus.last_entry("fast")
    async with await city_hall.client("operator", "zhao") as client:
        asked = real_ms()
        answer = (await client.post("/api/v1/scene/east", json={"layout": "flood"})).json()
        for body, reason in (
            ({"layout": "none"}, "unknown-layout"),
            ({"layout": "flood", "at": 5}, "bad-time"),
            ({}, "bad-request"),
        ):
            assert (await client.post("/api/v1/scene/east", json=body)).json()["reason"] == reason
    ((_, fields),) = await bus.queue_read("fast", after=before)
    (told,) = [msgspec.json.decode(raw) for raw in unpack(fields["p"])]
    assert told["subject"] == "scene/east" and told["data"] == {"layout": "flood", "at": answer["at"], "by": "zhao"}
    assert asked + 600 <= told["data"]["at"] <= real_ms() + 700
    await bus.close()


@pytest.fixture(scope="module")
def cases(city_hall):
    """300 cases in the hall's own casebook, and the same as a plain list."""
    now, made = real_ms(), []
    for n in range(300):
        ended = n % 3 == 0
        made.append(
            Case(
                feed="t", case_id=f"N{n:04d}", state="closed" if ended else "handling", severity=n % 5,
                class_name="市容环境" if n % 2 else "施工管理", district=f"区{n % 4}", description=f"第{n}号 road puddle",
                due=now + (n - 150) * 3_600_000,
                stages=Stages(reported=now - n * 3_600_000, closed=now - 1000 if ended else None),
            )
        )  # fmt: skip
    book = Casebook.open_writer(city_hall.home / "var" / "cases.db")
    book.record([Version(f"case/t/{c.case_id}", (c.stages.reported, now, c.case_id), "test", c) for c in made])
    book.close()
    return now, made


QUERIES = {
    "open=true": lambda c, now: c.state != "closed",
    "open=false": lambda c, now: c.state == "closed",
    "overdue=true": lambda c, now: c.state != "closed" and c.due < now,
    "district=区1&district=区2": lambda c, now: c.district in ("区1", "区2"),
    "severity=4&class_name=市容环境": lambda c, now: c.severity == 4 and c.class_name == "市容环境",
    "q=N0123": lambda c, now: c.case_id == "N0123",
    "q=puddle 施工": lambda c, now: c.class_name == "施工管理",
    "today=true": lambda c, now: c.stages.reported >= day_start(now, "Asia/Shanghai"),
}


@pytest.mark.parametrize("query", QUERIES)
async def test_cases_are_filtered_sorted_and_paged_as_a_plain_list_would_be(city_hall, cases, query):
    now, made = cases
    expected = [c.case_id for c in made if QUERIES[query](c, now)]
    found, offset = [], 0
    async with await city_hall.client("viewer") as client:
        while True:
            page = (await client.get(f"/api/v1/cases?{query}&sort=reported desc&offset={offset}&limit=70")).json()
            found += [row["case_id"] for row in page["rows"]]
            assert page["total"] == len(expected) and page["exact"]
            offset += 70
            if len(page["rows"]) < 70:
                break
    assert found == expected


async def test_one_case_comes_with_its_versions(city_hall, cases):
    _, made = cases
    async with await city_hall.client("viewer") as client:
        found = (await client.get("/api/v1/cases/case/t/N0007")).json()
        assert found["case"]["data"]["description"] == made[7].description
        assert found["case"]["recordedtime"] and [v["data"]["case_id"] for v in found["history"]] == ["N0007"]
        assert (await client.get("/api/v1/cases/case/t/none")).json()["reason"] == "unknown-case"


@pytest.mark.parametrize(
    "query", ["sort=password", "limit=0", "limit=5000", "offset=-1", "severity=x", "sort=reported sideways"]
)
async def test_an_unfit_search_is_refused_with_a_reason(city_hall, query):
    async with await city_hall.client("viewer") as client:
        answer = await client.get(f"/api/v1/cases?{query}")
        assert (answer.status_code, answer.json()["reason"]) == (422, "bad-request")


async def test_the_openapi_description_is_served_and_names_what_is_there(city_hall):
    async with await city_hall.client("viewer") as client:
        paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    assert {"/api/v1/feeds", "/api/v1/cases", "/api/v1/cases/{subject}", "/api/v1/scene/{wall}", "/api/v1/walls/pair"} <= set(
        paths
    )


# -- posters --------------------------------------------------------------------------------------------------------


class _Video(BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.path.startswith("/poster/channel/c/1.jpg")
        self.send_response(200 if found else 404)
        self.send_header("content-type", "image/jpeg" if found else "application/json")
        self.send_header("etag", '"7"')
        self.end_headers()
        self.wfile.write(self.path.encode() if found else b'{"reason":"no-picture","detail":"x"}')

    def log_message(self, *_):
        pass


async def test_posters_are_passed_on_with_their_etag_and_refusals(new_hall):
    with HTTPServer(("127.0.0.1", 0), _Video) as video:
        threading.Thread(target=video.serve_forever, daemon=True).start()
        hall = new_hall(demo=True, video_port=video.server_port).start()
        async with await hall.client() as client:
            answer = await client.get("/video/poster/channel/c/1.jpg?w=320")
            assert (answer.content, answer.headers["etag"]) == (b"/poster/channel/c/1.jpg?w=320", '"7"')
            missing = await client.get("/video/poster/channel/c/2.jpg")
            assert (missing.status_code, missing.json()["reason"]) == (404, "no-picture")
            assert (await client.get("/video/poster/%2e%2e/healthz")).status_code == 404
            await client.get("/video/poster/channel/c/1.jpg?w=640")
        hall.stop()
        with sqlite3.connect(f"file:{hall.home}/var/ledger.db?mode=ro", uri=True) as db:
            seen = db.execute("select channel, kind, reason, role from views").fetchall()
            notes = db.execute("select data from entries where subject = 'audit/watch'").fetchall()
        assert seen == [("channel/c/1", "still", "wall", "wall")], (
            "one line for both sizes, none for a picture that did not come"
        )
        assert len(notes) == 1 and "channel/c/1" in notes[0][0]
        video.shutdown()


@pytest.mark.parametrize("listening", [True, False])
async def test_a_silent_or_dead_video_process_is_answered_503_with_the_reason(new_hall, listening):
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        if listening:
            dead.listen()  # takes the connection, says nothing
        hall = new_hall(demo=True, video_port=dead.getsockname()[1]).start()
        async with await hall.client() as client:
            answer = await client.get("/video/poster/channel/c/1.jpg")
    assert (answer.status_code, answer.json()["reason"]) == (503, "video-down")


async def test_components_are_behind_the_door_and_nobody_imported_any_yet(city_hall):
    async with await city_hall.client("operator") as client:
        assert (await client.get("/api/v1/components")).json() == {"version": None, "total": 0, "importing": False}
        for path in ("pack", "filter?q=x", "grid?bbox=1,2,3,4&zoom=3", "at/3?version=v", "4107020104000001"):
            answer = await client.get(f"/api/v1/components/{path}")
            assert (answer.status_code, answer.json()["reason"]) == (404, "components-none")
    for role, status in ((None, 401), ("crew", 403)):
        async with await city_hall.client(role) as client:
            assert (await client.get("/api/v1/components/pack")).status_code == status
