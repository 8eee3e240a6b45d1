"""Shifts: two signatures, cases that change hands with the second one, and nothing that is lost, against a real ledger."""

from __future__ import annotations

import pytest

from dispatch.casefile import CaseFiles, CaseRules
from dispatch.clocks.city import CityClocks
from dispatch.crews.aggregate import Crews
from dispatch.ledger import Ledger
from dispatch.notices import Notices
from dispatch.shifts import Shifts
from hall.core.command import Actor, Command
from hall.core.errors import Refused

DESKS = "shift/acceptance"
SYSTEM = Actor(name="system", role="system", kind="system")
ZHANG = Actor(name="zhang", role="operator", desk="desk-1")
ZHAO = Actor(name="zhao", role="operator", desk="desk-2")
LI = Actor(name="li", role="dispatcher", desk="desk-3")
WANG = Actor(name="wang", role="supervisor", desk="desk-9")
NOW = 1_800_000_000_000


class Room:
    """A ledger on SQLite with cases owned by people; `do` makes a move and returns its outcome."""

    def __init__(self, home) -> None:
        files = CaseFiles(CaseRules(), CityClocks.from_table({}, "Asia/Shanghai", lambda name: home / name))
        self.ledger = Ledger(f"sqlite:///{home / 'l.db'}", {a.topic: a for a in (files, Crews(), Notices(), Shifts())})
        self.now, self.ids = NOW, 0

    def do(self, subject, move, actor, reason="", *, id="", **data):
        self.ids += 1
        state = self.ledger.state(subject)
        command = Command(
            id=id or f"c{self.ids}",
            subject=subject,
            move=move,
            reason=reason,
            data=data,
            revision=state.revision if state and subject != DESKS else None,
        )
        return self.ledger.execute(command, actor, self.now, self.now)

    def shift(self, move, actor, reason="", **data):
        return self.do(DESKS, move, actor, reason, **data)

    def case(self, name, owner=None, **more) -> str:
        subject = f"file/t/{name}"
        report = {"feed": "t", "case_id": name, "district": "红旗区", "stages": {"reported": self.now}, **more}
        self.do(subject, "open", SYSTEM, case=report)
        if owner:
            self.do(subject, "claim", owner)
        return subject

    def signed(self, *subjects, to=ZHAO.name, notes="看好三号泵站") -> int:
        """Zhang is on duty and has signed; the number of his handover."""
        self.shift("start", ZHANG)
        items = [{"subject": subject, "owned": True} for subject in subjects]
        return self.shift("hand_over", ZHANG, to=to, notes=notes, items=items).revision

    def owner(self, subject) -> str:
        return self.ledger.state(subject).owner

    @property
    def state(self):
        return self.ledger.state(DESKS)


@pytest.fixture
def room(tmp_path):
    made = Room(tmp_path)
    yield made
    made.ledger.close()


def refused(reason, call, *args, **more):
    with pytest.raises(Refused) as caught:
        call(*args, **more)
    assert caught.value.reason == reason


def test_the_second_signature_moves_the_cases_the_duty_and_nothing_before_it(room):
    cases = [room.case("1", ZHANG), room.case("2", ZHANG)]
    number = room.signed(*cases)
    assert [room.owner(case) for case in cases] == ["zhang", "zhang"]
    assert [duty.who for duty in room.state.on_duty] == ["zhang"]
    room.shift("take_over", ZHAO, number=number)
    assert [room.owner(case) for case in cases] == ["zhao", "zhao"]
    assert [(duty.who, duty.desk) for duty in room.state.on_duty] == [("zhao", "desk-2")]
    handover = room.state.handovers[-1]
    assert (handover.giver, handover.desk, handover.to, handover.taker_desk) == ("zhang", "desk-1", "zhao", "desk-2")
    assert (handover.outcome, handover.moved, handover.left) == ("taken", cases, [])


def test_both_signatures_and_every_change_of_hands_stand_in_the_ledger_under_one_command(room):
    case = room.case("1", ZHANG)
    number = room.signed(case)
    outcome = room.shift("take_over", ZHAO, number=number)
    lines = {entry.seq: entry for entry in room.ledger.entries(0, 100)}
    assert [(lines[seq].subject, lines[seq].move, lines[seq].who) for seq in outcome.seqs] == [
        (DESKS, "take_over", "zhao"),
        (case, "give", "zhao"),
    ]
    assert [(entry.move, entry.who, entry.desk) for entry in room.ledger.history(DESKS)] == [
        ("start", "zhang", "desk-1"), ("hand_over", "zhang", "desk-1"), ("take_over", "zhao", "desk-2")]  # fmt: skip


def test_cases_that_meanwhile_ended_or_changed_hands_stay_where_they_are_and_are_named(room):
    kept, seized, ended = room.case("1", ZHANG), room.case("2", ZHANG), room.case("3", ZHANG)
    number = room.signed(kept, seized, ended)
    room.do(seized, "seize", WANG, "急")
    room.do(ended, "reject", WANG, "重复")
    room.shift("take_over", ZHAO, number=number)
    assert (room.owner(kept), room.owner(seized)) == ("zhao", "wang")
    assert room.state.handovers[-1].left == [{"subject": seized, "why": "owner-changed"}, {"subject": ended, "why": "ended"}]


