"""The heart of the gate: bus entries in, one frame per tick out, states answered between ticks.

No I/O of its own: entries are handed in, bytes go to the transports of listeners, time is an argument. Everything runs on
one event loop and every method is synchronous, so "flush, then answer" is atomic without a lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hall.core.board import LANES, Board, EntryId, Position
from hall.gate.frames import Message, beat, left_out, say
from hall.gate.groups import MAX_FILTERED, Group, Groups
from hall.gate.listener import Listener
from hall.gate.outbox import HIGH_BYTES, Phase, Step
from hall.gate.pending import Batch, Pending, reduce

COUNTERS = ("clients", "frames", "deliveries", "bytes", "conflated", "skipped", "cut", "late", "broken", "gaps", "refused")


class Hub:
    """`sent` is the position that every live listener has been told. `epoch` names the bus that positions belong to.

    `wake` is called when there is something for the next tick. `bounds`: see `Group`.
    """

    def __init__(
        self,
        board: Board,
        counters: dict[str, Any],
        epoch: str = "",
        wake: Callable[[], None] = lambda: None,
        bounds: Mapping[str, int] | None = None,
    ) -> None:
        self.board, self.counters, self._wake = board, counters, wake
        self.groups = Groups(board, epoch, bounds)
        self.listeners: set[Listener] = set()
        self.sent = board.position
        self._pending = Pending()
        self._behind: set[Listener] = set()  # subscribed and not live
        self._asking: dict[Listener, None] = {}
        for name in COUNTERS:
            counters.setdefault(name, 0)

    # -- in --------------------------------------------------------------------------------------------------------

    def take(self, lane: str, at: EntryId, payload: bytes) -> None:
        """Takes one bus entry in."""
        self.counters["broken"] += reduce(self.board, self._pending, lane, at, payload)
        self._wake()

    def enter(self, listener: Listener) -> None:
        self.listeners.add(listener)
        self.counters["clients"] = len(self.listeners)

    def leave(self, listener: Listener) -> None:
        self.listeners.discard(listener)
        self._behind.discard(listener)
        self._asking.pop(listener, None)
        if listener.group is not None:
            self.groups.leave(listener.group, listener)
            listener.group = None
        self.counters["clients"] = len(self.listeners)

    def ask(self, listener: Listener) -> None:
        """`listener.asked` is answered at the next tick."""
        self._asking[listener] = None
        self._wake()

    @property
    def somebody_is_behind(self) -> bool:
        return bool(self._behind)

    # -- out -------------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> bool:
        """Flushes everything, answers who asked, goes on with who is behind; whether anything had changed.

        `now` in monotonic seconds.
        """
        changed = self.flush(LANES, now)
        if changed:
            self._weigh(now)
        self._answer_asking(now)
        for listener in list(self._behind):
            self._advance(listener, now)
        self.counters["late"] = self.board.late
        return changed

    def flush(self, lanes: Iterable[str], now: float) -> bool:
        """One frame per subscription with what waits on `lanes`; whether anything did."""
        told = self.sent
        for lane in lanes:
            self.sent = self.sent.advanced(lane, getattr(self.board.position, lane))
        batch = self._pending.take(lanes)
        for group in self.groups if batch.topics else ():
            self._flush_group(group, batch, told, now)
        return bool(batch.topics)

    def _flush_group(self, group: Group, batch: Batch, told: Position, now: float) -> None:
        messages = group.frames(batch, told, self.sent)
        if not messages:
            return
        self.counters["frames"] += len(messages)
        events = sum(message.events for message in messages)
        if len(group.live) < group.members:
            for listener in self._behind:
                if listener.group is group:
                    listener.outbox.pass_over(events)
        for message in messages:
            self._deliver(group.live, message, told, now)

    def _deliver(self, listeners: Iterable[Listener], message: Message, told: Position, now: float) -> None:
        sent = size = 0
        full: list[Listener] = []
        for listener in listeners:
            if listener.transport.get_write_buffer_size() > HIGH_BYTES:
                full.append(listener)
                continue
            if wrote := listener.write(message):
                sent += 1
                size += wrote
        self.counters["deliveries"] += sent * message.events
        self.counters["bytes"] += size
        for listener in full:
            self._hold(listener, told, now)
            listener.outbox.pass_over(message.events)

    def _hold(self, listener: Listener, told: Position, now: float) -> None:
        listener.outbox.hold(told, now)
        if listener.group is not None:
            listener.group.live.pop(listener, None)
            self._behind.add(listener)
        self.counters["conflated"] += 1

    def beat(self, bus_age: int, now: float) -> None:
        """Tells every listener with nothing outstanding that the gate lives, and how long the bus has been silent."""
        idle = [listener for listener in self.listeners if listener.outbox.phase is Phase.IDLE]
        self._deliver(idle, beat(None, bus_age), self.sent, now)
        for group in self.groups:
            self._deliver(group.live, beat(group.write(self.sent), bus_age), self.sent, now)
            group.forget_answers(now)

    def _weigh(self, now: float) -> None:
        """Who had a topic that has become too much, or fits again, is told so, and everything he has anew."""
        changed = [group for group in self.groups if group.weigh()]
        for listener in self.listeners if changed else ():
            if listener.group in changed:
                self._state_anew(listener, now)

    def _state_anew(self, listener: Listener, now: float) -> None:
        group = listener.group
        assert group is not None
        self.counters["bytes"] += listener.write(left_out(group))
        group.live.pop(listener, None)
        answer = group.answer(None, now)
        listener.outbox.feed(answer.parts, answer.position)
        self._behind.add(listener)

    # -- who is not live ---------------------------------------------------------------------------------------------

    def _answer_asking(self, now: float) -> None:
        """Subscribes who asked. New filters are looked through one per tick: nobody's filters may hold up all frames."""
        made = 0
        for listener in list(self._asking):
            asked = listener.asked
            if asked is not None and asked.where.topics and self.groups.is_new(asked.topics, asked.where):
                if made:
                    continue
                made = 1
            del self._asking[listener]
            self._subscribe(listener, now)
        if self._asking:
            self._wake()

    def _subscribe(self, listener: Listener, now: float) -> None:
        asked, old = listener.asked, listener.group
        if asked is None or listener not in self.listeners:
            return
        listener.asked = None
        new = bool(asked.where.topics) and self.groups.is_new(asked.topics, asked.where)
        if new and self.groups.filtered >= MAX_FILTERED:
            self.counters["refused"] += 1
            listener.write(say("refused", reason="too-many-filters", detail=f"this gate serves {MAX_FILTERED} filters"))
            listener.cut(4429, "too-many-filters")
            return self.leave(listener)
        listener.group = self.groups.join(asked.topics, asked.where)
        if old is not None:
            self.groups.leave(old, listener)
        if listener.group.left_out or (old is not None and old.left_out):
            listener.write(left_out(listener.group))
        since = asked.since if asked.stamp == listener.group.stamp else None
        answer = listener.group.answer(since, now)
        listener.outbox.feed(answer.parts, answer.position)
        self._behind.add(listener)

    def _advance(self, listener: Listener, now: float) -> None:
        """Writes what a listener that is behind can take now."""
        while listener in self._behind and listener.is_open():
            step = listener.outbox.step(listener.unsent(), now)
            if isinstance(step, Message):
                self.counters["bytes"] += listener.write(step)
                self.counters["deliveries"] += step.events
            elif step is Step.WAIT:
                return
            elif step is Step.CUT:
                self.counters["cut"] += 1
                listener.cut(4408, "does not read")
                self.leave(listener)
            else:
                self._catch_up(listener, step, now)

    def _catch_up(self, listener: Listener, step: Step, now: float) -> None:
        outbox, group = listener.outbox, listener.group
        assert group is not None
        if step is Step.CATCH_UP:
            skipped = outbox.take_skipped()
            self.counters["skipped"] += skipped
            self.counters["bytes"] += listener.write(say("told", kind="conflated", skipped=skipped))
        answer = None if outbox.position == self.sent else group.answer(outbox.position, now)
        if answer is None or (len(answer.parts) == 1 and not answer.parts[0].events and step is Step.DONE):
            outbox.live()
            group.live[listener] = None
            self._behind.discard(listener)
        else:
            outbox.feed(answer.parts, answer.position)
