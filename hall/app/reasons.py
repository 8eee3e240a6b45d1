"""Why somebody watches: what sort of reason it is, whether it is one at all, and who has to give one. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from hall.access import Identity
from hall.core.config import HallConfig
from hall.core.errors import Refused
from hall.roles import ROLES

LONGEST = 200
LONGEST_SUBJECT = 600  # ids are the suppliers' own words
#: what a reason begins with -> its sort, and how the whole of it is written
_SORTS = {
    "case/": ("case", re.compile(r"case/[^/\s]+/.+")),
    "file/": ("case", re.compile(r"file/[^/\s]+/.+")),
    "alarm/": ("alarm", re.compile(r"alarm/.+")),
    "round/": ("patrol", re.compile(r"round/[\w-]{1,64}")),
    "wall:": ("wall", re.compile(r"wall:[\w.-]{0,64}")),
}
_ALONE = {"patrol": "patrol", "wall": "wall"}


def required(config: HallConfig) -> frozenset[str]:
    """The roles that have to give one (`why_required` of `[video]`); raises ConfigError for one that there is not."""
    for role in config.video.why_required:
        if role not in ROLES:
            raise config.error("video.why_required", f"{role!r} is no role; one of {', '.join(ROLES)}")
    return frozenset(config.video.why_required)


def of_wall(who: Identity) -> str:
    """A wall's own reason: it hangs there."""
    return f"wall:{who.wall or who.name}"


def sort_of(why: str, who: Identity, needed: Collection[str]) -> tuple[str, str]:
    """What sort of reason this is (case, alarm, patrol, wall, text, none), and its words. Raises Refused 422: `why-missing`
    where somebody has to give one, `why-malformed` for one that nobody can look up or understand later."""
    words = " ".join(why.split())
    if not words:
        if who.role == "wall":
            return "wall", of_wall(who)
        if who.role in needed:
            raise Refused("why-missing", "say why you watch: a case, an alarm, a patrol, or in words", 422)
        return "none", ""
    subject = words.startswith(("case/", "file/", "alarm/"))
    if len(words) > (LONGEST_SUBJECT if subject else LONGEST) or not words.isprintable():
        raise Refused("why-malformed", f"say why you watch in at most {LONGEST} letters, without control characters", 422)
    if words in _ALONE:
        return _ALONE[words], words
    for begin, (sort, whole) in _SORTS.items():
        if words.startswith(begin):
            if not whole.fullmatch(words):
                raise Refused("why-malformed", "case/<feed>/<id>, file/<feed>/<id>, alarm/<id>, round/<name>, wall:<name>", 422)
            return sort, words
    if sum(map(str.isalnum, words)) < 2:
        raise Refused("why-missing", "say why you watch in words that somebody can understand later", 422)
    return "text", words
