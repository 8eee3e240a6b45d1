"""Coordinate systems against published pairs and against their own inverse."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hall.core import coordinates
from hall.core.errors import BadInput

# WGS-84 -> GCJ-02 pairs published with the evil-transform family of libraries (lon, lat).
PUBLISHED_GCJ = [
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),  # Shanghai
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),  # Shenzhen
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),  # Beijing
    ((116.404, 39.915), (116.41024449916938, 39.91640428150164)),  # coordtransform's README
]


@pytest.mark.parametrize(("wgs", "gcj"), PUBLISHED_GCJ)
def test_the_shift_agrees_with_published_pairs_both_ways(wgs, gcj):
    assert coordinates.wgs84_to_gcj02(*wgs) == pytest.approx(gcj, abs=1e-9)
    assert coordinates.to_wgs84("GCJ-02")(*gcj) == pytest.approx(wgs, abs=1e-8)


def test_baidu_agrees_with_the_published_pair_both_ways():
    bd = coordinates.gcj02_to_bd09(116.404, 39.915)
    assert bd == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-10)
    # the published inverse is itself an approximation, good to a metre
    assert coordinates.bd09_to_gcj02(116.404, 39.915) == pytest.approx((116.39762729119315, 39.90865673957631), abs=1e-5)


@given(st.floats(74, 135), st.floats(3, 53))
def test_there_and_back_is_the_same_place_anywhere_in_china(lon, lat):
    gcj = coordinates.wgs84_to_gcj02(lon, lat)
    assert coordinates.to_wgs84("GCJ-02")(*gcj) == pytest.approx((lon, lat), abs=1e-8)
    assert coordinates.to_wgs84("BD-09")(*coordinates.gcj02_to_bd09(*gcj)) == pytest.approx((lon, lat), abs=1e-8)


def test_nothing_is_shifted_outside_china():
    for place in [(-71.06, 42.36), (24.94, 60.17), (151.2, -33.87)]:
        assert coordinates.to_wgs84("GCJ-02")(*place) == place


def test_the_british_grid_agrees_with_the_ordnance_surveys_airy_transit():
    # Airy Transit Circle, Greenwich: grid TQ 38887 77323, WGS-84 about 51.47784 N 0.00148 W (the OSGB line is 102 m off).
    lon, lat = coordinates.to_wgs84("epsg:27700")(538887, 177323)
    assert math.isclose(lat, 51.4778, abs_tol=2e-4)
    assert math.isclose(lon, -0.0015, abs_tol=2e-3)


@pytest.mark.parametrize("text", ["", "WGS-84", "wgs84", "EPSG:4326", "CGCS2000", "EPSG:4490", "crs84"])
def test_systems_that_agree_with_wgs84_leave_coordinates_alone(text):
    assert coordinates.to_wgs84(text)(113.9, 35.3) == (113.9, 35.3)


def test_an_unknown_system_is_refused_by_name():
    with pytest.raises(ValueError, match="Mars"):
        coordinates.to_wgs84("Mars")
    with pytest.raises(ValueError, match="EPSG:99999"):
        coordinates.to_wgs84("EPSG:99999")


def test_a_place_that_the_grid_cannot_hold_is_refused():
    with pytest.raises(BadInput, match="coordinates-outside-crs"):
        coordinates.to_wgs84("EPSG:27700")(1e300, 1e300)
