"""Recordings over the relay's loopback HTTP: what is kept of which channel, when it ends, what survives what."""

import asyncio
import errno
import hashlib
import io
import json

import av
import cv2
import msgspec
import numpy as np
import pytest

from hall.core.clock import real_ms
from tests.video.cameras import clip as clips
from tests.video.record.tapes import SMALL, A, B, numbers, until
from video.media import StreamInfo
from video.record import deck as deck_module
from video.record.archive import Archive
from video.record.model import Ordered


async def test_what_comes_between_begin_and_end_is_kept(studio):
    name = await studio.record(A, B)
    await studio.send(A, 130)
    await studio.send(B, 20)
    ended = (await studio.delete(f"/recordings/{name}")).json()
    assert ended["reason"] == "stopped" and ended["ended"]
    assert numbers(studio, name) == [k % 40 for k in range(130)] and numbers(studio, name, 1) == list(range(20))
    told = (await studio.get(f"/recordings/{name}")).json()
    assert [(c["channel"], c["pictures"], c["segments"], c["state"]) for c in told["channels"]] == [
        (A, 130, 2, "ended"),
        (B, 20, 1, "ended"),
    ]
    assert told["case"] == "case/f/1" and told["who"] == "li"


async def test_a_channel_that_is_watched_brings_its_pre_roll(studio):
    class Viewer:
        def begin(self, info): ...
        def take(self, unit): ...
        def tell(self, state): ...

    viewer = Viewer()
    track = studio.stage.hub.watch(A, "main", viewer)
    await studio.send(A, 17)  # key pictures 0 and 10
    with_roll = await studio.record(A, pre_roll_s=30)
    without = await studio.record(A, pre_roll_s=0)
    await studio.send(A, 8)
    for name in (with_roll, without):
        await studio.delete(f"/recordings/{name}")
    assert numbers(studio, with_roll) == list(range(10, 25))
    assert numbers(studio, without) == list(range(20, 25))  # from the next key picture on
    told = (await studio.get(f"/recordings/{with_roll}")).json()["channels"][0]
    assert told["start"] == studio.began + 1000
    studio.stage.hub.leave(track, viewer)


async def test_a_camera_that_dies_and_returns_goes_on_in_the_same_recording(studio):
    name = await studio.record(A)
    await studio.send(A, 25)
    camera = studio.stage.camera(A)
    camera.die()
    await until(lambda: not camera.present.is_set())
    await studio.send(A, 35)
    await studio.delete(f"/recordings/{name}")
    assert numbers(studio, name) == [*range(25), *(k % 40 for k in range(30, 60))]  # from its first key picture on


async def test_a_recording_ends_by_itself(studio):
    name = await studio.record(A, until=real_ms() + 300)
    await studio.send(A, 5)
    recording = studio.recorder.one(name)
    await until(lambda: recording.ended)
    assert recording.reason == "until" and numbers(studio, name) == list(range(5))
    await until(lambda: not studio.stage.hub.tracks or not studio.stage.hub.track(A, "main").viewers)


async def test_the_end_can_be_moved_and_only_while_it_runs(studio):
    name = await studio.record(A)
    later = real_ms() + 7_200_000
    assert (await studio.patch(f"/recordings/{name}", json={"until": later})).json()["until"] == later
    await studio.delete(f"/recordings/{name}")
    assert (await studio.patch(f"/recordings/{name}", json={"until": later})).status_code == 409


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"channels": []}, "channels-bad"), ({"channels": [A, A]}, "channels-bad"), ({"channels": ["sensor/f/1"]}, "channels-bad"),
        ({"channels": [A], "until": 5}, "until-bad"), ({"channels": [A], "until": real_ms() + 10**9}, "until-bad"),
        ({"channels": "x"}, "malformed"), ([], "malformed"), ({"channels": [A], "quality": "best"}, None),
    ],
)  # fmt: skip
async def test_orders_that_make_no_sense_are_refused(studio, order, reason):
    answer = await studio.post("/recordings", json=order)
    if reason:
        assert answer.status_code == 422 and answer.json()["reason"] == reason
    else:
        assert answer.json()["channels"][0]["state"] == "lost"


