"""Whose readings a camera goes by: all pairs measured (a small city) and a tree (a large one) say the same."""

from __future__ import annotations

import numpy as np
import pytest

from video.catalogue.columns import on_sphere
from video.rounds import risk

REACH = 800.0


@pytest.fixture(params=["measured", "tree"])
def way(request, monkeypatch):
    monkeypatch.setattr(risk, "FEW_PAIRS", 10**9 if request.param == "measured" else 0)


def _city(seed: int, cameras: int, readings: int):
    """Positions some 30 m to 6 km apart; readings with a value of their own each."""
    chance = np.random.default_rng(seed)
    at = chance.uniform(0, 0.05, (cameras + readings, 2)) + (113.9, 35.3)
    told = [(lon, lat, 1.0 + n) for n, (lon, lat) in enumerate(at[cameras:].tolist())]
    return np.array([on_sphere(*place) for place in at[:cameras].tolist()]), told


@pytest.mark.parametrize("seed", range(3))
def test_a_camera_goes_by_the_nearest_reading_within_reach_and_by_the_worst_alarm(way, seed):
    places, told = _city(seed, 200, 12)
    near, worst = risk._nearest(places, told, REACH), risk._worst_near(places, told, REACH)
    for place, one, worst_here in zip(places, near, worst, strict=True):
        away = [(float(np.linalg.norm(place - on_sphere(lon, lat))), value) for lon, lat, value in told]
        within = [pair for pair in away if pair[0] <= REACH]
        assert one == (min(within)[1] if within else 0.0)
        assert worst_here == max((value for _, value in within), default=0.0)
    assert (near == 0).any() and (near > 0).any()


def test_where_nothing_is_told_or_nobody_looks_nothing_is_near(way):
    places, told = _city(0, 3, 2)
    for found in (risk._nearest, risk._worst_near):
        assert found(places, [], REACH).tolist() == [0, 0, 0]
        assert found(places[:0], told, REACH).tolist() == []
