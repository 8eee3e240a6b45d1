"""A disk that is full or fails: recordings suffer, the relay goes on."""

import asyncio
import errno
import os

import pytest

from hall.core.clock import real_ms
from tests.video.record.test_recorder import A, numbers, until
from video.record.archive import DAY_MS, Archive
from video.record.model import Ordered


def full(self, recording):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def alive(studio) -> bool:
    return not studio.task.done() and not studio.stage.process.stopping.is_set()


async def test_an_end_that_cannot_be_written_down_ends_no_relay_and_is_written_later(studio, monkeypatch):
    name = await studio.record(A)
    await studio.send(A, 20)
    with monkeypatch.context() as patch:
        patch.setattr(Archive, "save", full)
        recording = studio.recorder.one(name)
        recording.order = type(recording.order)(channels=recording.order.channels, until=real_ms() - 1)  # its time is over
        await until(lambda: recording.ended is not None and name in studio.recorder._unsaved)
        assert alive(studio) and studio.archive.load()[0].ended is None
    await studio.recorder._tidy()
    assert studio.archive.load()[0].reason == "until" and numbers(studio, name) == list(range(20))


async def test_a_relay_that_starts_on_a_full_disk_starts(studio, monkeypatch):
    over = await studio.record(A, until=real_ms() + 200)
    on = await studio.record(A)
    await studio.send(A, 20)
    await studio.shut()
    with monkeypatch.context() as patch:
        patch.setattr(Archive, "save", full)
        patch.setattr(Archive, "recover", full)
        await until(lambda: real_ms() > studio.began + 500)
        studio.open()
        await until(lambda: studio.recorder._ready.is_set())
        assert alive(studio) and set(studio.recorder._running) == {on}
        assert {row["id"] for row in (await studio.get("/recordings")).json()["rows"]} == {over, on}
        assert (await studio.post("/recordings", json={"channels": [A]})).status_code == 507


def test_what_is_closed_while_sizes_are_read_is_no_fault(tmp_path, monkeypatch):
    archive = Archive(tmp_path)
    one = archive.create(Ordered(channels=(A,)), 1_000)
    folder = archive.channel(one, 0)
    folder.mkdir()
    (folder / "000001.part").write_bytes(b"12345")
    look, kept = os.lstat, (archive.folder / one.id / "recording.json").stat().st_size

    def renamed(path):
        if str(path).endswith(".part") and os.path.exists(path):
            os.rename(path, str(path).replace(".part", ".m4s"))
        return look(path)

    monkeypatch.setattr(os, "lstat", renamed)
    assert archive.bytes(one) == kept


@pytest.mark.parametrize("bounds", [(1.0, 10**12), (100.0, 0)])
def test_what_becomes_evidence_in_the_last_moment_stays_and_what_cannot_be_removed_keeps_no_other(
    tmp_path, bounds, monkeypatch
):
    archive = Archive(tmp_path)
    made = [archive.create(Ordered(channels=(A,)), number * 1_000) for number in range(3)]
    for one in made:
        one.ended = one.started + 10
        archive.save(one)
    remove = archive.remove

    def failing(recording, now, why):
        if recording.id == made[1].id:
            raise OSError(errno.EIO, "it fails")
        return remove(recording, now, why)

    monkeypatch.setattr(archive, "remove", failing)
    gone = archive.retain(30 * DAY_MS, *bounds, spared=lambda name: name == made[0].id)
    assert [one.id for one in gone] == [made[2].id]
    assert {one.id for one in archive.load()} == {made[0].id, made[1].id}


async def test_a_recording_locked_while_old_ones_are_removed_is_not_removed(studio, monkeypatch):
    name = await studio.record(A)
    await studio.send(A, 20)
    await studio.delete(f"/recordings/{name}")
    stale = studio.archive.load()  # as it was read before somebody locked it
    assert (await studio.post(f"/recordings/{name}/lock", json={"locked": True, "who": "li"})).status_code == 200
    monkeypatch.setattr(studio.archive, "load", lambda: stale)
    studio.recorder.days = -1.0
    await asyncio.wait_for(studio.recorder._tidy(), 10)
    assert (await studio.get(f"/recordings/{name}")).json()["locked"]
