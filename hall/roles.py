"""Which roles there are, what each may do and which topics each may follow. Data: tests walk it cell by cell."""

from __future__ import annotations

from typing import Any, Protocol

from hall.core.model import LOG_TOPICS

#: inspector 监督员, department 处置部门 (a seat of one unit); crew: a field link's holder, who reaches his own tasks only
ROLES = (
    "viewer", "wall", "operator", "dispatcher", "supervisor", "leader", "admin", "inspector", "department", "crew",
)  # fmt: skip

_EVERYBODY = frozenset(ROLES) - {"crew"}
_PEOPLE = _EVERYBODY - {"wall"}
_SEATS = frozenset({"operator", "dispatcher", "supervisor", "admin"})
_LEAD = frozenset({"supervisor", "admin"})
_ACTING = _PEOPLE - {"viewer"}
#: act -> roles that may do it
MATRIX: dict[str, frozenset[str]] = {
    "see-wall": _EVERYBODY,
    "see-desk": _PEOPLE,
    "see-ground": frozenset(ROLES),  # streets and districts: nobody's secret, and a crew's phone draws them
    "see-components": frozenset(ROLES),  # a view of them and one record: what each is shown says hall/app/components.py
    "see-system": _SEATS | {"leader"},
    "see-parked": _SEATS,
    "replay-parked": _LEAD,
    "switch-scene": _SEATS | {"leader"},
    "pair-wall": frozenset({"admin"}),
    "manage-users": frozenset({"admin"}),
    # dispatch: what a person may do with one case says the case itself (dispatch/casefile); here only who gets that far
    "command": _ACTING | {"crew"},
    "command-many": _ACTING,
    "report": _SEATS | {"inspector"},
    "see-files": _PEOPLE,
    "see-crews": _PEOPLE,
    "manage-crews": _LEAD,
    "upload": _ACTING | {"crew"},
    "see-media": _EVERYBODY | {"crew"},
    "keep-preferences": _PEOPLE,
    "see-notices": _ACTING | {"crew"},
    "field": frozenset({"crew"}),
    "make-field-links": _SEATS | {"department"},
    "tell-crews": frozenset({"dispatcher", "supervisor", "leader", "admin"}),
    "push-to-wall": _SEATS | {"leader"},
    "see-shows": _SEATS | {"leader"},
    "act-at-wall": _ACTING | {"wall"},
    "see-shifts": _SEATS | {"leader"},
    "hand-over": _SEATS,
    "see-evaluation": _LEAD | {"leader", "department"},
    "see-audit": _LEAD,
    "see-webhooks": _LEAD,
    # pictures: a wall shows what its scene names; what one person may see is bounded by his districts besides
    "watch": _EVERYBODY,
    "move-camera": _SEATS,
    "record": _SEATS,
    "see-recordings": _PEOPLE - {"viewer"},
    "manage-rounds": _SEATS,
    "draw-regions": _SEATS,
    "manage-channels": _LEAD,
    "manage-tokens": frozenset({"admin"}),
    # alarms and emergencies: what a person may do with one thing says its own table (dispatch/tabled.py)
    "see-emergency": _PEOPLE,
    "act-emergency": _ACTING,
    "try-rules": _LEAD,
}

_PICTURE = (
    "sensor", "observation", "position", "channel", "warning", "alarm",
    "kpi", "series", "feed", "process", "clock", "scene", "file", "crew", "show",
    "picture", "health", "round", "ptz",
    "group", "response", "task", "closure", "depot", "request", "incident", "reporting", "raster", "shape",
)  # fmt: skip
_WALL_TOPICS = ("case", *_PICTURE)
_DESK_TOPICS = (
    *_WALL_TOPICS,
    "screen", "presence", "log", "archive", "notice", "shift", "recording", "bulletin", "supplied", "message",
)  # fmt: skip
_WHOLE = (*LOG_TOPICS, "recording")
#: role -> topics of the stream it may follow; a crew follows none, it asks for its tasks
TOPICS: dict[str, tuple[str, ...]] = {
    "viewer": _WALL_TOPICS,
    "wall": _WALL_TOPICS,
    "operator": _DESK_TOPICS,
    "dispatcher": _DESK_TOPICS,
    "supervisor": (*_DESK_TOPICS, "audit"),
    "leader": _DESK_TOPICS,
    "admin": (*_DESK_TOPICS, "audit"),
    "inspector": (*_WALL_TOPICS, "notice", "recording"),
    "department": (*_WALL_TOPICS, "notice", "presence"),
    "crew": (),
}
#: roles that an API token (a machine client) may have; a department's system answers tasks with it
TOKEN_ROLES = ("viewer", "operator", "department")


def may(role: str, act: str) -> bool:
    """Whether `role` may do `act`; an unknown role may nothing, an unknown act raises KeyError (a programming error)."""
    return role in MATRIX[act]


def topics_for(role: str, districts: tuple[str, ...] = (), *, locked: bool = False) -> tuple[str, ...]:
    """The stream topics a role may follow; none for an unknown role. Histories, and what is recorded for which case, are told
    whole, so who answers for some districts only does not follow them. A locked console is told no more than a wall."""
    found = TOPICS.get(role, ())
    if locked:
        found = tuple(topic for topic in found if topic in _WALL_TOPICS)
    return tuple(topic for topic in found if topic not in _WHOLE) if districts else found


class Bounded(Protocol):
    """What of an identity decides which documents it may see."""

    name: str
    role: str
    unit: str
    districts: tuple[str, ...]
    locked: bool


def _shapes_for(who: Bounded) -> list[str]:
    """Whose drawings somebody is told of, his own that he shares with nobody apart: those he asks for (hall/app/seeing.py), so
    that all seats of the room stay one subscription. A locked console is told no more than a wall."""
    if who.locked or who.role in ("viewer", "wall", "crew"):
        return ["walls"]
    room = ["room"] if who.role in _SEATS | {"leader"} else []
    return [*room, "walls", *([f"unit:{who.unit}"] if who.unit else [])]


def bounds(who: Bounded) -> dict[str, dict[str, list[Any]]]:
    """What a stream tells this identity at most: `where` of the subscription by topic. What lies in no known district is
    everybody's; of a department, channels, what is told of them, case files, crews and notices are its own; shapes as
    they are shared."""
    found: dict[str, dict[str, list[Any]]] = {"shape": {"to": _shapes_for(who)}}
    if who.districts:
        found |= {topic: {"district": [*who.districts, "", None]} for topic in ("case", "file", "channel", "ptz", "message")}
        found["round"] = {"district": [*who.districts, ""]}  # null: it shows cameras of several districts
    if who.role == "department":
        for topic in ("channel", "ptz", "round"):
            found.setdefault(topic, {})["owner"] = [who.unit] if who.unit else []
        for topic in ("file", "crew", "task", "request"):
            found.setdefault(topic, {})["unit"] = [who.unit]
        found["notice"] = {"for": [f"person:{who.name}", f"role:{who.role}", *([f"unit:{who.unit}"] if who.unit else [])]}
    return found
