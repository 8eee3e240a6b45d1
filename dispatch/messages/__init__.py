"""What the desk tells crews in people's own words: `message/<id>` (docs/FIELD.md)."""

from dispatch.messages.aggregate import Messages

__all__ = ["Messages"]
