"""What a draft would become, before anybody submits it: the very CAP message and texts, or why it cannot be sent. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.bulletins.aggregate import Bulletins
from dispatch.bulletins.compose import message_of
from dispatch.bulletins.inforce import warning_of
from dispatch.bulletins.model import Bulletin
from dispatch.bulletins.settings import BulletinRules
from hall.core.errors import Refused


def preview(rules: BulletinRules, state: Bulletin, now: int, before: Bulletin | None = None) -> dict[str, Any]:
    """`{xml, texts, warning, digest, frozen, identifier, expires}`: of a submitted one what was frozen, of a draft what
    submitting it now would make; `{problem {reason, detail}}` instead where that is refused."""
    frozen = state.message is not None
    try:
        message = state.message or message_of(state, rules, now, (), before)
    except Refused as refused:
        return {"problem": {"reason": refused.reason, "detail": refused.detail}}
    shown = warning_of(msgspec.structs.replace(state, message=message, state="issued"), rules)
    found = {"xml": message.xml, "texts": message.texts, "digest": message.digest if frozen else "", "frozen": frozen}
    found |= {"identifier": message.identifier, "expires": message.expires}
    return found | {"warning": msgspec.to_builtins(shown) if shown else None}


def options(kind: Bulletins) -> dict[str, Any]:
    """What a drafting form offers: `{templates, audiences, approvals, districts, languages, expires_hours, longest_hours, mark,
    signed, exercise}`."""
    rules = kind.rules
    audiences = {
        name: {"label": audience.label, "feed": audience.feed, "notices": list(audience.notices), "longest": audience.longest}
        for name, audience in rules.audiences.items()
    }
    return {
        "templates": msgspec.to_builtins(rules.templates),
        "audiences": audiences,
        "approvals": msgspec.to_builtins(rules.approvals),
        "districts": list(rules.outlines),
        "languages": list(rules.languages),
        "expires_hours": rules.expires_hours,
        "longest_hours": rules.longest_hours,
        "mark": rules.mark,
        "signed": bool(rules.feed.key),
        "exercise": rules.exercise,
    }
