"""All live notices of the ledger, kept up with it line by line: asking for one's own costs no walk through the ledger."""

from __future__ import annotations

import functools
import threading
from typing import Any

import msgspec
import sqlalchemy as sa

from dispatch.ledger import Ledger, schema
from dispatch.notices import Notice, Notices, about_prefix, is_for, unread_by
from hall.core.command import Actor

_PAGE = 1_000
_PREFIX = "notice/"
#: notices of one thing that are shown
ABOUT_BOUND = 2_000


class NoticeBoard:
    """Blocking and thread-safe: call it in a thread. Raises LedgerFault."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._aggregate = ledger, Notices()
        self._live: dict[str, Notice] = {}
        self._about: dict[str, set[str]] = {}
        self._seq: int | None = None
        self._lock = threading.Lock()

    def mine(self, actor: Actor, limit: int = 200) -> list[dict[str, Any]]:
        """What was told to `actor` and he has not read: the most urgent first, then the newest. Plain data with `subject`."""
        with self._lock:
            self._catch_up()
            found = [notice for notice in self._live.values() if is_for(notice, actor) and unread_by(notice, actor)]
        rank = {"emergency": 0, "urgent": 1, "normal": 2}
        found.sort(key=lambda notice: (rank.get(notice.urgency, 2), -notice.made, notice.notice_id))
        return [shown(notice) for notice in found[:limit]]

    def about(self, subject: str) -> list[dict[str, Any]]:
        """Every notice ever made about a stream, oldest first, also those that are done with: the delivery ledger."""
        prefix, table = about_prefix(subject), schema.streams
        # a range, which every database finds by its index; what comes after a hexadecimal figure sorts before "g" anywhere
        stem = prefix.removesuffix("-")
        query = sa.select(table.c.subject).where(table.c.subject >= stem, table.c.subject < stem + "g").limit(ABOUT_BOUND)
        with self._ledger.database.read() as connection:
            names = [name for name in connection.execute(query).scalars() if name.startswith(prefix)]
        found = [notice for name in names if (notice := self._ledger.state(name)) is not None]
        return [shown(notice) for notice in sorted(found, key=lambda notice: (notice.cause, notice.notice_id))]

    def catch_up(self) -> None:
        with self._lock:
            self._catch_up()

    def live(self, about: str = "") -> list[Notice]:
        """Notices that were not done with at the last `catch_up`; of one thing where `about` names it."""
        with self._lock:
            names = self._about.get(about, ()) if about else self._live
            return [self._live[name] for name in names]

    def _catch_up(self) -> None:
        head, _ = self._ledger.head()
        if self._seq is None:
            for subject, notice in self._ledger.states("notice"):
                self._put(subject, notice)
            self._seq = head
            return
        while entries := self._ledger.entries(self._seq, _PAGE, subject_prefix=_PREFIX):
            for entry in entries:
                before = self._live.get(entry.subject)
                if before is None or before.revision < entry.revision:  # else the first look saw it already
                    load = functools.partial(self._ledger.state, entry.subject)
                    known = before is not None or entry.move == "tell"
                    self._put(entry.subject, self._aggregate.evolve(before, entry) if known else load())
            self._seq = entries[-1].seq
        self._seq = max(self._seq, head)

    def _put(self, subject: str, notice: Notice) -> None:
        if notice.ended:
            if self._live.pop(subject, None) is not None:
                self._about[notice.about].discard(subject)
                if not self._about[notice.about]:
                    del self._about[notice.about]
        else:
            self._live[subject] = notice
            self._about.setdefault(notice.about, set()).add(subject)


def shown(notice: Notice) -> dict[str, Any]:
    """A notice for people and programs."""
    return {"subject": f"notice/{notice.notice_id}", **msgspec.to_builtins(notice)}
