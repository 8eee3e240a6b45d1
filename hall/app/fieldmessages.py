"""Messages of the desk on a crew's phone, and when each crew's phone was last heard."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any, Protocol

from hall.core.bus import Bus
from hall.core.clock import real_ms
from hall.core.command import Actor, Command
from hall.core.errors import Refused

#: a phone that asks more often is not written down each time
SEEN_MS = 10_000
_KEY = "field-seen"
_SHOWN = ("text", "urgency", "sender", "role", "made", "exercise", "lon", "lat", "withdrawn", "withdrawn_by", "reason")
_PATTERN = "abcdefghijklmnopqrstuvwxyz0123456789-"


class Desk(Protocol):
    """What of dispatch.desk.Desk is needed here."""

    async def execute(self, command: Command, actor: Actor) -> Any: ...
    async def concerning(self, topic: str, name: str) -> dict[str, Any]: ...


class FieldMessages:
    """Of one web process."""

    def __init__(self, desk: Desk, bus: Bus) -> None:
        self.desk, self.bus = desk, bus
        self._written: dict[str, int] = {}

    async def of(self, crew: str) -> list[dict[str, Any]]:
        """What a crew's phone shows, newest first: `{subject, text, urgency, sender, role, made, urged, read, ...}`. One that
        was withdrawn is shown, without its words, to those who had it, until they know. Notes that the phone was heard."""
        await self._heard(crew)
        found = []
        for subject, state in (await self.desk.concerning("message", crew)).items():
            mine = next((one for one in state.crews if one.crew == crew), None)
            if mine is not None and not _gone(state, mine):
                found.append(_shown(subject, state, mine))
        return sorted(found, key=lambda one: (-one["made"], one["subject"]))

    async def received(self, actor: Actor, names: Iterable[str]) -> int:
        """Writes that the crew's phone has them, each once; what is none of its own is left out."""
        done = 0
        for name in names:
            if not 0 < len(name) <= 60 or set(name) - set(_PATTERN):
                continue
            command = Command(id=f"received-{name}-{actor.crew}"[:200], subject=f"message/{name}", move="received")
            with contextlib.suppress(Refused):
                await self.desk.execute(command, actor)
                done += 1
        return done

    async def _heard(self, crew: str) -> None:
        now = real_ms()
        if now - self._written.get(crew, 0) >= SEEN_MS:
            self._written[crew] = now
            await self.bus.hash_set({crew: str(now).encode()}, _KEY)


async def heard(bus: Bus) -> dict[str, int]:
    """When the phone of each crew last asked: crew -> real ms."""
    return {name: int(value) for name, value in (await bus.hash_all(_KEY)).items()}


def _gone(state: Any, mine: Any) -> bool:
    return state.withdrawn is not None and (mine.withdrawal_read is not None or mine.received is None)


def _shown(subject: str, state: Any, mine: Any) -> dict[str, Any]:
    made = {name: value for name in _SHOWN if (value := getattr(state, name)) not in (None, "", False)}
    made |= {"subject": subject, "made": state.made, "read": mine.read, "received": mine.received}
    if state.withdrawn is not None:
        made["text"] = ""
    if state.urges:
        made["urged"] = {"times": len(state.urges), "at": state.urges[-1].at, "by": state.urges[-1].by}
    return made
