"""H.264 out of RTP, written from RFC 6184 for the tests alone."""

from __future__ import annotations

import struct


def together(packets: list[tuple[int, bytes, int, bool]]) -> list[tuple[int, list[bytes]]]:
    """(timestamp, NAL units) of each whole picture among (sequence number, payload, timestamp, marker), in order."""
    found: list[tuple[int, list[bytes]]] = []
    nals: list[bytes] = []
    whole, before = True, None
    for sequence, payload, stamp, marker in packets:
        if before is not None and sequence != before + 1:
            nals, whole = [], False
        before = sequence
        kind = payload[0] & 31
        if kind == 28 and payload[1] & 0x80:
            nals.append(bytes([payload[0] & 0xE0 | payload[1] & 31]) + payload[2:])
        elif kind == 28 and nals:
            nals[-1] += payload[2:]
        elif kind == 24:
            nals += _aggregated(payload)
        else:
            nals.append(payload)
        if marker:
            if whole:
                found.append((stamp, nals))
            nals, whole = [], True
    return found


def _aggregated(payload: bytes) -> list[bytes]:
    found, at = [], 1
    while at < len(payload):
        size = struct.unpack_from("!H", payload, at)[0]
        found.append(payload[at + 2 : at + 2 + size])
        at += 2 + size
    return found
