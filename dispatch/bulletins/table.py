"""Which moves a bulletin knows, who makes them from which state, what they ask for. Data."""

from __future__ import annotations

from dispatch.bulletins.compose import TYPES
from dispatch.bulletins.settings import CATEGORIES, KINDS, RESPONSES, BulletinRules
from dispatch.tabled import HALL, Field, Move

URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
#: nothing was sent yet
OPEN = ("draft", "submitted", "approved", "refused")


def content_fields(rules: BulletinRules) -> dict[str, Field]:
    """What a draft may say. Texts and areas are records: their own check is in `aggregate`."""
    text = Field(kind="record")
    return {
        "kind": Field(kind="choice", choices=KINDS),
        "template": Field(kind="choice", choices=tuple(rules.templates)),
        "severity": Field(kind="whole", low=0, high=4),
        "event": text, "headline": text, "text": text, "instruction": text,
        "category": Field(kind="texts", longest=20),
        "responses": Field(kind="texts", longest=20),
        "urgency": Field(kind="choice", choices=URGENCIES),
        "certainty": Field(kind="choice", choices=CERTAINTIES),
        "areas": Field(kind="record"),
        "audience": Field(kind="texts", longest=64, offer="audiences"),
        "onset": Field(kind="moment"), "expires": Field(kind="moment"),
        "expires_minutes": Field(kind="whole", low=5, high=round(rules.longest_hours * 60), unit="min"),
        "exercise": Field(kind="yes"),
        "signal": Field(kind="record"),
        "note": Field(kind="text", longest=500),
    }  # fmt: skip


def moves_of(rules: BulletinRules) -> dict[str, Move]:
    drafters = rules.drafters
    approvers = tuple(dict.fromkeys(role for one in rules.approvals.values() for role in one.roles))
    content = content_fields(rules)
    origin = {
        "replaces": Field(kind="subject", topic="bulletin"),
        "message_type": Field(kind="choice", choices=TYPES),
        "cause": Field(kind="line", longest=300),
        "response": Field(kind="line", longest=300),
    }
    return {
        "draft": Move(frm=("",), by=(*drafters, *HALL), fields=content | origin, revision=False),
        "edit": Move(frm=("draft", "refused"), by=drafters, fields=content),
        "submit": Move(frm=("draft",), by=drafters),
        "take_back": Move(frm=("submitted", "approved"), by=drafters),
        "approve": Move(frm=("submitted",), by=approvers, fields={"digest": Field(kind="line", must=True, longest=64)}),
        "refuse": Move(frm=("submitted", "approved"), by=approvers, reason=True),
        "issue": Move(frm=("approved",), by=tuple(dict.fromkeys((*drafters, *approvers)))),
        "update": Move(frm=("issued",), by=drafters),
        "cancel": Move(frm=("issued",), by=drafters, reason=True),
        "withdraw": Move(frm=OPEN, by=(*drafters, *HALL), reason=True, revision=False),
        "expire": Move(frm=("issued",), by=HALL, revision=False),
        "retire": Move(frm=("cancelled", "replaced", "refused", "expired"), by=HALL, revision=False),
    }


__all__ = ["CATEGORIES", "RESPONSES", "content_fields", "moves_of"]
