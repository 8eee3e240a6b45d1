"""Commands on their way from a request to the desk: who may ask for what, how fast, and with which pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from hall.access import Identity
from hall.app.actors import actor_of
from hall.app.discretion import discreet, discreet_entries
from hall.app.fieldplaces import PHONE_MOVES
from hall.app.fieldtasks import PHONE_CREW_MOVES, PHONE_FILE_MOVES
from hall.app.pace import Pace
from hall.app.refusals import Kind
from hall.app.seeing import CALLING, bounded, refusal_of, seen, unseen_file
from hall.app.visit import current_visit
from hall.core.command import Actor, Command, Entry, Outcome, Stale
from hall.core.errors import Refused

#: moves that the hall itself makes; a file is opened by a report
NOT_FOR_PEOPLE = frozenset({"open", "supplied", "escalate", "assigned", "released", "crew_state"})


class Desk(Protocol):
    """What is used of dispatch.desk.Desk."""

    async def execute(self, command: Command, actor: Actor) -> Outcome: ...
    async def execute_many(self, commands: Any) -> list[Outcome | Refused]: ...
    async def view(self, subject: str, actor: Actor) -> dict[str, Any]: ...
    async def state(self, subject: str) -> Any | None: ...
    async def states(self, topic: str, *, ended: bool = False) -> dict[str, Any]: ...
    async def history(self, subject: str) -> list[Entry]: ...


class Pictures(Protocol):
    """What is used of the media store: whoever attaches a picture must be able to see it himself."""

    async def attach(self, media: list[str], subject: str, who: Identity) -> None: ...


Check = Callable[[Command, Identity], Awaitable[None]]


class Commands:
    """`send` for one, `send_many` for a batch, `view` for looking. `count` takes refusals for the audit; `check` refuses what
    departs from a recommendation without a reason (hall/app/overriding.py)."""

    def __init__(self, desk: Desk, pictures: Pictures, count: Callable[[Kind], None], check: Check) -> None:
        self.desk, self.pictures, self._count, self.check, self.pace = desk, pictures, count, check, Pace()

    async def send(self, command: Command) -> Outcome:
        """Decided and durable when it returns. Raises Refused; Stale only to who may see what changed."""
        visit = current_visit()
        self.paced(1)
        await self._check(command, visit.identity)
        try:
            return await self.desk.execute(command, actor_of(visit.identity, visit.desk))
        except Stale as stale:
            raise await self._told(stale, visit.identity) from None

    async def send_many(self, commands: list[Command]) -> list[Outcome | Refused]:
        """Each for itself, in order; refusals in their places."""
        visit = current_visit()
        self.paced(len(commands))
        found: list[Outcome | Refused | None] = []
        for command in commands:
            found.append(await self._fault(command, visit.identity))
        actor = actor_of(visit.identity, visit.desk)
        fit = [(command, actor) for command, fault in zip(commands, found, strict=True) if fault is None]
        done = iter(await self.desk.execute_many(fit) if fit else [])
        results = [next(done) if fault is None else fault for fault in found]
        return [await self._told(one, visit.identity) if isinstance(one, Stale) else one for one in results]

    async def view(self, subject: str) -> dict[str, Any]:
        """A case as the asker sees it. Raises Refused 404, and 403 (audited) when it is none of his."""
        visit = current_visit()
        found = await self.desk.view(subject, actor_of(visit.identity, visit.desk))
        if reason := unseen_file(visit.identity, subject, found["file"], found["case"]):
            self.refused(reason)
            raise refusal_of(reason)
        return _discreet(found, visit.identity)

    async def view_after(self, subject: str) -> dict[str, Any] | None:
        """What the asker sees of a case he just moved; None when it left his hands with the move."""
        visit = current_visit()
        if visit.identity.role == "crew":
            return None  # its own page tells a crew what it needs
        found = await self.desk.view(subject, actor_of(visit.identity, visit.desk))
        return None if unseen_file(visit.identity, subject, found["file"], found["case"]) else _discreet(found, visit.identity)

    def refused(self, reason: str) -> None:
        """Counts a refusal of the present request for the audit."""
        visit = current_visit()
        self._count(Kind(reason, visit.identity.name, visit.identity.role, visit.address, visit.path[:200]))

    def paced(self, amount: int) -> None:
        try:
            self.pace.take(current_visit().identity.name, amount)
        except Refused as refusal:
            self.refused(refusal.reason)
            raise

    async def _fault(self, command: Command, who: Identity) -> Refused | None:
        try:
            await self._check(command, who)
        except Refused as refusal:
            return refusal
        return None

    async def _check(self, command: Command, who: Identity) -> None:
        if command.move in NOT_FOR_PEOPLE:
            self.refused("not-for-people")
            raise Refused("not-for-people", f"{command.move} is the hall's own", 403)
        if who.role == "crew" and not _of_phone(command, who):
            self.refused("not-your-case")
            raise Refused("not-your-case", "a crew's link is for its own tasks", 403)
        try:
            await self.check(command, who)
        except Refused as refusal:
            self.refused(refusal.reason)
            raise
        media = [photo["media"] for photo in _photos(command) if isinstance(photo.get("media"), str)]
        if media:
            await self.pictures.attach(media, command.subject, who)

    async def _told(self, stale: Stale, who: Identity) -> Refused:
        """What changed is told to those who may see the case; the others learn that it is none of theirs."""
        if who.role == "crew":
            return Refused("stale", "it has changed meanwhile", 409)
        if stale.subject.startswith("crew/"):
            return _stale_crew(stale, who, await self.desk.state(stale.subject))
        stale = Stale(stale.subject, stale.revision, discreet_entries(who.role, stale.changed))
        if not bounded(who) or not stale.subject.startswith("file/"):
            return stale
        file = await self.desk.state(stale.subject)
        reason = None if file is None else unseen_file(who, stale.subject, msgspec.to_builtins(file))
        return refusal_of(reason) if reason else stale


def _discreet(view: dict[str, Any], who: Identity) -> dict[str, Any]:
    return {**view, "entries": discreet(who.role, view["entries"])}


def _of_phone(command: Command, who: Identity) -> bool:
    """Whether a command is one of those that a crew's link is for, whichever address it came by."""
    if command.subject.startswith("crew/"):
        task = command.data.get("subject")
        mine = command.subject == f"crew/{who.crew}" and command.move in PHONE_CREW_MOVES
        return mine and who.case in ("", task)
    topic = command.subject.partition("/")[0]
    if topic in PHONE_MOVES:  # which crew was sent there says the thing itself; a link for one case is for that case
        return command.move in PHONE_MOVES[topic] and not who.case
    return command.move in PHONE_FILE_MOVES and who.case in ("", command.subject)


def _stale_crew(stale: Stale, who: Identity, crew: Any) -> Refused:
    """A crew's lines hold telephone numbers: those who call it see them, others who did what."""
    if crew is not None and not seen(who, crew):
        return Refused("not-permitted", "this crew is not yours to move", 403)
    if who.role in CALLING:
        return stale
    return Stale(stale.subject, stale.revision, [msgspec.structs.replace(entry, data={}) for entry in stale.changed])


def _photos(command: Command) -> list[dict[str, Any]]:
    found = command.data.get("photos")
    return [photo for photo in found if isinstance(photo, dict)] if isinstance(found, list) else []


def shown_entry(entry: Entry) -> dict[str, Any]:
    """An entry for people: without the state that an undo carries."""
    plain = msgspec.to_builtins(entry)
    plain.get("data", {}).pop("back", None)
    return plain


def refused_document(refusal: Refused) -> dict[str, Any]:
    """`{reason, detail}`, of a stale command also `{revision, changed}`."""
    found: dict[str, Any] = {"reason": refusal.reason, "detail": refusal.detail}
    if isinstance(refusal, Stale):
        found |= {"revision": refusal.revision, "changed": [shown_entry(entry) for entry in refusal.changed[-100:]]}
    return found
