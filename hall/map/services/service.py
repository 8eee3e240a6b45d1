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
from hall.map.services.asking import Asker, Away, SourceFault
from hall.map.services.grids import Grid, Matrix, common, mercator
from hall.map.services.kept import Kept
from hall.map.services.settings import Source
from hall.map.services.warp import Need, need, warped
from hall.map.services.wmts import Layer, layer

_DAY_MS = 86_400_000
_RAW_BYTES = 32 * 2**20  # of tiles as they came, kept in memory: each takes part in up to four of ours
_FORMS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}
_QUALITY = 90
_CAPABILITIES = "capabilities"


class Tile(NamedTuple):
    """`body` empty: nothing there. `fetched`: ms. `stale`: "", "old" (older than it should be) or "away" (and gone)."""

    body: bytes
    media: str
    fetched: int
    stale: str


class _Raw(NamedTuple):
    data: bytes | None
    fetched: int


class Pictures:
    """One source. `now()`: ms of real time; `spawn`: starts a task that outlives the request."""

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
        self._grid: Grid | None = common(source.crs, one.tile_size, source.least, source.most) if source.kind == "xyz" else None
        self._layer: Layer | None = None
        self._learning = asyncio.Lock()

    async def tile(self, z: int, x: int, y: int) -> Tile:
        """Raises Refused: `source-away` (with the service's own reason), `tile-outside`, or a reason of ours."""
        if not self.source.least <= z <= self.source.most:
            raise Refused("tile-outside", f"zoom {self.source.least} to {self.source.most}", 404)
        now = self._now()
        found = await asyncio.to_thread(self.kept.get, z, x, y, now)
        if found is not None:
            stale = ""
            if now - found.fetched > self._fresh:
                self._begin(z, x, y)
                stale = "away" if self.asker.fault else "old"
            return Tile(found.body, _media(found.body), found.fetched, stale)
        try:
            return await asyncio.shield(self._begin(z, x, y))
        except SourceFault as fault:
            wait = f"; asked again in {fault.seconds:.0f} s" if isinstance(fault, Away) else ""
            raise Refused(fault.reason, f"{fault.detail}{wait}", 503) from None

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
        grid = self._grid or await self._learned()
        matrix = _own(grid, z)
        if matrix is not None:
            raws = {(x, y): await self._ask(matrix, x, y, same=True)}
            body = raws[x, y].data or b""
        else:
            try:
                found = await asyncio.to_thread(need, grid, z, x, y)
            except ValueError as error:
                raise SourceFault("zoom-outside", str(error)) from None
            places = found.tiles()
            raws = dict(zip(places, await asyncio.gather(*(self._ask(found.matrix, *place) for place in places)), strict=True))
            body = await asyncio.to_thread(_made, found, raws)
        fetched = min((raw.fetched for raw in raws.values()), default=self._now())
        await asyncio.to_thread(self.kept.put, z, x, y, body, fetched)
        return Tile(body, _media(body), fetched, "")

    async def _ask(self, matrix: Matrix, column: int, row: int, same: bool = False) -> _Raw:
        """A tile as it came, checked to be a picture; one question for all who ask at the same time."""
        place = (matrix.name, column, row)
        if place in self._raw:
            self._raw.move_to_end(place)
            return self._raw[place]
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
        self._raw[place] = raw
        self._raw_bytes += len(data or b"") + 200
        while self._raw_bytes > _RAW_BYTES and len(self._raw) > 1:
            _, old = self._raw.popitem(last=False)
            self._raw_bytes -= len(old.data or b"") + 200
        return raw

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
        fault = self.asker.fault
        state = {"reason": fault.reason, "detail": fault.detail} if fault else {}
        if self.source.fault:
            state = {"reason": "key-missing", "detail": self.source.fault}
        return self.source.shown() | {"away": state or None, "kept_tiles": self.kept.tiles, "kept_bytes": self.kept.bytes}

    async def close(self) -> None:
        for task in (*self._making.values(), *self._asking.values()):
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
