"""The demo city: synthetic, seeded, made by the project itself; nothing in it is taken from a real city's data."""

from __future__ import annotations

from pathlib import Path

SEED = 410700


def prepare(data_dir: Path) -> Path:
    """Makes the demo city's files under `data_dir`/demo when they are missing or of another version.

    Returns the path of its hall.toml.
    """
    from feeds.demo.write import write_city

    return write_city(data_dir / "demo", SEED)
