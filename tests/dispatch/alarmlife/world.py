"""A ledger in memory for alarms: entries are folded as they are decided."""

from __future__ import annotations

import msgspec

from dispatch.alarmlife.aggregate import Alarms
from dispatch.alarmlife.settings import settings_of
from hall.core.command import Actor, Command, Entry

SITE = "gauges/s1"
SUBJECT = f"alarm/{SITE}"
MINUTE, HOUR = 60_000, 3_600_000
START = 1_784_678_400_000


class World:
    """`now` is city ms; moves are made by `do` (a person) and `machine` (the hall)."""

    def __init__(self, settings=None) -> None:
        self.alarms = Alarms(settings or settings_of())
        self.states, self.entries, self.now, self.real = {}, [], START, 1
        self.commands = 0

    def get(self, subject):
        return self.states.get(subject)

    def names(self, topic):
        return sorted(name for name, state in self.states.items() if not state.ended)

    def history(self, subject):
        return [entry for entry in self.entries if entry.subject == subject]

    def do(
        self, move, *, subject=SUBJECT, who="li", role="supervisor", sort="person", reason="", time=None, districts=(), **data
    ):
        self.commands += 1
        command = Command(id=f"c{self.commands}", subject=subject, move=move, reason=reason, data=data, time=time)
        actor = Actor(name=who, role=role, kind=sort, desk="desk-1", districts=districts)
        drafts = self.alarms.decide(self, command, actor)
        for draft in drafts:
            state = self.states.get(subject)
            entry = Entry(
                seq=len(self.entries) + 1, subject=subject, revision=(state.revision if state else 0) + 1, move=draft.move,
                time=min(self.now, time if time is not None else self.now), recorded=self.now, real=self.real, who=who, role=role,
                kind=sort, reason=draft.reason or reason, data=msgspec.json.decode(msgspec.json.encode(draft.data)),
            )  # fmt: skip
            self.states[subject] = self.alarms.evolve(state, entry)
            self.entries.append(entry)
        return [draft.move for draft in drafts]

    def machine(self, move, **data):
        return self.do(move, who="system", role="system", sort="system", **data)

    def raised(self, **data):
        """An alarm that came up now; gives its state."""
        known = {"rule": "threshold/deep", "cause": f"observation/{SITE}/water_depth", "severity": 2, "priority": 2}
        self.machine("raise", **{**known, **data})
        return self.state

    @property
    def state(self):
        return self.states[SUBJECT]

    @property
    def document(self):
        return self.alarms.document(self.state)
