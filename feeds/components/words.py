"""Where words can be: of every BLOCK rows along the Z-curve, which three bytes follow one another in their texts, as bits.

A word lies only in blocks that have all of its threes, so a look for a rare word reads a few blocks instead of everything, and
a look for a common one stops when it has enough. `words.npy`: u1 (2^BITS, blocks / 8), one row per three bytes (by hash), one
bit per block, highest first. 16 bytes a row; 37 MB for 2.3 million.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

BLOCK, BITS = 128, 14
NAME = "words.npy"
_AT_ONCE = 8  # blocks made together: one byte of each row


def _hashed(body: np.ndarray) -> np.ndarray:
    """(n,) bytes -> (n - 2,) numbers below 2^BITS, one for each three that follow one another."""
    wide = body.astype(np.uint16)
    three = wide[:-2] * np.uint16(40503) + wide[1:-1] * np.uint16(25717) + wide[2:] * np.uint16(10007)  # wraps
    return three >> np.uint16(16 - BITS)


def _columns(rows: int) -> int:
    return max(1, -(-rows // (BLOCK * _AT_ONCE)))


def write(path: Path, texts: Any) -> None:
    """`texts`: a pyarrow array of large strings, one a row, in the order of the rows."""
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1] if len(texts) else [0]
    body = np.frombuffer(texts.buffers()[2] or b"", np.uint8) if len(texts) else np.zeros(0, np.uint8)
    made = np.zeros((_columns(len(texts)), 1 << BITS), np.uint8)
    for column in range(len(made) if len(texts) else 0):
        seen = np.zeros((_AT_ONCE, 1 << BITS), np.bool_)
        for block in range(_AT_ONCE):
            first = (column * _AT_ONCE + block) * BLOCK
            if first < len(texts):
                some = body[offsets[first] : offsets[min(first + BLOCK, len(texts))]]
                if len(some) > 2:
                    seen[block][_hashed(some)] = True
        made[column] = np.packbits(seen, axis=0)[0]
    np.save(path, np.ascontiguousarray(made.T))


def opened(folder: Path, rows: int) -> np.ndarray | None:
    """The bits of a version; None where it was written before there were any, or they fit something else."""
    try:
        found = np.load(folder / NAME, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    fits = found.dtype == np.uint8 and found.shape == (1 << BITS, _columns(rows))
    return found.view(np.ndarray) if fits else None


def blocks_with(bits: np.ndarray, rows: int, word: str) -> np.ndarray:
    """Which blocks may hold `word` (as tables.normal writes it): booleans, one a block; all for less than three bytes."""
    blocks, body = -(-rows // BLOCK), np.frombuffer(word.encode(), np.uint8)
    if len(body) < 3:
        return np.ones(blocks, np.bool_)
    found = np.bitwise_and.reduce(bits[np.unique(_hashed(body))], axis=0)
    return np.unpackbits(found)[:blocks].astype(np.bool_)
