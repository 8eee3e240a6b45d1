"""Which channels somebody may know of: the web process says it with each question, as `x-hall-scope`. Pure."""

from __future__ import annotations

import msgspec

from hall.core.errors import Refused
from hall.core.model import Channel


class Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`districts`: what lies in one of them, or in none that is known. `departments`: what one of them owns. None: all."""

    districts: tuple[str, ...] | None = None
    departments: tuple[str, ...] | None = None

    def unseen(self, channel: Channel) -> str | None:
        """Why a channel may not be known; None when it may."""
        if self.districts is not None and channel.district and channel.district not in self.districts:
            return "wrong-district"
        if self.departments is not None and channel.owner not in self.departments:
            return "not-your-unit"
        return None


ALL = Scope()


def scope_of(header: str | None) -> Scope:
    """The scope a request carries; raises Refused for one that is none. Absent: everything."""
    if header is None:
        return ALL
    try:
        return msgspec.json.decode(header, type=Scope)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        raise Refused("scope-malformed", "x-hall-scope: JSON with districts and departments", 400) from None
