"""Bulletins without a ledger: commands are decided and folded in memory, drafts for several streams at once."""

from __future__ import annotations

import itertools

from dispatch.bulletins import Bulletins, rules_of
from hall.core.command import Actor, Command, Entry
from hall.core.config import parse
from hall.core.errors import Refused

START = 1_784_505_600_000  # 2026-07-20 08:00 in Shanghai
MINUTE, HOUR = 60_000, 3_600_000
HALL = Actor(name="system", role="system", kind="system")
WANG, LI, ZHAO, CHEN = (
    Actor(name=n, role=r) for n, r in (("wang", "operator"), ("li", "supervisor"), ("zhao", "supervisor"), ("chen", "leader"))
)
CITY = """
[city]
name = {"zh-CN" = "新乡市", en = "Xinxiang"}
code = "410700"
centre = [113.92, 35.3]
"""
WATER = {
    "kind": "warning",
    "severity": 3,
    "event": {"zh-CN": "城市内涝", "en": "Urban flooding"},
    "headline": {"zh-CN": "部分路段积水", "en": "Streets are flooding"},
    "text": {"zh-CN": "下穿通道积水。", "en": "Underpasses are flooded."},
    "instruction": {"zh-CN": "请绕行。", "en": "Go round."},
    "areas": [{"description": "平原路", "circle": {"lon": 113.9, "lat": 35.3, "radius_m": 800}}],
    "audience": ["public", "units"],
}


def rules(text="", city=CITY, file="hall.toml"):
    return rules_of(parse(city + text, file))


class World:
    """All streams of topic bulletin; `do` returns the state of the one commanded."""

    def __init__(self, text="", **more):
        self.kind = Bulletins(rules(text, **more))
        self.states, self.entries, self.now, self.real = {}, [], START, 0
        self._numbers = itertools.count(1)

    def get(self, subject):
        return self.states.get(subject)

    def names(self, topic):
        return [name for name, state in self.states.items() if name.startswith(f"{topic}/") and not state.ended]

    def history(self, subject):
        return [entry for entry in self.entries if entry.subject == subject]

    def do(self, actor, move, name="one", reason="because", **data):
        command = Command(id=f"c{next(self._numbers)}", subject=f"bulletin/{name}", move=move, reason=reason, data=data)
        for draft in self.kind.decide(self, command, actor):
            self.write(draft.subject, draft.move, draft.data, actor, draft.reason)
        return self.states.get(command.subject)

    def write(self, subject, move, data, actor=HALL, reason=""):
        revision = len(self.history(subject)) + 1
        entry = Entry(seq=len(self.entries) + 1, subject=subject, revision=revision, move=move, time=self.now, recorded=self.now, real=0,
                      who=actor.name, role=actor.role, kind=actor.kind, reason=reason, data=data)  # fmt: skip
        self.entries.append(entry)
        self.states[subject] = self.kind.evolve(self.states.get(subject), entry)
        return self.states[subject]

    def approve(self, actor, name="one"):
        return self.do(actor, "approve", name, digest=self.states[f"bulletin/{name}"].message.digest)

    def issued(self, name="one", **data):
        """Drafted by wang, approved by li and chen."""
        self.do(WANG, "draft", name, **{**WATER, **data})
        self.do(WANG, "submit", name)
        self.approve(LI, name)
        return self.approve(CHEN, name)

    def refused(self, actor, move, name="one", **data):
        try:
            self.do(actor, move, name, **data)
        except Refused as refused:
            return refused.reason
        raise AssertionError(f"{move} was not refused")
