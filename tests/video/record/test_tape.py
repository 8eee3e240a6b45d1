"""Tapes on disk, read back with PyAV: nothing lost, nothing re-encoded, every closed segment playable, the rest recovered."""

import errno
import hashlib
import io
import os
import random
import shutil

import av
import msgspec
import pytest

from tests.video.cameras import clip as clips
from tests.video.record.tapes import SMALL, START, info_of, read, units
from video.media import CLOCK_RATE
from video.record import boxes, tape
from video.record.tape import FIRST_CHAIN, Tape, chained, read_index

KINDS = {
    "plain": SMALL,
    "b-frames": msgspec.structs.replace(SMALL, profile="main", bframes=2),
    "h265": msgspec.structs.replace(SMALL, family="h265"),
}


def recorded(folder, clip, taken, close=True):
    found = Tape(folder)
    found.begin(info_of(clip))
    for unit in taken:
        found.take(unit)
    if close:
        found.cut()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_recorded_is_what_the_camera_sent_picture_by_picture(tmp_path, kind):
    clip = clips.make(KINDS[kind])
    found = recorded(tmp_path / "t", clip, units(clip, 240))
    shown = read(tmp_path / "t", found.lines)
    assert [number for number, _ in shown] == [k % 40 for k in range(240)]
    times = [seconds for _, seconds in shown]
    assert all(abs(b - a - 0.1) < 0.002 for a, b in zip(times, times[1:], strict=False))
    assert [line.pictures for line in found.lines] == [100, 100, 40] and sum(line.keys for line in found.lines) == 24


@pytest.mark.parametrize("kind", KINDS)
def test_each_segment_plays_by_itself_after_its_init(tmp_path, kind):
    clip = clips.make(KINDS[kind])
    found = recorded(tmp_path / "t", clip, units(clip, 240))
    assert len(found.lines) == 3
    for index, line in enumerate(found.lines):
        assert [number for number, _ in read(tmp_path / "t", [line])] == [
            k % 40 for k in range(index * 100, index * 100 + line.pictures)
        ]


def test_the_bytes_of_a_picture_are_the_cameras_own(tmp_path):
    clip = clips.make(SMALL)
    found = recorded(tmp_path / "t", clip, units(clip, 40))
    body = (tmp_path / "t" / found.lines[0].init).read_bytes() + (tmp_path / "t" / "000001.m4s").read_bytes()
    with av.open(io.BytesIO(body)) as container:
        packets = [bytes(p) for p in container.demux(video=0) if p.size]
    assert packets == [b"".join(len(n).to_bytes(4, "big") + n for n in p.nals) for p in clip.pictures]


def test_the_index_tells_when_each_segment_was_taken(tmp_path):
    clip = clips.make(SMALL)
    found = recorded(tmp_path / "t", clip, units(clip, 240))
    assert [(line.start, line.end) for line in found.lines] == [
        (START, START + 10_000),
        (START + 10_000, START + 20_000),
        (START + 20_000, START + 24_000),
    ]
    assert read_index(tmp_path / "t") == found.lines


def test_hash_and_chain_are_those_anybody_can_compute(tmp_path):
    clip = clips.make(SMALL)
    found = recorded(tmp_path / "t", clip, units(clip, 240))
    before = FIRST_CHAIN
    for line in found.lines:
        assert hashlib.sha256((tmp_path / "t" / f"{line.number:06d}.m4s").read_bytes()).hexdigest() == line.sha256
        assert line.chain == chained(before, line)
        before = line.chain
    forged = msgspec.structs.replace(found.lines[1], start=0)
    assert chained(found.lines[0].chain, forged) != found.lines[1].chain


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_a_process_that_died_anywhere_loses_less_than_two_seconds(tmp_path, kind, seed):
    """The folder as it stood at any moment, its last file cut anywhere behind what had been flushed."""
    clip, chance = clips.make(KINDS[kind]), random.Random(seed)
    taken = units(clip, 40 + chance.randrange(160))
    found = recorded(tmp_path / "t", clip, taken, close=False)
    shutil.copytree(tmp_path / "t", tmp_path / "dead")
    parts = list((tmp_path / "dead").glob("*.part"))
    assert len(parts) == 1
    with parts[0].open("ab") as file:
        file.write(os.urandom(chance.randrange(5000)))  # half of a fragment that was being written
    again = Tape(tmp_path / "dead")
    assert not list((tmp_path / "dead").glob("*.part")) and again.lines[-1].recovered
    shown = [number for number, _ in read(tmp_path / "dead", again.lines)]
    assert shown == [k % 40 for k in range(len(shown))] and len(taken) - len(shown) <= 21
    assert again.lines[-1].start == START + (len(again.lines) - 1) * 10_000
    found.drop()


