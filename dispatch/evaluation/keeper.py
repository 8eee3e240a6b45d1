"""Keeps `evaluation.db` up to date: looks what changed, makes those rows again, notes how far it is.

Works in a thread and rests as long as it worked, so that the first counting of a large casebook holds nothing up.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import msgspec

from dispatch.evaluation import columns, record
from dispatch.evaluation.kpis import compile_evaluation
from dispatch.evaluation.source import Position, Source
from dispatch.evaluation.store import EvaluationFault, Writer
from dispatch.ledger import Ledger
from dispatch.policy import compile_policy
from hall.core.clock import monotonic
from hall.core.config import HallConfig
from hall.core.errors import LedgerFault
from hall.core.process import Process

log = logging.getLogger("hall")

_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 5.0
_SAID_SECONDS = 10.0  # how often it is noted that nothing changed
_TOGETHER = 400  # cases made again in one transaction
_TIDY_AFTER = 10_000  # rows
_FAULTS = (EvaluationFault, LedgerFault, sqlite3.Error)


def fingerprint(config: HallConfig) -> str:
    """Names the rules that rows are made by: the columns, and what the city says about limits, calendar and sources."""
    rules = {name: config.dispatch.get(name) for name in ("calendar", "limits", "evaluation")}
    code = inspect.getsource(record) + inspect.getsource(columns)
    text = code + config.city.timezone + msgspec.json.encode(rules, order="sorted", enc_hook=str).decode()
    return hashlib.sha256(text.encode()).hexdigest()


class Keeper:
    """One per hall; `run` never ends. `step` is one portion, for who wants to go by himself."""

    def __init__(self, process: Process) -> None:
        """Opens nothing yet. Raises ConfigError for a city's rules that cannot be used."""
        self.process, self._policy = process, compile_policy(process.config)
        self._clocks = self._policy.clocks
        self._patrol = frozenset(compile_evaluation(process.config).patrol_sources)
        self._source: Source | None = None
        self._writer: Writer | None = None
        self._position = Position()
        self._said_at = 0.0
        self._untidy = 0
        self._thread = ThreadPoolExecutor(1, "evaluation")
        process.counters |= {"evaluation_behind": 0, "evaluation_faults": 0}

    async def run(self) -> None:
        """Ends only when cancelled; a disk or database that refuses is waited for, and said once."""
        told = False
        try:
            while True:
                began = monotonic()
                try:
                    more = await asyncio.get_running_loop().run_in_executor(self._thread, self.step)
                except _FAULTS as error:
                    if not told:
                        log.error("dispatch: evaluation stands still: %s", error)
                    told = True
                    self.process.counters["evaluation_faults"] += 1
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                told = False
                await asyncio.sleep(monotonic() - began if more else _LOOK_SECONDS)
        finally:
            self._thread.shutdown(wait=True, cancel_futures=True)
            self.close()

    def step(self) -> bool:
        """Makes one portion of changed cases again; True when there is more to do. Blocking."""
        source, writer = self._opened()
        newest = source.newest()
        if newest.version < self._position.version or newest.seq < self._position.seq:
            log.warning("dispatch: casebook or ledger was begun anew, counting all cases again")
            writer.begin_anew()
            self._position = Position()
        now = self.process.clock.now()
        subjects, position = source.changed(self._position, _TOGETHER)
        behind = newest.version - position.version + newest.seq - position.seq
        self.process.counters["evaluation_behind"] = max(0, behind)
        if not subjects and monotonic() - self._said_at < _SAID_SECONDS and position == self._position:
            return False
        made = [record.record_of(*case, self._clocks.stage_due, self._patrol) for case in source.cases(subjects)]
        records = [row for row in made if row is not None]
        gone = set(subjects) - {row.subject for row in records}
        writer.put(records, gone, {"version": position.version, "seq": position.seq, "as_of": now, "behind": max(0, behind)})
        self._position, self._said_at = position, monotonic()
        self._untidy += len(records)
        if behind <= 0 and self._untidy > _TIDY_AFTER:
            writer.tidy()
            self._untidy = 0
        return behind > 0

    def _opened(self) -> tuple[Source, Writer]:
        home, settings = self.process.settings.data_dir, self.process.settings
        if self._source is None:
            self._source = Source(home / "cases.db", Ledger(settings.database_url, self._policy.aggregates()))
        if self._writer is None:
            self._writer = Writer(home / "evaluation.db", fingerprint(self.process.config))
            meta = self._writer.meta()
            self._position = Position(meta.get("version", 0), meta.get("seq", 0))
        return self._source, self._writer

    def close(self) -> None:
        for held in (self._source, self._writer):
            if held is not None:
                held.close()
