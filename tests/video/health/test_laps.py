"""Everybody's turn comes: once a lap, suspects sooner, the dead seldom; hosts are not overrun."""

from hypothesis import given, settings
from hypothesis import strategies as st

from video.health.lap import Laps
from video.health.visits import Politeness


def _drain(laps: Laps, now: float) -> list[str]:
    found = []
    while (subject := laps.take(now)) is not None:
        found.append(subject)
    return found


def test_everybody_is_looked_at_once_in_a_lap_and_again_in_the_next():
    laps = Laps(300, 0.0)
    laps.keep({f"c{n}" for n in range(50)}, 0.0)
    first = _drain(laps, 0.0)
    assert sorted(first) == sorted(f"c{n}" for n in range(50))
    for number, subject in enumerate(first):
        assert (laps.progress().done, laps.progress().total) == (number, 50)
        laps.seen(subject, 10.0)
    assert laps.progress().took == 10.0 and _drain(laps, 299.0) == []
    assert sorted(_drain(laps, 311.0)) == sorted(first)
    assert (laps.progress().number, laps.progress().done) == (2, 0)


def test_a_suspect_is_looked_at_again_within_seconds():
    laps = Laps(300, 0.0)
    laps.keep({"a"}, 0.0)
    laps.take(0.0)
    laps.seen("a", 1.0, suspect=True)
    assert laps.take(15.0) is None and laps.take(16.0) == "a"


def test_a_dead_camera_is_tried_once_more_soon_and_then_ever_more_seldom():
    laps = Laps(300, 0.0)
    laps.keep({"dead", "alive"}, 0.0)
    tried, now = [], 0.0
    while now < 3 * 3600:
        for subject in _drain(laps, now):
            if subject == "dead":
                tried.append(now)
                laps.failed(subject, now)
            else:
                laps.seen(subject, now)
        now += 1
    gaps = [round(after - before) for before, after in zip(tried, tried[1:], strict=False)]
    assert gaps[:5] == [15, 300, 600, 1200, 2400] and set(gaps[5:]) == {2400}
    assert laps.progress().resting in (0, 1)


def test_a_camera_that_returns_is_in_every_lap_again():
    laps = Laps(300, 0.0)
    laps.keep({"a"}, 0.0)
    for _ in range(6):
        laps.failed(laps.take(1e6) or "a", 0.0)
    laps.seen("a", 1000.0)
    assert laps.take(1300.0) == "a"


def test_a_channel_that_comes_is_due_at_once_and_one_that_goes_holds_up_no_lap():
    laps = Laps(300, 0.0)
    laps.keep({"a", "b"}, 0.0)
    laps.seen(laps.take(0.0), 1.0)
    laps.keep({"a", "c"} if laps.progress().done else set(), 5.0)
    rest = _drain(laps, 5.0)
    for subject in rest:
        laps.seen(subject, 6.0)
    assert "c" in rest and laps.progress().done == laps.progress().total and laps.progress().took is not None


def test_who_is_out_is_not_handed_out_twice_and_may_vanish_meanwhile():
    laps = Laps(10, 0.0)
    laps.keep({"a"}, 0.0)
    assert laps.take(0.0) == "a" and laps.take(100.0) is None
    laps.keep(set(), 100.0)
    laps.seen("a", 101.0)
    assert laps.take(1000.0) is None and len(laps) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["n1", "n2", "n3"]), max_size=60), st.integers(1, 4))
def test_no_host_has_more_visitors_than_it_may_and_everybody_gets_in(hosts, most):
    polite, inside, served = Politeness(most), [], 0
    for number, host in enumerate(hosts):
        if polite.enter(host, (host, number)):
            inside.append((host, number))
        assert all(sum(h == name for h, _ in inside) <= most for name in set(hosts))
    while inside:
        host, _ = inside.pop(0)
        served += 1
        if (waiting := polite.leave(host)) is not None:
            assert waiting[0] == host
            inside.append(waiting)
    assert served == len(hosts) and polite.parked == 0
