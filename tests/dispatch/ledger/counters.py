"""A small kind of thing to keep: a counter that moves up, may knock on another one, and may end."""

from __future__ import annotations

import msgspec

from hall.core.command import Actor, Command, Draft
from hall.core.errors import Refused

PETER = Actor(name="peter", role="operator", desk="desk-3", unit="water")
MARY = Actor(name="mary", role="supervisor", desk="desk-1")
NOW, REAL = 1_700_000_000_000, 1_800_000_000_000


class Counter(msgspec.Struct, kw_only=True):
    revision: int = 0
    ended: bool = False
    total: int = 0
    by: list[str] = []


class Counters:
    topic = "counter"
    State = Counter

    def decide(self, view, command, actor):
        state = view.get(command.subject)
        if state is not None and state.ended and command.move != "note":
            raise Refused("ended", "this counter has ended")
        match command.move:
            case "add":
                return [Draft(subject=command.subject, move="added", data={"by": command.data.get("by", 1)})]
            case "knock" | "tap":  # moves another counter with it
                other = command.data["other"]
                return [
                    Draft(subject=command.subject, move="added", data={"by": 1}),
                    Draft(subject=other, move="added", data={"by": 10}, reason="knocked"),
                    Draft(subject=command.subject, move="added", data={"by": 1}),
                ]
            case "count":
                total = sum(view.get(name).total for name in view.names("counter"))
                return [Draft(subject=command.subject, move="added", data={"by": total})]
            case "end":
                return [Draft(subject=command.subject, move="ended")]
            case "note":
                return [Draft(subject=command.subject, move="noted", data=command.data)]
            case "nothing":
                return []
            case "break":
                raise ZeroDivisionError("a faulty rule")
        raise Refused("move-unknown", command.move)

    def evolve(self, state, entry):
        state = state or Counter()
        state.revision = entry.revision
        if entry.move == "added":
            state.total += entry.data["by"]
            state.by = [*state.by, entry.who]
        elif entry.move == "ended":
            state.ended = True
        return state

    def document(self, state):
        return None if state.ended else {"total": state.total}

    def needs_revision(self, move):
        return move not in ("note", "nothing", "count", "tap")


AGGREGATES = {"counter": Counters()}


def add(name, command_id, revision, by=1, **more):
    return Command(id=command_id, subject=f"counter/{name}", move="add", revision=revision, data={"by": by}, **more)


def tap(prefix, n):
    """The n-th of a row of commands that each write three lines to two of seven streams, at any revision."""
    name, other = f"counter/{prefix}{n % 7}", f"counter/{prefix}{(n + 1) % 7}"
    return Command(id=f"{prefix}-{n}", subject=name, move="tap", data={"other": other})
