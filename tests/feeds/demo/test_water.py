"""Rain and what it leaves on the road."""

from feeds.demo.story import HOUR, MINUTE, Story


def _gauges(world, kind):
    return [site for site in world.city.sites if site.kind == kind]


def test_rain_rises_within_five_minutes_of_the_start_and_is_over_after_forty(world, anchor):
    rain = _gauges(world, "rain")
    rate = {minute: max(world.water.rain_rate(site, anchor + minute * MINUTE) for site in rain) for minute in (0, 2, 5, 10, 41)}
    assert rate[0] == 0 < rate[2] < rate[5] < rate[10]
    assert rate[41] == 0


def test_ponding_begins_within_five_minutes_peaks_near_the_quarter_hour_and_passes(world, anchor):
    for site in _gauges(world, "underpass"):
        depth = [world.water.depth(site, anchor + minute * MINUTE) for minute in range(0, 121)]
        assert depth[0] < 0.01 < depth[5] < depth[10]
        assert 10 <= depth.index(max(depth)) <= 24
        assert depth[75] < 0.05


def test_low_spots_are_deeper_and_underpasses_cross_the_closing_line(world, anchor):
    storm = world.story.storms(anchor, anchor + HOUR)[0]
    assert all(world.water.peak(storm, site) >= 0.27 for site in _gauges(world, "underpass"))
    roads = sorted(_gauges(world, "road"), key=lambda site: site.weak)
    assert world.water.peak(storm, roads[0]) < 0.1 < 0.25 < world.water.peak(storm, roads[-1])


def test_the_rain_sum_is_what_the_rates_add_up_to(world, anchor):
    site = _gauges(world, "rain")[0]
    storm = world.story.storms(anchor, anchor + HOUR)[0]
    fine = sum(storm.rate(site.at, anchor + second * 1000) for second in range(0, HOUR // 1000)) / 3600
    assert abs(world.water.rain_sum(site, anchor + HOUR, 60) - fine) < 0.4


def test_the_river_rises_after_the_rain_and_falls_again(world, anchor):
    site = _gauges(world, "river")[1]
    level = [world.water.stage(site, anchor + minute * MINUTE) for minute in (0, 10, 60, 210)]
    assert level[1] - level[0] < 0.02
    assert level[2] > level[0] + 0.5 and level[3] < level[2]


def test_it_storms_again_every_few_hours(world, anchor):
    starts = [storm.start for storm in world.story.storms(anchor, anchor + 48 * HOUR)]
    gaps = [b - a for a, b in zip(starts, starts[1:], strict=False)]
    assert len(starts) >= 11 and min(gaps) > 3 * HOUR and max(gaps) < 5 * HOUR


def test_storms_in_a_window_do_not_depend_on_the_window(anchor):
    story = Story(7, anchor, (anchor + 9 * HOUR,))
    whole = story.storms(anchor - 200 * HOUR, anchor + 100 * HOUR)
    parts = [s for h in range(-200, 100) for s in story.storms(anchor + h * HOUR, anchor + (h + 1) * HOUR - 1)]
    assert parts == whole


def test_after_a_long_absence_a_storm_comes_at_once_and_the_past_stays(anchor):
    story = Story(7, anchor)
    now = anchor + 30 * HOUR - 90 * MINUTE
    while any(now - 40 * MINUTE <= s.start <= now + 30 * MINUTE for s in story.storms(anchor, now + HOUR)):
        now += 10 * MINUTE
    again = story.restarted(now, now - 5 * HOUR)
    assert any(0 <= s.start - now <= MINUTE for s in again.storms(now, now + HOUR))
    assert again.storms(anchor, now - 1) == story.storms(anchor, now - 1)
    assert story.restarted(now, now - MINUTE) is story
