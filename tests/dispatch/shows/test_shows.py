"""Who has a screen at any moment, against a model that keeps every push for ever and looks anew each time."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.shows import HIGHEST, Shows, shown
from hall.core.command import Actor, Command, Entry
from hall.core.errors import Refused

SHOWS = Shows()
ALL, PART = "show/east/all", "show/east/part-1,0"
MESSAGE = {"text": "水位 0.6 m", "severity": 3}


class World:
    """A ledger in memory: entries are folded as they are decided; `real` is the machine's clock, ms."""

    def __init__(self) -> None:
        self.states, self.real, self.now, self.commands = {}, 1_000_000, 5_000_000, 0

    def get(self, subject):
        return self.states.get(subject)

    def names(self, topic):
        return sorted(name for name, state in self.states.items() if not state.ended)

    def history(self, subject):
        return []

    def do(self, move, subject=ALL, who="li", role="supervisor", reason="", kind="person", **data):
        self.commands += 1
        command = Command(id=f"c{self.commands}", subject=subject, move=move, reason=reason, data=data)
        drafts = SHOWS.decide(self, command, Actor(name=who, role=role, kind=kind, desk="desk-1"))
        for draft in drafts:
            state = self.states.get(subject)
            revision = state.revision + 1 if state else 1
            entry = Entry(
                seq=self.commands, subject=subject, revision=revision, move=draft.move, time=self.now, recorded=self.now,
                real=self.real, who=who, role=role, desk="desk-1", reason=draft.reason, data=draft.data,
            )  # fmt: skip
            self.states[subject] = SHOWS.evolve(state, entry)
        return drafts

    def push(self, priority=1, seconds=None, what="message", content=MESSAGE, **more):
        return self.do("push", what=what, content=content, priority=priority, seconds=seconds, **more)

    def top(self, subject=ALL):
        state = self.states.get(subject)
        return shown(state.pushes, self.real) if state else None


def test_a_higher_push_takes_the_screen_and_the_lower_one_returns_while_its_time_lasts():
    world = World()
    world.push(2, 60, content={"text": "lower"})
    world.real += 10_000
    world.push(3, 20, content={"text": "higher"}, who="wang")
    assert world.top().content["text"] == "higher"
    world.real += 19_999
    assert world.top().content["text"] == "higher"
    world.real += 1
    assert world.top().content["text"] == "lower"
    world.real += 30_000
    assert world.top() is None


def test_a_lower_push_waits_under_the_higher_one():
    world = World()
    world.push(4, 60, content={"text": "higher"})
    world.push(1, 90, content={"text": "lower"}, who="wang")
    assert world.top().content["text"] == "higher"
    world.real += 60_000
    assert world.top().content["text"] == "lower"


def test_the_same_priority_needs_a_reason_against_somebody_else_and_then_replaces_for_good():
    world = World()
    world.push(2, 60, content={"text": "first"})
    with pytest.raises(Refused, match="li shows a message") as refused:
        world.push(2, 10, content={"text": "second"}, who="wang")
    assert (refused.value.reason, refused.value.status) == ("reason-missing", 409)
    world.push(2, 10, content={"text": "second"}, who="wang", reason="flood first")
    assert (world.top().content["text"], world.top().reason) == ("second", "flood first")
    world.real += 10_000
    assert world.top() is None


def test_one_replaces_his_own_without_a_reason_and_what_is_over_asks_nobody():
    world = World()
    world.push(2, 10)
    world.push(2, 10)
    world.real += 10_000
    world.push(2, 10, who="wang")
    assert world.top().who == "wang"


def test_the_whole_wall_and_one_of_its_screens_ask_each_other_but_not_another_wall():
    world = World()
    world.push(2, 60, subject=PART)
    with pytest.raises(Refused):
        world.push(2, 60, who="wang")
    world.push(2, 60, who="wang", subject="show/west/all")
    world.push(2, 60, who="wang", reason="whole picture")
    with pytest.raises(Refused):
        world.push(2, 60, who="zhao", subject="show/east/part-0,0")


def test_a_push_ends_by_its_owner_or_by_one_who_says_why_and_is_high_enough():
    world = World()
    world.push(3, 60)
    number = world.top().number
    for who, role, reason, code in [
        ("wang", "operator", "over", "priority-too-high"),
        ("wang", "dispatcher", "", "reason-missing"),
    ]:
        with pytest.raises(Refused) as refused:
            world.do("withdraw", number=number, who=who, role=role, reason=reason)
        assert refused.value.reason == code
    world.do("withdraw", number=number)
    assert world.top() is None and world.states[ALL].ended
    assert world.do("withdraw", number=number, who="wang", role="operator") == []


