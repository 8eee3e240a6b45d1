"""What people draw on the map and share: `shape/<id>` (docs/SHAPES.md)."""

from dispatch.shapes.aggregate import Shapes

__all__ = ["Shapes"]
