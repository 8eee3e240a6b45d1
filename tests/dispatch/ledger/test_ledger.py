"""What a command may do to the ledger, on both databases; the expected lines are written out by hand."""

from __future__ import annotations

import hashlib
import json

import msgspec
import pytest

from dispatch.ledger import Ledger, LedgerFault
from hall.core.command import Actor, Command, Draft, Stale
from hall.core.errors import Refused
from tests.dispatch.ledger.counters import AGGREGATES, MARY, NOW, PETER, REAL, Counter, add


def knock(command_id, revision, other="counter/b"):
    return Command(id=command_id, subject="counter/a", move="knock", revision=revision, data={"other": other}, reason="asked")


def refusal(ledger, command, actor=PETER, now=NOW):
    with pytest.raises(Refused) as caught:
        ledger.execute(command, actor, now, REAL)
    return caught.value


def test_a_command_is_one_line_with_who_where_when_and_why(ledger):
    outcome = ledger.execute(add("a", "c1", 0, by=3, reason="rain", correlation="storm"), PETER, NOW, REAL)
    assert (outcome.revision, outcome.seqs, outcome.repeated) == (1, [1], False)
    (entry,) = ledger.history("counter/a")
    assert (entry.seq, entry.revision, entry.move, entry.data, entry.reason) == (1, 1, "added", {"by": 3}, "rain")
    assert (entry.who, entry.role, entry.kind, entry.desk, entry.unit) == ("peter", "operator", "person", "desk-3", "water")
    assert (entry.time, entry.recorded, entry.real) == (NOW, NOW, REAL)
    assert (entry.command, entry.correlation, entry.previous) == ("c1", "storm", "")
    assert ledger.state("counter/a") == Counter(revision=1, total=3, by=["peter"])
    assert ledger.head() == (1, entry.hash)


def test_a_decision_may_write_to_other_streams_in_the_same_transaction(ledger):
    ledger.execute(add("a", "c1", 0), PETER, NOW, REAL)
    outcome = ledger.execute(knock("c2", 1), PETER, NOW, REAL)
    assert (outcome.revision, outcome.seqs) == (3, [2, 3, 4])
    lines = [(e.seq, e.subject, e.revision, e.reason, e.causation) for e in ledger.entries(1, 10)]
    caused = "ledger-0000000000000002"
    assert lines == [
        (2, "counter/a", 2, "asked", ""),
        (3, "counter/b", 1, "knocked", caused),
        (4, "counter/a", 3, "asked", caused),
    ]
    assert ledger.state("counter/b").total == 10


def test_the_hash_can_be_checked_with_nothing_but_this_description(ledger):
    ledger.execute(add("井盖", "c1", 0), PETER, NOW, REAL)
    ledger.execute(add("井盖", "c2", 1, reason="回退"), MARY, NOW + 5, REAL)
    previous = ""
    for entry in ledger.entries(0, 10):
        fields = {k: v for k, v in msgspec.to_builtins(entry).items() if k != "hash" and v not in ("", {})}
        fields |= {"kind": "person"}
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert entry.hash == hashlib.sha256(text.encode()).hexdigest()
        assert entry.previous == previous
        previous = entry.hash


def test_the_same_id_again_gets_the_same_answer_and_changes_nothing(ledger):
    first = ledger.execute(add("a", "c1", 0), PETER, NOW, REAL)
    again = ledger.execute(add("a", "c1", 0), msgspec.structs.replace(PETER, desk="desk-9"), NOW + 1000, REAL)
    assert again == msgspec.structs.replace(first, repeated=True)
    assert ledger.head()[0] == 1


def test_nobody_takes_an_id_that_the_hall_will_name_a_command_of_its_own_by(ledger):
    hall = Actor(name="system", role="system", kind="system")
    ledger.execute(add("a", "rung-1", 0), PETER, NOW, REAL)
    outcome = ledger.execute(add("b", "rung-1", 0), hall, NOW, REAL)
    assert not outcome.repeated and ledger.state("counter/b").revision == 1
    assert ledger.execute(add("b", "rung-1", 0), hall, NOW, REAL).repeated
    assert refusal(ledger, add("b", "rung-1", 1)).reason == "command-id-reused"
    together = [(add("c", "rung-2", 0), PETER), (add("d", "rung-2", 0), hall)]
    assert [outcome.repeated for outcome in ledger.execute_many(together, NOW, REAL)] == [False, False]