def test_the_wall_keeps_its_layout_under_all_pushes():
    world = World()
    world.do("scene", layout="flood", at=world.real + 700)
    world.push(1, 5)
    world.real += 5_000
    world.do("expire", kind="system", who="hall", role="system")
    assert SHOWS.document(world.states[ALL]) == {
        "wall": "east", "target": "all", "scene": {"layout": "flood", "at": 1_000_700, "who": "li"},
    }  # fmt: skip


def test_expire_writes_only_what_is_over_and_belongs_to_the_hall():
    world = World()
    world.push(1, 5)
    assert world.do("expire", kind="system", who="hall", role="system") == []
    with pytest.raises(Refused, match="may not"):
        world.do("expire")
    world.real += 5_000
    assert world.do("expire", kind="system", who="hall", role="system")[0].data == {"over": [1]}
    assert SHOWS.document(world.states[ALL]) is None


@pytest.mark.parametrize("role", ["viewer", "wall", "department", "inspector", "crew", ""])
def test_other_roles_push_nothing(role):
    with pytest.raises(Refused, match="may not"):
        World().push(1, 5, role=role)


@pytest.mark.parametrize("role", list(HIGHEST))
def test_a_role_pushes_up_to_its_own_priority(role):
    for priority in (1, 2, 3, 4):
        try:
            World().push(priority, 5, role=role)
            accepted = True
        except Refused as refused:
            assert refused.reason == "priority-too-high"
            accepted = False
        assert accepted == (priority <= {"operator": 2, "dispatcher": 3}.get(role, 4))


BAD = [
    {"subject": "show/east"}, {"subject": "show/east/../all"}, {"subject": "show/e st/all"}, {"subject": "show/east/part-1"},
    {"what": "html"}, {"content": None}, {"content": {}}, {"content": {"text": ""}}, {"content": {"text": "x" * 501}},
    {"content": {"text": "a\x00b"}}, {"content": {"text": "x", "html": "y"}}, {"content": {"text": "x", "severity": 5}},
    {"content": {"text": ["x"]}}, {"priority": 0}, {"priority": 5}, {"priority": True}, {"priority": "1"}, {"seconds": 0},
    {"seconds": float("nan")}, {"seconds": 1e9}, {"seconds": "9"}, {"reason": "x" * 501}, {"extra": 1},
    {"what": "case", "content": {"subject": "file/c/1"}}, {"what": "camera", "content": {"subject": "channel/x"}},
    {"what": "map", "content": {"lon": 1, "lat": 0, "zoom": 12, "view": {"shown": {"cameras": 1}}}},
    {"what": "map", "content": {"lon": 1, "lat": 0, "zoom": 12, "view": {"parts": {"shapes": ["x" * 20_000]}}}},
    {"what": "map", "content": {"lon": 181, "lat": 0, "zoom": 12}}, {"what": "map", "content": {"lon": 1, "lat": 0}},
    {"what": "scene", "content": {"layout": 7}}, {"what": ["message"]},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_unfit_pushes_are_refused_with_a_reason(bad):
    with pytest.raises(Refused) as refused:
        World().push(**{"priority": 1, "seconds": 5, **bad})
    assert refused.value.status in (403, 422) and refused.value.detail


class Kept(NamedTuple):
    priority: int
    since: int
    number: int
    until: int | None


class Model:
    """Independent: all pushes ever, with the moment each was replaced or withdrawn."""

    def __init__(self) -> None:
        self.kept: list[list] = []  # [Kept, ended at or None]

    def push(self, now, priority, seconds, number):
        for row in self.kept:
            if row[0].priority == priority and row[1] is None:
                row[1] = now
        self.kept.append([Kept(priority, now, number, None if seconds is None else now + seconds * 1000), None])

    def top(self, now):
        there = [k for k, ended in self.kept if ended is None and (k.until is None or now < k.until)]
        return sorted(there, reverse=True)[0].number if there else None


steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(1, 4), st.one_of(st.none(), st.integers(3, 60))),
        st.tuples(st.just("wait"), st.integers(0, 40_000)),
        st.tuples(st.just("withdraw"), st.integers(0, 5)),
        st.tuples(st.just("expire")),
    ),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(steps)
def test_whatever_is_pushed_withdrawn_and_waited_for_the_model_says_the_same(walk):
    world, model = World(), Model()
    for step in walk:
        if step[0] == "push":
            world.push(step[1], step[2])
            model.push(world.real, step[1], step[2], world.states[ALL].revision)
        elif step[0] == "wait":
            world.real += step[1]
        elif step[0] == "withdraw" and model.kept:
            row = model.kept[step[1] % len(model.kept)]
            world.do("withdraw", number=row[0].number)
            row[1] = row[1] or world.real
        elif step[0] == "expire":
            world.do("expire", kind="system", who="hall", role="system")
        top = world.top()
        assert (top.number if top else None) == model.top(world.real)
        state = world.states.get(ALL)
        assert state is None or len(state.pushes) <= 4
