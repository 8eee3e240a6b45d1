"""Follows the ledger and delivers to every hook: in order per case, a few at once, with growing pauses, until given up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import sqlite3

from dispatch.bulletins import posting
from dispatch.bulletins.model import Bulletin
from dispatch.casefile.model import CaseFile
from dispatch.desk import Desk
from dispatch.ledger import Ledger
from dispatch.notices import subject_for
from dispatch.part import SYSTEM
from dispatch.webhooks.caller import Caller, Failure
from dispatch.webhooks.message import body_of, delivery_id, of_exercise, signed_headers, wanted
from dispatch.webhooks.settings import Hook
from dispatch.webhooks.store import Delivery, DeliveryStore
from hall.core.clock import monotonic, real_ms
from hall.core.command import Command, Entry
from hall.core.errors import BusLost, LedgerFault, Refused
from hall.core.process import Process

log = logging.getLogger("hall")

LOOK_SECONDS = 0.25
RETRY_SECONDS = 1.0
TIDY_SECONDS = 3_600.0
_PAGE = 500
_FAULTS = (LedgerFault, Refused, BusLost, sqlite3.Error)


class Deliverer:
    """One per hall, in the dispatch process. `run` returns only when cancelled."""

    def __init__(self, process: Process, desk: Desk, ledger: Ledger, hooks: list[Hook]) -> None:
        self.process, self.desk, self.ledger, self.hooks = process, desk, ledger, hooks
        self.store = DeliveryStore(process.settings.data_dir / "webhooks.db")
        self._random = random.Random()
        process.counters |= {"webhooks_sent": 0, "webhooks_failed": 0, "webhooks_dead": 0, "webhooks_waiting": 0}
        process.counters["webhooks_held"] = 0

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for hook in self.hooks:
                    group.create_task(self._follow(hook))
                    group.create_task(self._deliver(hook))
                group.create_task(self._keep_house())
        finally:
            self.store.close()

    # -- making ------------------------------------------------------------------------------------------------------

    async def _follow(self, hook: Hook) -> None:
        """Makes deliveries of new ledger lines; a hook that is new in the configuration begins now."""
        seq, told = -1, False
        while True:
            try:
                if seq < 0:
                    head, _ = await asyncio.to_thread(self.ledger.head)
                    seq = await asyncio.to_thread(self.store.cursor, hook.name, head)
                seq = await self.make(hook, seq)
                told = False
            except _FAULTS as error:
                if not told:
                    log.warning("dispatch: webhook %s waits: %s", hook.name, error)
                told = True
                await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)

    async def make(self, hook: Hook, after: int) -> int:
        """Keeps a delivery for every line after `after` that the hook wants; returns the last line looked at."""
        while entries := await asyncio.to_thread(self.ledger.entries, after, _PAGE):
            made = [found for entry in entries if (found := await self._of(hook, entry))]
            after = entries[-1].seq
            await asyncio.to_thread(self.store.add, hook.name, made, after)
        return after

    async def _of(self, hook: Hook, entry: Entry) -> Delivery | None:
        about_bulletin = bool(hook.audiences) and entry.subject.startswith("bulletin/")
        if not about_bulletin and (not entry.subject.startswith("file/") or entry.move not in hook.moves):
            return None
        state = await self.desk.state(entry.subject)
        try:
            if about_bulletin:
                return self._posted(hook, entry, state) if posting.wanted(hook, entry, state) else None
            if wanted(hook, entry, state) and of_exercise(state) and not hook.exercise:
                return await self._held(hook, entry, state)
            return self._made(hook, entry, state) if wanted(hook, entry, state) else None
        except Exception:  # one odd line must not keep the department from all others
            log.exception("dispatch: webhook %s leaves out ledger line %d", hook.name, entry.seq)
            self.process.counters["webhooks_failed"] += 1
            return None

    async def _held(self, hook: Hook, entry: Entry, file: CaseFile) -> None:
        """An exercise stays in the house: nothing is sent, the delivery ledger says why."""
        self.process.counters["webhooks_held"] += 1
        await self._stamp(self._made(hook, entry, file), "failed", "exercise: held back")

    def _posted(self, hook: Hook, entry: Entry, bulletin: Bulletin) -> Delivery:
        body = posting.body_of(hook, entry, bulletin, self.process.config.city.code)
        return self._delivery(hook, entry, body, {"unit": hook.name})

    def _made(self, hook: Hook, entry: Entry, file: CaseFile) -> Delivery:
        unit = str(entry.data.get("unit") or file.unit)
        return self._delivery(hook, entry, body_of(hook, entry, file, self.process.config.city.code), {"unit": unit})

    def _delivery(self, hook: Hook, entry: Entry, body: bytes, to: dict[str, str]) -> Delivery:
        now = real_ms()
        return Delivery(
            id=delivery_id(hook, entry), hook=hook.name, subject=entry.subject, seq=entry.seq, move=entry.move, made=now,
            body=body, attempts=0,
            give_up_at=now + int(hook.give_up_hours * 3_600_000), notice=subject_for(entry.seq, entry.subject, to),
        )  # fmt: skip

    # -- sending -----------------------------------------------------------------------------------------------------

    async def _deliver(self, hook: Hook) -> None:
        """Keeps at most `at_once` calls under way, one per case: a slow receiver holds up itself only."""
        caller = Caller(hook, self.process.config.path(hook.ca) if hook.ca else None)
        under_way: dict[str, asyncio.Task] = {}
        told = False
        try:
            while True:
                under_way = {subject: task for subject, task in under_way.items() if not task.done()}
                room = hook.at_once - len(under_way)
                try:
                    busy = set(under_way)
                    due = await asyncio.to_thread(self.store.due, hook.name, real_ms(), room, busy) if room else []
                    told = False
                except sqlite3.Error as error:
                    due = []
                    if not told:
                        log.warning("dispatch: webhook %s cannot read its deliveries: %s", hook.name, error)
                    told = True
                for delivery in due:
                    under_way[delivery.subject] = asyncio.create_task(self.send(hook, caller, delivery))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        if under_way:
                            await asyncio.wait(under_way.values(), return_when=asyncio.FIRST_COMPLETED)
                        else:
                            await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in under_way.values():
                task.cancel()
            await caller.close()

    async def send(self, hook: Hook, caller: Caller, delivery: Delivery) -> None:
        """One attempt and what becomes of it; never raises but when cancelled."""
        try:
            await self._stamp(delivery, "sent")
            headers = signed_headers(hook.key, delivery.id, real_ms() // 1000, delivery.body)
            try:
                status = await caller.post(delivery.body, headers)
            except Failure as failure:
                await self._failed(hook, delivery, failure)
                return
            await asyncio.to_thread(self.store.sent, delivery, status, real_ms())
            self.process.counters["webhooks_sent"] += 1
            await self._stamp(delivery, "received")
        except _FAULTS as error:  # it stays as it is and is tried again: at least once
            log.warning("dispatch: webhook %s: %s", delivery.id, error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _failed(self, hook: Hook, delivery: Delivery, failure: Failure) -> None:
        now = real_ms()
        wait = self.pause(hook, delivery.attempts) if not failure.wait_seconds else failure.wait_seconds
        next_at: int | None = now + int(wait * 1000)
        if failure.final or next_at > delivery.give_up_at:
            next_at = None
        await asyncio.to_thread(self.store.failed, delivery, failure.status, failure.reason, next_at, now)
        self.process.counters["webhooks_failed"] += 1
        if next_at is None:
            self.process.counters["webhooks_dead"] += 1
            log.error("dispatch: webhook %s is given up: %s", delivery.id, failure.reason)
            await self._stamp(delivery, "failed", failure.reason)

    def pause(self, hook: Hook, attempts: int) -> float:
        """Seconds until the next attempt: doubling, at most the longest, scattered so that many do not come together."""
        longest = min(hook.longest_wait_seconds, hook.first_wait_seconds * 2 ** min(attempts, 30))
        return longest * self._random.uniform(0.5, 1.0)

    async def _stamp(self, delivery: Delivery, move: str, reason: str = "") -> None:
        """Into the delivery ledger of the notice whose way this is; where there is no notice nothing is lost by it."""
        name = f"{delivery.id}-{move}-{delivery.attempts}"
        command = Command(id=name[:200], subject=delivery.notice, move=move, reason=reason, data={"way": "webhook"})
        await self.desk.execute_many([(command, SYSTEM)])

    # -- keeping -----------------------------------------------------------------------------------------------------

    async def _keep_house(self) -> None:
        tidy_at = monotonic()
        while True:
            with contextlib.suppress(sqlite3.Error):
                counts = await asyncio.to_thread(self.store.counts)
                self.process.counters["webhooks_waiting"] = sum(found.get("waiting", 0) for found in counts.values())
                if monotonic() >= tidy_at:
                    await asyncio.to_thread(self.store.tidy, real_ms())
                    tidy_at = monotonic() + TIDY_SECONDS
            await asyncio.sleep(5.0)
