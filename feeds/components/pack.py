"""All positions as one binary answer, 5 bytes each, in the order of the store: what a browser paints from.

Little-endian: `u32 magic, n, k, cz | k times: u32 cx, cy, start | u16 x[n] | u16 y[n] | u8 class[n]`. Chunk i holds the points
from `start[i]` to the next start (the last: n); they lie in the tile (cx, cy) at zoom cz, x and y are 1/65536 of the tile, from
its north-west corner. The row number is the id. Classes beyond 254 are told as 255.
"""

from __future__ import annotations

import numpy as np

from feeds.components.morton import CHUNK_ZOOM, gather

MAGIC = 0x31504348  # "HCP1"
FILTER_MAGIC = 0x31464348  # "HCF1"


def pack(keys: np.ndarray, classes: np.ndarray) -> bytes:
    """`keys` (n) sorted uint64 of morton.key_of, `classes` (n) whole numbers."""
    n = len(keys)
    tiles = keys >> np.uint64(32)
    starts = np.flatnonzero(np.concatenate(([True], tiles[1:] != tiles[:-1]))) if n else np.zeros(0, np.int64)
    chunks = np.empty((len(starts), 3), "<u4")
    chunks[:, 0], chunks[:, 1] = gather(tiles[starts]), gather(tiles[starts] >> np.uint64(1))
    chunks[:, 2] = starts
    inside = keys & np.uint64(0xFFFFFFFF)
    x, y = gather(inside).astype("<u2"), gather(inside >> np.uint64(1)).astype("<u2")
    head = np.array([MAGIC, n, len(starts), CHUNK_ZOOM], "<u4")
    return b"".join(
        (head.tobytes(), chunks.tobytes(), x.tobytes(), y.tobytes(), np.minimum(classes, 255).astype(np.uint8).tobytes())
    )


def bits(chosen: np.ndarray) -> bytes:
    """Which rows of the pack are meant: `u32 magic, n, count | bit i of byte i/8 = row i`, lowest bit first."""
    head = np.array([FILTER_MAGIC, len(chosen), int(np.count_nonzero(chosen))], "<u4")
    return head.tobytes() + np.packbits(chosen, bitorder="little").tobytes()
