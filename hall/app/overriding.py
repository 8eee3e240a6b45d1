"""The recommendation of crews, and what departing from it asks for: a reason. What the console shows is enforced here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from hall.access import Identity
from hall.app.actors import actor_of
from hall.app.picture import Row
from hall.app.seeing import seen
from hall.core.command import Actor, Command
from hall.core.errors import Refused

SENDING = frozenset({"dispatch", "assign"})
#: rankings worked out at once for commands: a city of thousands of crews costs some 50 ms of computing each
AT_ONCE = 2
#: recommend(case, crews, positions, now) -> `{ranked: [{crew}], excluded, first, ...}`
Recommend = Callable[[dict[str, Any], list[Any], list[Row], int], dict[str, Any]]


class Desk(Protocol):
    """What is used of dispatch.desk.Desk."""

    async def view(self, subject: str, actor: Actor) -> dict[str, Any]: ...
    async def states(self, topic: str) -> dict[str, Any]: ...


class Positions(Protocol):
    """What is used of hall.app.picture.Picture."""

    async def rows(self, topic: str) -> list[Row]: ...


class Recommendations:
    """`rank` for those who look, `check` before a command that sends crews."""

    def __init__(self, desk: Desk, picture: Positions, clock: Any, recommend: Recommend) -> None:
        self.desk, self.picture, self.clock, self._recommend = desk, picture, clock, recommend
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def rank(self, case: dict[str, Any], who: Identity) -> dict[str, Any]:
        """Crews that `who` may see, ranked for a case. Raises Refused for a case without a place."""
        return await self._ranked(case, await self.desk.states("crew"), who)

    async def _ranked(self, case: dict[str, Any], states: dict[str, Any], who: Identity) -> dict[str, Any]:
        positions, known = await self.picture.rows("position"), [crew for crew in states.values() if seen(who, crew)]
        async with self._turn:
            return await asyncio.to_thread(self._recommend, case, known, positions, self.clock.now())

    async def check(self, command: Command, who: Identity) -> None:
        """Raises Refused `override-missing` where a crew beyond the first of the recommendation is sent without a reason.

        A department sends its own crews as it likes. A command made on another revision than the present one is left to the
        ledger: it is stale, or it was done before and gets its answer again.
        """
        chosen = command.data.get("crews")
        if command.move not in SENDING or who.role == "department" or not isinstance(chosen, list) or not chosen:
            return
        if _said(command.data.get("override")) or not command.subject.startswith("file/"):
            return
        try:
            view = await self.desk.view(command.subject, actor_of(who))
            if view["revision"] != command.revision:
                return
            states = await self.desk.states("crew")
            could = [crew for crew in chosen if _could_go(states.get(f"crew/{crew}"), command.subject)]
            found = await self._ranked(view["case"], states, who)
        except Refused:
            return  # no such case, or one without a place: nothing was recommended
        if beyond := outside(found, could):
            raise Refused("override-missing", f"{', '.join(beyond)[:200]}: not among the recommended; say why", 422)


def outside(found: dict[str, Any], chosen: list[Any]) -> list[str]:
    """The chosen crews that are not among the first of a ranking. Who sends many may send as many of the first; where crews
    could not be ranked only because nobody knows where they are, nothing was recommended."""
    first = {entry["crew"] for entry in found["ranked"][: max(found["first"], len(chosen))]}
    if not first and not found["counts"].keys() - {"ranked", "position_unknown"}:
        return []
    return [str(crew) for crew in chosen if crew not in first]


def _could_go(crew: Any, subject: str) -> bool:
    """Whether the ledger would let it go; else its refusal says more than that nobody recommended it."""
    if crew is None or crew.state == "out_of_service" or len(crew.assignments) >= crew.capacity:
        return False
    return all(assignment.subject != subject for assignment in crew.assignments)


def _said(reason: Any) -> bool:
    return isinstance(reason, str) and bool(reason.strip())
