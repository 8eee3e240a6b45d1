"""When called crews will be there: told by road or said to be an estimate, asked about at a bounded rate, told only when a screen would change."""

from __future__ import annotations

import numpy as np
import pytest

from dispatch.crews.arrivals import Caller, Turns, arrivals, told_anew
from dispatch.crews.routing import StraightRouter

NOW = 1_800_000_000_000


class Roads:
    """600 s by road for everybody but the second."""

    name = "road"

    def routes(self, lon, lat, lons, lats):
        self.asked = len(lons)
        self.eta_s, self.road = np.full(len(lons), 600.0), np.arange(len(lons)) != 1
        return self

    def metres(self, index):
        return 5_000.0

    def why_straight(self, index):
        return "" if self.road[index] else "unreachable"


def caller(name="a", state="en_route", at=NOW - 30_000, lon=113.9, to="file/x/1"):
    return Caller(crew_id=name, to=to, state=state, lon=lon, lat=35.3, at=at)


def test_all_crews_of_a_place_are_one_question_and_each_says_what_it_is():
    roads = Roads()
    crews = [caller("a"), caller("b"), caller("c", "mustered"), caller("d", at=NOW - 300_000), caller("e", at=None)]
    found = arrivals(roads, 113.95, 35.3, crews, NOW)
    assert roads.asked == 5
    # who moves counts from the moment of the position, the others from now
    assert [found[name].at - NOW for name in "abcde"] == [570_000, 570_000, 600_000, 600_000, 600_000]
    assert [found[name].why for name in "abcde"] == ["", "unreachable", "", "position_old", "at_base"]
    assert [found[name].road for name in "abcde"] == [True, False, True, True, True]


def test_without_roads_it_is_the_straight_line_and_says_so():
    one = arrivals(StraightRouter(), 113.95, 35.3, [caller()], NOW)["a"]
    metres = 0.05 * np.cos(np.radians(35.3)) * 111_195 * 1.4
    assert one.metres == pytest.approx(metres, rel=0.01) and one.seconds == pytest.approx(metres / (30 / 3.6), rel=0.01)
    assert (one.road, one.why) == (False, "no_network")


def test_a_screen_is_told_anew_only_when_it_would_show_something_else():
    first = arrivals(Roads(), 113.95, 35.3, [caller()], NOW)["a"]
    later = arrivals(Roads(), 113.95, 35.3, [caller(at=NOW - 21_000)], NOW)["a"]
    assert told_anew(None, first, True) and not told_anew(first, first, True)
    assert not told_anew(first, later, True) and later.at - first.at == 9_000
    assert told_anew(first, arrivals(Roads(), 113.95, 35.3, [caller(at=NOW - 19_000)], NOW)["a"], True)


def test_who_joins_is_asked_about_at_once_who_moved_after_a_while_and_the_longest_waiting_first():
    turns, here, there = Turns(10_000, 60_000), caller(), caller("b", to="file/x/2")
    groups = {"file/x/1": [here], "file/x/2": [there]}
    assert turns.due(groups, NOW) == ["file/x/1", "file/x/2"]
    turns.asked("file/x/2", [there], NOW)
    turns.asked("file/x/1", [here], NOW + 1)
    moved = {"file/x/1": [caller(lon=113.91)], "file/x/2": [caller("b", lon=113.91, to="file/x/2")]}
    assert turns.due(moved, NOW + 5_000) == [] and turns.due(moved, NOW + 20_000) == ["file/x/2", "file/x/1"]
    assert turns.due({**groups, "file/x/1": [here, caller("c")]}, NOW + 5_000) == ["file/x/1"]
    assert turns.due(groups, NOW + 20_000) == [] and len(turns.due(groups, NOW + 60_001)) == 2
    assert len(turns.due(groups, NOW - 5_000)) == 2  # a clock that was set back
