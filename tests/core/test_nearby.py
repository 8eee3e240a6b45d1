"""The nearest of many places."""

from __future__ import annotations

import math
import random

import numpy as np

from hall.core.nearby import Places


def test_the_nearest_are_those_that_looking_at_each_finds_over_the_date_line_too():
    chance = random.Random(5)
    spots = [(chance.uniform(113, 114), chance.uniform(35, 36)) for _ in range(300)] + [(179.999, 10.0), (-179.999, 10.0)]
    spots += [spots[7], (float("nan"), 35.0)]
    places = Places(*zip(*spots, strict=True))

    def metres(a, b):
        one, other = ((math.radians(lon), math.radians(lat)) for lon, lat in (a, b))
        half = math.sin((one[1] - other[1]) / 2) ** 2
        half += math.cos(one[1]) * math.cos(other[1]) * math.sin((one[0] - other[0]) / 2) ** 2
        return 2 * 6_371_008.8 * math.asin(math.sqrt(half))

    for asked in [spots[7], (113.5, 35.5), (180.0, 10.0), (0.0, -80.0)]:
        each = sorted((round(metres(asked, spot), 6), row) for row, spot in enumerate(spots) if spot[0] == spot[0])
        for radius in (500.0, 30_000.0, 3e7):
            rows, away = places.nearest(*asked, 8, radius)
            expected = [(far, row) for far, row in each if far <= radius][:8]
            assert rows.tolist() == [row for _, row in expected]
            assert np.allclose(away, [far for far, _ in expected], atol=1e-3)
    assert Places([], []).nearest(1, 2, 5, 1e6)[0].tolist() == []
