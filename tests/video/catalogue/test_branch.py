"""Trees as suppliers tell them: circles, orphans, news. Oracle: walking parents one by one, counting by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from video.catalogue.branch import ROOT, Branch

keys = st.sampled_from("abcdefgh")
told = st.lists(st.tuples(keys, st.sampled_from("abcdefgh") | st.just("")), max_size=30)


def built(pairs):
    branch = Branch()
    for key, parent in pairs:
        branch.describe(key, key.upper(), "group", parent)
    return branch


def test_children_hang_below_their_parents_in_any_order_of_telling():
    for pairs in ([("a", ""), ("b", "a"), ("c", "b")], [("c", "b"), ("b", "a"), ("a", "")]):
        branch = built(pairs)
        assert [branch.keys[n] for n in branch.path(branch.find("c"))] == ["a", "b", "c"]


def test_a_parent_nobody_described_is_a_node_at_the_top():
    branch = built([("b", "lost")])
    lost = branch.find("lost")
    assert branch.above(lost) == ROOT and branch.above(branch.find("b")) == lost and not branch.described[lost]


def test_a_circle_is_cut_at_its_smallest_key():
    branch = built([("b", "c"), ("c", "a"), ("a", "b"), ("d", "b"), ("e", "e")])
    assert [branch.keys[n] for n in branch.path(branch.find("d"))] == ["a", "c", "b", "d"]
    assert branch.above(branch.find("e")) == ROOT


@settings(deadline=None)
@given(told)
def test_whatever_is_told_every_node_is_reached_once_from_the_top(pairs):
    branch = built(pairs)
    found, waiting = [], [ROOT]
    while waiting:
        below = branch.below(waiting.pop())
        found += below
        waiting += below
    assert sorted(found) == list(range(len(branch)))
    parents = dict(pairs)  # the last word on a node counts
    for node in range(1, len(branch)):
        above = branch.above(node)
        assert above == ROOT or branch.keys[above] == parents.get(branch.keys[node], "")


@settings(deadline=None)
@given(told, st.lists(st.tuples(keys, st.integers(0, 9)), max_size=20))
def test_totals_are_those_of_a_node_and_all_below_it(pairs, counts):
    branch = built(pairs)
    own = np.zeros((len(branch) + 8, 1), np.int64)
    for key, count in counts:
        own[branch.node(key), 0] += count
    own = own[: len(branch)]
    total = branch.totals(own)
    for node in range(len(branch)):
        inside = [other for other in range(len(branch)) if node in branch.path(other)]
        assert total[node, 0] == sum(own[other, 0] for other in inside)
        assert sorted(branch.within(node)) == inside


def test_a_node_taken_back_keeps_its_children():
    branch = built([("a", ""), ("b", "a")])
    branch.forget("a")
    assert branch.above(branch.find("b")) == branch.find("a") and not branch.described[branch.find("a")]


def test_a_chain_of_ten_thousand_is_no_trouble():
    branch = Branch()
    for number in range(10_000):
        branch.describe(f"{number:05d}", "", "group", f"{number + 1:05d}")
    assert len(branch.path(branch.find("00000"))) == 10_001
