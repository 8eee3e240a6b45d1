"""Reports: the camera's clock where it can be believed, and what we send, read by aiortc's parser."""

from __future__ import annotations

import pytest
from aiortc.rtp import RTCP_PSFB_PLI, RtcpPacket, RtcpPsfbPacket, RtcpRrPacket
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.video.cameras import packets
from video.rtsp import rtcp
from video.rtsp.rtcp import CameraClock

NOW = 1_795_217_400.125  # wall seconds


def clock(off: float = 0.0, *, late: float = 0.010) -> CameraClock:
    """After one report of a camera whose clock is `off` seconds ahead."""
    found = CameraClock(90_000)
    tell(found, 90_000, NOW, off, late)
    return found


def tell(to: CameraClock, stamp: int, wall: float, off: float = 0.0, late: float = 0.010) -> None:
    data = b"xx" + packets.sender_report(7, stamp, wall + off)
    (ssrc, seconds, fraction, at), bye = rtcp.read(data, 2, len(data))
    assert (ssrc, at, bye) == (7, stamp & 0xFFFFFFFF, False)
    to.report(seconds, fraction, at, (wall + late) * 1000)


def test_a_picture_was_taken_when_the_camera_says():
    assert clock().captured(90_000 + 9000, (NOW + 0.150) * 1000) == pytest.approx((NOW + 0.1) * 1000, abs=0.1)


def test_times_wrap_after_thirteen_hours_and_nobody_notices():
    found = CameraClock(90_000)
    tell(found, 2**32 - 900, NOW)
    assert found.captured(8100, (NOW + 0.150) * 1000) == pytest.approx((NOW + 0.1) * 1000, abs=0.1)


@pytest.mark.parametrize("off", [-3600.0, -2.5, 0.1, 28_800.0, -NOW])
def test_a_clock_that_is_wrong_is_not_believed_and_arrival_counts(off):
    assert clock(off).captured(99_000, (NOW + 0.15) * 1000) == (NOW + 0.15) * 1000


def test_without_a_report_arrival_counts():
    assert CameraClock(90_000).captured(1, 1234.0) == 1234.0


def test_no_picture_is_taken_after_it_arrived():
    assert clock(0.015).captured(90_000, NOW * 1000 + 1) <= NOW * 1000 + 1


def test_a_clock_that_jumps_is_not_believed_until_it_is_steady_again():
    found = clock()
    tell(found, 180_000, NOW + 1, -0.5)
    assert found.captured(189_000, (NOW + 1.15) * 1000) == (NOW + 1.15) * 1000
    tell(found, 270_000, NOW + 2, -0.5)
    assert found.captured(270_000, (NOW + 2.01) * 1000) == pytest.approx((NOW + 1.5) * 1000, abs=0.1)


def test_our_report_and_our_wish_for_a_key_picture_are_what_others_read():
    (report, _) = RtcpPacket.parse(rtcp.receiver_report(5, 7, 1234, 3, 0xABCD1234, 1.5))
    assert isinstance(report, RtcpRrPacket) and report.ssrc == 5
    about = report.reports[0]
    assert (about.ssrc, about.highest_sequence, about.packets_lost, about.lsr, about.dlsr) == (7, 1234, 3, 0xABCD1234, 98304)
    (_, wish) = RtcpPacket.parse(rtcp.picture_loss(5, 7))
    assert isinstance(wish, RtcpPsfbPacket) and (wish.fmt, wish.ssrc, wish.media_ssrc) == (RTCP_PSFB_PLI, 5, 7)


def test_a_goodbye_is_heard_behind_a_report():
    data = packets.sender_report(7, 1, NOW) + b"\x81\xcb\0\1\0\0\0\7"
    assert rtcp.read(data, 0, len(data))[1]


@given(st.binary(max_size=120), st.integers(0, 20))
@settings(max_examples=300, deadline=1000)
def test_any_bytes_are_read(data, start):
    rtcp.read(data, min(start, len(data)), len(data))
    rtcp.read(b"\x80\xc8\0\6" + data, 0, len(data) + 4)