async def test_after_a_kill_the_recording_goes_on_and_nothing_whole_is_lost(studio, tmp_path):
    name = await studio.record(A)
    await studio.send(A, 145)
    await until(lambda: studio.recorder._writer.waiting == 0)
    # the process dies here: a new one finds the folder as it is now
    import shutil

    shutil.copytree(studio.folder, tmp_path / "after")
    await studio.shut()
    studio.folder = tmp_path / "after"
    studio.open()
    await studio.recorder._ready.wait()
    await studio.send(A, 15)  # 145..159, key picture 150
    told = (await studio.delete(f"/recordings/{name}")).json()
    assert told["reason"] == "stopped"
    found = numbers(studio, name)
    lost = 145 - (len(found) - 10)
    assert 0 <= lost <= 21 and found == [k % 40 for k in (*range(145 - lost), *range(150, 160))]
    assert (await studio.get(f"/recordings/{name}/verify")).json() == {"id": name, "whole": True, "problems": []}


async def test_an_orderly_end_of_the_process_closes_the_segments_and_the_recording_goes_on_later(studio):
    name = await studio.record(A)
    await studio.send(A, 25)
    await studio.shut()
    recording = studio.archive.load()[0]
    assert recording.ended is None and [line.pictures for line in studio.archive.lines(recording, 0)] == [25]
    studio.open()
    await studio.recorder._ready.wait()
    assert name in studio.recorder._running


async def test_what_should_have_ended_while_the_relay_was_away_has_ended(studio):
    name = await studio.record(A)
    await studio.shut()
    recording = studio.archive.load()[0]
    recording.order = msgspec.structs.replace(recording.order, until=recording.started + 1)
    studio.archive.save(recording)
    studio.open()
    told = await until_ready(studio, name)
    assert told["ended"] == recording.started + 1 and told["reason"] == "until"


async def until_ready(studio, name):
    await studio.recorder._ready.wait()
    return (await studio.get(f"/recordings/{name}")).json()


async def test_segments_are_found_by_time_and_served_as_they_lie(studio):
    name = await studio.record(A)
    await studio.send(A, 340)
    await studio.delete(f"/recordings/{name}")
    every = (await studio.get(f"/recordings/{name}/segments")).json()["rows"]
    assert [row["pictures"] for row in every] == [100, 100, 100, 40]
    at = studio.began + 15_000
    rows = (await studio.get(f"/recordings/{name}/segments?channel=0&from={at}&to={at + 1}")).json()["rows"]
    assert [row["number"] for row in rows] == [2] and rows[0]["start"] <= at < rows[0]["end"]
    parts = [await studio.get(f"/recordings/{name}/c0/{part}") for part in (rows[0]["init"], rows[0]["file"])]
    assert all(part.headers["content-type"] == "video/mp4" and "immutable" in part.headers["cache-control"] for part in parts)
    assert hashlib.sha256(parts[1].content).hexdigest() == rows[0]["sha256"]
    with av.open(io.BytesIO(parts[0].content + parts[1].content)) as container:
        frames = list(container.decode(video=0))
    assert [clips.read_number(f.to_ndarray(format="gray")) for f in frames] == [k % 40 for k in range(100, 200)]
    assert abs(frames[0].time - rows[0]["pts"]) < 0.001  # MSE's timeline is the index's


@pytest.mark.parametrize(
    "path", ["c0/000001.m4s", "c0/recording.json", "c0/..%2frecording.json", "c1/1.m4s", "c0/9.m4s", "c0/index.jsonl"]
)
async def test_nothing_but_closed_segments_is_served(studio, path):
    name = await studio.record(A)
    await studio.send(A, 20)
    await studio.delete(f"/recordings/{name}")
    assert (await studio.get(f"/recordings/{name}/c0/1.m4s")).status_code == 200
    assert (await studio.get(f"/recordings/{name}/{path}")).status_code == 404
    assert (await studio.get("/recordings/..%2f..%2fetc")).status_code == 404


