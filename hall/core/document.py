"""What every document is made of."""

from __future__ import annotations

import msgspec


class Doc(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Base of every document."""
