"""What a draft becomes when it is submitted: areas with outlines, the CAP message, each audience's text, their sum. Pure."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from lxml import etree

from dispatch.bulletins.capxml import cap_of, moment
from dispatch.bulletins.drawn import is_number, is_place, rings_of
from dispatch.bulletins.model import Bulletin, Message
from dispatch.bulletins.outlines import together
from dispatch.bulletins.settings import KINDS, BulletinRules, plain_text
from hall.core.cap import first_fault, tree
from hall.core.errors import Refused

HOUR = 3_600_000
#: what is sent: a new message, one that replaces another, one that takes another back
TYPES = ("Alert", "Update", "Cancel")
_PLACES = re.compile(r"\{(\w+)\}")


def identifier(rules: BulletinRules, at: int, taken: Iterable[str]) -> str:
    """Of GB/T 35965.1 where an issuer is configured (`<issuer>_<time>_<number>`, 31 characters), else of the sender's name;
    none of `taken`."""
    stamp = f"{datetime.datetime.fromtimestamp(at // 1000, ZoneInfo(rules.timezone)):%Y%m%d%H%M%S}"
    name, known = rules.issuer or re.sub(r"[^\w.-]", "-", rules.sender), set(taken)
    return next(made for number in range(1, len(known) + 2) if (made := f"{name}_{stamp}_{number}") not in known)


def message_of(bulletin: Bulletin, rules: BulletinRules, now: int, taken: Iterable[str], before: Bulletin | None) -> Message:
    """What is to be sent. `taken`: identifiers in use; `before`: the bulletin that it replaces or cancels. Raises Refused."""
    _complete(bulletin, rules)
    sent = now // 1000 * 1000  # CAP knows whole seconds
    made = Message(identifier=identifier(rules, sent, taken), sent=sent, expires=_end(bulletin, rules, now, before))
    made.reference = f"{rules.sender},{made.identifier},{moment(sent, rules.timezone)}"
    if before is not None and before.message is not None:
        made.references = [*before.message.references, before.message.reference]
    made.areas = [_area(area, rules) for area in bulletin.areas] or [_whole_city(rules)]
    if bulletin.kind == "warning":
        public = any(rules.audiences[name].feed for name in bulletin.audience)
        made.xml = cap_of(bulletin, made, rules, "Public" if public else "Restricted")
        if fault := first_fault(tree(made.xml.partition("?>")[2])):
            raise Refused("cap-invalid", f"this would be no valid CAP message: {fault}", 422)
    made.texts = [text for name in bulletin.audience for text in _texts(name, bulletin, made, rules)]
    made.digest = digest_of(made)
    return made


def digest_of(message: Message) -> str:
    """SHA-256 over everything that is sent."""
    return hashlib.sha256(msgspec.json.encode([message.xml, message.texts])).hexdigest()


# -- what must be there ------------------------------------------------------------------------------------------------------


def _complete(bulletin: Bulletin, rules: BulletinRules) -> None:
    first = rules.languages[0]
    if bulletin.kind not in KINDS or bulletin.message_type not in TYPES or not 0 <= bulletin.severity <= 4:
        raise Refused(
            "bad-field", f"kind: one of {', '.join(KINDS)}; message_type: one of {', '.join(TYPES)}; severity 0 to 4", 422
        )
    for name in ("headline", "text"):
        if not getattr(bulletin, name).get(first):
            raise Refused("field-missing", f"{name} in {first}", 422)
    if not bulletin.audience:
        raise Refused("field-missing", "audience: who is to be told", 422)
    if unknown := [name for name in bulletin.audience if name not in rules.audiences]:
        raise Refused("audience-unknown", f"{unknown[0][:80]}: one of {', '.join(rules.audiences)}", 422)
    if bulletin.kind == "warning" and not bulletin.severity:
        raise Refused("field-missing", "severity: a warning has one from 1 to 4", 422)
    for name in ("event", "headline", "text", "instruction"):
        for text in getattr(bulletin, name).values():
            _printable(name, text)


def _printable(name: str, text: str) -> None:
    """XML cannot carry everything that a text can."""
    try:
        etree.Element("x").text = text
    except ValueError:
        raise Refused("bad-field", f"{name}: has characters that no message can carry", 422) from None


def _end(bulletin: Bulletin, rules: BulletinRules, now: int, before: Bulletin | None) -> int:
    if bulletin.expires is not None:
        end = bulletin.expires
    elif bulletin.expires_minutes:
        end = now + bulletin.expires_minutes * 60_000
    else:
        end = max(now, bulletin.onset or 0) + round(rules.expires_hours * HOUR)
    end = end // 1000 * 1000
    if end <= now:
        raise Refused("bad-field", "expires: a moment to come", 422)
    if end > now + rules.longest_hours * HOUR:
        raise Refused("bad-field", f"expires: at most {rules.longest_hours:g} h from now", 422)
    if bulletin.onset is not None and bulletin.onset >= end:
        raise Refused("bad-field", "onset: before it expires", 422)
    return end


# -- areas -------------------------------------------------------------------------------------------------------------------


def _whole_city(rules: BulletinRules) -> dict[str, Any]:
    name = rules.in_language(rules.city, rules.languages[0]) or rules.sender
    made: dict[str, Any] = {"description": name}
    if rules.outlines:
        made["polygons"] = together(rules.outlines, rules.outline_metres)
        made["geocodes"] = [outline.code for outline in rules.outlines.values() if outline.code]
    return made


def _area(area: dict[str, Any], rules: BulletinRules) -> dict[str, Any]:
    """One area as it is sent; raises Refused for a district that the city has not."""
    names = area.get("districts") or []
    if not isinstance(names, list) or (unknown := [name for name in names if name not in rules.outlines]):
        known = "、".join(rules.outlines) or "no district: the city's boundary is not configured"
        raise Refused("district-unknown", f"{', '.join(map(str, unknown))[:100]}: one of {known[:200]}", 422)
    found = [rules.outlines[name] for name in names]
    rings = [ring for outline in found for ring in outline.rings] + rings_of(area)
    made: dict[str, Any] = {"description": str(area.get("description") or "、".join(names) or rules.languages[0])[:500]}
    codes = [outline.code for outline in found if outline.code]
    parts = {"polygons": rings, "circle": _circle(area["circle"]) if area.get("circle") else None, "geocodes": codes}
    made |= {name: value for name, value in parts.items() if value}
    if len(made) == 1 and not names:
        raise Refused("bad-field", "areas: districts, a circle or an outline", 422)
    if not area.get("description") and not names:
        raise Refused("field-missing", "areas: what a drawn area is called (description)", 422)
    return made


def _circle(value: Any) -> dict[str, float]:
    try:
        lon, lat, radius = value["lon"], value["lat"], value["radius_m"]
    except (TypeError, KeyError):
        lon = lat = radius = None
    if not is_place([lon, lat]) or not is_number(radius) or not 0 < radius <= 200_000:
        raise Refused("bad-field", "circle: lon, lat, radius_m (up to 200 km)", 422)
    return {"lon": float(lon), "lat": float(lat), "radius_m": float(radius)}


# -- texts -------------------------------------------------------------------------------------------------------------------


def _texts(name: str, bulletin: Bulletin, message: Message, rules: BulletinRules) -> list[dict[str, str]]:
    """What one audience reads, in each language that the message speaks. Raises Refused for one that is too long."""
    audience, found = rules.audiences[name], []
    for tag in [tag for tag in (*rules.languages, *bulletin.headline) if bulletin.headline.get(tag)]:
        if any(text["language"] == tag for text in found):
            continue
        pattern = audience.text.get(tag) or plain_text(tag)
        words = _words(tag, bulletin, message, rules)
        text = " ".join(_PLACES.sub(lambda place, words=words: words[place[1]], pattern).split())
        if audience.longest and len(text) > audience.longest:
            problem = f"{name} ({tag}): {len(text)} characters, at most {audience.longest}"
            raise Refused("text-too-long", problem, 422)
        found.append({"audience": name, "language": tag, "text": text})
    return found


def _words(tag: str, bulletin: Bulletin, message: Message, rules: BulletinRules) -> dict[str, str]:
    zone = ZoneInfo(rules.timezone)
    shown = {name: _spoken(at, zone, tag) for name, at in (("time", message.sent), ("expires", message.expires))}
    texts = {name: getattr(bulletin, name).get(tag, "") for name in ("headline", "text", "instruction")}
    return {
        "mark": rules.in_language(rules.mark, tag) if bulletin.exercise else "",
        "sender": rules.in_language(rules.sender_name, tag),
        "event": rules.in_language(bulletin.event, tag),
        **texts,
        **shown,
    }


def _spoken(at: int, zone: ZoneInfo, tag: str) -> str:
    """A moment as people say it."""
    local = datetime.datetime.fromtimestamp(at / 1000, zone)
    return f"{local.month}月{local.day}日{local:%H:%M}" if tag.startswith("zh") else f"{local:%Y-%m-%d %H:%M}"