def test_a_tape_goes_on_after_a_restart_on_one_clock(tmp_path):
    clip = clips.make(SMALL)
    recorded(tmp_path / "t", clip, units(clip, 55), close=False).drop()
    second = recorded(tmp_path / "t", clip, units(clip, 60, first=80, origin=77), close=True)
    assert [line.number for line in second.lines] == [1, 2] and second.lines[0].recovered
    assert {line.init for line in second.lines} == {"init-1.mp4"}
    assert second.lines[1].pts >= second.lines[0].pts + second.lines[0].duration
    assert second.lines[1].start == START + 8_000
    shown = [number for number, _ in read(tmp_path / "t", second.lines)]
    assert shown[-60:] == [k % 40 for k in range(80, 140)]


def test_another_stream_gets_an_init_of_its_own(tmp_path):
    one, two = clips.make(SMALL), clips.make(msgspec.structs.replace(SMALL, width=480, height=270))
    found = recorded(tmp_path / "t", one, units(one, 20), close=False)
    found.begin(info_of(two))
    for unit in units(two, 20, first=20):
        found.take(unit)
    found.begin(info_of(one))
    for unit in units(one, 20, first=40):
        found.take(unit)
    found.cut()
    assert [line.init for line in found.lines] == ["init-1.mp4", "init-2.mp4", "init-1.mp4"]
    for line, first in zip(found.lines, (0, 20, 40), strict=True):
        assert [number for number, _ in read(tmp_path / "t", [line])] == [k % 40 for k in range(first, first + 20)]


def test_a_gap_begins_a_segment_and_stays_a_gap(tmp_path):
    clip = clips.make(SMALL)
    found = recorded(tmp_path / "t", clip, units(clip, 30) + units(clip, 30, first=90))
    assert [(line.start, line.end) for line in found.lines] == [(START, START + 3_000), (START + 9_000, START + 12_000)]
    assert found.lines[1].pts - found.lines[0].pts == 9 * CLOCK_RATE


def test_a_stream_without_key_pictures_is_cut_by_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(tape, "LONGEST_SEGMENT", 60_000)
    clip = clips.make(msgspec.structs.replace(SMALL, gop=40, noise=40, kbit_s=2000))
    taken = units(clip, 1) + [u for u in units(clip, 400, first=1) if not u.key]
    found = recorded(tmp_path / "t", clip, taken)
    assert len(found.lines) > 3 and all(line.bytes < 600_000 for line in found.lines)


def test_a_full_disk_leaves_every_closed_segment_and_the_tape_goes_on_when_there_is_room(tmp_path, monkeypatch):
    clip = clips.make(SMALL)
    found = recorded(tmp_path / "t", clip, units(clip, 145), close=False)
    real, full = os.fsync, True

    def fsync(handle):
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(tape.os, "fsync", fsync)
    with pytest.raises(OSError):
        found.cut()
    found.drop()
    with pytest.raises(OSError):
        found.begin(info_of(clip))  # still full: what was torn cannot be taken in yet
    found.drop()
    full = False
    found.begin(info_of(clip))
    for unit in units(clip, 30, first=160):
        found.take(unit)
    found.cut()
    assert read_index(tmp_path / "t") == found.lines and [line.recovered for line in found.lines] == [False, True, False]
    shown = [number for number, _ in read(tmp_path / "t", found.lines)]
    assert shown == [k % 40 for k in (*range(145), *range(160, 190))]


@pytest.mark.parametrize("cut", [1, 30])
def test_an_index_that_was_cut_off_is_made_whole_from_the_segments(tmp_path, cut):
    clip = clips.make(SMALL)
    found = recorded(tmp_path / "t", clip, units(clip, 240))
    index = tmp_path / "t" / "index.jsonl"
    os.truncate(index, index.stat().st_size - cut)
    again = Tape(tmp_path / "t")
    assert [(line.number, line.sha256, line.start) for line in again.lines] == [
        (line.number, line.sha256, line.start) for line in found.lines
    ]
    assert read_index(tmp_path / "t") == again.lines


def test_jpeg_is_refused_with_a_reason(tmp_path):
    from hall.core.errors import HallError
    from video.media import StreamInfo

    with pytest.raises(HallError, match="jpeg"):
        Tape(tmp_path / "t").begin(StreamInfo(family="jpeg", codec="jpeg"))


def test_reading_a_segment_that_is_garbage_finds_nothing():
    chance = random.Random(5)
    assert boxes.whole(b"") is None
    for _ in range(200):
        assert boxes.whole(chance.randbytes(chance.randrange(300))) is None
        kinds = [b"moof", b"traf", b"tfdt", b"trun", b"mdat", b"prft"]
        body = b"".join(boxes.box(chance.choice(kinds), chance.randbytes(chance.randrange(40))) for _ in range(8))
        found = boxes.whole(body)
        assert found is None or found.size <= len(body)
