"""`hall map check`: whether a map file is whole: every tile read, every geometry made."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from pathlib import Path

import msgspec
import shapely

from hall.map import mvt
from hall.map.mbtiles import GZIP, MEDIA_TYPES, Tiles, whole_number

#: problems told one by one
MOST_TOLD = 10
#: a tile above this makes a wall's drawing stutter: bytes, compressed
HEAVY = 500_000
#: units beyond the edge that a tile may have
_BEYOND = 0.1


class Findings(msgspec.Struct):
    """What the file holds (`tiles` by zoom, `features` by layer), and what is wrong with it."""

    metadata: dict[str, str] = {}
    tiles: dict[int, int] = {}
    features: Counter[str] = msgspec.field(default_factory=Counter)
    invalid: int = 0  # areas that cross themselves: drawn all the same
    heavy: int = 0
    beyond: int = 0  # layers of tiles that go on far beyond the tile: only costs
    largest: tuple[int, str] = (0, "")
    problems: list[str] = []
    unsaid: int = 0

    def wrong(self, problem: str) -> None:
        if len(self.problems) < MOST_TOLD:
            self.problems.append(problem)
        else:
            self.unsaid += 1

    def lines(self) -> list[str]:
        (size, where), name = self.largest, self.metadata.get("name", "?")
        made = [f"{name}: {sum(self.tiles.values()):,} tiles, largest {size:,} bytes {where}"]
        made.append("  tiles by zoom: " + ", ".join(f"{zoom}: {count:,}" for zoom, count in sorted(self.tiles.items())))
        if self.features:
            made.append(
                "  objects in tiles: " + ", ".join(f"{layer} {count:,}" for layer, count in sorted(self.features.items()))
            )
        if self.invalid:
            made.append(f"  {self.invalid:,} areas cross themselves (drawn all the same)")
        if self.beyond:
            made.append(f"  {self.beyond:,} layers of tiles go on far beyond their tile (drawn all the same)")
        if self.heavy:
            made.append(f"  {self.heavy:,} tiles are heavier than {HEAVY:,} bytes: slow on a wall")
        made += [f"  wrong: {problem}" for problem in self.problems]
        return made + ([f"  and {self.unsaid:,} more"] if self.unsaid else [])


def check(path: Path) -> Findings:
    """Reads all of the file; raises MapFault where it is none."""
    tiles = Tiles(path)
    found = Findings()
    try:
        found.metadata = tiles.metadata()
        if (said := tiles.sound()) != "ok":
            found.wrong(f"the database is damaged: {said}")
            return found
        form = found.metadata.get("format", "")
        if form not in MEDIA_TYPES:
            found.wrong(f"format {form!r} in the metadata is not one of {', '.join(MEDIA_TYPES)}")
        declared = _declared(found)
        for zoom, x, y, body in tiles.walk():
            _tile(found, zoom, x, y, body, declared if form == "pbf" else None)
    finally:
        tiles.close()
    if not found.tiles:
        found.wrong("there is no tile in it")
    low, high = (whole_number(found.metadata, key, -1) for key in ("minzoom", "maxzoom"))
    if found.tiles and (low > min(found.tiles) or high < max(found.tiles)):
        found.wrong(f"zooms {min(found.tiles)} to {max(found.tiles)}, but the metadata say {low} to {high}")
    return found


def _declared(found: Findings) -> set[str]:
    try:
        layers = json.loads(found.metadata.get("json") or "{}").get("vector_layers", [])
        return {layer["id"] for layer in layers}
    except (ValueError, KeyError, TypeError, AttributeError):
        found.wrong("the metadata's `json` cannot be read")
        return set()


def _tile(found: Findings, zoom: int, x: int, y: int, body: bytes, declared: set[str] | None) -> None:
    name = f"{zoom}/{x}/{y}"
    found.tiles[zoom] = found.tiles.get(zoom, 0) + 1
    found.largest = max(found.largest, (len(body), name))
    found.heavy += len(body) > HEAVY
    if not (0 <= x < 2**zoom and 0 <= y < 2**zoom):
        found.wrong(f"{name}: no such tile")
    if declared is None:
        return
    try:
        layers = mvt.decode(gzip.decompress(body) if body.startswith(GZIP) else body)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        found.wrong(f"{name}: {error}")
        return
    for layer in layers:
        found.features[layer.name] += len(layer.features)
        if layer.name not in declared:
            found.wrong(f"{name}: layer {layer.name!r} is not in the metadata")
        geometries = [feature.geometry for feature in layer.features]
        if not geometries:
            continue
        found.invalid += int((~shapely.is_valid(geometries)).sum())
        bounds = shapely.total_bounds(geometries)
        if bounds[0] < -_BEYOND * layer.extent or bounds[2] > (1 + _BEYOND) * layer.extent:
            found.beyond += 1
