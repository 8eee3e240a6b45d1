"""What a wall is made to show, by whom, until when: pushes by priority, with automatic return. Pure.

A stream `show/<wall>/<target>` keeps the pushes to one target: `all` the whole wall, `part-C,R` one of its screens by place,
`screen-ID` one browser. Times of pushes are *real* ms (people look at walls in real time, also while a past day is replayed):
the ledger's own `real`, never a sender's word. Which push is on top is worked out by whoever looks (`shown`): the highest
priority whose time is not over, of equal ones the newest. So a wall returns to the lower one by itself, hall or no hall.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from dispatch.aggregate import View
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

_SUBJECT = re.compile(r"show/([\w-]{1,64})/(all|part-\d{1,2},\d{1,2}|screen-[A-Za-z0-9._:-]{1,64})")
SHORTEST_SECONDS, LONGEST_SECONDS = 3, 24 * 3600
PRIORITIES = (1, 2, 3, 4)
#: role -> the highest priority it may push with; whoever is not here may not push
HIGHEST = {"operator": 2, "dispatcher": 3, "supervisor": 4, "leader": 4, "admin": 4}
REASON, TEXT, NAME = 500, 500, 300
#: of a map's layers, filters, drawings that are pushed with its place
VIEW_BYTES = 16 * 1024


class Push(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One thing pushed. `number` is unique in its stream; `until` None = until it is withdrawn or replaced."""

    number: int
    what: str  # scene | case | camera | map | message
    content: dict[str, Any]
    priority: int
    since: int  # real ms
    until: int | None = None  # real ms
    who: str = ""
    role: str = ""
    desk: str = ""
    reason: str = ""


