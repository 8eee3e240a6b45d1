"""Clips as RTP, written from RFC 6184 and RFC 7798 for the fake cameras alone: the other side of what the product parses."""

from __future__ import annotations

import base64
import struct
import time

from tests.video.cameras.clip import Clip

NTP_EPOCH = 2_208_988_800


def fragments(nal: bytes, family: str, longest: int) -> list[bytes]:
    """One NAL unit as RTP payloads: itself, or fragmentation units."""
    if len(nal) <= longest:
        return [nal]
    if family == "h264":
        head, kind, body = bytes([nal[0] & 0xE0 | 28]), nal[0] & 31, nal[1:]
    else:
        head, kind, body = bytes([nal[0] & 0x81 | 49 << 1, nal[1]]), nal[0] >> 1 & 63, nal[2:]
    step = longest - len(head) - 1
    parts = [body[i : i + step] for i in range(0, len(body), step)]
    last = len(parts) - 1
    return [head + bytes([(i == 0) << 7 | (i == last) << 6 | kind]) + part for i, part in enumerate(parts)]


def together(nals: tuple[bytes, ...], family: str) -> bytes:
    """Several small NAL units in one payload (STAP-A, or H.265's aggregation packet)."""
    head = bytes([max(n[0] & 0x60 for n in nals) | 24]) if family == "h264" else bytes([48 << 1, 1])
    return head + b"".join(struct.pack("!H", len(n)) + n for n in nals)


def payloads(clip: Clip, place: int, *, inline_sets: bool = True, aggregate: bool = False, longest: int = 1400) -> list[bytes]:
    """RTP payloads of one picture, in order."""
    picture = clip.pictures[place]
    sets = clip.sets if inline_sets and picture.key else ()
    whole = [together(sets, clip.family)] if sets and aggregate else list(sets)
    return [part for nal in (*whole, *picture.nals) for part in fragments(nal, clip.family, longest)]


def rtp(seq: int, stamp: int, ssrc: int, payload: bytes, *, marker: bool, kind: int = 96, extension: bool = False) -> bytes:
    first = 0x90 if extension else 0x80
    extra = struct.pack("!HHI", 0xBEDE, 1, 0x10AA0000) if extension else b""
    return struct.pack("!BBHII", first, marker << 7 | kind, seq & 0xFFFF, stamp & 0xFFFFFFFF, ssrc) + extra + payload


def sender_report(ssrc: int, stamp: int, wall: float) -> bytes:
    """RTCP SR and an SDES, saying that `stamp` was taken at wall second `wall`."""
    whole = int(wall)
    ntp = (whole + NTP_EPOCH, int((wall - whole) * 2**32) & 0xFFFFFFFF)
    report = struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, *ntp, stamp & 0xFFFFFFFF, 0, 0)
    return report + struct.pack("!BBHIBB", 0x81, 202, 3, ssrc, 1, 3) + b"cam" + b"\0\0\0"


def interleaved(channel: int, packet: bytes) -> bytes:
    return struct.pack("!cBH", b"$", channel, len(packet)) + packet


def sprop(clip: Clip) -> str:
    """The fmtp parameters that carry a clip's parameter sets."""
    text = [base64.b64encode(s).decode() for s in clip.sets]
    if clip.family == "h264":
        return f"packetization-mode=1;profile-level-id={clip.sets[0][1:4].hex()};sprop-parameter-sets={','.join(text)}"
    names = {32: "vps", 33: "sps", 34: "pps"}
    return ";".join(f"sprop-{names[s[0] >> 1 & 63]}={t}" for s, t in zip(clip.sets, text, strict=True))


def now() -> float:
    return time.time()
