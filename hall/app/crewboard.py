"""What the crews' board asks beyond the roster: who is on shift now, and what one may do for a crew that called by radio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.roster import shown
from hall.app.seeing import CALLING, seen
from hall.app.visit import current_visit
from hall.core.command import Actor
from hall.core.errors import Refused
from hall.core.process import Process

#: moves that the board offers; the others belong to the case, or to the roster
OFFERED = ("acknowledge", "muster", "en_route", "on_scene", "clear", "decline", "out_of_service", "in_service")


class CrewBoard:
    """Handlers and their router. `moves(crew, actor)` gives `[(move, whether it needs a reason)]`, `on_duty(crew, now)` the
    shift a crew is in or None: both are the dispatch room's."""

    def __init__(
        self,
        process: Process,
        desk: Any,
        moves: Callable[[Any, Actor], list[tuple[str, bool]]],
        on_duty: Callable[[Any, int], Any],
    ) -> None:
        self.process, self.desk, self._moves, self._on_duty = process, desk, moves, on_duty
        self.router = APIRouter(prefix="/api/v1", tags=["crews"])
        self.router.add_api_route("/crew-duty", self.duty, methods=["GET"], response_class=Response)
        self.router.add_api_route("/crews/{crew_id}", self.crew, methods=["GET"], response_class=Response)

    async def duty(self) -> Response:
        """`{crews: {id: {on, name, start, end}}}`: whether each crew is on shift now; one without shifts always is."""
        who, now = current_visit().identity, self.process.clock.now()
        crews = [crew for crew in (await self.desk.states("crew")).values() if seen(who, crew)]
        return json({"crews": {crew.crew_id: self._duty(crew, now) for crew in crews}, "now": now})

    async def crew(self, crew_id: str) -> Response:
        """One crew with the moves that are open to the asker now."""
        actor, who = current_actor(), current_visit().identity
        crew = await self.desk.state(f"crew/{crew_id[:100]}")
        if crew is None or not seen(who, crew):
            raise Refused("crew-unknown", f"there is no crew {crew_id[:60]}", 404)
        allowed = [{"move": move, "reason": reason} for move, reason in self._moves(crew, actor) if move in OFFERED]
        return json(
            {
                "crew": shown(crew, None, who.role in CALLING),
                "allowed": allowed,
                "duty": self._duty(crew, self.process.clock.now()),
            }
        )

    def _duty(self, crew: Any, now: int) -> dict[str, Any]:
        if not crew.shifts:
            return {"on": True, "name": "", "start": None, "end": None}
        found = self._on_duty(crew, now)
        if found is None:
            return {"on": False, "name": "", "start": None, "end": None}
        return {"on": True, "name": found.name, "start": found.start, "end": found.end}
