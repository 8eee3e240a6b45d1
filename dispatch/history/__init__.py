"""What the map showed in the last hours: documents as they were known, positions and readings as tracks (docs/REPLAY.md)."""
