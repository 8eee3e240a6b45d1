"""What a webhook is posted when a bulletin is issued: a CloudEvents event with its texts and the CAP message. Pure."""

from __future__ import annotations

import msgspec

from dispatch.bulletins.model import Bulletin
from dispatch.bulletins.telling import carries
from dispatch.webhooks.message import delivery_id, iso
from dispatch.webhooks.settings import Hook
from hall.core.command import Entry

TYPE = "org.command-hall.bulletin.issue"


def wanted(hook: Hook, entry: Entry, bulletin: Bulletin | None) -> bool:
    return entry.move == "issue" and bulletin is not None and bulletin.message is not None and carries(hook, bulletin)


def body_of(hook: Hook, entry: Entry, bulletin: Bulletin, city: str) -> bytes:
    """The event as it is sent; made once, so that every attempt carries the same bytes. `status` is CAP's: whatever
    is not Actual must not be passed on as real."""
    message = bulletin.message
    assert message is not None
    data = {
        "bulletin": bulletin.bulletin_id,
        "kind": bulletin.kind,
        "status": "Exercise" if bulletin.exercise else "Actual",
        "message_type": bulletin.message_type,
        "identifier": message.identifier,
        "references": message.references,
        "severity": bulletin.severity,
        "sent": iso(message.sent),
        "expires": iso(message.expires),
        "texts": [text for text in message.texts if text["audience"] in hook.audiences],
        "digest": message.digest,
    }
    if message.xml:
        data["cap"] = message.xml
    event = {
        "specversion": "1.0",
        "id": delivery_id(hook, entry),
        "source": f"/command-hall/{city or 'city'}",
        "type": TYPE,
        "subject": entry.subject,
        "time": iso(entry.time),
        "datacontenttype": "application/json",
        "data": data,
    }
    return msgspec.json.encode(event)
