"""One tile service of somebody else as the map asks for it: kept tiles first, then the service, re-projected where its grid or
datum is another. What is old is shown at once and asked for again beside that; while the service is away it stays.
"""

from __future__ import annotations

import asyncio
import functools
import io
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from hall.core.errors import Refused
from hall.map.services.asking import Asker, Away, SourceFault, log
from hall.map.services.grids import Grid, Matrix, common, mercator
from hall.map.services.kept import Kept
from hall.map.services.settings import Source
from hall.map.services.silence import EMPTY_MS, NOTHING, Silence
from hall.map.services.warp import Need, need, warped
from hall.map.services.wmts import Layer, layer

_DAY_MS = 86_400_000
_MOMENT_MS = 60_000  # what came within it is not asked for again: neighbours need it
_RAW_BYTES = 32 * 2**20  # of tiles as they came, kept in memory: each takes part in up to four of ours
_FORMS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}
_QUALITY = 90
_CAPABILITIES = "capabilities"


class Tile(NamedTuple):
    """`body` empty: nothing there. `fetched`: ms. `stale`: "", "old" (older than it should be), "away" (and the
    service gone), "nothing-there" (of an empty one: the service has nothing anywhere)."""

    body: bytes
    media: str
    fetched: int
    stale: str


class _Raw(NamedTuple):
    data: bytes | None
    fetched: int


