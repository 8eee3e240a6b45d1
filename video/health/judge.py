"""From measures to findings, with a memory of what is usual for the channel. Pure: `(memory, features) -> (memory, scores)`.

A fault is raised after several looks that agree and cleared after several that do not (limits.TABLE): one passing lorry
raises nothing. Faults that make the picture useless hide the finer ones, which cannot be judged then.
"""

from __future__ import annotations

import msgspec

from video.health.limits import (
    AGREEMENT_LEAST,
    AGREES_AS_USUAL,
    DARK_MEAN,
    DARK_PATIENCE,
    DETAILED_LEAST,
    LEARN_EVERY,
    LEARN_SHARE,
    LEARNING,
    MONOCHROME,
    SAME_LAYOUT,
    SETTLED_HOURS,
    SHIFT_LEAST,
    STILL_LEVELS,
    TABLE,
    TURNED_AWAY,
)
from video.health.measures import Features, Turn, blended, change, layout, lost_detail, turn

_USELESS = ("no-picture", "scrambled", "black", "overexposed", "blank")


class Usual(msgspec.Struct):
    """What is usual by day, or by night where the camera turns monochrome. `agreement` is the view's with itself."""

    view: bytes
    detail: bytes
    blur: float
    agreement: float = 0.0
    looks: int = 1


class Memory(msgspec.Struct):
    """All that is kept of a channel between looks: about 7 KB, 12 where it has a night too. Times are real ms."""

    day: Usual | None = None
    night: Usual | None = None
    still: bytes = b""  # the first of the pictures that were all the same
    still_since: int = 0
    turned: float = 0.0  # shift at the last look, share of the width
    skipped: int = 0  # sound looks since the last that was learnt from
    clock_off: float | None = None  # seconds, as the burnt-in clock was read last
    counts: dict[str, tuple[int, int]] = {}  # fault -> looks in a row over its limit (held: below it), since when
    held: tuple[str, ...] = ()  # faults in force, worst first
    since: dict[str, int] = {}


class Verdict(msgspec.Struct, frozen=True):
    """One look's outcome. `scores` holds what could be judged, in the units of limits.TABLE; `changed`: `held` did."""

    scores: dict[str, float]
    held: tuple[str, ...]
    changed: bool
    suspect: bool  # something is over its limit or coming back: look again soon
    quality: float  # 1 sound .. 0 useless


def look(
    memory: Memory, features: Features | None, now: int, *, steady: bool = True, extra: dict[str, float] | None = None
) -> Verdict:
    """Takes one look at `now` (real ms) into `memory`, which changes. None: no picture came. `steady`: the camera does not
    pan, so its view may be compared. `extra`: scores measured elsewhere (`clock-wrong`)."""
    before = memory.held
    if "moved" in memory.held and now - memory.since.get("moved", now) >= SETTLED_HOURS * 3_600_000:
        memory.day = memory.night = None  # nobody turned it back: this is where it looks now
        memory.held = tuple(name for name in memory.held if name != "moved")
    if features is None:
        scores = {"no-picture": 1.0}
    else:
        scores = {"no-picture": 0.0} | _alone(features)
        if not _over(scores, _USELESS):
            scores |= _against(memory, features, now, steady) | (extra or {})
        else:
            memory.still, memory.still_since = b"", now
    return _settle(memory, scores, now, before)


def _alone(features: Features) -> dict[str, float]:
    """What one picture says by itself."""
    return {
        "scrambled": 1.0 if features.corrupt else features.smear if features.spread > 3 else 0.0,
        "black": features.dark,
        "overexposed": features.bright,
        "blank": 0.0 if features.dark > 0.9 or features.bright > 0.6 else min(9.0, 3.0 / max(features.spread, 0.01)),
        "colour-cast": features.floor,
    }


