"""Recordings through the web: a real relay with drawn cameras; who may begin, see, play, hand over, and what stays on record."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sqlite3
import zipfile

import av
import pytest
from PIL import Image

from hall.core import secrets
from hall.core.clock import real_ms
from hall.core.event import Event, encode
from hall.core.model import Channel, subject_of
from tests.hall.app.channelled import free_port_pair
from tests.hall.app.conftest import Hall
from tests.hall.app.recorded import finished, grown, lines, recorded, reported

CHANNELS = [Channel(feed="cams", channel_id=f"c{k}", name=f"路口{k}", district=district, state="online", has_stream=True, lon=113.9, lat=35.3)
            for k, district in enumerate(("红旗区", "红旗区", "卫滨区"))]  # fmt: skip
A, B, FAR = (subject_of(channel) for channel in CHANNELS)


@pytest.fixture(scope="module")
def hall(valkey, tmp_path_factory):
    found = Hall(tmp_path_factory.mktemp("recordings"), valkey, demo=False, video_port=free_port_pair())
    found.env["HALL_RELAY_PORT"] = str(free_port_pair())
    found._wait(found.spawn("video", "video.server"), int(found.env["HALL_VIDEO_PORT"]))
    found._wait(found.spawn("relay", "video.relay", "run"), int(found.env["HALL_RELAY_PORT"]))
    found.start()
    found.keep_first_password()
    asyncio.run(_known(found))
    yield found
    found.stop()


async def _known(hall):
    bus, now, key = hall.bus(), real_ms(), secrets.load(hall.home / "var")
    await bus.publish(
        [
            encode(Event(id=f"{subject_of(c)}@1", source="t", subject=subject_of(c), time=now, recordedtime=now, data=c))
            for c in CHANNELS
        ]
    )
    await bus.hash_set({s: key.seal(f"test://{s[-2:]}?fps=20", s) for s in (A, B, FAR)}, "channel-url")
    await bus.close()
    async with await hall.client("admin") as client, asyncio.timeout(30):
        while (await client.get("/api/v1/channels")).json().get("total") != len(CHANNELS):
            await asyncio.sleep(0.05)


async def test_an_operator_records_plays_back_and_the_views_are_on_record(hall):
    async with await hall.client("operator", "li.ming") as client:
        made = await recorded(client, A, B)
        name = made["id"]
        assert made["refused"] == [] and [c["channel"] for c in made["channels"]] == [A, B] and made["who"] == "li.ming"
        await grown(client, name)
        ended = (await client.delete(f"/api/v1/recordings/{name}")).json()
        assert ended["reason"] == "stopped"
        told = (await client.get(f"/api/v1/recordings/{name}/segments?channel=0")).json()
        row = told["rows"][0]
        parts = [(await client.get(f"/api/v1/recordings/{name}/c0/{part}")) for part in (row["init"], row["file"])]
        assert [p.status_code for p in parts] == [200, 200] and parts[1].headers["content-type"] == "video/mp4"
        assert hashlib.sha256(parts[1].content).hexdigest() == row["sha256"]
        with av.open(io.BytesIO(parts[0].content + parts[1].content)) as container:
            assert sum(1 for _ in container.decode(video=0)) == row["pictures"] >= 25
        assert (await client.get(f"/api/v1/recordings/{name}/verify")).json()["whole"]
    with sqlite3.connect(f"file:{hall.home}/var/ledger.db?mode=ro", uri=True) as db:
        kinds = [
            tuple(r) for r in db.execute("select kind, channel, who from views where who = 'li.ming' order by opened, channel")
        ]
    assert kinds == [("recording", A, "li.ming"), ("recording", B, "li.ming"), ("playback", A, "li.ming")]
    assert [line["recording"] for line in lines(hall, "record")][-1] == name


@pytest.mark.parametrize(
    ("role", "see", "record"),
    [
        ("viewer", 403, 403),
        ("wall", 403, 403),
        ("inspector", 200, 403),
        ("leader", 200, 403),
        ("dispatcher", 200, 201),
        ("supervisor", 200, 201),
    ],
)
async def test_who_may_see_and_who_may_record(hall, role, see, record):
    async with await hall.client(role) as client:
        assert (await client.get("/api/v1/recordings")).status_code == see
        answer = await client.post("/api/v1/recordings", json={"channels": [A], "why": "演练 夜间"})
        assert answer.status_code == record
        if record == 201:
            assert (await client.delete(f"/api/v1/recordings/{answer.json()['id']}")).status_code == 200


async def test_other_districts_channels_are_neither_recorded_nor_seen(hall):
    async with (
        await hall.client("operator") as all_over,
        await hall.client("operator", "bound", districts=("红旗区",)) as bound,
    ):
        far = (await recorded(all_over, FAR))["id"]
        mixed = await recorded(bound, A, FAR)
        assert [c["channel"] for c in mixed["channels"]] == [A]
        assert [r["channel"] for r in mixed["refused"]] == [FAR]
        assert (await bound.post("/api/v1/recordings", json={"channels": [FAR], "why": "演练 夜间"})).status_code == 403
        ids = [row["id"] for row in (await bound.get("/api/v1/recordings")).json()["rows"]]
        assert mixed["id"] in ids and far not in ids
        for method, path in (
            ("GET", ""),
            ("GET", "/segments"),
            ("GET", "/c0/1.m4s"),
            ("GET", "/verify"),
            ("POST", "/export"),
            ("DELETE", ""),
            ("PATCH", ""),
        ):
            body = {"PATCH": {"json": {"until": real_ms() + 1000}}, "POST": {"json": {"why": "拿走"}}}.get(method, {})
            assert (await bound.request(method, f"/api/v1/recordings/{far}{path}", **body)).status_code == 403, (method, path)
        for name in (far, mixed["id"]):
            await all_over.delete(f"/api/v1/recordings/{name}")


async def test_a_cases_recording_follows_the_case(hall):
    async with await hall.client("operator") as client, await hall.client("operator", "bound2", districts=("卫滨区",)) as bound:
        case = await reported(client)
        made = await recorded(client, FAR, case=case, why="")
        assert made["case"] == case
        rows = (await client.get(f"/api/v1/recordings?case={case}")).json()["rows"]
        assert [row["id"] for row in rows] == [made["id"]]
        assert (await bound.get(f"/api/v1/recordings/{made['id']}")).status_code == 403  # the channel is his, the case is not
        assert (await bound.post("/api/v1/recordings", json={"channels": [FAR], "case": case})).status_code == 403
        assert (await client.post("/api/v1/recordings", json={"channels": [FAR], "case": "case/none/9"})).status_code == 404
        await client.delete(f"/api/v1/recordings/{made['id']}")


async def test_evidence_is_let_go_by_a_shift_leader_only(hall):
    async with await hall.client("operator") as client, await hall.client("supervisor") as leader:
        name = (await recorded(client))["id"]
        await client.delete(f"/api/v1/recordings/{name}")
        assert (await client.post(f"/api/v1/recordings/{name}/lock", json={"locked": True})).json()["locked"]
        assert (await client.post(f"/api/v1/recordings/{name}/lock", json={"locked": False})).status_code == 403
        assert not (await leader.post(f"/api/v1/recordings/{name}/lock", json={"locked": False})).json().get("locked")
        assert lines(hall, "record-lock")[-1]["recording"] == lines(hall, "record-unlock")[-1]["recording"] == name


async def test_a_snapshot_becomes_evidence_of_the_case(hall):
    async with await hall.client("operator") as client:
        case = await reported(client)
        made = (await client.post("/api/v1/video/snapshot", json={"channel": A, "case": case})).json()
        assert abs(made["captured"] - real_ms()) < 60_000
        picture = await client.get(f"/api/v1/media/{made['media']}")
        assert Image.open(io.BytesIO(picture.content)).size == (1280, 720)
        file = (await client.get(f"/api/v1/files/{case.partition('/')[2]}")).json()
        assert made["media"] in json.dumps(file)
        assert file["entries"][-1]["data"]["text"].startswith("实时画面截图 · 路口0 · 拍摄于 20")
    assert hashlib.sha256(picture.content).hexdigest() == made["media"]
    assert (line := lines(hall, "snapshot")[-1])["case"] == case and line["source"] == made["source"] != ""


async def test_a_still_of_a_recording_becomes_evidence_with_where_it_is_from(hall):
    async with await hall.client("operator") as client, await hall.client("operator", "bound3", districts=("卫滨区",)) as bound:
        case = await reported(client)
        name = (await recorded(client, A, case=case, why=""))["id"]
        await grown(client, name)
        await client.delete(f"/api/v1/recordings/{name}")
        row = (await client.get(f"/api/v1/recordings/{name}/segments")).json()["rows"][0]
        asked = {"channel": 0, "segment": row["number"], "pts": row["pts"] + 0.5, "case": case, "text": "水深及膝"}
        answer = await client.post(f"/api/v1/recordings/{name}/still", json=asked)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert (await bound.post(f"/api/v1/recordings/{name}/still", json=asked)).status_code == 403
        assert (await client.post(f"/api/v1/recordings/{name}/still", json=asked | {"segment": 99})).status_code == 404
        picture = await client.get(f"/api/v1/media/{made['media']}")
        assert Image.open(io.BytesIO(picture.content)).size == (1280, 720)
        text = (await client.get(f"/api/v1/files/{case.partition('/')[2]}")).json()["entries"][-1]["data"]["text"]
    assert abs(made["captured"] - row["start"] - 500) <= 100 and made["source"] == row["sha256"]
    assert name in text and row["sha256"] in text and "路口0" in text and text.endswith("水深及膝")
    line = lines(hall, "snapshot")[-1]
    assert {k: line[k] for k in ("recording", "segment", "captured", "source", "media", "case")} == {
        "recording": name, "segment": row["number"], "captured": made["captured"], "source": row["sha256"],
        "media": hashlib.sha256(picture.content).hexdigest(), "case": case,
    }  # fmt: skip


async def test_a_recording_is_handed_over_as_one_download_and_its_beginning_and_end_are_on_record(hall):
    async with await hall.client("operator", "sun.hao") as client, await hall.client("operator", "other") as other:
        name = (await recorded(client, A))["id"]
        await grown(client, name)
        await client.delete(f"/api/v1/recordings/{name}")
        address = f"/api/v1/recordings/{name}/export"
        assert (await client.post(address, json={"why": "。。"})).json()["reason"] == "why-missing"
        made = (await client.post(address, json={"why": "移交交警支队"})).json()
        asked = lines(hall, "record-export")[-1]
        assert (asked["export"], asked["recording"], asked["why"]) == (made["export"], name, "移交交警支队")
        for href in (address, made["href"][:-3] + "AAA", made["href"].replace(name, "rffffff-000000")):
            assert (await client.get(href)).status_code in (403, 404)
        assert (await other.get(made["href"])).status_code == 403  # a link that was passed on
        answer = await client.get(made["href"])
        assert answer.status_code == 200 and name in answer.headers["content-disposition"]
        right = hashlib.sha256(answer.content).hexdigest()
        line = await finished(hall, made, "record-exported")
        assert (line["sha256"], line["bytes"]) == (right, len(answer.content))
        told = (await client.get(f"{address}/{made['export']}")).json()
        assert (told["state"], told["sha256"], told["bytes"]) == ("done", right, len(answer.content))
        assert (await other.get(f"{address}/{made['export']}")).status_code == 404
    manifest = json.loads(zipfile.ZipFile(io.BytesIO(answer.content)).read("manifest.json"))
    assert (manifest["export"]["who"], manifest["export"]["why"]) == ("sun.hao", "移交交警支队")


async def test_a_download_that_takes_nothing_any_more_is_given_up(monkeypatch):
    import httpx

    from hall.app import handover

    monkeypatch.setattr(handover, "STILL_SECONDS", 0.05)
    known, ends = handover.Progress("e1", "r1", "li", 10, state="running"), []
    sent = handover._Sent(httpx.Response(200, content=b"0123456789"), known)
    download = handover._Download(sent.parts(), {}, sent, lambda: ends.append(sent.said()))

    async def forever(*_):
        await asyncio.Event().wait()

    await download({"type": "http", "asgi": {"spec_version": "2.3"}}, forever, forever)
    assert known.state == "aborted" and ends == [{"why": "nothing was taken any more"}]


async def test_a_download_that_breaks_off_is_on_record_with_its_bytes(hall):
    """A recording larger than what the way holds: its taker goes away after the first part."""
    async with await hall.client("operator", "sun.hao") as client:
        name = (await recorded(client, A))["id"]
        await grown(client, name)
        await client.delete(f"/api/v1/recordings/{name}")
        segment = next((hall.home / "var" / "recordings" / name / "c0").glob("*.m4s"))
        with segment.open("r+b") as file:
            file.truncate(256 * 1024 * 1024)  # what lies there is handed over, and that it was changed is said
        made = (await client.post(f"/api/v1/recordings/{name}/export", json={"why": "移交交警支队"})).json()
        async with client.stream("GET", made["href"]) as answer:
            assert answer.status_code == 200
            await anext(answer.aiter_raw())
        line = await finished(hall, made, "record-export-aborted")
        assert 0 <= line["bytes"] < 256 * 1024 * 1024 and "sha256" not in line
        told = (await client.get(f"/api/v1/recordings/{name}/export/{made['export']}")).json()
        assert told["state"] == "aborted"
        assert not any(one["export"] == made["export"] for one in lines(hall, "record-exported"))


async def test_odd_questions_are_refused_in_words(hall):
    async with await hall.client("operator") as client:
        for path in ("rffffffff-000000", "r1", "..", "rffffffff-000000/segments", "rffffffff-000000/c0/1.m4s"):
            answer = await client.get(f"/api/v1/recordings/{path}")
            assert answer.status_code in (404, 422) and answer.json()["reason"]
        for body in (
            {},
            {"channels": []},
            {"channels": [A], "case": "x"},
            {"channels": [A], "until": -1},
            {"channels": [A], "extra": 1},
        ):
            assert (await client.post("/api/v1/recordings", json=body)).status_code == 422
        assert (await client.post("/api/v1/recordings", json={"channels": [A]})).json()["reason"] == "why-missing"


async def test_segments_fetched_without_having_been_listed_are_a_view_on_record_too(hall):
    async with await hall.client("operator", "zhao.min") as client:
        name = (await recorded(client, A))["id"]
        await grown(client, name)
        await client.delete(f"/api/v1/recordings/{name}")
    async with await hall.client("supervisor", "qian.lei") as other:
        for _ in range(2):
            assert (await other.get(f"/api/v1/recordings/{name}/c0/1.m4s")).status_code == 200
        assert (await other.get(f"/api/v1/recordings/{name}/c1/1.m4s")).status_code == 404
    with sqlite3.connect(f"file:{hall.home}/var/ledger.db?mode=ro", uri=True) as db:
        kinds = db.execute("select kind, channel from views where who = 'qian.lei'").fetchall()
    assert [tuple(row) for row in kinds] == [("playback", A)]
