"""REST of what the emergency side of dispatch keeps: alarms, responses, tasks, closures, stocks, incidents, bulletins.

One address for all: `/api/v1/streams/<topic>[/<id>[/commands]]`. Which moves there are, who may make them and what they ask for
says the thing's own table (dispatch/tabled.py), which the assembly hands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.commanding import Commands, shown_entry
from hall.app.discretion import discreet, discreet_incident
from hall.app.dispatching import REFUSALS, Move
from hall.app.seeing import told_of
from hall.app.visit import current_visit
from hall.core.command import Actor
from hall.core.errors import Refused

Topic = Annotated[str, Path(pattern=r"^[a-z]{1,32}$")]
Name = Annotated[str, Path(min_length=1, max_length=300)]
#: entries of one thing that are shown, newest
ENTRIES = 500


class Streams:
    """`offered`: topic -> (state or None, actor) -> moves open now; the topics it names are those served here."""

    def __init__(
        self,
        process: Any,
        commands: Commands,
        aggregates: Mapping[str, Any],
        offered: Mapping[str, Callable[[Any, Actor], list[dict[str, Any]]]],
    ) -> None:
        self.process, self.commands, self._aggregates, self._offered = process, commands, aggregates, offered
        self.router = APIRouter(prefix="/api/v1/streams", tags=["emergency"], responses=REFUSALS)
        add = self.router.add_api_route
        add("/{topic}", self.all, methods=["GET"], response_class=Response)
        add("/{topic}/{name:path}/commands", self.command, methods=["POST"], response_class=Response)
        add("/{topic}/{name:path}", self.one, methods=["GET"], response_class=Response)

    async def all(self, topic: Topic, ended: Annotated[bool, Query()] = False) -> Response:
        """Every thing of a topic that is not ended (`ended=true`: those, too), with the moves to make a new one."""
        self._check(topic)
        states = await self.commands.desk.states(topic, ended=ended)
        mine = [self._row(topic, subject, state) for subject, state in states.items() if self._seen(topic, state)]
        return json({"streams": mine, "new": self._offered[topic](None, current_actor()), "now": self.process.clock.now()})

    async def one(self, topic: Topic, name: Name) -> Response:
        """One thing: its state, its history, the moves open to the asker."""
        self._check(topic)
        return json(await self._view(topic, f"{topic}/{name}"))

    async def command(self, topic: Topic, name: Name, move: Move) -> Response:
        """One move of one thing."""
        self._check(topic)
        subject = f"{topic}/{name}"
        state = await self.commands.desk.state(subject)
        if state is not None and not self._seen(topic, state):
            raise Refused("not-permitted", "this is not yours to move", 403)
        outcome = await self.commands.send(move.command(subject))
        shown = {"seqs": [], "repeated": False, **msgspec.to_builtins(outcome)}
        return json({"outcome": shown, "view": await self._view(topic, subject)})

    async def _view(self, topic: str, subject: str) -> dict[str, Any]:
        state = await self.commands.desk.state(subject)
        if state is None:
            raise Refused("unknown", f"there is no {subject[:200]}", 404)
        if not self._seen(topic, state):
            raise Refused("not-permitted", "this is not yours to see", 403)
        entries = await self.commands.desk.history(subject)
        return {
            **self._row(topic, subject, state),
            "allowed": self._offered[topic](state, current_actor()),
            "entries": discreet(current_actor().role, [shown_entry(entry) for entry in entries[-ENTRIES:]]),
            "now": self.process.clock.now(),
        }

    def _row(self, topic: str, subject: str, state: Any) -> dict[str, Any]:
        document = {**msgspec.to_builtins(state), **(self._aggregates[topic].document(state) or {})}
        return {"subject": subject, "state": discreet_incident(current_actor().role, document), "revision": state.revision}

    def _check(self, topic: str) -> None:
        if topic not in self._offered:
            raise Refused("topic-unknown", f"one of {', '.join(sorted(self._offered))}", 404)
        who = current_visit().identity
        if not told_of(who, topic):
            raise Refused("not-permitted", f"role {who.role} sees no {topic}", 403)

    def _seen(self, topic: str, state: Any) -> bool:
        return told_of(current_visit().identity, topic, state)