def _against(memory: Memory, features: Features, now: int, steady: bool) -> dict[str, float]:
    """What only the channel's own past can say; learns from a picture that is sound."""
    night = max(map(abs, features.chroma)) < MONOCHROME
    usual = memory.night if night else memory.day
    scores = {"frozen": _stillness(memory, features, now), "blurred": features.blur}
    if usual is None or usual.looks < LEARNING:
        _learn(memory, usual, features, night, None)
        return scores
    blur = features.blur - max(0.0, usual.blur - 0.30)  # a lens that was never sharp is not getting worse
    scores["blurred"] = blur
    found = turn(features.view, usual.view, usual.agreement * AGREES_AS_USUAL) if steady else None
    lost, detailed = lost_detail(features.detail, usual.detail)
    if found is not None and usual.agreement >= AGREEMENT_LEAST:
        scores["moved"], scores["shaken"] = _moved(memory, usual, found, lost)
    if detailed >= DETAILED_LEAST and scores.get("moved", 0.0) < TABLE["moved"].clear_at:
        unfocused = blur >= TABLE["blurred"].clear_at and layout(features.view, usual.view) > SAME_LAYOUT
        scores["occluded"] = 0.0 if unfocused else lost
    memory.skipped += 1
    if memory.skipped >= LEARN_EVERY and not _over(scores, ("moved", "occluded", "blurred"), clear=True):
        memory.skipped = 0
        _learn(memory, usual, features, night, found)
    return scores


def _stillness(memory: Memory, features: Features, now: int) -> float:
    """Seconds that nothing has changed. At night less happens: they count a third."""
    if not memory.still or change(features.still, memory.still) >= STILL_LEVELS:
        memory.still, memory.still_since = features.still, now
    seconds = (now - memory.still_since) / 1000
    return seconds / (DARK_PATIENCE if features.mean < DARK_MEAN else 1.0)


def _moved(memory: Memory, usual: Usual, found: Turn, lost: float) -> tuple[float, float]:
    """(how sure it is that the view is another, how far it jumped since the last look)."""
    sure = 0.0
    if found.shift >= SHIFT_LEAST and found.agreement + found.gain >= AGREEMENT_LEAST:
        sure = found.gain
    elif found.agreement < TURNED_AWAY and usual.agreement > 0.5 and lost < TABLE["occluded"].clear_at:
        sure = usual.agreement - found.agreement
    turned = found.shift if sure >= TABLE["moved"].clear_at else 0.0
    jumped, memory.turned = abs(turned - memory.turned), turned
    return sure, jumped


def _learn(memory: Memory, usual: Usual | None, features: Features, night: bool, found: Turn | None) -> None:
    if usual is None:
        usual = Usual(features.view, features.detail, features.blur)
        if night:
            memory.night = usual
        else:
            memory.day = usual
        return
    share = max(LEARN_SHARE, 1 / (usual.looks + 1))
    here = (found or turn(features.view, usual.view)).agreement
    usual.agreement = here if usual.looks == 1 else usual.agreement + share * (here - usual.agreement)
    usual.view, usual.detail = blended(usual.view, features.view, share), blended(usual.detail, features.detail, share)
    usual.blur += share * (features.blur - usual.blur)
    usual.looks += 1


def _over(scores: dict[str, float], names: tuple[str, ...], clear: bool = False) -> bool:
    return any(scores.get(name, 0.0) >= (TABLE[name].clear_at if clear else TABLE[name].raise_at) for name in names)


def _settle(memory: Memory, scores: dict[str, float], now: int, before: tuple[str, ...]) -> Verdict:
    """Counts looks that agree; raises and clears. A fault that could not be judged stays as it is."""
    held, suspect = set(memory.held), False
    for name, limit in TABLE.items():
        if name not in scores:
            continue
        clearing = name in held
        agrees = scores[name] < limit.clear_at if clearing else scores[name] >= limit.raise_at
        count, first = memory.counts.pop(name, (0, now))
        if not agrees:
            continue
        count += 1
        if clearing and count >= limit.clears:
            held.discard(name)
            memory.since.pop(name, None)
        elif not clearing and count >= limit.looks and now - first >= limit.seconds * 1000:
            held.add(name)
            memory.since[name] = first
        else:
            memory.counts[name] = count, first
            suspect = True
    ordered = tuple(name for name in TABLE if name in held)
    changed, memory.held = ordered != before, ordered
    return Verdict(scores, ordered, changed, suspect, _quality(ordered))


def _quality(held: tuple[str, ...]) -> float:
    quality = 1.0
    for name in held:
        quality *= 1 - TABLE[name].weight
    return round(quality, 3)