def test_a_case_of_a_district_that_is_not_the_takers_does_not_reach_him(room):
    here, far = room.case("1", ZHANG), room.case("2", ZHANG, district="卫滨区")
    number = room.signed(here, far)
    room.shift("take_over", Actor(name="zhao", role="operator", districts=("红旗区",)), number=number)
    assert (room.owner(here), room.owner(far)) == ("zhao", "zhang")


def test_a_case_that_moved_on_after_the_first_signature_changes_hands_with_its_newest_revision(room):
    case = room.case("1", ZHANG)
    number = room.signed(case)
    room.do(case, "note", LI, text="路口封闭")
    before = room.ledger.state(case)
    room.shift("take_over", ZHAO, number=number)
    after = room.ledger.state(case)
    assert (after.owner, after.notes, after.revision) == ("zhao", before.notes, before.revision + 1)


def test_nobody_signs_for_another_nor_for_himself(room):
    number = room.signed()
    refused("not-for-you", room.shift, "take_over", LI, number=number)
    refused("not-for-you", room.shift, "take_over", ZHANG, number=number)
    refused("not-for-you", room.shift, "decline", LI, "不接", number=number)
    refused("not-yours", room.shift, "recall", ZHAO, number=number)
    room.shift("recall", ZHANG, number=number)
    refused("second-person", room.shift, "hand_over", ZHANG, to="zhang")


def test_a_handover_is_signed_once_and_its_command_repeated_changes_nothing(room):
    case = room.case("1", ZHANG)
    number = room.signed(case)
    first = room.shift("take_over", ZHAO, id="once", number=number)
    again = room.shift("take_over", ZHAO, id="once", number=number)
    assert again.repeated and again.seqs == first.seqs
    refused("handover-over", room.shift, "take_over", ZHAO, number=number)


def test_a_second_handover_waits_for_the_first_and_a_declined_one_leaves_everything_as_it_was(room):
    case = room.case("1", ZHANG)
    number = room.signed(case)
    refused("handover-open", room.shift, "hand_over", ZHANG, to="li")
    refused("reason-missing", room.shift, "decline", ZHAO, " ", number=number)
    room.shift("decline", ZHAO, "三号泵站未核实", number=number)
    assert (room.owner(case), [duty.who for duty in room.state.on_duty]) == ("zhang", ["zhang"])
    assert room.state.handovers[-1].reason == "三号泵站未核实"
    room.shift("hand_over", ZHANG, to="li")


def test_only_a_supervisor_ends_a_shift_without_a_handover_and_says_why(room):
    number = room.signed()
    refused("not-permitted", room.shift, "leave", ZHANG, "回家")
    refused("not-permitted", room.shift, "leave", ZHAO, "他走了", who="zhang")
    refused("reason-missing", room.shift, "leave", WANG, who="zhang")
    room.shift("leave", WANG, "急病", who="zhang")
    assert room.state.on_duty == [] and room.state.handovers[-1].outcome == "left"
    refused("handover-over", room.shift, "take_over", ZHAO, number=number)


def test_nobody_is_on_duty_in_two_groups(room):
    room.shift("start", ZHANG)
    refused("on-duty-elsewhere", room.do, "shift/dispatch", "start", ZHANG)
    assert room.shift("start", ZHANG).seqs == []


def test_the_log_takes_lines_of_those_on_duty_and_of_supervisors(room):
    refused("not-on-duty", room.shift, "note", ZHANG, text="开始下雨")
    room.shift("start", ZHANG)
    room.shift("note", ZHANG, text="开始下雨")
    room.shift("note", WANG, text="启动Ⅳ级响应")
    assert [(line.who, line.text) for line in room.state.lines] == [("zhang", "开始下雨"), ("wang", "启动Ⅳ级响应")]
    refused("bad-field", room.shift, "note", ZHANG, text="x" * 1001)


@pytest.mark.parametrize("role", ["viewer", "leader", "inspector", "department", "crew", "wall", "system"])
def test_who_has_no_seat_in_the_hall_has_no_shift(room, role):
    refused("not-permitted", room.shift, "start", Actor(name="x", role=role))


@pytest.mark.parametrize(("data", "reason"), [
    ({"to": ""}, "bad-field"), ({"to": "zhao", "notes": 7}, "bad-field"), ({"to": "zhao", "items": "all"}, "bad-field"),
    ({"to": "zhao", "items": [7]}, "bad-field"), ({"to": "zhao", "items": [{}] * 1001}, "too-many"),
])  # fmt: skip
def test_an_unfit_handover_is_refused(room, data, reason):
    room.shift("start", ZHANG)
    refused(reason, room.shift, "hand_over", ZHANG, **data)


def test_what_the_bus_carries_holds_no_list_of_cases(room):
    room.signed(room.case("1", ZHANG))
    shown = Shifts().document(room.state)
    assert shown["handovers"][0]["count"] == 1 and "items" not in shown["handovers"][0]


@pytest.mark.parametrize("name", ["zhang", "张三", 'o"neil%_', "a\\b"])
def test_looking_for_a_persons_files_finds_all_of_his(room, name):
    person = Actor(name=name, role="operator")
    mine = {room.case(str(number), person) for number in range(3)}
    room.case("other", ZHAO)
    found = {subject for subject, file in room.ledger.states("file", naming=name) if file.owner == name}
    assert found == mine