@pytest.mark.parametrize("change", ["data", "actor", "subject"])
def test_an_id_used_for_something_else_is_refused(ledger, change):
    ledger.execute(add("a", "c1", 0), PETER, NOW, REAL)
    command = add("b" if change == "subject" else "a", "c1", 0, by=2 if change == "data" else 1)
    assert refusal(ledger, command, MARY if change == "actor" else PETER).reason == "command-id-reused"
    assert ledger.head()[0] == 1


def test_a_stale_command_is_refused_with_what_changed_and_by_whom(ledger):
    for n, actor in enumerate((PETER, MARY, MARY)):
        ledger.execute(add("a", f"c{n}", n), actor, NOW, REAL)
    stale = refusal(ledger, add("a", "late", 1))
    assert isinstance(stale, Stale) and stale.status == 409
    assert (stale.revision, [(e.revision, e.who) for e in stale.changed]) == (3, [(2, "mary"), (3, "mary")])
    assert ledger.state("counter/a").total == 3


def test_a_revision_that_never_was_is_refused(ledger):
    ledger.execute(add("a", "c1", 0), PETER, NOW, REAL)
    forged = refusal(ledger, add("a", "c2", 7))
    assert (forged.reason, forged.revision, forged.changed) == ("stale", 1, [])


def test_a_move_that_needs_a_revision_is_refused_without_one(ledger):
    assert refusal(ledger, add("a", "c1", None)).reason == "revision-missing"


def test_a_move_that_needs_none_is_taken_at_any_revision(ledger):
    ledger.execute(add("a", "c1", 0), PETER, NOW, REAL)
    note = Command(id="c2", subject="counter/a", move="note", data={"text": "wet"})
    assert ledger.execute(note, MARY, NOW, REAL).revision == 2


def test_nothing_to_do_is_no_error_and_is_remembered(ledger):
    command = Command(id="c1", subject="counter/a", move="nothing")
    assert ledger.execute(command, PETER, NOW, REAL).seqs == []
    assert ledger.execute(command, PETER, NOW, REAL).repeated
    assert ledger.state("counter/a") is None


def test_a_faulty_rule_harms_nobody_else(ledger):
    faulty = Command(id="c1", subject="counter/a", move="break", revision=0)
    with pytest.raises(ZeroDivisionError):
        ledger.execute(faulty, PETER, NOW, REAL)
    assert ledger.execute(add("a", "c2", 0), PETER, NOW, REAL).revision == 1


def test_what_belongs_to_no_part_of_the_hall_is_refused(ledger):
    assert refusal(ledger, Command(id="c1", subject="moon/a", move="add", revision=0)).reason == "subject-unknown"


def test_a_decision_that_writes_where_nobody_keeps_anything_writes_nothing(ledger):
    with pytest.raises(LedgerFault, match="moon/x"):
        ledger.execute(knock("c1", 0, other="moon/x"), PETER, NOW, REAL)
    assert ledger.head() == (0, "") and ledger.state("counter/a") is None


@pytest.mark.parametrize(
    "command",
    [
        add("a", "", 0),
        add("a", "x" * 201, 0),
        add("a" * 600, "c1", 0),
        add("a", "c1", 0, reason="a\x00b"),
        add("a", "c1", 0, reason="\ud800"),
        add("a", "c1", 0, correlation="x" * 300),
        Command(id="c1", subject="counter/a", move="", revision=0),
        add("a", "c1", 2**70),
        add("a", "c1", -1),
        Command(id="c1", subject="counter/a", move="tap", data={"other": "counter/\x00"}),
        Command(id="c1", subject="counter/a", move="tap", data={"other": "counter/" + "x" * 500}),
    ],
    ids=[
        "no id",
        "long id",
        "long subject",
        "nul",
        "surrogate",
        "long correlation",
        "no move",
        "revision",
        "below",
        "other",
        "long other",
    ],
)
def test_what_no_database_could_keep_is_refused(ledger, command):
    assert refusal(ledger, command).reason == "command-unusable"


def test_a_desk_whose_name_cannot_be_stored_does_not_keep_a_command_from_being_written(ledger):
    ledger.execute(add("a", "c1", 0), msgspec.structs.replace(PETER, desk="desk\x00\ud800"), NOW, REAL)
    assert ledger.history("counter/a")[0].desk == "desk\ufffd?"


