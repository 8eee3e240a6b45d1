"""Warnings and messages of the hall itself: drafted, approved by several people, issued as CAP and texts (docs/WARNINGS.md)."""

from dispatch.bulletins.aggregate import Bulletins
from dispatch.bulletins.settings import BulletinRules, rules_of

__all__ = ["BulletinRules", "Bulletins", "rules_of"]
