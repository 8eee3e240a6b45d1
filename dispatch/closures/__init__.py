"""Closures 封控: underpasses and roads that water makes impassable, from the first advice to the traffic let back in."""

from dispatch.closures.aggregate import Closures
from dispatch.closures.model import Closure
from dispatch.closures.settings import ClosureRules

__all__ = ["Closure", "ClosureRules", "Closures"]
