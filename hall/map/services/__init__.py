"""Tile services of others: asked by the hall, brought to the map's own grid, kept on disk (docs/MAP.md)."""
