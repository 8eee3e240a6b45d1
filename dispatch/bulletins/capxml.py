"""A message as CAP 1.2. Pure: the same message is the same text, letter for letter."""

from __future__ import annotations

import datetime
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

from dispatch.bulletins.model import Bulletin, Message
from dispatch.bulletins.settings import BulletinRules
from hall.core.cap import NAMESPACE

SEVERITY = {0: "Unknown", 1: "Minor", 2: "Moderate", 3: "Severe", 4: "Extreme"}
COLOUR = {1: "Blue", 2: "Yellow", 3: "Orange", 4: "Red"}


def moment(ms: int, zone: str) -> str:
    """CAP's date-time: seconds, with the city's offset."""
    return datetime.datetime.fromtimestamp(ms // 1000, ZoneInfo(zone)).isoformat(timespec="seconds")


def cap_of(bulletin: Bulletin, message: Message, rules: BulletinRules, scope: str) -> str:
    """The whole alert with its declaration."""
    top = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})
    _put(top, "identifier", message.identifier)
    _put(top, "sender", rules.sender)
    _put(top, "sent", moment(message.sent, rules.timezone))
    _put(top, "status", "Exercise" if bulletin.exercise else "Actual")
    _put(top, "msgType", bulletin.message_type)
    _put(top, "scope", scope)
    if scope == "Restricted":
        _put(top, "restriction", " ".join(bulletin.audience))
    _put(top, "note", bulletin.note)
    _put(top, "references", " ".join(message.references))
    for tag in _languages(bulletin, rules):
        _info(top, tag, bulletin, message, rules)
    etree.indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(top, encoding="unicode") + "\n"


def _languages(bulletin: Bulletin, rules: BulletinRules) -> list[str]:
    """Languages it speaks: the city's first, in their order."""
    known = [tag for tag in rules.languages if bulletin.headline.get(tag)]
    return known + [tag for tag in bulletin.headline if tag not in known and bulletin.headline[tag]]


def _info(top: Any, tag: str, bulletin: Bulletin, message: Message, rules: BulletinRules) -> None:
    info = etree.SubElement(top, f"{{{NAMESPACE}}}info")
    mark = rules.mark.get(tag, rules.in_language(rules.mark, tag)) if bulletin.exercise else ""
    _put(info, "language", tag)
    for category in bulletin.category or ["Safety"]:
        _put(info, "category", category)
    _put(info, "event", rules.in_language(bulletin.event, tag) or rules.in_language(bulletin.headline, tag))
    for response in bulletin.responses:
        _put(info, "responseType", response)
    ahead = bulletin.onset is not None and bulletin.onset > message.sent
    _put(info, "urgency", bulletin.urgency or ("Past" if _lifting(bulletin) else "Expected" if ahead else "Immediate"))
    _put(info, "severity", SEVERITY[bulletin.severity])
    _put(info, "certainty", bulletin.certainty or ("Observed" if _lifting(bulletin) else "Likely"))
    if bulletin.onset is not None:
        _put(info, "onset", moment(bulletin.onset, rules.timezone))
    _put(info, "expires", moment(message.expires, rules.timezone))
    _put(info, "senderName", rules.in_language(rules.sender_name, tag))
    _put(info, "headline", mark + bulletin.headline[tag])
    _put(info, "description", mark + bulletin.text.get(tag, "") if bulletin.text.get(tag) else "")
    _put(info, "instruction", bulletin.instruction.get(tag, ""))
    for name, value in _parameters(bulletin):
        _pair(info, "parameter", name, value)
    for area in message.areas:
        _area(info, area, rules)


def _lifting(bulletin: Bulletin) -> bool:
    return bulletin.message_type == "Cancel" or bulletin.responses == ["AllClear"]


def _parameters(bulletin: Bulletin) -> list[tuple[str, str]]:
    """The colour as China's signals name it, the kind where the draft says one."""
    found = [("severityColor", COLOUR[bulletin.severity])] if bulletin.severity in COLOUR else []
    return found + [(f"signal-{name}", value) for name, value in sorted(bulletin.signal.items()) if value]


def _area(info: Any, area: dict[str, Any], rules: BulletinRules) -> None:
    made = etree.SubElement(info, f"{{{NAMESPACE}}}area")
    _put(made, "areaDesc", area["description"])
    for ring in area.get("polygons", ()):
        _put(made, "polygon", " ".join(f"{lat:.5f},{lon:.5f}" for lon, lat in ring))
    if circle := area.get("circle"):
        _put(made, "circle", f"{circle['lat']:.5f},{circle['lon']:.5f} {circle['radius_m'] / 1000:.3f}")
    for code in area.get("geocodes", ()):
        _pair(made, "geocode", rules.geocode_name, code)


def _put(parent: Any, tag: str, text: str) -> None:
    """A child with text; none for an empty one."""
    if text:
        etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}").text = text


def _pair(parent: Any, tag: str, name: str, value: str) -> None:
    made = etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}")
    _put(made, "valueName", name)
    _put(made, "value", value)
