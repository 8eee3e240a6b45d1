"""A bulletin in force as a warning like any supplier's: what banner, map and briefing show. Pure."""

from __future__ import annotations

from dispatch.bulletins.capxml import SEVERITY
from dispatch.bulletins.model import Bulletin
from dispatch.bulletins.settings import BulletinRules
from hall.core.cap.shapes import circle
from hall.core.model import PublicWarning, WarningArea

FEED = "hall"


def subject_of(bulletin: Bulletin) -> str:
    """`warning/hall/<identifier>`; empty for what is no warning or was never submitted."""
    shown = bulletin.kind == "warning" and bulletin.message is not None and bulletin.message_type != "Cancel"
    return f"warning/{FEED}/{bulletin.message.identifier}" if shown and bulletin.message else ""


def warning_of(bulletin: Bulletin, rules: BulletinRules) -> PublicWarning | None:
    """The document while it is in force, as a reader of its CAP message would make it; None when it is not."""
    message = bulletin.message
    if bulletin.state != "issued" or message is None or not subject_of(bulletin):
        return None
    extra = {
        "instruction": {tag: text for tag, text in bulletin.instruction.items() if text},
        "signal": dict(bulletin.signal),
        "bulletin": f"bulletin/{bulletin.bulletin_id}",
        "note": bulletin.note,
    }
    first = rules.languages[0]
    return PublicWarning(
        feed=FEED,
        warning_id=message.identifier,
        sender=rules.in_language(rules.sender_name, first),
        status="Exercise" if bulletin.exercise else "Actual",
        message_type=bulletin.message_type,
        references=[reference.split(",")[1] for reference in message.references],
        event=rules.in_language(bulletin.event, first) or rules.in_language(bulletin.headline, first),
        severity=bulletin.severity,
        severity_label=SEVERITY[bulletin.severity],
        headline=_marked(bulletin, rules, bulletin.headline),
        description=_marked(bulletin, rules, bulletin.text),
        onset=None if bulletin.onset is None else bulletin.onset // 1000 * 1000,  # CAP knows whole seconds
        expires=message.expires,
        areas=[_area(area) for area in message.areas],
        extra={name: value for name, value in extra.items() if value},
    )


def _marked(bulletin: Bulletin, rules: BulletinRules, texts: dict[str, str]) -> dict[str, str]:
    """Texts that say themselves that they belong to an exercise."""
    mark = (lambda tag: rules.in_language(rules.mark, tag)) if bulletin.exercise else (lambda tag: "")
    return {tag: mark(tag) + text for tag, text in texts.items() if text and bulletin.headline.get(tag)}


def _area(area: dict) -> WarningArea:
    rings = [*area.get("polygons", ())]
    if drawn := area.get("circle"):
        rings.append(circle(drawn["lon"], drawn["lat"], drawn["radius_m"] / 1000))
    return WarningArea(description=area["description"], polygons=rings, geocodes=list(area.get("geocodes", ())))
