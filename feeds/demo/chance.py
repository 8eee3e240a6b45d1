"""Seeded chance: the same keys give the same numbers in every process, on every machine, in any order of asking."""

from __future__ import annotations

import math
import random
import zlib

import numpy


def rng(*keys: object) -> random.Random:
    """A generator of its own for `keys`; string seeds are hashed by the standard library the same way everywhere."""
    return random.Random(":".join(map(str, keys)))


def unit(*keys: object) -> float:
    """One number in [0, 1) for `keys`; cheap enough for every reading of every gauge."""
    mixed = zlib.crc32(":".join(map(str, keys)).encode())
    mixed = (mixed ^ (mixed >> 16)) * 0x45D9F3B & 0xFFFFFFFF
    mixed = (mixed ^ (mixed >> 16)) * 0x45D9F3B & 0xFFFFFFFF
    return (mixed ^ (mixed >> 16)) / 4294967296.0


class Field:
    """Smooth noise over the plane, about -1..1, features about `size` metres across (sum of seeded plane waves)."""

    def __init__(self, size: float, *keys: object) -> None:
        chance = rng("field", *keys)
        self._waves = []
        for _ in range(7):
            angle, length = chance.uniform(0, math.tau), size * chance.uniform(1.2, 3.0)
            self._waves.append(
                (math.cos(angle) * math.tau / length, math.sin(angle) * math.tau / length, chance.uniform(0, math.tau))
            )

    def __call__(self, x: float, y: float) -> float:
        return sum([math.sin(kx * x + ky * y + phase) for kx, ky, phase in self._waves]) / 3.2

    def over(self, x: numpy.ndarray, y: numpy.ndarray) -> numpy.ndarray:
        """The same at many places at once, but for a last digit that machines differ in: for choosing, not for telling."""
        return sum(numpy.sin(kx * x + ky * y + phase) for kx, ky, phase in self._waves) / 3.2
