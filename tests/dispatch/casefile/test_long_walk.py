"""The walk of test_walk from fixed seeds, far enough to make every move there is."""

import collections
import random

from tests.dispatch.casefile import world as w
from tests.dispatch.casefile.secondopinion import MOVES, PLACES
from tests.dispatch.casefile.test_walk import CREWS, PEOPLE, Walk

HOW = ["loop"] * 5 + ["rarest"] * 3 + ["may"] * 2 + ["any"] * 2 + ["crew"] * 2 + ["supplier", "time"]
TOLD = ("acknowledge", "en_route", "on_scene", "clear", "decline")


def long_walk(seed, steps):
    """Gives how often each move was written."""
    dice, walk = random.Random(seed), Walk()
    for _ in range(steps):
        one_step(dice, walk)
        walk.the_file_is_as_the_second_opinion_says()
        walk.who_is_shown_a_move_can_make_it_and_no_other()
        walk.nothing_ended_has_a_crew_at_work_or_an_open_question()
        walk.a_crew_is_on_one_case_and_both_sides_know_it()
    walk.all_entries_add_up_to_what_was_kept_on_the_way()
    return collections.Counter(entry.move for entry in walk.world.entries)


def one_step(dice, walk):
    number, pick, n = dice.randrange(8), dice.randrange(10_000), dice.randrange(10)
    wait, how = dice.choice((0, 1_000, 5_000, 60_000, w.HOUR)), dice.choice(HOW)
    if how == "loop":
        walk.the_loop_goes_on(number, pick, n, wait)
    elif how == "rarest":
        subject = walk._subject(number)
        made = collections.Counter(entry.move for entry in walk.world.entries)
        possible = [(person, move) for person in PEOPLE for move in sorted(walk.world.can(person, subject))]
        fewest = min((made[move] for _, move in possible), default=0)
        if rare := [(person, move) for person, move in possible if made[move] == fewest]:
            person, move = dice.choice(rare)
            walk._try(subject, move, person, n, wait)
    elif how == "may":
        walk.somebody_does_what_he_may(number, dice.choice(PEOPLE), pick, n, wait)
    elif how == "any":
        walk.anybody_tries_anything(number, dice.choice(PEOPLE), dice.choice(MOVES), n, wait)
    elif how == "crew":
        walk.a_crew_tells_where_it_is(dice.choice(CREWS), dice.choice(TOLD), wait)
    elif how == "supplier" and dice.random() < 0.3:
        walk.the_supplier_says(dice.choice((1, 2)), dice.choice(sorted(PLACES)))
    elif how == "time" and dice.random() < 0.3:
        walk.time_passes(dice.choice((0.2, 1, 3)))


def test_long_walks_make_every_move_and_agree_with_the_second_opinion():
    made = sum((long_walk(seed, 200) for seed in range(16)), collections.Counter())
    assert min(made[move] for move in MOVES) >= 3, made
