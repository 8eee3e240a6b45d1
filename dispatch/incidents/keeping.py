"""What the dispatch process does for incidents by itself: takes in what names an incident, drafts messages of reports that were
sent, reminds of reports that are due. It opens no incident, gives no grade and sends nothing.
"""

from __future__ import annotations

import logging
from hashlib import blake2b
from typing import Any

import msgspec

from dispatch.desk import Desk
from dispatch.incidents.model import Incident
from dispatch.incidents.reminding import message_of, reminders
from dispatch.incidents.settings import IncidentRules
from dispatch.part import Part
from dispatch.reader import Head
from dispatch.waiting import Waiting, ask
from hall.core.command import Command, Entry
from hall.core.errors import Refused
from hall.core.event import topic_of
from hall.core.process import Process

log = logging.getLogger("hall")

LOOK_SECONDS = 1.0
#: things heard of and not looked at yet; more are looked at when they change again
WAITING = 5_000


class Naming(msgspec.Struct):
    """The part of a document that names its incident, by id or subject; of a message, what it was drafted for."""

    incident: str = ""
    cause: str = ""


class Keeping(Part):
    """Holds the incidents that are not ended."""

    topics = frozenset({"closure", "task", "request", "bulletin", "alarm"})

    def __init__(self, process: Process, desk: Desk, rules: IncidentRules) -> None:
        self.process, self.desk, self.rules = process, desk, rules
        self._states: dict[str, Incident] = {}
        self._heard: dict[str, str] = {}  # subject -> incident it names, not looked at yet
        self._reminded: dict[str, tuple[str, int]] = {}  # what was last told of an incident's report: near | over, due
        self._waiting = Waiting(process, "incidents", "incident_faults")
        process.counters |= {"incidents_open": 0, "incident_links_left": 0}

    def hear(self, head: Head) -> None:
        if head.gone or b"incident" not in bytes(head.data):
            return
        try:
            said = msgspec.json.decode(head.data, type=Naming)
        except msgspec.MsgspecError:
            return  # what it says there is no name
        named = incident_of(said.incident or (said.cause if said.cause.startswith("incident/") else ""))
        if named and (len(self._heard) < WAITING or head.subject in self._heard):
            self._heard[head.subject] = named
        elif named:
            self.process.counters["incident_links_left"] += 1

    async def start(self) -> None:
        self._states = dict(await self.desk.states("incident"))

    async def take(self, entries: list[Entry]) -> None:
        for subject in dict.fromkeys(entry.subject for entry in entries if entry.subject.startswith("incident/")):
            await self._read(subject)
        await self._do([command for entry in entries for command in self._follows(entry)])

    async def _read(self, subject: str) -> None:
        state = await self.desk.state(subject)
        if state is None or state.ended:
            self._states.pop(subject, None)
            self._reminded.pop(subject, None)
        else:
            self._states[subject] = state

    def _follows(self, entry: Entry) -> list[Command]:
        topic = topic_of(entry.subject)
        by_itself = entry.move in ("link", "unlink") and not entry.causation
        if topic == "file" and (by_itself or (entry.move == "open" and entry.data.get("incident"))):
            return self._of_file(entry)
        if topic == "incident" and entry.move == "send_report" and (state := self._states.get(entry.subject)):
            return [made] if (made := message_of(state, entry.data["number"], self.rules)) else []
        return []

    def _of_file(self, entry: Entry) -> list[Command]:
        """A case was linked on its own card: the incident follows."""
        to = incident_of(str(entry.data.get("incident", "")))
        made = []
        for subject, state in self._states.items():
            if subject == to and entry.subject not in state.members:
                made.append(_membership("linked", subject, entry.subject, entry.seq))
            elif subject != to and entry.subject in state.members:
                made.append(_membership("unlinked", subject, entry.subject, entry.seq))
        return made

    async def run(self) -> None:
        await self._waiting.looking(lambda: self.look(self.process.clock.now()), LOOK_SECONDS)

    async def look(self, now: int) -> None:
        """What is to be done at `now`, done."""
        self.process.counters["incidents_open"] = len(self._states)
        heard, self._heard = self._heard, {}
        links = []
        for member, subject in heard.items():
            state = self._states.get(subject)
            if state is not None and state.state == "open" and member not in (*state.members, *state.let_go):
                links.append(_membership("linked", subject, member, state.revision))
        await self._do(links)
        for subject, state in list(self._states.items()):
            stage, commands = reminders(subject, state, self.rules, now)
            if commands and self._reminded.get(subject) != stage:
                await self._do(commands)
                self._reminded[subject] = stage

    async def _do(self, commands: list[Command]) -> None:
        for command, result in await ask(self.desk, commands):
            if isinstance(result, Refused) and command.move == "draft":  # the report is sent; its message is written by hand
                log.warning("dispatch: no message was drafted as %s: %s", command.subject, result)


def incident_of(named: str) -> str:
    """The subject that a name means: `X` and `incident/X` are the same."""
    name = named.strip().removeprefix("incident/")
    return f"incident/{name}" if name else ""


def _membership(move: str, subject: str, member: str, cause: Any) -> Command:
    named = blake2b(f"{move}\n{cause}\n{subject}\n{member}".encode(), digest_size=12).hexdigest()
    return Command(id=f"{move}-{named}", subject=subject, move=move, data={"members": [member]})
