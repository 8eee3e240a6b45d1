"""Vehicles and crews keep to the streets and to what is possible."""

import math

import shapely
from shapely.geometry import LineString, Point

from feeds.demo.story import HOUR, MINUTE


def test_nobody_jumps_or_races_before_during_and_after_a_mission(world, anchor):
    for unit in world.flooding.fleet:
        before = None
        for time in range(anchor, anchor + 2 * HOUR, 5000):
            at = world.flooding.fix(unit, time).at
            if before:
                assert math.dist(before, at) < 5 * 14, (unit.id, time)
            before = at


def test_vehicles_are_on_streets(world, anchor):
    streets = world.city.streets
    lines = shapely.STRtree([LineString([streets.at[a], streets.at[b]]) for a, b in streets.edges])
    for unit in world.flooding.fleet:
        for time in range(anchor, anchor + HOUR, 7 * MINUTE):
            fix = world.flooding.fix(unit, time)
            _, distance = lines.query_nearest(Point(fix.at), return_distance=True)
            assert distance[0] < 90, (unit.id, fix.state)  # underpass gauges lie beside a node of the street


def test_no_unit_has_two_missions_at_once_and_each_goes_through_its_states(world, anchor):
    storm = world.story.storms(anchor, anchor + HOUR)[0]
    missions = sorted(world.flooding.missions(storm), key=lambda task: (task.unit, task.ordered))
    assert missions
    for a, b in zip(missions, missions[1:], strict=False):
        assert a.unit != b.unit or a.returned <= b.ordered
    for task in missions:
        assert task.ordered < task.leaves < task.arrives < task.done < task.returned
        states = [task.fix(time).state for time in (task.ordered, task.leaves, task.arrives, task.done)]
        assert states == ["assigned", "en_route", "on_scene", "available"]
