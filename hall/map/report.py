"""What a build did: counts, and what was repaired or left out with its reason."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

#: examples kept of each reason
EXAMPLES = 5
REASONS = {
    "node-missing": "a way cut off at the extract's edge: drawn as far as its nodes are there",
    "area-incomplete": "an area whose outline the extract does not have whole, or that does not close",
    "geometry-broken": "a geometry nothing can be made of",
    "layer-unknown": "a layer the map does not have",
    "feature-malformed": "no GeoJSON feature",
    "tile-broken": "a part of a tile that could not be cut",
}


class Report(msgspec.Struct, kw_only=True):
    """`read`, `taken`: objects by layer before and after the clip; `parked`: reason -> number; `tiles` by zoom."""

    way: str = "python"
    instead: str = ""  # what the other way, tried first, said
    read: Counter[str] = msgspec.field(default_factory=Counter)
    taken: Counter[str] = msgspec.field(default_factory=Counter)
    outside: int = 0
    cut: int = 0
    repaired: Counter[str] = msgspec.field(default_factory=Counter)  # extract, boundary
    parked: Counter[str] = msgspec.field(default_factory=Counter)
    examples: dict[str, list[str]] = {}
    tiles: dict[int, int] = {}
    largest: int = 0  # bytes of the largest tile, compressed
    bytes: int = 0  # of the file
    seconds: float = 0.0

    def park(self, reason: str, which: str) -> None:
        self.parked[reason] += 1
        self._example(reason, which)

    def mend(self, what: str, which: str) -> None:
        self.repaired[what] += 1
        self._example(f"repaired-{what}", which)

    def _example(self, reason: str, which: str) -> None:
        kept = self.examples.setdefault(reason, [])
        if len(kept) < EXAMPLES:
            kept.append(which)

    def lines(self) -> list[str]:
        """The report as people read it."""
        made = [f"{sum(self.tiles.values()):,} tiles, {self.bytes:,} bytes, by {self.way} in {self.seconds:.1f} s"]
        if self.instead:
            made.append(f"  tried first: {self.instead}")
        if self.tiles:
            made.append("  tiles by zoom: " + ", ".join(f"{zoom}: {count:,}" for zoom, count in sorted(self.tiles.items())))
            made.append(f"  largest tile: {self.largest:,} bytes")
        if self.read:
            made.append("  objects: " + ", ".join(f"{layer} {self.taken[layer]:,}" for layer in self.read))
        if self.outside or self.cut:
            what = "tiles" if self.way == "tilemaker" else "objects"
            made.append(f"  boundary: {self.outside:,} {what} outside left out, {self.cut:,} cut at it")
        for what, count in sorted(self.repaired.items()):
            made.append(f"  repaired ({what}): {count:,}, as {', '.join(self.examples[f'repaired-{what}'])}")
        for reason, count in sorted(self.parked.items()):
            made.append(f"  left out, {reason} ({REASONS[reason]}): {count:,}, as {', '.join(self.examples[reason])}")
        return made

    def document(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)