async def test_recordings_are_found_by_case_channel_and_time(studio):
    one = await studio.record(A)
    two = await studio.record(A, B, case="case/f/2")
    await studio.delete(f"/recordings/{one}")

    async def found(query):
        return [row["id"] for row in (await studio.get(f"/recordings?{query}")).json()["rows"]]

    assert await found("case=case/f/1") == [one] and await found(f"channel={B}") == [two]
    assert set(await found(f"channel={A}")) == {one, two} and await found("to=5") == []
    assert await found(f"from={real_ms() + 60_000}") == []


async def test_a_changed_segment_is_told(studio):
    name = await studio.record(A)
    await studio.send(A, 20)
    await studio.delete(f"/recordings/{name}")
    path = next(studio.folder.rglob("*.m4s"))
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body)
    told = (await studio.get(f"/recordings/{name}/verify")).json()
    assert not told["whole"] and "changed" in told["problems"][0]


async def test_a_full_disk_is_told_and_recording_goes_on_when_there_is_room(studio, monkeypatch):
    monkeypatch.setattr(deck_module, "RETRY_SECONDS", 0.0)
    name = await studio.record(A)
    await studio.send(A, 25)
    from video.record import tape

    real, state = tape.Tape._flush, {"full": True}

    def flush(self, following):
        if state["full"]:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, following)

    monkeypatch.setattr(tape.Tape, "_flush", flush)
    await studio.send(A, 15)
    deck = studio.recorder._running[name].decks[0]
    await until(lambda: deck.taping.dropped and deck.taping.state == "disk-full")
    state["full"] = False
    await studio.send(A, 20)
    await studio.delete(f"/recordings/{name}")
    found = numbers(studio, name)
    assert found[:10] == list(range(10)) and found[-10:] == list(range(10, 20)) and deck.taping.dropped > 0


async def test_a_disk_that_does_not_keep_up_costs_pictures_not_memory(studio, monkeypatch):
    import threading

    monkeypatch.setattr(deck_module, "MOST_WAITING", 20_000)
    name = await studio.record(A)
    await studio.send(A, 2)
    deck, gate = studio.recorder._running[name].decks[0], threading.Event()
    studio.recorder._writer.put(gate.wait)  # the disk hangs
    await studio.send(A, 400)
    assert studio.recorder._writer.waiting < 40_000 and deck.taping.dropped > 100
    gate.set()
    await until(lambda: studio.recorder._writer.waiting == 0)
    monkeypatch.setattr(deck_module, "MOST_WAITING", 10**9)
    await studio.send(A, 8)  # 402..409: no key picture among them
    await studio.send(A, 15)
    await studio.delete(f"/recordings/{name}")
    found = numbers(studio, name)
    assert found[-15:] == [k % 40 for k in range(410, 425)] and len(found) + deck.taping.dropped == 425


async def test_what_mp4_cannot_hold_is_told(studio):
    name = await studio.record(A)
    camera = await studio.present(A)
    camera.intake.begin(StreamInfo(family="theora", codec="theora"))
    camera.intake.picture(True, 0, annexb=b"x", captured=float(real_ms()))
    deck = studio.recorder._running[name].decks[0]
    await until(lambda: deck.taping.state == "codec")


