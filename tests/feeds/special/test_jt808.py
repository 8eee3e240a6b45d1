"""JT/T 808 frames: the standard's own arithmetic, real frames of many makers, and whatever noise may come."""

import collections
import datetime
import functools
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.decoding import Decoding
from feeds.formats.jt808 import Message, Parts, frame, frames, message_of, rows
from feeds.source import Unread


def encoded(kind, phone, serial, body, *, edition=2013, part=None):
    """A frame built by hand, as the standard's text says it; `part` = (number, of)."""
    flags = len(body) + (0x2000 if part else 0) + (0x4000 if edition == 2019 else 0)
    raw = kind.to_bytes(2, "big") + flags.to_bytes(2, "big")
    raw += b"\x01" + bytes.fromhex(phone.rjust(20, "0")) if edition == 2019 else bytes.fromhex(phone.rjust(12, "0"))
    raw += serial.to_bytes(2, "big")
    if part:
        raw += part[1].to_bytes(2, "big") + part[0].to_bytes(2, "big")
    raw += body
    raw += bytes([functools.reduce(operator.xor, raw)])
    middle = b"".join({0x7E: b"\x7d\x02", 0x7D: b"\x7d\x01"}.get(byte, bytes([byte])) for byte in raw)
    return b"\x7e" + middle + b"\x7e"


def report(lat=35_300_000, lon=113_920_000, *, status=3, speed=365, course=90, when="260720171400", alarm=0, extra=b""):
    words = b"".join(value.to_bytes(4, "big") for value in (alarm, status, lat, lon))
    return words + b"".join(v.to_bytes(2, "big") for v in (72, speed, course)) + bytes.fromhex(when) + extra


def read(body, city, **options):
    return list(rows(body, *city("position", **options)))