def test_data_that_cannot_be_written_down_is_refused(ledger):
    note = Command(id="c1", subject="counter/a", move="note", data={"x": object()})
    assert refusal(ledger, note).reason == "data-unusable"
    nul = Command(id="c2", subject="counter/a", move="note", data={"x": "a\x00b"})
    ledger.execute(nul, PETER, NOW, REAL)
    assert ledger.history("counter/a")[0].data == {"x": "a\x00b"}
    assert ledger.verify().ok


# -- time ------------------------------------------------------------------------------------------------------------


def test_what_happened_earlier_keeps_its_time_and_says_when_it_was_recorded(ledger):
    ledger.execute(add("a", "c1", 0, time=NOW - 3_600_000), PETER, NOW, REAL)
    (entry,) = ledger.history("counter/a")
    assert (entry.time, entry.recorded) == (NOW - 3_600_000, NOW)


def test_a_clock_a_little_ahead_is_tolerated_and_one_far_ahead_refused(ledger):
    ledger.execute(add("a", "c1", 0, time=NOW + 60_000), PETER, NOW, REAL)
    assert ledger.history("counter/a")[0].time == NOW
    assert refusal(ledger, add("a", "c2", 1, time=NOW + 60_001)).reason == "time-in-future"


def test_the_recorded_time_never_goes_back(ledger):
    ledger.execute(add("a", "c1", 0), PETER, NOW, REAL)
    ledger.execute(add("a", "c2", 1), PETER, NOW - 5_000, REAL)
    assert [(e.time, e.recorded) for e in ledger.history("counter/a")] == [(NOW, NOW), (NOW - 5_000, NOW)]


# -- many ------------------------------------------------------------------------------------------------------------


def test_many_commands_see_each_other_and_one_refusal_spoils_nothing(ledger):
    asked = [
        (add("a", "c1", 0), PETER),
        (add("a", "c2", 0), MARY),
        (add("a", "c3", 1), MARY),
        (knock("c4", 2), PETER),
        (add("b", "c5", 1, by=5), MARY),
    ]
    first, stale, third, fourth, fifth = ledger.execute_many(asked, NOW, REAL)
    assert (first.revision, third.revision, fourth.revision, fifth.revision) == (1, 2, 4, 2)
    assert isinstance(stale, Stale) and [e.who for e in stale.changed] == ["peter"]
    assert ledger.state("counter/b").total == 15
    assert [e.seq for e in ledger.entries(0, 100)] == [1, 2, 3, 4, 5, 6]
    assert all(o.repeated for o in ledger.execute_many([asked[0], asked[2], asked[3]], NOW, REAL))
    assert ledger.verify().ok


def test_the_same_id_twice_in_one_go_is_done_once(ledger):
    first, second = ledger.execute_many([(add("a", "c1", 0), PETER), (add("a", "c1", 0), PETER)], NOW, REAL)
    assert (first.repeated, second.repeated) == (False, True)
    assert ledger.head()[0] == 1


def test_a_decision_sees_the_streams_of_its_topic_as_they_stand_in_the_transaction(ledger):
    ledger.execute_many([(add(name, f"c{name}", 0, by=2), PETER) for name in "abc"], NOW, REAL)
    end = Command(id="e", subject="counter/c", move="end", revision=1)
    count = Command(id="n", subject="counter/sum", move="count")
    new = add("d", "cd", 0, by=100)
    ledger.execute_many([(end, PETER), (new, PETER), (count, PETER)], NOW, REAL)
    assert ledger.state("counter/sum").total == 2 + 2 + 100


def test_thousands_in_one_go(ledger):
    found = ledger.execute_many([(add(f"x{n}", f"c{n}", 0, by=n), PETER) for n in range(3_000)], NOW, REAL)
    assert [o.seqs for o in found] == [[n + 1] for n in range(3_000)]
    assert {subject: state.total for subject, state in ledger.states("counter")} == {f"counter/x{n}": n for n in range(3_000)}


# -- looking -----------------------------------------------------------------------------------------------------------


