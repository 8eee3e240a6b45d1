"""Who steers a camera: a lease with priority. Pure; time is an argument (real ms).

Somebody who moves a camera holds it until he lets go or has not moved it for IDLE_MS. Higher rank takes it over at once and
the one before is told by whom; equal or lower rank is refused and told who has it and until when.
"""

from __future__ import annotations

import msgspec

from hall.core.errors import Refused

IDLE_MS = 30_000
#: who comes before whom; a role that is not named may not steer (hall/roles.py: `move-camera`)
RANKS = {"operator": 10, "dispatcher": 20, "supervisor": 30, "admin": 30}


class Asker(msgspec.Struct, frozen=True):
    """Somebody at a screen. `holder` tells two consoles of one person apart."""

    person: str
    name: str
    role: str
    desk: str = ""

    @property
    def rank(self) -> int:
        return RANKS.get(self.role, 0)

    @property
    def holder(self) -> str:
        return f"{self.person}\n{self.desk}"


class Lease(msgspec.Struct, frozen=True, omit_defaults=True):
    """Document `ptz/<feed>/<channel>`; without `person`: free."""

    person: str = ""
    name: str = ""
    role: str = ""
    desk: str = ""
    since: int = 0
    until: int = 0
    taken_from: str = ""  # name of the one who had it before, where it was taken over
    taken_from_person: str = ""

    def live(self, now: int) -> bool:
        return bool(self.person) and now < self.until

    def held_by(self, asker: Asker) -> bool:
        return f"{self.person}\n{self.desk}" == asker.holder


FREE = Lease()


def take(lease: Lease, asker: Asker, now: int) -> Lease:
    """The lease after `asker` wants to steer; raises Refused `camera-taken` (409) that says who has it."""
    if lease.live(now) and not lease.held_by(asker):
        if asker.person != lease.person and asker.rank <= RANKS.get(lease.role, 0):
            left = max(1, (lease.until - now + 999) // 1000)
            raise Refused("camera-taken", f"{lease.name} ({lease.role}) steers it; free in {left} s unless moved again", 409)
        before = lease
    else:
        before = FREE
    if lease.live(now) and lease.held_by(asker):
        return msgspec.structs.replace(lease, until=now + IDLE_MS)
    return Lease(
        person=asker.person, name=asker.name, role=asker.role, desk=asker.desk, since=now, until=now + IDLE_MS,
        taken_from=before.name, taken_from_person=before.person,
    )  # fmt: skip


def let_go(lease: Lease, asker: Asker, now: int) -> Lease:
    """The lease after `asker` let go; somebody else's stays as it is."""
    return FREE if lease.held_by(asker) or not lease.live(now) else lease