class Pictures:
    """One source. `now()`: ms of real time."""

    def __init__(self, source: Source, folder: Path, now: Callable[[], int], agent: str) -> None:
        self.source, self._now = source, now
        one = source.settings
        self.asker = Asker(source.name, source.headers, one.timeout_seconds, one.at_once, agent)
        self.kept = Kept(folder / f"{source.name}.db", source.version, one.disk_mib * 2**20)
        self._fresh = round(one.fresh_days * _DAY_MS)
        self._making: dict[tuple[int, int, int], asyncio.Task[Tile]] = {}
        self._asking: dict[tuple[str, int, int], asyncio.Task[_Raw]] = {}
        self._raw: OrderedDict[tuple[str, int, int], _Raw] = OrderedDict()
        self._raw_bytes = 0
        self._silence = Silence()
        self._looking: asyncio.Task[None] | None = None
        self._grid: Grid | None = common(source.crs, one.tile_size, source.least, source.most) if source.kind == "xyz" else None
        self._layer: Layer | None = None
        self._learning = asyncio.Lock()

    async def tile(self, z: int, x: int, y: int) -> Tile:
        """Raises Refused: `source-away` (with the service's own reason), `tile-outside`, or a reason of ours."""
        if not self.source.least <= z <= self.source.most:
            raise Refused("tile-outside", f"zoom {self.source.least} to {self.source.most}", 404)
        now = self._now()
        found = await asyncio.to_thread(self.kept.get, z, x, y, now)
        if found is not None and (found.body or self._holds(found.body, found.fetched)):
            stale = ""
            if not self._holds(found.body, found.fetched):
                self._begin(z, x, y)
                stale = "away" if self.fault else "old"
            return self._tile(found.body, found.fetched, stale)
        try:
            return await asyncio.shield(self._begin(z, x, y))
        except SourceFault as fault:
            if found is not None:
                return self._tile(b"", found.fetched, "away")
            wait = f"; asked again in {fault.seconds:.0f} s" if isinstance(fault, Away) else ""
            raise Refused(fault.reason, f"{fault.detail}{wait}", 503) from None

    @property
    def fault(self) -> SourceFault | None:
        return self.asker.fault or (NOTHING if self._silence.said else None)

    def _holds(self, body: bytes | None, fetched: int) -> bool:
        """Whether what came then need not be asked for again: a picture for days, nothing for minutes."""
        return self._now() - fetched <= (self._fresh if body else EMPTY_MS)

    def _tile(self, body: bytes, fetched: int, stale: str = "") -> Tile:
        return Tile(body, _media(body), fetched, stale or ("nothing-there" if self._silence.said and not body else ""))

    def _begin(self, z: int, x: int, y: int) -> asyncio.Task[Tile]:
        place = (z, x, y)
        if place not in self._making:
            task = asyncio.get_running_loop().create_task(self._make(z, x, y), name=f"tile {self.source.name}")
            self._making[place] = task
            task.add_done_callback(lambda _: (self._making.pop(place, None), _heard(task)))
        return self._making[place]

    async def _make(self, z: int, x: int, y: int) -> Tile:
        if self.source.fault:
            raise SourceFault("key-missing", self.source.fault)
        matrix, places, found = await self._needed(z, x, y)
        answers = await asyncio.gather(*(self._ask(matrix, *place, same=found is None) for place in places))
        raws = dict(zip(places, answers, strict=True))
        body = raws[x, y].data or b"" if found is None else await asyncio.to_thread(_made, found, raws)
        fetched = min((raw.fetched for raw in answers), default=self._now())
        if not body and not self._silence.proven(self._now()):  # its word alone takes no picture away
            old = await asyncio.to_thread(self.kept.get, z, x, y, self._now())
            if old is not None and old.body:
                return self._tile(old.body, old.fetched, "old")
        await asyncio.to_thread(self.kept.put, z, x, y, body, fetched)
        return self._tile(body, fetched)

    async def _needed(self, z: int, x: int, y: int) -> tuple[Matrix, list[tuple[int, int]], Need | None]:
        """What is asked of the service for one of our tiles; no Need where it is the service's own as it is."""
        grid = self._grid or await self._learned()
        if (matrix := _own(grid, z)) is not None:
            return matrix, [(x, y)], None
        try:
            found = await asyncio.to_thread(need, grid, z, x, y)
        except ValueError as error:
            raise SourceFault("zoom-outside", str(error)) from None
        return found.matrix, found.tiles(), found

    async def _ask(self, matrix: Matrix, column: int, row: int, same: bool = False) -> _Raw:
        """A tile as it came, checked to be a picture; one question for all who ask at the same time."""
        place = (matrix.name, column, row)
        raw = self._raw.get(place)
        if raw is not None and (self._now() - raw.fetched <= _MOMENT_MS or self._holds(raw.data, raw.fetched)):
            self._raw.move_to_end(place)
            return raw
        if place not in self._asking:
            task = asyncio.get_running_loop().create_task(
                self._asked(matrix, column, row, same), name=f"ask {self.source.name}"
            )
            self._asking[place] = task
            task.add_done_callback(lambda _: (self._asking.pop(place, None), _heard(task)))
        return await asyncio.shield(self._asking[place])

    async def _asked(self, matrix: Matrix, column: int, row: int, same: bool) -> _Raw:
        if self._layer is not None:
            url = self._layer.address(matrix, column, matrix.row_name(row))
        else:
            url = self.source.address(matrix.name, column, matrix.row_name(row), matrix.rows or 0)
        data = await self.asker.get(url, lambda body: (_opened if same else _pixels)(body, matrix.size))
        raw = _Raw(data, self._now())
        place = (matrix.name, column, row)
        self._forget(place)
        self._raw[place] = raw
        self._raw_bytes += len(data or b"") + 200
        while self._raw_bytes > _RAW_BYTES and len(self._raw) > 1:
            self._forget(next(iter(self._raw)))
        if self._silence.heard(data is not None, raw.fetched):
            self._looking = asyncio.get_running_loop().create_task(self._look(), name=f"look {self.source.name}")
            self._looking.add_done_callback(_heard)
        return raw

    def _forget(self, place: tuple[str, int, int]) -> None:
        old = self._raw.pop(place, None)
        if old is not None:
            self._raw_bytes -= len(old.data or b"") + 200

    async def _look(self) -> None:
        """Asks again for a picture that the service has given: whether it has nothing here, or nothing at all."""
        found = await asyncio.to_thread(self.kept.pictured)
        if found is not None:
            matrix, places, own = await self._needed(*found)
            for place in places:
                self._forget((matrix.name, *place))
            await asyncio.gather(*(self._ask(matrix, *place, same=own is None) for place in places))
        self._silence.decided(self._now())
        if self._silence.said:
            log.warning("map source %s: %s", self.source.name, NOTHING)

    async def _learned(self) -> Grid:
        """The grid of a WMTS: from its capabilities, which are kept, so that a start without the network finds them."""
        async with self._learning:
            if self._layer is None:
                kept = await asyncio.to_thread(self.kept.about, _CAPABILITIES)
                if kept is not None and self._now() - kept.fetched < _DAY_MS:
                    self._layer = self._understood(kept.body)
                else:
                    self._layer = await self._asked_for(kept.body if kept else None)
            return self._layer.grid

    async def _asked_for(self, old: bytes | None) -> Layer:
        url = self.source.url
        if "request=" not in url.lower():
            url += f"{'&' if '?' in url else '?'}SERVICE=WMTS&REQUEST=GetCapabilities&VERSION=1.0.0"
        try:
            data = await self.asker.get(url, self._understood) or b""
            made = self._understood(data)
        except SourceFault:
            if old is None:
                raise
            return self._understood(old)
        await asyncio.to_thread(self.kept.put_about, _CAPABILITIES, data, self._now())
        return made

    def _understood(self, document: bytes) -> Layer:
        one = self.source.settings
        wanted = {"name": one.layer, "style": one.style, "matrix_set": one.matrix_set, "form": one.format, "crs": one.crs}
        try:
            return layer(document, self.source.url, **wanted)
        except ValueError as error:
            raise SourceFault("capabilities-unfit", str(error)) from None

    def shown(self) -> dict[str, Any]:
        """What screens are told of it now."""
        fault = self.fault
        state = {"reason": fault.reason, "detail": fault.detail} if fault else {}
        if self.source.fault:
            state = {"reason": "key-missing", "detail": self.source.fault}
        return self.source.shown() | {"away": state or None, "kept_tiles": self.kept.tiles, "kept_bytes": self.kept.bytes}

    async def close(self) -> None:
        for task in (*self._making.values(), *self._asking.values(), *([self._looking] if self._looking else [])):
            task.cancel()
        await self.asker.close()
        await asyncio.to_thread(self.kept.close)