def test_a_report_is_read_as_the_standard_writes_it(city):
    extra = bytes.fromhex("0104000003e80202015930011c310109ef0401020304")
    (row,) = read(encoded(0x0200, "13800138000", 7, report(extra=extra, alarm=3)), city)
    beijing = datetime.datetime(2026, 7, 20, 17, 14, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))
    expected = {
        "terminal": "13800138000", "lat": 35.3, "lon": 113.92, "altitude_m": 72, "speed_kmh": 36.5, "heading": 90, "fixed": True,
        "acc": True, "alarms": ["emergency", "speeding"], "mileage_km": 100.0, "fuel_l": 34.5, "signal": 28, "satellites": 9,
        "time": round(beijing.timestamp() * 1000), "message": "0200", "serial": 7, "edition": 2013,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


def test_the_default_mapping_makes_positions_without_a_line_of_configuration(city):
    feed, config = city("position")
    feed.format = "jt808"
    mapping = Decoding(feed, config).mapping
    body = encoded(0x0200, "13800138000", 7, report()) + encoded(0x0002, "13800138000", 8, b"")
    views = [view for row in rows(body, feed, config) for view in mapping.views(row)]
    assert views[1] is None  # a heartbeat is counted as not wanted
    doc, time, *_ = mapping.document(views[0])
    assert (doc.unit_id, doc.lon, doc.lat, doc.heading_deg) == ("13800138000", 113.92, 35.3, 90)
    assert doc.speed_mps == pytest.approx(36.5 / 3.6) and time is not None


def test_south_and_west_are_negative_and_without_a_fix_there_is_no_place(city):
    (row,) = read(encoded(0x0200, "1", 1, report(status=0b1111)), city)
    assert (row["lat"], row["lon"]) == (-35.3, -113.92)
    (row,) = read(encoded(0x0200, "1", 1, report(status=1, when="000000000000")), city)
    assert row["fixed"] is False and "lat" not in row


def test_the_edition_of_2019_has_longer_numbers(city):
    (row,) = read(encoded(0x0200, "13800138000", 7, report(), edition=2019), city)
    assert (row["terminal"], row["edition"], row["lat"]) == ("13800138000", 2019, 35.3)


def test_a_batch_gives_every_report_of_it(city):
    items = [report(lat=35_300_000 + n, when=f"2607201714{n:02}") for n in range(5)]
    body = len(items).to_bytes(2, "big") + b"\x01" + b"".join(len(i).to_bytes(2, "big") + i for i in items)
    found = read(encoded(0x0704, "138", 1, body), city)
    assert [round(row["lat"] * 1e6) - 35_300_000 for row in found] == [0, 1, 2, 3, 4] and all(row["late"] for row in found)


def test_a_batch_cut_short_is_parked_whole(city):
    item = report()
    body = b"\x00\x02\x00" + len(item).to_bytes(2, "big") + item + b"\x00\xff"
    assert [row.reason for row in read(encoded(0x0704, "138", 1, body), city)] == ["jt808-batch"]


def test_a_message_of_several_frames_is_put_together_in_any_order(city):
    item = report(extra=b"\x30\x01\x09")
    body = b"\x00\x1e\x00" + b"".join(len(item).to_bytes(2, "big") + item for _ in range(30))
    cuts = [body[k : k + 400] for k in range(0, len(body), 400)]
    parts = [encoded(0x0704, "138", 50 + n, cut, part=(n, len(cuts))) for n, cut in enumerate(cuts, 1)]
    assert len(parts) == 3
    assert len(read(b"".join(reversed(parts)), city)) == 30
    assert [row.reason for row in read(parts[0] + parts[2], city)] == ["jt808-part"]


def test_unfinished_messages_are_bounded():
    parts = Parts(bound=8)
    for serial in range(1, 1000):
        assert parts.add(Message(0x0704, "1", serial * 3, b"x", 2013, 1, 2)) is None
    assert parts.waiting == 8


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda raw: raw[:20] + bytes([raw[20] ^ 1]) + raw[21:], "jt808-checksum"), (lambda raw: b"\x7e\x01\x7e", "jt808-short"),
        (lambda raw: encoded(0x0200, "1", 1, report()[:20]), "jt808-short"), (lambda raw: encoded(0x0F0F, "1", 1, b""), "jt808-unknown"),
        (lambda raw: encoded(0x0200, "1", 1, report(when="261320171400")), "jt808-time"),
        (lambda raw: encoded(0x0200, "1", 1, report(lat=95_000_000)), "coordinates-out-of-range"),
        (lambda raw: raw[:-2] + b"\x7d\x7e", "jt808-escape"), (lambda raw: b"hello", "jt808-hex"), (lambda raw: b"7e00", "jt808-flag"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_parked_with_its_reason(city, spoil, reason):
    (row,) = read(spoil(encoded(0x0200, "13800138000", 7, report())), city)
    assert isinstance(row, Unread) and row.reason == reason


def test_one_flag_may_end_a_frame_and_begin_the_next(city):
    one, two = encoded(0x0200, "1", 1, report()), encoded(0x0200, "2", 1, report())
    assert [row["terminal"] for row in read(one + two[1:], city)] == ["1", "2"]
    assert len(list(frames(one + two + b"\x7e\x02"))) == 2


@given(st.binary(max_size=200), st.integers(0, 0xFFFF), st.sampled_from([2013, 2019]))
def test_what_we_write_reads_back(body, serial, edition):
    raw = frame(0x8001, "13800138000", serial, body, edition)
    assert raw == encoded(0x8001, "13800138000", serial, body, edition=edition)
    found = message_of(raw[1:-1])
    assert (found.kind, found.phone, found.serial, found.body) == (0x8001, "13800138000", serial, body)


@given(st.binary(max_size=300))
def test_no_noise_breaks_the_decoder(noise):
    list(rows(b"\x7e" + noise + b"\x7e", None, None))
    list(rows(noise, None, None))


@pytest.mark.realdata
def test_the_real_frames_of_many_makers(real_data, city):
    """109 frames, one file: what keeps the standard is read, the rest is parked with a reason; nothing is lost."""
    body = (real_data / "tracks" / "traccar_jt808_messages_hex.txt").read_bytes()
    found = read(body, city)
    kinds = collections.Counter(row.reason if isinstance(row, Unread) else (row["message"], row["fixed"]) for row in found)
    parked = sum(isinstance(row, Unread) for row in found)
    lines = [bytes.fromhex(line.decode()) for line in body.split()]
    wrong = [
        raw
        for raw in lines
        if functools.reduce(operator.xor, raw[1:-1].replace(b"\x7d\x02", b"\x7e").replace(b"\x7d\x01", b"\x7d"))
    ]
    assert len(lines) == 109 and parked == 24 and kinds["0200", True] == 51 and kinds["0704", True] == 25
    assert len(wrong) >= kinds["jt808-checksum"] == 8
    for row in found:
        if not isinstance(row, Unread) and row["fixed"]:
            assert -90 <= row["lat"] <= 90 and 1_300_000_000_000 < row["time"] < 1_800_000_000_000
