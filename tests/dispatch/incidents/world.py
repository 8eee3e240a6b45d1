"""A hall's streams without a database: commands are decided by the real aggregates, drafts folded, all in memory."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import msgspec

from dispatch.policy import compile_policy
from hall.core.command import Actor, Command, Entry
from hall.core.config import parse

CITY = '[city]\nname = {"zh-CN" = "新中市", en = "Xinzhong"}\ncentre = [113.9, 35.3]\n'
SYSTEM = Actor(name="system", role="system", kind="system")
HE, SUN, LI, ZHOU = (
    Actor(name=name, role=role)
    for name, role in (("何", "leader"), ("孙", "supervisor"), ("李", "operator"), ("周", "dispatcher"))
)
MINUTE = 60_000
HOUR = 60 * MINUTE
START = 1_784_536_320_000  # 2026-07-20 16:32 in Shanghai
ID = "incident/20260720-1"


@functools.cache  # aggregates keep nothing of the streams they decide
def aggregates_of(table: str):
    return compile_policy(parse(CITY + table)).aggregates()


class World:
    """`do` makes one move of one stream and returns its state; `now` is city time."""

    def __init__(self, table: str = "") -> None:
        self.aggregates = aggregates_of(table)
        self.states: dict[str, Any] = {}
        self.lines: list[Entry] = []
        self.now, self.real = START, 0
        self._ids = itertools.count()

    def get(self, subject: str):
        return self.states.get(subject)

    def history(self, subject: str) -> list[Entry]:
        return [entry for entry in self.lines if entry.subject == subject]

    def names(self, topic: str) -> list[str]:
        return sorted(name for name, state in self.states.items() if name.startswith(f"{topic}/") and not state.ended)

    def do(self, subject: str, move: str, actor: Actor, reason: str = "", /, **data):
        command = Command(id=f"w{next(self._ids)}", subject=subject, move=move, reason=reason, data=data)
        drafts = self.aggregates[subject.partition("/")[0]].decide(self, command, actor)
        for n, draft in enumerate(drafts):
            self.write(draft.subject, draft.move, draft.data, actor, draft.reason, "first" if n else "")
        return self.states.get(subject)

    def write(self, subject, move, data, actor=SYSTEM, reason="", causation=""):
        before = self.states.get(subject)
        data = msgspec.json.decode(msgspec.json.encode(data))
        entry = Entry(seq=len(self.lines) + 1, subject=subject, revision=(before.revision if before else 0) + 1, move=move,
                      time=self.now, recorded=self.now, real=0, who=actor.name, role=actor.role, kind=actor.kind,
                      reason=reason, data=data, causation=causation)  # fmt: skip
        self.lines.append(entry)
        aggregate = self.aggregates[subject.partition("/")[0]]
        state = aggregate.evolve(before, entry)
        # what is kept is what could be written down
        self.states[subject] = msgspec.json.decode(msgspec.json.encode(state), type=aggregate.State)
        return state

    def document(self, subject: str = ID) -> dict | None:
        return self.aggregates[subject.partition("/")[0]].document(self.states[subject])

    def moves(self, subject: str, actor: Actor) -> list[str]:
        return [one["move"] for one in self.aggregates[subject.partition("/")[0]].offered(self.states.get(subject), actor)]

    # -- what happens in these tests -----------------------------------------------------------------------------------------

    def case(self, name: str, **more) -> str:
        report = {"feed": "t", "case_id": name, "class_name": "突发事件", "subclass_name": "道路积水", "severity": 3,
                  "address": "京广路", "stages": {"reported": self.now}, **more}  # fmt: skip
        self.do(f"file/t/{name}", "open", SYSTEM, case=report)
        return f"file/t/{name}"

    def opened(self, **data):
        known = {"title": "京广路隧道积水", "grade": "III", "kind": "natural", "place": "京广路隧道", "source": "12345 热线",
                 "started": self.now - 5 * MINUTE, **data}  # fmt: skip
        return self.do(ID, "begin", LI, **known)

    def sent(self, kind: str):
        """A report all the way."""
        self.do(ID, "draft_report", LI, kind=kind)
        self.do(ID, "sign_report", HE)
        self.do(ID, "phone_report", LI, to="省应急厅值班室")
        return self.do(ID, "send_report", LI, to="省应急厅")
