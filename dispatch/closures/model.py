"""A closure as the ledger keeps it. One stream per place: what was closed before stays in its history, `number` counts."""

from __future__ import annotations

from typing import Any

import msgspec

#: states in which traffic is kept out, or should be
SHUT = ("ordered", "confirmed", "reopening_proposed")
#: nothing is under way
OVER = ("reopened", "declined", "cancelled")
#: an exercise's closures have names of their own
DRILL = "-exercise"
KINDS = ("road", "underpass")
#: the two ways of knowing that a place is closed; each is a fact of its own
FACTS = ("on_site", "by_video")


class Closure(msgspec.Struct, kw_only=True, omit_defaults=True):
    """State and document of `closure/<closure_id>`. Times city ms, depths metres.

    `proposed {at, by}`, `ordered {at, by, role, reason}`, `on_site {at, by, role, note, photos, metres, ...}` (onsite.KEPT),
    `by_video {at, by, channel, media, note}`, `reopening {at, by, why, reason}`, `reopened {at, by, role, reason}`,
    `over {at, by, reason}` how a declined or cancelled one ended. `why` is `[{code, values}]`: what speaks for closing.
    `confirm` says which facts confirm it (either, both, on_site, by_video), `missing` which are still to come.
    """

    closure_id: str = ""
    name: str = ""
    label: dict[str, str] = {}
    kind: str = "road"
    site: str = ""  # of the gauge, as in alarm/<site>
    gauge: str = ""  # subject of its readings
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    unit: str = ""  # who keeps the road
    detour: dict[str, str] = {}
    cameras: list[str] = []  # subjects of channels that see it, best first
    state: str = ""
    number: int = 0  # how often this place was proposed for closing
    why: list[dict[str, Any]] = []
    depth: float | None = None  # when it was last told
    urgent: bool = False  # past the line where traffic must not be let in
    confirm: str = "either"
    missing: list[str] = []
    proposed: dict[str, Any] = {}
    ordered: dict[str, Any] = {}
    on_site: dict[str, Any] = {}
    by_video: dict[str, Any] = {}
    confirmed_at: int | None = None
    reopening: dict[str, Any] = {}
    reopened: dict[str, Any] = {}
    over: dict[str, Any] = {}
    kept: dict[str, Any] = {}  # the last "not yet" to a reopening {at, by, reason}
    crews: list[dict[str, Any]] = []  # sent there: {crew, at, by}
    verified: dict[str, Any] = {}  # what somebody saw there before it was decided: {found: water | dry, depth, ...}
    cannot: dict[str, Any] = {}  # why it could not be closed, until it is
    cleared: dict[str, Any] = {}  # the barriers were taken away
    trusted: dict[str, Any] = {}  # what took the doubt away {at, by, why}
    doubt: list[dict[str, Any]] = []  # why the gauge's word should be checked first, [{code, values}]
    alarm: str = ""  # subject
    alarm_id: str = ""  # which occurrence of it
    case: str = ""  # subject of the file that crews work on
    incident: str = ""  # id
    exercise: bool = False
    since: int = 0  # of the state
    revision: int = 0
    ended: bool = False


def facts_missing(closure: Closure) -> list[str]:
    """Which facts are still to come before it counts as confirmed."""
    have = [fact for fact in FACTS if getattr(closure, fact)]
    if closure.confirm == "either":
        return [] if have else list(FACTS)
    wanted = FACTS if closure.confirm == "both" else (closure.confirm,)
    return [fact for fact in wanted if fact not in have]
