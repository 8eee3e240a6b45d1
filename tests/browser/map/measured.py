"""The hall's answers about measures, worked out from the documents of the scenery by the dispatch room itself."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from dispatch.facts import facts_of
from dispatch.measures.areas import levels_of
from dispatch.measures.columns import CaseColumns
from dispatch.measures.part import Tables, measures
from dispatch.measures.world import Kept
from dispatch.rain.totals import RainTotals
from dispatch.reader import Head, version_of
from hall.core.clock import real_ms
from hall.core.config import HallConfig


class Measured:
    """`answer` is a playwright route handler; `table(key)` what it answers with."""

    def __init__(self, config: HallConfig, rows: list[tuple]) -> None:
        cases, now = CaseColumns(), real_ms()
        kept = Kept(cases, RainTotals())
        for subject, data, *time in rows:
            head = Head("e", "t", subject, *(time or [now]), now, json.dumps(data).encode())
            if subject.startswith("case/"):
                version = version_of(head)
                cases.case(subject, facts_of(version.case, now))
            elif subject.partition("/")[0] in kept.topics:
                kept.hear(head)
        self.tables = Tables(kept, levels_of(config), measures())

    def table(self, key: str) -> dict:
        made = self.tables.make(key, real_ms())
        return made | {"version": f"v-{key}"}

    def answer(self, route) -> None:
        key = urlsplit(route.request.url).path.partition("/api/v1/measures")[2].strip("/")
        route.fulfill(json=self.table(key) if key else self.tables.catalogue())
