"""What the dispatch process does for bulletins by itself: shows those in force as warnings, tells whom they are for, ends what
is over, and takes suppliers' warnings that expired long ago off the board."""

from __future__ import annotations

import msgspec

from dispatch.bulletins.inforce import subject_of, warning_of
from dispatch.bulletins.model import OVER, Bulletin
from dispatch.bulletins.settings import BulletinRules
from dispatch.bulletins.telling import notices_for
from dispatch.desk import Desk
from dispatch.naming import name_of
from dispatch.part import Part
from dispatch.reader import Head
from dispatch.waiting import Waiting, ask
from dispatch.webhooks.settings import Hook
from hall.core.command import Command, Entry
from hall.core.event import Event
from hall.core.process import Process

LOOK_SECONDS = 0.5
HOUR = 3_600_000
#: moves after which the warning of a bulletin is another one, or none
_SHOWN_BY = frozenset({"issue", "cancelled", "replaced", "expire"})
#: expired warnings taken off the board in one look
_TOGETHER = 50


class _Ending(msgspec.Struct):
    expires: int | None = None


class BulletinPart(Part):
    """One per hall."""

    topics = frozenset({"warning"})

    def __init__(self, process: Process, desk: Desk, rules: BulletinRules, hooks: list[Hook]) -> None:
        self.process, self.desk, self.rules, self.hooks = process, desk, rules, hooks
        self._over_at: dict[str, int] = {}  # warning subject -> city ms it leaves the board
        self._open: dict[str, Bulletin] = {}  # those that time still ends
        self._waiting = Waiting(process, "bulletins")
        process.counters |= {"bulletins_open": 0, "warnings_forgotten": 0}

    # -- what is in force ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bulletins in force are told again: a bus begun anew knows none of them. The same event told twice is one."""
        for subject, state in (await self.desk.states("bulletin")).items():
            self._follow(subject, state)
            if state.issued_at is not None and (name := subject_of(state)):
                self._show(name, state, state.issued_at, f"bulletin-{state.bulletin_id}-{state.revision}")

    async def take(self, entries: list[Entry]) -> None:
        mine = [entry for entry in entries if entry.subject.startswith("bulletin/")]
        states = await self.desk.many(list(dict.fromkeys(entry.subject for entry in mine))) if mine else {}
        commands = []
        for entry in mine:
            state = states.get(entry.subject)
            if state is None:
                continue
            self._follow(entry.subject, state)
            if entry.move in _SHOWN_BY and (name := subject_of(state)):
                self._show(name, state, entry.time, f"bulletin-{state.bulletin_id}-{entry.revision}")
            if entry.move == "issue":
                commands += notices_for(entry, state, self.rules, self.hooks)
        await ask(self.desk, commands)

    def _follow(self, subject: str, state: Bulletin) -> None:
        if state.ended or state.state not in ("issued", *OVER):
            self._open.pop(subject, None)
        else:
            self._open[subject] = state
        self.process.counters["bulletins_open"] = len(self._open)

    def _show(self, name: str, state: Bulletin, time: int, identity: str) -> None:
        """The warning as it is after the newest line: told late it is still right."""
        data = warning_of(state, self.rules)
        told = max(time, state.over.at) if data is None and state.over else time
        now = self.process.clock.now()
        event = Event(id=identity, source=self.process.name, subject=name, time=told, recordedtime=max(now, told), data=data)
        self.process.fast.put(event)

    # -- what is over --------------------------------------------------------------------------------------------------------

    def hear(self, head: Head) -> None:
        """Suppliers' warnings and when they expire."""
        self._over_at.pop(head.subject, None)
        if not head.gone and not head.subject.startswith("warning/hall/"):
            ending = msgspec.json.decode(head.data, type=_Ending).expires
            if ending is not None:
                self._over_at[head.subject] = max(ending, head.time) + round(self.rules.forget_hours * HOUR)

    async def run(self) -> None:
        await self._waiting.looking(self.tidy, LOOK_SECONDS)

    async def tidy(self) -> None:
        """Ends what expired, retires what has been over long enough, forgets suppliers' old warnings."""
        now, keep = self.process.clock.now(), round(self.rules.keep_hours * HOUR)
        commands = []
        for subject, state in self._open.items():
            if state.state == "issued" and state.message is not None and state.message.expires <= now:
                commands.append(_command(subject, "expire", state))
            elif state.state in OVER and (since := _over_since(state)) is not None and since + keep <= now:
                commands.append(_command(subject, "retire", state))
        if await ask(self.desk, commands):
            for subject, state in (await self.desk.many([command.subject for command in commands])).items():
                self._follow(subject, state)
        for subject in [name for name, at in self._over_at.items() if at <= now][:_TOGETHER]:
            at = self._over_at.pop(subject)
            self.process.bulk.put(self.process.event(subject, None, time=at))
            self.process.counters["warnings_forgotten"] += 1


def _over_since(state: Bulletin) -> int | None:
    act = state.over or state.refused
    return act.at if act else None


def _command(subject: str, move: str, state: Bulletin) -> Command:
    return Command(id=name_of(f"{move}-{state.revision}-{subject}"), subject=subject, move=move)
