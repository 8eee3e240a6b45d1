"""Which group a channel hangs below, as directories say it. Pure."""

from __future__ import annotations

from hall.core import gb28181
from hall.core.model import Channel

_GROUPS = ("business_group", "virtual_organisation")


def group_of(channel: Channel) -> str:
    """Key of the group a channel or node hangs below: its virtual organisation or business group, else its parent."""
    for key in (channel.parent, channel.group):
        parts = gb28181.parts_of(key)
        if parts and parts.kind in _GROUPS and key != channel.channel_id:
            return node_key(channel.feed, key)
    parts = gb28181.parts_of(channel.parent)
    if channel.parent == channel.channel_id or (parts and not parts.type):
        return ""  # below a region, which is another division
    return node_key(channel.feed, channel.parent or channel.group)


def node_key(feed: str, key: str) -> str:
    """Ids of 20 digits are the same node whoever tells them; a supplier's words are his own."""
    return key if not key or gb28181.parts_of(key) else f"{feed}/{key}"
