"""`[dispatch.readings]` of hall.toml."""

from __future__ import annotations

import msgspec

from dispatch import overlay
from hall.core.config import HallConfig

FILE = "readings.db"  # in the data directory
DAY_MS = 86_400_000


class KeepRules(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`days` and `megabytes` bound what is kept, whichever is reached first."""

    keep: bool
    days: float
    megabytes: float


def settings_of(config: HallConfig) -> KeepRules:
    """Raises ConfigError naming file, line and key."""
    made = overlay.settings(config, "readings", "readings-cn.toml", KeepRules)
    for name, least, most in (("days", 0.04, 400), ("megabytes", 1, 1_000_000)):
        if not least <= getattr(made, name) <= most:
            raise config.error(f"dispatch.readings.{name}", f"from {least} to {most}")
    return made