def _own(grid: Grid, zoom: int) -> Matrix | None:
    """The zoom of the service whose tiles are ours as they are; None where there is none."""
    mine = common("EPSG:3857", 256, zoom, zoom).matrices[0]
    for matrix in grid.matrices if grid.project is mercator else ():
        near = abs(matrix.unit / mine.unit - 1) < 1e-7 and matrix.size == mine.size
        if near and max(abs(matrix.left - mine.left), abs(matrix.top - mine.top)) < mine.unit / 100:
            return matrix
    return None


def _made(found: Need, raws: dict[tuple[int, int], _Raw]) -> bytes:
    """The re-projected tile; empty where nothing is. Blocking."""
    pictures, opaque = {}, True
    for place, raw in raws.items():
        if raw.data is not None:
            pictures[place] = _pixels(raw.data, found.matrix.size)
            opaque = opaque and raw.data.startswith(b"\xff\xd8")
    made = warped(found, pictures) if pictures else None
    if made is None or not made[:, :, 3].any():
        return b""
    whole, out = bool((made[:, :, 3] == 255).all()), io.BytesIO()
    if whole and opaque:
        Image.fromarray(made[:, :, :3]).save(out, "JPEG", quality=_QUALITY, subsampling=0)
    else:
        Image.fromarray(made[:, :, :3] if whole else made).save(out, "PNG", compress_level=1)
    return out.getvalue()


@functools.lru_cache(maxsize=64)
def _pixels(data: bytes, size: int) -> np.ndarray:
    """(size, size, 4) uint8; neighbours need the same tiles within moments."""
    return np.asarray(_opened(data, size).convert("RGBA"))


def _opened(data: bytes, size: int) -> Image.Image:
    """A picture, decoded. Raises SourceFault `not-a-picture`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=list(_FORMS))
            if picture.size != (size, size):
                wide, high = picture.size
                raise SourceFault("not-a-picture", f"tiles of {wide} x {high} pixels instead of {size}: see tile_size")
            picture.load()
            return picture
    except SourceFault:
        raise
    except Exception as error:  # Pillow raises whatever its decoders do
        raise SourceFault("not-a-picture", f"what came is no picture ({type(error).__name__})") from None


def _media(body: bytes) -> str:
    for start, media in (
        (b"\x89PNG", "image/png"),
        (b"\xff\xd8", "image/jpeg"),
        (b"RIFF", "image/webp"),
        (b"GIF8", "image/gif"),
    ):
        if body.startswith(start):
            return media
    return "application/octet-stream"


def _heard(task: asyncio.Task) -> None:
    """Nobody waits for it: its fault is the asker's, which tells it."""
    if not task.cancelled():
        task.exception()
