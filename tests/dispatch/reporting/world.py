"""A reporting stream without a ledger: commands are decided and folded in memory at moments the test names."""

from __future__ import annotations

import msgspec

from dispatch.reporting import ReportingRules, Reportings
from dispatch.reporting.settings import Number
from hall.core.command import Actor, Command, Entry

HALL = Actor(name="system", role="system", kind="system")
LEADER = Actor(name="he", role="leader")
CLERK = Actor(name="sun", role="operator")
UNITS = ["红旗区", "卫滨区", "牧野区"]
MINUTE = 60_000
HOUR = 60 * MINUTE
START = 1_784_505_600_000  # 2026-07-20 00:00 UTC, 08:00 in Shanghai
NUMBERS = [Number(name="pumps"), Number(name="wells_cleared", how="running")]


class Stream:
    """One `reporting/<plan>`."""

    def __init__(self, **rules) -> None:
        known = {"units": list(UNITS), "numbers": list(NUMBERS), "zone": "Asia/Shanghai", "grace_minutes": 10}
        self.kind = Reportings(ReportingRules(**{**known, **rules}))
        self.state, self.entries, self.now, self.real = None, [], START, 0

    def get(self, subject):
        return self.state

    def do(self, now: int, move: str, actor: Actor = CLERK, reason: str = "because", **data):
        """One move at `now`; raises Refused."""
        self.now = now
        command = Command(id=f"c{len(self.entries)}", subject="reporting/flood", move=move, reason=reason, data=data)
        for draft in self.kind.decide(self, command, actor):
            self.write(now, draft.move, draft.data, actor, draft.reason)
        return self.state

    def write(self, now: int, move: str, data: dict, actor: Actor = HALL, reason: str = ""):
        """One line, whoever decided it."""
        n = len(self.entries) + 1
        entry = Entry(seq=n, subject="reporting/flood", revision=n, move=move, time=now, recorded=now, real=0,
                      who=actor.name, role=actor.role, kind=actor.kind, reason=reason, data=data)  # fmt: skip
        self.entries.append(entry)
        self.state = self.kind.evolve(self.state, entry)
        return self.state

    def document(self):
        return msgspec.json.decode(msgspec.json.encode(self.kind.document(self.state)))


def started(**rules) -> Stream:
    """Hourly from START, reports due ten minutes after each hour."""
    made = Stream(**rules)
    made.do(START, "schedule", LEADER, every_minutes=60)
    return made
