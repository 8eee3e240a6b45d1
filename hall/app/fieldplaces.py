"""What a crew's phone is shown beside its cases: places to close or to look at, tasks of a response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from hall.app.discretion import redacted
from hall.core.command import Actor

#: what a phone may ask for, by topic; whether the state has room for it says the thing's own table
PHONE_MOVES: Mapping[str, tuple[str, ...]] = {
    "closure": ("verify", "confirm_site", "cannot_close", "barriers_removed"),
    "task": ("acknowledge", "done", "cannot"),
    "message": ("read",),
}
#: those of them that have a card with a place
PLACES = ("closure", "task")
#: offered(state, actor) -> moves open now, by topic
Offered = Mapping[str, Callable[[Any, Actor], list[dict[str, Any]]]]
PHOTOS_SHOWN = 6
_UNDER_WAY = ("proposed", "ordered", "confirmed", "reopening_proposed")
_CLOSURE = (
    "name", "label", "kind", "state", "district", "lon", "lat", "depth", "urgent", "detour", "since", "doubt", "number",
    "exercise",
)  # fmt: skip
_ACTS = ("proposed", "ordered", "on_site", "by_video", "cannot", "verified", "reopened", "cleared")
_TASK = (
    "label", "place", "state", "district", "lon", "lat", "made", "ack_due", "due", "kinds", "equipment", "acked_at", "level",
    "exercise",
)  # fmt: skip


def places_document(found: Mapping[str, Mapping[str, Any]], actor: Actor, offered: Offered) -> dict[str, list[dict[str, Any]]]:
    """`{closures, tasks_given}` of `actor`'s crew. `found`: topic -> subject -> folded state."""
    closures = [_shown(subject, state, actor, offered) for subject, state in found.get("closure", {}).items()]
    tasks = [_shown(subject, state, actor, offered) for subject, state in found.get("task", {}).items()]
    closures = [one for one in closures if one["moves"] or one["state"] in _UNDER_WAY]
    return {
        "closures": sorted(closures, key=lambda one: (one["state"] != "ordered", one.get("since", 0), one["subject"])),
        "tasks_given": sorted((one for one in tasks if one["moves"]), key=lambda one: (one.get("due") or 0, one["subject"])),
    }


def mine(topic: str, state: Any, crew: str) -> bool:
    """Whether a crew was sent to a place, or handed a task."""
    return any(one["crew"] == crew for one in state.crews) if topic == "closure" else state.crew == crew


def _shown(subject: str, state: Any, actor: Actor, offered: Offered) -> dict[str, Any]:
    topic = subject.partition("/")[0]
    plain = msgspec.to_builtins(state)
    names = _CLOSURE if topic == "closure" else _TASK
    rows = [row for row in offered[topic](state, actor) if row["move"] in PHONE_MOVES[topic]]
    moves = [row["move"] for row in rows]
    task = {"subject": subject, **{name: plain[name] for name in names if name in plain}, "state": state.state, "moves": moves}
    if topic == "closure":
        near = [row["near_metres"] for row in rows if "near_metres" in row]
        task |= {"near_metres": near[0]} if near else {}
        task |= {name: _act(plain[name]) for name in _ACTS if plain.get(name)}
    else:
        task["notes"] = [redacted(str(one["text"])) for one in plain.get("notes", [])[-3:]]
        task["label"] = {tag: redacted(text) for tag, text in plain.get("label", {}).items()}
    return task


def _act(act: dict[str, Any]) -> dict[str, Any]:
    """Who did it and when; what was typed without telephone numbers."""
    kept = {name: act[name] for name in ("at", "by", "role", "metres", "found", "depth") if name in act}
    kept |= {name: redacted(str(act[name])) for name in ("reason", "note") if act.get(name)}
    photos = [{"media": photo["media"]} for photo in act.get("photos", [])[:PHOTOS_SHOWN]]
    return kept | ({"photos": photos} if photos else {})
