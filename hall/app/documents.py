"""Current documents of one topic, read from the bus when asked: the gate's checkpoint and everything after it.

The web process keeps no picture of its own: that saves its memory, and an answer is as true as the bus is.
"""

from __future__ import annotations

import msgspec

from hall.core.board import LANES, START, Board, EntryId, Position
from hall.core.bus import Bus, entry_id
from hall.core.errors import BadInput
from hall.core.event import envelope, topic_of, unpack

#: bus entries read after the checkpoint at most; more means that no gate writes checkpoints any more
CATCH_UP_ENTRIES = 20_000


class Documents(msgspec.Struct):
    """`events` as they travelled, by subject; `position` they are true at; `complete` is False when the gate is long silent."""

    events: list[msgspec.Raw]
    position: str
    complete: bool


async def current(bus: Bus, topic: str) -> Documents:
    """Every present document of a state topic. Raises BusLost."""
    board = Board(logs=())
    text = await bus.get("board", "position")
    position = Position.parse(text.decode()) if text else Position()
    await _load_checkpoint(bus, board, topic)
    complete = True
    for lane in LANES:
        board.advance(lane, getattr(position, lane))
        complete &= await _catch_up(bus, board, lane, topic)
    entries = sorted(board.current([topic]), key=lambda entry: msgspec.json.decode(entry.raw, type=_Subject).subject)
    return Documents([msgspec.Raw(entry.raw) for entry in entries], str(board.position), complete)


class _Subject(msgspec.Struct):
    subject: str


async def _load_checkpoint(bus: Bus, board: Board, topic: str) -> None:
    cursor = b"0"
    while True:
        cursor, flat = await bus.call("HSCAN", bus.key("board"), cursor, "MATCH", f"{topic}/*", "COUNT", 4000)
        values = flat.values() if isinstance(flat, dict) else flat[1::2]
        for value in values:
            lane, at, raw = value.split(b" ", 2)
            board.apply(lane.decode(), entry_id(at), raw, envelope(raw))
        if int(cursor) == 0:
            return


async def _catch_up(bus: Bus, board: Board, lane: str, topic: str) -> bool:
    """Applies what came after the checkpoint; False when there was more than is sensible to read."""
    last: EntryId = getattr(board.position, lane) or START
    read = 0
    while read < CATCH_UP_ENTRIES:
        entries = await bus.queue_read(lane, after=last, count=500)
        if not entries:
            return True
        for at, fields in entries:
            _apply(board, lane, at, fields.get("p", b"[]"), topic)
        last = entries[-1][0]
        board.advance(lane, last)
        read += len(entries)
    return False


def _apply(board: Board, lane: str, at: EntryId, payload: bytes, topic: str) -> None:
    if f'"{topic}/'.encode() not in payload:
        return
    try:
        for raw in unpack(payload):
            head = envelope(raw)
            if topic_of(head.subject) == topic:
                board.apply(lane, at, bytes(raw), head)
    except BadInput:  # a broken event is the gate's to count; here it only is not shown
        return
