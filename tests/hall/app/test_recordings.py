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

CHANNELS = [Channel(feed="cams", channel_id=f"c{k}", name=f"路口{k}", district=district, state="online", has_stream=True, lon=113.9, lat=35.3)
            for k, district in enumerate(("红旗区", "红旗区", "卫滨区"))]  # fmt: skip
A, B, FAR = (subject_of(channel) for channel in CHANNELS)


@pytest.fixture(scope="module")
def hall(valkey, tmp_path_factory):
    found = Hall(tmp_path_factory.mktemp("recordings"), valkey, demo=False, video_port=free_port_pair())
    found.env["HALL_RELAY_PORT"] = str(free_port_pair())
    for name, package, port in (("video", "video.server", "HALL_VIDEO_PORT"), ("relay", "video.relay", "HALL_RELAY_PORT")):
        found._wait(_spawn(found, name, package), int(found.env[port]))
    found.start()
    found.keep_first_password()
    asyncio.run(_known(found))
    yield found
    found.stop()


def _spawn(hall, name, package):
    if name == "video":
        return hall.spawn(name, package)
    import subprocess
    import sys

    from tests.conftest import ROOT

    code = "from hall.core.process import main; from video.relay import run; main('relay', run)"
    with hall.log.open("ab") as out:
        process = subprocess.Popen([sys.executable, "-c", code], env=hall.env, cwd=ROOT, stdout=out, stderr=out)
    hall._processes.append(process)
    return process


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


async def reported(client, district="红旗区"):
    """A case of the hall's own; its subject."""
    told = {"description": "积水", "address": "平原路", "district": district, "class_name": "市政", "subclass_name": "道路积水"}
    body = {"id": f"report-{real_ms()}", "case": told}
    answer = await client.post("/api/v1/cases", json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["case"]


async def recorded(client, *channels, **more):
    answer = await client.post("/api/v1/recordings", json={"channels": channels or [A], "why": "夜间演练", **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def grown(client, name, pictures=25):
    """Until the recording holds that many pictures of its first channel."""
    async with asyncio.timeout(40):
        while True:
            row = (await client.get(f"/api/v1/recordings/{name}")).json()
            if row["channels"][0].get("pictures", 0) >= pictures:
                return row
            await asyncio.sleep(0.1)


def lines(hall, what):
    with sqlite3.connect(f"file:{hall.home}/var/ledger.db?mode=ro", uri=True) as db:
        return [
            json.loads(row[0])
            for row in db.execute("select data from entries where subject = ? order by rowid", (f"audit/{what}",))
        ]


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
        archive = await client.get(f"/api/v1/recordings/{name}/export")
    assert hashlib.sha256(archive.content).hexdigest() == archive.headers["x-sha256"]
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(archive.content)).namelist()
    with sqlite3.connect(f"file:{hall.home}/var/ledger.db?mode=ro", uri=True) as db:
        kinds = [
            tuple(r) for r in db.execute("select kind, channel, who from views where who = 'li.ming' order by opened, channel")
        ]
    assert kinds == [("recording", A, "li.ming"), ("recording", B, "li.ming"), ("playback", A, "li.ming")]
    assert [line["recording"] for line in lines(hall, "record")][-1] == name and lines(hall, "record-export")[-1][
        "sha256"
    ] == archive.headers["x-sha256"]


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
            ("GET", "/export"),
            ("DELETE", ""),
            ("PATCH", ""),
        ):
            body = {"json": {"until": real_ms() + 1000}} if method == "PATCH" else {}
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
    assert lines(hall, "snapshot")[-1]["case"] == case


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
