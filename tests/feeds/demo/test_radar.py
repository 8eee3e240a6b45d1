"""The demo's radar sees the rain that its gauges measure, through the same reader as any radar."""

from __future__ import annotations

import pytest

from feeds.demo import radar
from feeds.demo.plane import to_degrees
from feeds.demo.story import MINUTE
from feeds.rasters.worker import Job, work
from hall.core.raster import grid_over, rate_of

GRID = grid_over((113.62, 35.06, 114.22, 35.54), 250, 1024)


def test_the_radar_shows_what_every_gauge_measures_but_for_its_gusts(world, anchor):
    moments = radar.due(anchor, anchor + 15 * MINUTE, most=40)
    assert len(moments) == 5
    found = {(one.run, one.time): one for one in work(Job(radar.tar_of(world.story, moments), GRID)).found}
    assert len(found) == 5 + len(radar.LEADS)
    for moment in moments[1:]:
        codes = found[moment, moment].codes
        for site in world.city.sites:
            seen, measured = rate_of(codes[GRID.index(*to_degrees(site.at))]), world.water.rain_rate(site, moment)
            assert seen == pytest.approx(measured, rel=0.2, abs=0.3)  # a gust is up to 14 %, a pixel is 500 m wide


def test_a_forecast_is_the_field_of_now_moved_on(world, anchor):
    (storm,) = world.story.storms(anchor, anchor + 5 * MINUTE)
    now = anchor + 12 * MINUTE
    here = radar.rates([storm], now, 0)
    there = radar.rates([storm], now, 10)
    assert here.max() == pytest.approx(there.max(), rel=0.01)
    peak = [divmod(int(field.argmax()), field.shape[1]) for field in (here, there)]
    assert (peak[1][1] - peak[0][1]) * radar.CELL == pytest.approx(10 * storm.drift[0], abs=2 * radar.CELL)
    assert (peak[0][0] - peak[1][0]) * radar.CELL == pytest.approx(10 * storm.drift[1], abs=2 * radar.CELL)