def test_ended_streams_are_listed_only_when_asked_for(ledger):
    ledger.execute_many([(add(name, f"c{name}", 0), PETER) for name in "ab"], NOW, REAL)
    ledger.execute(Command(id="e", subject="counter/a", move="end", revision=1), PETER, NOW, REAL)
    assert [subject for subject, _ in ledger.states("counter")] == ["counter/b"]
    assert [subject for subject, _ in ledger.states("counter", ended=True)] == ["counter/a", "counter/b"]
    assert refusal(ledger, add("a", "c9", 2)).reason == "ended"


def test_lines_are_found_by_number_subject_person_and_time(ledger):
    for n, (name, actor) in enumerate([("a_1", PETER), ("a%2", MARY), ("b", PETER), ("ax1", MARY)]):
        ledger.execute(add(name, f"c{n}", 0), actor, NOW + n, REAL)
    seqs = lambda **how: [e.seq for e in ledger.entries(0, 10, **how)]  # noqa: E731
    assert seqs(subject_prefix="counter/a") == [1, 2, 4]
    assert seqs(subject_prefix="counter/a_") == [1]
    assert seqs(subject_prefix="counter/a%") == [2]
    assert seqs(subject_prefix="COUNTER/a") == []
    assert seqs(who="mary") == [2, 4]
    assert seqs(since=NOW + 1, until=NOW + 3) == [2, 3]
    assert [e.seq for e in ledger.entries(1, 2)] == [2, 3]


def test_a_state_that_an_earlier_version_folded_is_folded_again(ledger):
    ledger.execute(add("a", "c1", 0, by=4), PETER, NOW, REAL)
    with ledger.database.write() as connection:
        connection.exec_driver_sql('UPDATE streams SET state = \'{"revision": "of another shape"}\'')
    assert ledger.state("counter/a") == Counter(revision=1, total=4, by=["peter"])
    assert ledger.execute(add("a", "c2", 1), PETER, NOW, REAL).revision == 2
    assert ledger.state("counter/a").total == 5


def test_a_kept_state_that_is_not_what_its_lines_say_is_found(ledger):
    ledger.execute_many([(add(name, f"c{name}", 0), PETER) for name in "ab"], NOW, REAL)
    assert ledger.misfolded() == []
    with ledger.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE streams SET state = REPLACE(state, '\"total\":1', '\"total\":9') WHERE subject = 'counter/b'"
        )
    assert ledger.misfolded() == ["counter/b"]


def test_a_note_changes_no_state_and_stands_in_the_same_chain(ledger):
    ledger.execute(add("a", "c1", 0), PETER, NOW, REAL)
    draft = Draft(subject="audit/refused", move="refused", data={"move": "close"}, reason="bad\x00 \ud800 text")
    first, second = (ledger.note(draft, actor, NOW, REAL) for actor in (MARY, Actor(name="anonymous", role="")))
    assert (first.seq, first.revision, second.revision) == (2, 1, 2)
    assert first.reason == "bad\ufffd ? text"
    assert [e.who for e in ledger.history("audit/refused")] == ["mary", "anonymous"]
    assert ledger.state("audit/refused") is None and ledger.verify().lines == 3
    with pytest.raises(Refused):
        ledger.note(Draft(subject="counter/a", move="added", data={"by": 1}), MARY, NOW, REAL)


def test_the_outbox_holds_what_the_bus_has_to_be_told(ledger):
    ledger.execute(knock("c1", 0), PETER, NOW, REAL)
    ledger.execute(Command(id="c2", subject="counter/b", move="end", revision=1), MARY, NOW, REAL)
    ledger.note(Draft(subject="audit/view", move="viewed"), MARY, NOW, REAL)
    rows = [(r.seq, r.subject, r.document, r.entry.move) for r in ledger.outbox(0, 10)]
    assert rows == [
        (1, "counter/a", b'{"total":1}', "added"),
        (2, "counter/b", b'{"total":10}', "added"),
        (3, "counter/a", b'{"total":2}', "added"),
        (4, "counter/b", None, "ended"),
        (5, "audit/view", None, "viewed"),
    ]
    assert [r.seq for r in ledger.outbox(2, 2)] == [3, 4]


def test_what_was_written_is_there_after_closing(ledger, url):
    ledger.execute(add("a", "c1", 0), PETER, NOW, REAL)
    ledger.close()
    other = Ledger(url, AGGREGATES)
    assert other.state("counter/a").total == 1
    assert other.execute(add("a", "c1", 0), PETER, NOW, REAL).repeated
    other.close()
