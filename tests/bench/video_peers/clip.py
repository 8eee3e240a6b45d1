"""The stream of the WebRTC measurement: 720p25, 2 Mbit/s, H.264, a key picture every 2 s, as packets of at most 1,200 bytes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from tests.video.cameras import Clip, Recipe, make, packets

RECIPE = Recipe(width=1280, height=720, seconds=8, gop=50, kbit_s=2000, noise=20)


def clip() -> Clip:
    return make(RECIPE)


def payloads() -> list[list[bytes]]:
    """RTP payloads of each picture."""
    found = clip()
    return [packets.payloads(found, place, longest=1200) for place in range(len(found.pictures))]


def as_file(path: Path, seconds: int) -> Path:
    """The same pictures as an MPEG transport stream that lasts so long."""
    found = clip()
    with av.open(str(path), "w", format="mpegts") as out:
        stream = out.add_stream("h264", rate=25)
        stream.width, stream.height = found.width, found.height
        for number in range(seconds * 25):
            packet = av.Packet(found.annexb(number % len(found.pictures)))
            packet.stream, packet.time_base = stream, Fraction(1, 90_000)
            packet.pts = packet.dts = number * 3600
            packet.is_keyframe = found.pictures[number % len(found.pictures)].key
            out.mux(packet)
    return path