class Show(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State of a stream. `scene` is what the wall shows when nothing is pushed: {layout, at, who}."""

    wall: str = ""
    target: str = ""
    pushes: list[Push] = []  # at most one per priority
    scene: dict[str, Any] = {}
    revision: int = 0
    ended: bool = False


def alive(push: Push, real: int) -> bool:
    return push.until is None or push.until > real


def shown(pushes: Iterable[Push], real: int) -> Push | None:
    """The one on top at the real moment `real`; None when no push holds."""
    return max((push for push in pushes if alive(push, real)), key=lambda p: (p.priority, p.since, p.number), default=None)


class Shows:
    """Implements dispatch.aggregate.Aggregate for `show/<wall>/<target>`.

    Commands: `push` {what, content, priority, seconds}, `withdraw` {number}, `scene` {layout, at}, and of the hall itself
    `expire` {}. `at`: the real ms at which every browser of the wall changes its layout.
    """

    topic = "show"
    State = Show

    def decide(self, view: View, command: Command, actor: Actor) -> list[Draft]:
        found = _SUBJECT.fullmatch(command.subject)
        if found is None:
            raise Refused("bad-target", "name a wall and `all`, `part-C,R` or `screen-ID`", 422)
        decision = {"push": _push, "withdraw": _withdraw, "scene": _scene, "expire": _expire}.get(command.move)
        if decision is None:
            raise Refused("move-unknown", f"a screen knows no move {command.move[:40]!r}", 422)
        if len(command.reason) > REASON:
            raise Refused("bad-field", f"reason: at most {REASON} characters", 422)
        if actor.kind != "system" and (command.move == "expire" or actor.role not in HIGHEST):
            raise Refused("not-permitted", f"role {actor.role or 'none'} may not decide what walls show", 403)
        return decision(view, command, actor)

    def evolve(self, state: Show | None, entry: Entry) -> Show:
        if state is None:
            _, wall, target = entry.subject.split("/", 2)
            state = Show(wall=wall, target=target)
        pushes, scene, data = [push for push in state.pushes if alive(push, entry.real)], state.scene, entry.data
        if entry.move == "push":
            pushes = [push for push in pushes if push.priority != data["priority"]]
            pushes.append(_pushed(entry))
        elif entry.move == "withdraw":
            pushes = [push for push in pushes if push.number != data["number"]]
        elif entry.move == "scene":
            scene = {"layout": data["layout"], "at": data["at"], "who": entry.who}
        elif entry.move != "expire":
            pushes = state.pushes
        return Show(
            wall=state.wall,
            target=state.target,
            pushes=pushes,
            scene=scene,
            revision=entry.revision,
            ended=not pushes and not scene,
        )

    def document(self, state: Show) -> dict[str, Any] | None:
        """`{wall, target, pushes, scene}`; who looks compares `until` with the real time himself."""
        if state.ended:
            return None
        made = msgspec.to_builtins(state)
        made.pop("revision", None)
        return made

    def needs_revision(self, move: str) -> bool:
        return False  # a push means what it says whatever is there; what it takes over is told by the answer


def _pushed(entry: Entry) -> Push:
    data, seconds = entry.data, entry.data.get("seconds")
    return Push(
        number=entry.revision,
        what=data["what"],
        content=data["content"],
        priority=data["priority"],
        since=entry.real,
        until=None if seconds is None else entry.real + round(seconds * 1000),
        who=entry.who,
        role=entry.role,
        desk=entry.desk,
        reason=entry.reason,
    )


# -- deciding --------------------------------------------------------------------------------------------------------------


def _push(view: View, command: Command, actor: Actor) -> list[Draft]:
    data = command.data
    unknown = set(data) - {"what", "content", "priority", "seconds"}
    if unknown:
        raise Refused("bad-field", f"push takes no {', '.join(sorted(unknown))[:200]}", 422)
    priority = _whole("priority", data.get("priority"), PRIORITIES[0], PRIORITIES[-1])
    if actor.kind != "system" and priority > HIGHEST[actor.role]:
        raise Refused("priority-too-high", f"role {actor.role} pushes with priority {HIGHEST[actor.role]} at most", 403)
    what, seconds = data.get("what"), data.get("seconds")
    if not isinstance(what, str) or what not in CONTENTS:
        raise Refused("bad-field", f"what: one of {', '.join(CONTENTS)}", 422)
    if seconds is not None:
        seconds = _number("seconds", seconds, SHORTEST_SECONDS, LONGEST_SECONDS)
    content = _content(what, data.get("content"))
    _ask_for_a_reason(view, command, actor, priority)
    return [_draft(command, {"what": what, "content": content, "priority": priority, "seconds": seconds})]


def _ask_for_a_reason(view: View, command: Command, actor: Actor, priority: int) -> None:
    """Whoever takes a screen from somebody else with no more than the same priority says why; it is shown."""
    for state in _same_screens(view, command.subject):
        for push in state.pushes:
            other = alive(push, view.real) and push.priority == priority and push.who != actor.name
            if other and not command.reason.strip():
                detail = f"{push.who} shows a {push.what} there with the same priority: say why yours replaces it"
                raise Refused("reason-missing", detail, 409)


def _same_screens(view: View, subject: str) -> list[Show]:
    """The streams whose screens `subject` may share: itself, the whole wall's, and for the whole wall all of its own."""
    wall = subject.rpartition("/")[0]
    names = view.names("show") if subject.endswith("/all") else [subject, f"{wall}/all"]
    found = (view.get(name) for name in names if name.rpartition("/")[0] == wall)
    return [state for state in found if state is not None]


def _withdraw(view: View, command: Command, actor: Actor) -> list[Draft]:
    number = _whole("number", command.data.get("number"), 1, 2**53)
    state: Show | None = view.get(command.subject)
    push = next((push for push in state.pushes if push.number == number), None) if state else None
    if push is None:
        return []  # over already, which is what was wanted
    if actor.kind != "system" and push.who != actor.name:
        if push.priority > HIGHEST[actor.role]:
            raise Refused("priority-too-high", f"{push.who} pushed it with priority {push.priority}", 403)
        if not command.reason.strip():
            raise Refused("reason-missing", f"{push.who} pushed it: say why it ends", 409)
    return [_draft(command, {"number": number})]


def _scene(view: View, command: Command, actor: Actor) -> list[Draft]:
    if not command.subject.endswith("/all"):
        raise Refused("bad-target", "a wall changes its layout as a whole", 422)
    layout = _text("layout", command.data.get("layout"), 64)
    return [_draft(command, {"layout": layout, "at": _whole("at", command.data.get("at"), 0, 2**53)})]


def _expire(view: View, command: Command, actor: Actor) -> list[Draft]:
    """The ledger learns that a time is over; the screens have returned by themselves."""
    state: Show | None = view.get(command.subject)
    over = [push.number for push in state.pushes if not alive(push, view.real)] if state else []
    return [_draft(command, {"over": over})] if over else []


def _draft(command: Command, data: dict[str, Any]) -> Draft:
    return Draft(subject=command.subject, move=command.move, data=data, reason=command.reason.strip())


# -- content ---------------------------------------------------------------------------------------------------------------


def _text(name: str, value: Any, longest: int) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise Refused("bad-field", f"{name}: a text of 1 to {longest} characters", 422)
    if any(ord(letter) < 32 and letter != "\n" for letter in value):
        raise Refused("bad-field", f"{name}: no control characters", 422)
    return value.strip()


def _number(name: str, value: Any, low: float, high: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not low <= value <= high:
        raise Refused("bad-field", f"{name}: a number from {low} to {high}", 422)
    return value


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Refused("bad-field", f"{name}: a whole number from {low} to {high}", 422)
    return value


def _view(name: str, value: Any) -> dict[str, Any]:
    """What goes along with a map's place: `shown` layer -> on or off, `parts` name -> what that part of the map gave (filters,
    a measure, drawings, the moment that is replayed), as the browser that shows it takes it back."""
    if not isinstance(value, dict) or set(value) - {"shown", "parts"}:
        raise Refused("bad-field", f"{name}: shown, parts", 422)
    shown, parts = value.get("shown", {}), value.get("parts", {})
    if not isinstance(shown, dict) or not all(isinstance(on, bool) for on in shown.values()):
        raise Refused("bad-field", f"{name}.shown: layer -> true or false", 422)
    if not isinstance(parts, dict):
        raise Refused("bad-field", f"{name}.parts: name -> value", 422)
    if len(msgspec.json.encode(value)) > VIEW_BYTES:
        raise Refused("bad-field", f"{name}: at most {VIEW_BYTES} bytes", 422)
    return value


def _of_topic(topic: str) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        found = _text(name, value, NAME)
        if not found.startswith(f"{topic}/") or found.count("/") < 2:
            raise Refused("bad-field", f"{name}: {topic}/<feed>/<id>", 422)
        return found

    return read


#: what -> field -> (reader, whether it must be there)
CONTENTS: dict[str, dict[str, tuple[Callable[[str, Any], Any], bool]]] = {
    "scene": {"layout": (lambda name, value: _text(name, value, 64), True)},
    "case": {"subject": (_of_topic("case"), True)},
    "camera": {"subject": (_of_topic("channel"), True)},
    "map": {
        "lon": (lambda name, value: _number(name, value, -180, 180), True),
        "lat": (lambda name, value: _number(name, value, -90, 90), True),
        "zoom": (lambda name, value: _number(name, value, 3, 20), True),
        "marker": (lambda name, value: _text(name, value, 80), False),
        "title": (lambda name, value: _text(name, value, 80), False),
        "view": (lambda name, value: _view(name, value), False),
    },
    "message": {
        "text": (lambda name, value: _text(name, value, TEXT), True),
        "severity": (lambda name, value: _whole(name, value, 0, 4), False),
    },
}


def _content(what: str, value: Any) -> dict[str, Any]:
    fields = CONTENTS[what]
    if not isinstance(value, dict) or set(value) - set(fields):
        raise Refused("bad-field", f"content of a {what}: {', '.join(fields)}", 422)
    for name, (_, must) in fields.items():
        if must and value.get(name) is None:
            raise Refused("field-missing", f"a {what} needs {name}", 422)
    return {name: fields[name][0](f"content.{name}", item) for name, item in value.items() if item is not None}
