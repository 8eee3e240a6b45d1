"""The views of the desk's queue, as data: the browser counts and filters by them (assets/desk-queue-rows.js), it knows no view.

A view's `where` holds tests that must all be true of an open case: `states` one of them; `owner` me | none | free (mine or
nobody's); `clock` near | over; `flag` urged | emergency; `asked` waits for my yes or no; `steps` it is in a state that my
role moves on from (STEPS). `all` has no tests: it is the casebook, ended cases included, searched on the server.
"""

from __future__ import annotations

from typing import Any

import msgspec


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is pressed after `g`."""

    name: str
    key: str
    where: dict[str, Any] = {}


VIEWS = (
    QueueView(name="todo", key="t", where={"steps": True, "owner": "free"}),
    QueueView(name="mine", key="m", where={"owner": "me"}),
    QueueView(name="unowned", key="u", where={"owner": "none"}),
    QueueView(name="near", key="n", where={"clock": "near"}),
    QueueView(name="overdue", key="o", where={"clock": "over"}),
    QueueView(name="urged", key="r", where={"flag": "urged"}),
    QueueView(name="emergency", key="e", where={"flag": "emergency"}),
    QueueView(name="suspended", key="s", where={"states": ["suspended"]}),
    QueueView(name="asked", key="a", where={"asked": True}),
    QueueView(name="open", key="p"),
    QueueView(name="all", key="l"),
)

_ACCEPTS = ["reported", "pending_verify", "pending_register", "handle_finish", "pending_check"]
_SENDS = ["pending_dispatch", "returned"]
_HANDLES = ["pending_handle", "handling"]
#: role -> states it moves cases on from: what "to do" means for each seat
STEPS: dict[str, list[str]] = {
    "operator": _ACCEPTS,
    "dispatcher": _SENDS,
    "supervisor": [*_ACCEPTS, *_SENDS],
    "admin": [*_ACCEPTS, *_SENDS],
    "inspector": ["pending_verify", "pending_check"],
    "department": _HANDLES,
}


def declared() -> dict[str, Any]:
    """What the queue's panel carries for the browser."""
    return {"views": [msgspec.to_builtins(view) for view in VIEWS], "steps": STEPS}
