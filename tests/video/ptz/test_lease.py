"""One person steers a camera; who comes before whom, for how long, and what the others are told."""

from __future__ import annotations

import itertools

import pytest

from hall.core.errors import Refused
from hall.roles import MATRIX
from video.ptz.lease import FREE, IDLE_MS, RANKS, Asker, let_go, take

LI = Asker("li", "李", "operator", "d1")
WANG = Asker("wang", "王", "operator", "d2")
CHEN = Asker("chen", "陈", "supervisor", "d3")


def test_everybody_who_may_steer_has_a_rank_and_nobody_else():
    assert set(RANKS) == MATRIX["move-camera"]


def test_the_first_one_has_it_until_he_stops_using_it():
    lease = take(FREE, LI, 0)
    assert lease.until == IDLE_MS and not lease.taken_from
    again = take(lease, LI, 20_000)
    assert (again.since, again.until) == (0, 20_000 + IDLE_MS)
    assert take(again, WANG, again.until).person == "wang"


def test_an_equal_is_refused_and_told_who_has_it_and_until_when():
    lease = take(FREE, LI, 0)
    with pytest.raises(Refused, match=r"李 \(operator\).*30 s") as error:
        take(lease, WANG, 1)
    assert (error.value.reason, error.value.status) == ("camera-taken", 409)


def test_a_higher_one_takes_it_over_by_name_and_the_lower_one_gets_it_back_only_when_it_is_free():
    lease = take(take(FREE, LI, 0), CHEN, 5)
    assert (lease.person, lease.taken_from, lease.taken_from_person) == ("chen", "李", "li")
    with pytest.raises(Refused):
        take(lease, LI, 10)
    assert take(let_go(lease, CHEN, 20), LI, 21).person == "li"


def test_one_person_at_two_consoles_moves_it_from_the_one_he_sits_at():
    other = Asker("li", "李", "operator", "d9")
    assert take(take(FREE, LI, 0), other, 5).desk == "d9"


def test_letting_go_of_what_somebody_else_has_changes_nothing():
    lease = take(FREE, LI, 0)
    assert let_go(lease, WANG, 5) == lease
    assert let_go(lease, LI, 5) == FREE


def test_over_all_pairs_of_ranks_only_a_strictly_higher_one_takes_over():
    for one, other in itertools.product(RANKS, repeat=2):
        lease = take(FREE, Asker("a", "A", one), 0)
        try:
            took = take(lease, Asker("b", "B", other), 1).person == "b"
        except Refused:
            took = False
        assert took == (RANKS[other] > RANKS[one])
