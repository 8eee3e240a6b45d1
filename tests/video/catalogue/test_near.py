"""Nearest channels and what they see. Oracle: the haversine formula over every channel, and angles by hand."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hall.core.model import Channel
from tests.video.catalogue.cameras import Told, city_of, great_circle
from video.catalogue.columns import EARTH, Columns, on_sphere
from video.catalogue.index import Query
from video.catalogue.nearness import Standing, nearest
from video.catalogue.scope import ALL, Scope
from video.catalogue.sector import ASSUMED_FOV_DEG, ASSUMED_RANGE_M, bearing, sight

TOLD = city_of(3_000, seed=5)
places = st.tuples(st.floats(113.5, 114.3), st.floats(35.0, 35.6))


def ranked(channels, lon, lat, keep=lambda ch: True):
    placed = (
        (great_circle(lon, lat, ch.lon, ch.lat), subject) for subject, ch in channels.items() if ch.lon is not None and keep(ch)
    )
    return sorted(placed)


@settings(max_examples=60, deadline=None)
@given(places, st.integers(1, 100))
def test_the_nearest_are_those_of_a_loop_over_all(place, k):
    answer = TOLD.catalogue.near(*place, k, Query(), ALL, None, False)
    expected = ranked(TOLD.channels, *place)[:k]
    assert [row["metres"] for row in answer["rows"]] == pytest.approx([far for far, _ in expected], rel=1e-6, abs=0.06)
    assert [row["subject"] for row in answer["rows"]] == [subject for _, subject in expected]


@settings(max_examples=40, deadline=None)
@given(places, st.floats(0, 30_000), st.sampled_from(["公安局", "水利局"]))
def test_radius_filter_and_scope_bound_what_is_near(place, radius, owner):
    scope = Scope(districts=("红旗区",))
    answer = TOLD.catalogue.near(*place, 100, Query(owner=(owner,)), scope, radius, False)
    expected = ranked(TOLD.channels, *place, lambda ch: ch.owner == owner and ch.district in ("红旗区", ""))
    assert [row["subject"] for row in answer["rows"]] == [subject for far, subject in expected if far <= radius][:100]


def test_while_nothing_moves_a_tree_gives_the_same_and_what_moves_is_found_where_it_is():
    chance, columns, standing = np.random.default_rng(9), Columns(), Standing()
    spots = np.round(chance.normal((113.9, 35.3), 0.05, (6_000, 2)), 3)  # many share a place
    for lon, lat in spots:
        columns.locate(columns.append(), lon, lat)
    columns.locate(17, None, None)
    for number in range(60):
        chosen = columns.placed & (chance.random(6_000) < (1.0, 0.5, 0.02)[number % 3])
        at, k, radius = on_sphere(*spots[number]), int(chance.integers(1, 60)), (None, 400.0, 90_000.0)[number // 3 % 3]
        answers = []
        for rows, metres in (
            standing.nearest(columns, chosen, at, k, radius), nearest(columns.place, chosen, at, k, radius)
        ):  # fmt: skip
            found = sorted(zip(metres, rows, strict=True))
            answers.append([row for far, row in found if len(found) <= k or far <= found[k - 1][0] + 1e-6])
        assert answers[0] == answers[1]
    assert standing._tree is not None
    columns.locate(17, *spots[3])
    chosen = columns.placed.copy()
    assert 17 in standing.nearest(columns, chosen, on_sphere(*spots[3]), 1)[0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 100), st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 1))
def test_anywhere_on_earth_many_places_give_the_same_nearest_as_sorting_them(seed, k, lon, lat, share):
    chance = np.random.default_rng(seed)
    spread = chance.choice([0.001, 1.0, 80.0])
    lons = (lon + chance.normal(0, spread, 3_000) + 180) % 360 - 180
    lats = np.clip(lat + chance.normal(0, spread, 3_000), -90, 90)
    points = np.array([on_sphere(x, y) for x, y in zip(lons, lats, strict=True)])
    chosen = chance.random(3_000) < share
    rows, metres = nearest(points, chosen, on_sphere(lon, lat), k)
    straight = np.linalg.norm(points - np.array(on_sphere(lon, lat)), axis=1)
    away = 2 * EARTH * np.arcsin(np.minimum(straight / (2 * EARTH), 1))
    expected = np.sort(away[chosen])[:k]
    assert sorted(metres)[:k] == pytest.approx(expected.tolist(), abs=1e-6)
    assert all(chosen[row] for row in rows)


def test_a_thousand_cameras_at_one_mast_are_no_trouble():
    told = Told()
    for number in range(1_000):
        told.tell(Channel(feed="f", channel_id=f"{number:04d}", lon=113.9, lat=35.3))
    answer = told.catalogue.near(113.9, 35.3, 3, Query(), ALL, None, False)
    assert [row["channel_id"] for row in answer["rows"]] == ["0000", "0001", "0002"]


@settings(deadline=None)
@given(places, places)
def test_a_direction_leads_to_the_other_place(here, there):
    if great_circle(*here, *there) < 1:
        return
    # meridians lean by up to 0.8° x sin 35.6° / 2 = 0.0041 against each other within these places
    towards, far = math.radians(bearing(*here, *there)), great_circle(*here, *there)
    north = (there[1] - here[1]) * 111_195
    east = (there[0] - here[0]) * 111_195 * math.cos(math.radians((here[1] + there[1]) / 2))
    assert far * math.cos(towards) == pytest.approx(north, abs=0.006 * far + 1)
    assert far * math.sin(towards) == pytest.approx(east, abs=0.006 * far + 1)


@settings(deadline=None)
@given(st.floats(0, 360), st.floats(-720, 720), st.floats(1, 360), st.floats(1, 5_000), st.floats(1, 5_000))
def test_a_camera_sees_what_lies_in_its_sector_and_nothing_else(towards, looks, fov, metres, reach):
    off = min((towards - looks) % 360, (looks - towards) % 360)
    if abs(off - fov / 2) > 1e-6:
        assert sight(metres, towards, looks, fov, reach) == (metres <= reach and off <= fov / 2, "stated")


def test_what_nobody_stated_is_assumed_and_said_to_be():
    assert sight(ASSUMED_RANGE_M, 10, 0, None, None) == (True, "assumed")
    assert sight(ASSUMED_RANGE_M, ASSUMED_FOV_DEG / 2 + 1, 0, None, None) == (False, "assumed")
    assert sight(10, 90, None, None, None) == (None, "unknown")
    assert sight(500, 90, None, 60, 100) == (False, "unknown"), "too far in any direction"
    assert sight(100, 90, 270, 60, 200, turns=True) == (True, "turning") and sight(300, 0, 0, 60, 200, True)[0] is False


def test_only_cameras_that_see_the_place_are_given_when_that_is_asked():
    place = 113.9, 35.3
    rows = TOLD.catalogue.near(*place, 20, Query(), ALL, None, True)["rows"]
    assert rows and all(row["sees"] for row in rows)
    plain = TOLD.catalogue.near(*place, 100, Query(), ALL, None, False)["rows"]
    assert [row["subject"] for row in rows][:5] == [row["subject"] for row in plain if row["sees"]][:5]
    for row in plain:
        assert row["from_deg"] == pytest.approx(bearing(*place, row["lon"], row["lat"]), abs=0.06)


def test_a_moved_camera_is_found_where_it_is_now():
    told, chance = city_of(50, seed=2), random.Random(1)
    subject = next(iter(told.channels))
    channel = told.channels[subject]
    for _ in range(20):
        channel.lon, channel.lat = 113.9 + chance.uniform(-1, 1), 35.3 + chance.uniform(-1, 1)
        told.tell(channel)
        assert told.catalogue.near(channel.lon, channel.lat, 1, Query(), ALL, None, False)["rows"][0]["metres"] == 0
    channel.lon = channel.lat = None
    told.tell(channel)
    near = told.catalogue.near(113.9, 35.3, 100, Query(), ALL, None, False)["rows"]
    assert subject not in [row["subject"] for row in near]
