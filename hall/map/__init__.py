"""The city's own map: vector tiles built from an extract into one MBTiles file, checked, read (docs/MAP.md)."""
