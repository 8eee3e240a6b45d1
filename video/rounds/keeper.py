"""Keeps the rounds of the city going: turns them in time, tells screens what comes next, remembers what was seen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import numpy as np

from hall.core.board import Board, EntryId
from hall.core.bus import apply_entry
from hall.core.clock import real_ms
from hall.core.errors import BusLost, Refused
from hall.core.event import Envelope, topic_of
from hall.core.process import Process
from video.catalogue.catalogue import Catalogue
from video.catalogue.scope import ALL, Scope
from video.rounds import book, reach
from video.rounds.coverage import Seen, by_owner
from video.rounds.field import Field
from video.rounds.plan import RoundPlan, checked
from video.rounds.risk import TOPICS
from video.rounds.turn import Candidates, Pick, Round, advance, hold, release, step

log = logging.getLogger("hall.video")
MOST_ROUNDS = 64
#: how often the surroundings are read anew, and who takes part (ms)
REFRESH_MS = 5_000
TURN_SECONDS = 0.25
#: every camera of the city takes part where nobody wrote another round down
EVERY = RoundPlan(name="all", label={"zh-CN": "全部摄像机", "en": "All cameras"}, tiles=4, dwell_seconds=15)


class _Part(Board):
    """What risks are read from; `viewed` is called with each line about what somebody watched."""

    def __init__(self, viewed: Callable[[bytes], None]) -> None:
        super().__init__(logs=())
        self._viewed = viewed

    def apply(self, lane: str, at: EntryId, raw: bytes, head: Envelope) -> bool:
        if head.subject.startswith("audit/view/"):
            self._viewed(raw)
            return False
        return topic_of(head.subject) in TOPICS and super().apply(lane, at, raw, head)


class _Viewed(msgspec.Struct):
    channel: str
    shown: int = 0
    ended: int = 0


class _Event(msgspec.Struct):
    data: _Viewed


_viewed = msgspec.json.Decoder(_Event).decode


class _Kept:
    """One round at work."""

    def __init__(self, plan: RoundPlan, written: bool) -> None:
        self.plan, self.written = plan, written  # written: it stands in hall.toml and is changed there
        self.state = Round()
        self.cameras = Candidates([])
        self.refreshed = 0
        self.common: dict[str, str | None] = {}  # what all its cameras share
        self.told: Any = None


class Rounds:
    """All rounds of one process. `catalogue` and `document` are the video process's directory."""

    def __init__(self, process: Process, catalogue: Catalogue, document) -> None:
        self._process = process
        self.board = _Part(self._take_view)
        self.seen = Seen(process.bus)
        self._field, self._index = Field(catalogue, self.board, document), catalogue.index
        self._path = process.settings.data_dir / book.FILE
        self.rounds = {plan.name: _Kept(plan, True) for plan in book.written(process)}
        for plan in book.saved(self._path):
            self.rounds.setdefault(plan.name, _Kept(plan, False))
        if not self.rounds:
            self.rounds[EVERY.name] = _Kept(EVERY, True)
        self._refreshed = 0

    # -- following ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follows the bus and turns the rounds until cancelled."""
        await self._patiently(self.seen.load)
        await self._patiently(lambda: self._process.bus.load_board(self.board))
        async with asyncio.TaskGroup() as group:
            for lane in ("bulk", "fast"):
                group.create_task(self._follow(lane))
            group.create_task(self._turn())

    async def _patiently(self, load: Any) -> None:
        while True:
            try:
                work: Awaitable = load()
                await work
                return
            except BusLost:
                await asyncio.sleep(0.5)

    async def _follow(self, lane: str) -> None:
        start = getattr(self.board.position, lane)
        async for entries in self._process.bus.follow(lane, start, lambda reason: None, gather_seconds=TURN_SECONDS):
            for at, payload in entries:
                apply_entry(self.board, lane, at, payload)
                await asyncio.sleep(0)

    def _take_view(self, raw: bytes) -> None:
        """The relay says what was painted on a screen."""
        try:
            viewed = _viewed(raw).data
        except msgspec.MsgspecError:
            return
        if viewed.shown > 0:
            self.seen.take(viewed.channel, viewed.ended or real_ms())

    async def _turn(self) -> None:
        while True:
            self.turn(real_ms())
            await self.seen.keep()
            await asyncio.sleep(TURN_SECONDS)

    def turn(self, now: int) -> None:
        """One look at every round; `now` is real ms."""
        if now - self._refreshed >= REFRESH_MS:
            self._field.refresh(now)
            self._refreshed = now
        for kept in self.rounds.values():
            if now - kept.refreshed >= REFRESH_MS:
                kept.cameras = self._field.candidates(kept.plan, self.seen.at, kept.cameras)
                kept.common = reach.common(self._index, kept.cameras.subjects)
                kept.refreshed = now
            advance(kept.state, kept.plan, kept.cameras, now)
            self._tell(kept, now)

    def _tell(self, kept: _Kept, now: int) -> None:
        found = self.document(kept, now)
        if found == kept.told:
            return
        try:
            self._process.fast.put(self._process.event(f"round/{kept.plan.name}", found))
        except BusLost:
            return
        kept.told = found

    def document(self, kept: _Kept, now: int, scope: Scope = ALL) -> dict[str, Any]:
        """What is told of a round: times are real ms, `next` has two more than tiles (spares). Within a scope pictures and
        numbers are those of its cameras. `district`, `owner`: what all cameras share, for the stream's bounds."""
        plan, state, cameras = kept.plan, kept.state, kept.cameras
        mine = reach.mine(self._index, cameras.subjects, scope)
        allowed = None if scope == ALL else {cameras.subjects[row] for row in np.flatnonzero(mine)}
        living, alive = cameras.living, cameras.alive & mine
        since = now // 60_000 * 60_000 - plan.coverage_hours * 3_600_000  # by the minute: the document changes no faster
        share = plan.coverage_share(living) if living else 0.0
        return {
            "name": plan.name, "label": plan.label, "tiles": plan.tiles, "dwell_seconds": plan.dwell_seconds,
            "order": plan.order, "written": kept.written, "turn": state.turn, "since": state.since, "until": state.until,
            "shown": self._picks(plan, state.shown, allowed), "next": self._picks(plan, state.next, allowed),
            "held_by": state.held_by, "held_until": state.held_until, "skipped": int(mine.sum() - alive.sum()),
            "total": int(mine.sum()), "living": int(alive.sum()), "urgent": int((cameras.weight[mine] > 1).sum()),
            "seen": int((self._seen(cameras)[alive] >= since).sum()), "coverage_hours": plan.coverage_hours,
            "possible": share <= 1, "possible_hours": round(plan.sweep_seconds(living) * 1.1 / 3600, 2), **kept.common,
        }  # fmt: skip

    def _picks(self, plan: RoundPlan, picks: list[Pick], allowed: set[str] | None) -> list[dict[str, Any]]:
        known = [pick for pick in picks if allowed is None or pick.channel in allowed]
        return [{"channel": pick.channel, "why": pick.why, "risks": self._field.why(plan, pick.channel)} for pick in known]

    def _seen(self, cameras: Candidates) -> np.ndarray:
        """When each was really on a screen, not only chosen."""
        return np.array([float(self.seen.at.get(subject, 0)) for subject in cameras.subjects])

    # -- asked -------------------------------------------------------------------------------------------------------

    def listed(self, now: int, scope: Scope = ALL) -> list[dict[str, Any]]:
        """`{plan, state}` of every round that shows something of the scope."""
        return [self._told(kept, now, scope) for kept in self.rounds.values() if self._known(kept, scope)]

    def one(self, name: str, now: int, scope: Scope = ALL) -> dict[str, Any]:
        """A round as it is now. Raises Refused 404."""
        return self.document(self._kept(name, scope), now, scope)

    def _told(self, kept: _Kept, now: int, scope: Scope) -> dict[str, Any]:
        plan = msgspec.to_builtins(kept.plan)
        if scope != ALL and kept.plan.select.channels:
            chosen = reach.mine(self._index, kept.plan.select.channels, scope)
            plan["select"]["channels"] = [kept.plan.select.channels[row] for row in np.flatnonzero(chosen)]
        return {"plan": plan, "state": self.document(kept, now, scope)}

    def coverage(self, name: str, now: int, scope: Scope = ALL) -> dict[str, Any]:
        """By department, and up to 200 living cameras that were not seen for the longest. Raises Refused 404."""
        kept = self._kept(name, scope)
        cameras, seen = kept.cameras, self._seen(kept.cameras)
        rows = np.flatnonzero(reach.mine(self._index, cameras.subjects, scope))
        order = [int(row) for row in rows[np.argsort(seen[rows], kind="stable")] if cameras.alive[row]][:200]
        owners = self._field.owners(cameras)
        return {
            "hours": kept.plan.coverage_hours,
            "rows": by_owner([owners[row] for row in rows], cameras.alive[rows], seen[rows], now, kept.plan.coverage_hours),
            "unseen": [{"channel": cameras.subjects[r], "owner": owners[r], "seen": int(seen[r]) or None} for r in order],
        }

    def do(self, name: str, act: str, by: str, now: int, channel: str = "", scope: Scope = ALL) -> None:
        """`hold`, `release`, `next`, or `show` a camera at once. Raises Refused: also where others' cameras take part."""
        kept = self._kept(name, scope)
        reach.require_whole(self._index, kept.cameras.subjects, scope)
        if act == "hold":
            hold(kept.state, kept.plan, by, now)
        elif act == "release":
            release(kept.state, kept.plan, now)
        elif act == "next":
            step(kept.state, kept.plan, kept.cameras, now)
        elif act == "show":
            if channel not in kept.cameras.index:
                raise Refused("not-in-round", "this camera does not take part in this round", 404)
            others = [pick for pick in kept.state.next if pick.channel != channel]
            kept.state.next = [Pick(channel, "asked"), *others][: kept.plan.tiles + 2]
        else:
            raise Refused("act-unknown", "hold, release, next or show", 422)
        self._tell(kept, now)

    def _known(self, kept: _Kept, scope: Scope) -> bool:
        """Whether somebody may know of a round: one of nothing but others' cameras is not there for him."""
        return scope == ALL or not kept.cameras.subjects or bool(reach.mine(self._index, kept.cameras.subjects, scope).any())

    def _kept(self, name: str, scope: Scope) -> _Kept:
        kept = self.rounds.get(name)
        if kept is None or not self._known(kept, scope):
            raise Refused("round-unknown", "there is no such round", 404)
        return kept

    def save(self, data: Any, scope: Scope = ALL) -> RoundPlan:
        """Keeps a round that somebody made or changed; durable when it returns. Raises Refused."""
        plan = checked(data)
        known = self.rounds.get(plan.name)
        reach.require_whole(self._index, self._field.subjects(plan), scope)
        if known:
            reach.require_whole(self._index, known.cameras.subjects, scope)
        if known and known.written:
            raise Refused("round-written", "this round stands in hall.toml and is changed there", 409)
        if known is None and len(self.rounds) >= MOST_ROUNDS:
            raise Refused("too-many-rounds", f"at most {MOST_ROUNDS}", 409)
        plans = {kept.plan.name: kept.plan for kept in self.rounds.values() if not kept.written} | {plan.name: plan}
        book.keep(self._path, plans.values())
        self.rounds[plan.name] = _Kept(plan, False)
        return plan

    def drop(self, name: str, scope: Scope = ALL) -> None:
        """Forgets a round that somebody made. Raises Refused."""
        kept = self._kept(name, scope)
        reach.require_whole(self._index, kept.cameras.subjects, scope)
        if kept.written:
            raise Refused("round-written", "this round stands in hall.toml and is changed there", 409)
        book.keep(self._path, [kept.plan for kept in self.rounds.values() if not kept.written and kept.plan.name != name])
        del self.rounds[name]
        with contextlib.suppress(BusLost):  # it is gone all the same, and screens hear no more of it
            self._process.fast.put(self._process.event(f"round/{name}", None))
