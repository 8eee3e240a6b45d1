"""The board against plain dicts: any order, any repetition, any restart ends in the same picture."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hall.core.board import Board, Position
from hall.core.event import Event, encode, envelope, topic_of

SUBJECTS = [f"{topic}/{n}" for topic in ("case", "kpi", "log") for n in range(4)]


@st.composite
def facts(draw) -> list[tuple[str, bytes]]:
    """Events with a lane, few subjects and few times, so that ties, late and repeated ones are common."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(SUBJECTS),
                st.integers(0, 4),
                st.integers(0, 2),
                st.booleans(),
                st.sampled_from(["bulk", "fast"]),
            ),
            max_size=40,
        )
    )
    return [
        (lane, encode(Event(id=f"i{n}", source="t", subject=s, time=t, recordedtime=r, data=None if gone else {"n": n})))
        for n, (s, t, r, gone, lane) in enumerate(rows)
    ]


class Bus:
    """Gives entry ids, lane by lane, as a stream would."""

    def __init__(self, board: Board) -> None:
        self.board, self.next = board, {"bulk": 1, "fast": 1}
        self.sent: list[tuple[str, tuple[int, int], bytes]] = []

    def send(self, lane: str, raw: bytes) -> None:
        at = (self.next[lane], 0)
        self.next[lane] += 1
        self.sent.append((lane, at, raw))
        self.board.apply(lane, at, raw, envelope(raw))
        self.board.advance(lane, at)


def newest(raws: list[bytes]) -> dict[str, dict]:
    """The oracle: per subject the event with the greatest key; removed subjects are absent; histories left out."""
    found: dict[str, dict] = {}
    for raw in raws:
        told = json.loads(raw)
        if topic_of(told["subject"]) == "log":
            continue
        known = found.get(told["subject"])
        key = (told["time"], told["recordedtime"], told["id"])
        if known is None or key > (known["time"], known["recordedtime"], known["id"]):
            found[told["subject"]] = told
    return {subject: told for subject, told in found.items() if told.get("data") is not None}


def shown(board: Board) -> dict[str, dict]:
    found = [json.loads(entry.raw) for entry in board.current(["case", "kpi"])]
    return {told["subject"]: told for told in found}


@given(facts(), st.randoms())
def test_any_order_and_any_repetition_end_in_the_same_picture(rows, random):
    shuffled = rows + random.sample(rows, len(rows) // 2)
    random.shuffle(shuffled)
    bus = Bus(Board())
    for lane, raw in shuffled:
        bus.send(lane, raw)
    assert shown(bus.board) == newest([raw for _, raw in rows])


@given(facts(), st.integers(0, 40), st.sampled_from([0, 1, 2, 50_000]))
def test_what_changed_since_any_position_completes_the_picture_of_who_stood_there(rows, stop, tombstones):
    bus = Bus(Board(log_bound=5, tombstone_bound=tombstones))
    told: dict[str, dict] = {}
    history: list[str] = []
    stood = Position()

    def tell(raw: bytes) -> None:
        event = json.loads(raw)
        if topic_of(event["subject"]) == "log":
            history.append(event["id"])
        else:
            told[event["subject"]] = event

    for number, (lane, raw) in enumerate(rows):
        bus.send(lane, raw)
        if number == stop:
            stood = bus.board.position
            for entry in bus.board.current(["case", "kpi", "log"]):
                tell(entry.raw)
    if not bus.board.resumable(stood, ["case", "kpi", "log"]):
        return
    for entry in bus.board.since(stood, ["case", "kpi", "log"]):
        tell(entry.raw)
    present = {s: e for s, e in told.items() if e.get("data") is not None}
    assert present == shown(bus.board)
    if tombstones >= len(rows):  # else a late event may revive a subject whose removal was forgotten: the bound's price
        assert present == newest([raw for _, raw in rows])
    logs = [json.loads(raw)["id"] for _, raw in rows if b'"log/' in raw]
    after = [i for n, i in enumerate(json.loads(raw)["id"] for _, raw in rows) if n > stop and i in logs]
    assert len(history) == len(set(history)), "a history event was told twice"
    assert set(after) <= set(history) or len(rows) <= stop, "a history event was not told"


@given(facts(), st.integers(0, 40))
def test_a_board_rebuilt_from_a_checkpoint_and_the_rest_answers_like_the_one_that_never_stopped(rows, cut):
    live = Bus(Board(tombstone_bound=100))
    kept, position, horizon = [], Position(), Position()
    for number, (lane, raw) in enumerate(rows):
        live.send(lane, raw)
        if number == cut:
            kept, position, horizon = list(live.board.entries()), live.board.position, live.board.horizon
    again = Board(tombstone_bound=100)
    for _, entry in sorted(kept, key=lambda item: item[1].at):
        again.apply(entry.lane, entry.at, entry.raw, envelope(entry.raw))
    again.start_at(position, horizon)
    for lane, at, raw in live.sent:
        if at > getattr(position, lane):
            again.apply(lane, at, raw, envelope(raw))
            again.advance(lane, at)
    assert shown(again) == shown(live.board) == newest([raw for _, raw in rows])
    assert again.position == live.board.position
    for stood in {position, live.board.position}:
        if again.resumable(stood, ["case", "kpi"]) and live.board.resumable(stood, ["case", "kpi"]):
            mine, theirs = ({e.raw for e in b.since(stood, ["case", "kpi"])} for b in (again, live.board))
            assert mine == theirs


def test_a_board_from_a_checkpoint_does_not_pretend_to_know_the_history_before_it():
    board = Board()
    board.start_at(Position((5, 0), (3, 0)), Position())
    assert board.resumable(Position((4, 0), (3, 0)), ["case"])
    assert not board.resumable(Position((4, 0), (3, 0)), ["case", "log"])
    assert board.resumable(Position((5, 0), (3, 0)), ["case", "log"])


def test_forgotten_removals_are_handed_to_the_checkpoint_once_and_end_resuming_from_before_them():
    bus = Bus(Board(tombstone_bound=1))
    for n in range(3):
        bus.send("bulk", encode(Event(id=f"a{n}", source="t", subject=f"case/{n}", time=1, recordedtime=1, data={})))
    before = bus.board.position
    for n in range(3):
        bus.send("bulk", encode(Event(id=f"b{n}", source="t", subject=f"case/{n}", time=2, recordedtime=2)))
    assert bus.board.take_forgotten() == ["case/0", "case/1"]
    assert bus.board.take_forgotten() == []
    assert not bus.board.resumable(before, ["case"])
    assert bus.board.resumable(bus.board.position, ["case"])


@pytest.mark.parametrize("text", ["", "1-2", "a-b/c-d", "1-2/3", "1-2/3-4/5-6", "1/2", "1-2-3/4-5"])
def test_nonsense_is_no_position(text):
    with pytest.raises(ValueError):
        Position.parse(text)


@given(*[st.integers(0, 2**63)] * 4)
def test_a_position_survives_its_text_form(a, b, c, d):
    position = Position((a, b), (c, d))
    assert Position.parse(str(position)) == position
