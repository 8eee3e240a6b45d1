"""Who acts, as the ledger wants to know it: made from the visit, which the session has told everything already."""

from __future__ import annotations

from hall.access import Identity
from hall.app.visit import Visit, current_visit
from hall.core.command import Actor


def actor_of(identity: Identity, desk: str = "") -> Actor:
    """The actor behind an identity; a session that is bound to a place (a wall) says so itself and is believed first."""
    return Actor(
        name=identity.name,
        role=identity.role,
        kind=identity.kind,
        desk=identity.desk or desk,
        unit=identity.unit,
        crew=identity.crew,
        districts=identity.districts,
    )


def current_actor(visit: Visit | None = None) -> Actor:
    """Who makes the request being answered."""
    visit = visit or current_visit()
    return actor_of(visit.identity, visit.desk)
