"""A ledger in memory for things that move by a table: decides, folds, checks revisions; nothing else."""

from __future__ import annotations

import msgspec

from hall.core.command import Actor, Command, Entry, Stale

SYSTEM = Actor(name="system", role="system", kind="system")


class PlainLedger:
    """`do` makes a move as somebody and returns the entries; `now` is city time, moved by the test."""

    def __init__(self, *aggregates) -> None:
        self.aggregates = {one.topic: one for one in aggregates}
        self.states, self.entries, self.now, self.real = {}, [], 1_800_000_000_000, 0

    def get(self, subject):
        return self.states.get(subject)

    def history(self, subject):
        return [entry for entry in self.entries if entry.subject == subject]

    def names(self, topic):
        return sorted(name for name, state in self.states.items() if name.startswith(f"{topic}/") and not state.ended)

    def do(self, subject, move, actor=SYSTEM, reason="because", revision=None, /, **data):
        aggregate = self.aggregates[subject.partition("/")[0]]
        current = self.states[subject].revision if subject in self.states else 0
        if revision is not None and revision != current:
            raise Stale(subject, current, [])
        command = Command(id=f"c{len(self.entries)}", subject=subject, move=move, reason=reason, data=data)
        drafts = msgspec.json.decode(msgspec.json.encode(aggregate.decide(self, command, actor)))
        return [self.write(draft, actor) for draft in drafts]

    def write(self, draft, actor=SYSTEM):
        subject = draft["subject"]
        aggregate, state = self.aggregates[subject.partition("/")[0]], self.states.get(subject)
        entry = Entry(
            seq=len(self.entries) + 1, subject=subject, revision=(state.revision if state else 0) + 1, move=draft["move"],
            time=self.now, recorded=self.now, real=self.real, who=actor.name, role=actor.role, kind=actor.kind,
            unit=actor.unit, reason=draft["reason"], data=draft["data"],
        )  # fmt: skip
        self.entries.append(entry)
        self.states[subject] = aggregate.evolve(state, entry)
        return entry

    def document(self, subject):
        return self.aggregates[subject.partition("/")[0]].document(self.states[subject])
