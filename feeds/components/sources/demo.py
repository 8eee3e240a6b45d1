"""`demo://city?seed=410700`: the demo city's own components, made while they are read."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from feeds.components.reading import Opened, Placed, Reader, Unreadable
from feeds.components.settings import Rules


def _rows(seed: int) -> Iterator[Placed]:
    from feeds.demo import city, inventory

    yield from enumerate(inventory.rows(city.build(seed)), 1)


def open_demo(where: str, rules: Rules) -> Opened:
    from feeds.demo import SEED

    seed = parse_qs(urlsplit(where).query).get("seed", [str(SEED)])[0]
    if not seed.isdigit():
        raise Unreadable(f"{where}: seed is a whole number")
    return Opened(_rows(int(seed)), "demo: row {}")


SOURCE = Reader("demo", open_demo, schemes=("demo",))