async def test_mjpeg_is_recorded_as_the_relay_converts_it(studio):
    name = await studio.record(A)
    camera = await studio.present(A)
    camera.intake.begin(StreamInfo(family="jpeg", codec="jpeg", width=320, height=180, fps=10))
    deck, sent = studio.recorder._running[name].decks[0], 0
    async with asyncio.timeout(90):
        while deck.taping.pictures < 12:
            body = cv2.imencode(".jpg", clips.draw(sent % 40, 320, 180, noise=0))[1].tobytes()
            camera.intake.picture(True, sent * 9000, annexb=body, captured=float(studio.began + sent * 100))
            sent += 1
            await asyncio.sleep(0.02)
    await studio.delete(f"/recordings/{name}")
    found = numbers(studio, name)
    assert deck.taping.converted == "mjpeg" and len(found) >= 12
    # a busy machine leaves pictures out; none comes twice or out of its order
    assert all(1 <= (b - a) % 40 <= 30 for a, b in zip(found, found[1:], strict=False))


async def test_screens_are_told_of_begin_and_end(studio, bus):
    from hall.core.board import Board

    name = await studio.record(A)
    await studio.delete(f"/recordings/{name}")

    async def told():
        fresh = Board()
        await studio.stage.process.bus.load_board(fresh)
        return fresh.decode(f"recording/{name}")

    async with asyncio.timeout(60):
        while not (found := await told()) or not found["data"].get("ended"):
            await asyncio.sleep(0.02)
    assert found["data"]["case"] == "case/f/1"


def archived(archive, name_of, ended, size, locked=False):
    recording = archive.create(Ordered(channels=(A,)), ended - 10)
    recording.ended, recording.locked = ended, locked
    archive.save(recording)
    (archive.folder / recording.id / "c0").mkdir()
    (archive.folder / recording.id / "c0" / "000001.m4s").write_bytes(bytes(size))
    name_of[recording.id] = ended
    return recording.id


def test_old_recordings_go_by_age_then_by_room_and_evidence_stays(tmp_path):
    day, archive, names = 86_400_000, Archive(tmp_path), {}
    evidence = archived(archive, names, 1 * day, 100_000, locked=True)
    aged = archived(archive, names, 2 * day, 100_000)
    first, second, newest = (archived(archive, names, n * day, 100_000) for n in (50, 51, 52))
    running = archive.create(Ordered(channels=(B,)), 40 * day)
    assert [one.id for one in archive.retain(60 * day, 30, 10**9)] == [aged]
    assert [one.id for one in archive.retain(60 * day, 30, 350_000)] == [first]
    assert {one.id for one in archive.load()} == {evidence, second, newest, running.id}
    assert archive.removed["recordings"] == 2 and archive.removed["bytes"] > 200_000
    rows = [json.loads(row) for row in (tmp_path / "removed.jsonl").read_text().splitlines()]
    assert [(row["id"], row["why"]) for row in rows] == [(aged, "age"), (first, "room")]
    assert archive.retain(1000 * day, 0, 0)  # all others
    assert {one.id for one in archive.load()} == {evidence, running.id}


async def test_a_locked_recording_is_marked_and_can_be_unlocked(studio):
    name = await studio.record(A)
    assert (await studio.post(f"/recordings/{name}/lock", json={"locked": True, "who": "li"})).json()["locked"]
    assert studio.archive.load()[0].locked_by == "li"
    assert not (await studio.post(f"/recordings/{name}/lock", json={"locked": False})).json().get("locked", False)


async def test_a_snapshot_is_the_newest_key_picture_in_full_size(studio):
    camera = studio.stage.camera(A)
    from tests.video.record.tapes import info_of

    camera.info = info_of(studio.clip)
    asked = asyncio.create_task(studio.get(f"/snapshot/{A}"))  # nobody watches: the source is started for it
    await studio.send(A, 12)
    answer = await asked
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg"
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (SMALL.height, SMALL.width, 3) and clips.read_number(image) in (0, 10)


async def test_a_snapshot_of_a_dead_camera_says_why_there_is_none(studio):
    studio.stage.camera(A).up = False
    answer = await studio.get(f"/snapshot/{A}")
    assert answer.status_code == 503 and answer.json()["reason"] == "no-picture" and "nobody there" in answer.json()["detail"]
