"""Declarative mapping: any supplier's rows to our documents, compiled once to closures.

The `[feeds.mapping]` table maps target fields of the feed's kind to specifications (`values.Spec`), and may hold
`time` (the event's), `lon`/`lat` (in the feed's crs), `offset` (degrees added: "moved for the exercise"), `stream_url`,
`sub_url`,
`ptz_url`, `feed` (publish under another supplier's name), `filter`, `each`, `series`, `unfold`. docs/MAPPING.md has examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from feeds.mapping import fields, units, views
from feeds.mapping.documents import Compiler
from feeds.mapping.values import Spec, Take, Wrong
from feeds.mapping.views import View
from hall.core import coordinates
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput
from hall.core.model import KINDS, Doc

#: positions that mean "unknown" everywhere
PLACEHOLDERS = ((0.0, 0.0), (-1.0, -1.0))
#: what the mapping table may hold besides the document's own fields
SPECIAL = frozenset({
    "time", "lon", "lat", "offset", "stream_url", "sub_url", "ptz_url", "feed", "filter", "each", "series", "unfold",
})  # fmt: skip


class Mapped(NamedTuple):
    """A mapped row: `time` None = the supplier states none, the hall's now is meant."""

    doc: Doc
    time: int | None
    stream_url: str
    sub_url: str = ""  # of the smaller stream
    ptz_url: str = ""  # by which the camera is turned


class Mapping:
    """Compiled mapping of one feed. `warp` moves all times (a replay sets it)."""

    def __init__(self, feed: FeedConfig, config: HallConfig, defaults: dict[str, Any] | None = None) -> None:
        self.feed_name = feed.name
        self.table = {**(defaults or {}), **feed.mapping}
        self.zone = feed.timezone or config.city.timezone
        self.warp = fields.Warp()
        self._index = config.feed(feed.name)[0] if any(f.name == feed.name for f in config.feeds) else 0
        try:
            self._compile(feed)
        except Wrong as wrong:
            raise config.error(f"feeds[{self._index}].mapping.{wrong.key}", wrong.problem) from None

    def _compile(self, feed: FeedConfig) -> None:
        if feed.kind == "raster" and not self.table:
            self.columns: set[str] | None = None
            return
        if feed.kind not in KINDS:
            raise Wrong("", f"kind {feed.kind!r} has no mapping; there are {', '.join(KINDS)}")
        compiler = self.compiler = Compiler(feed.kind, self.zone, self.warp)
        compiler.raw = self.table
        known = set(compiler.types) | SPECIAL
        for name in self.table:
            if name not in known:
                raise Wrong(name, f"{feed.kind} has no field {name!r}; there are {', '.join(sorted(known))}")
        needed = [compiler.id_field] + (["quantity", "value"] if feed.kind == "observation" else [])
        for name in needed:
            if self.table and name not in self.table:
                raise Wrong(name, f"a {feed.kind} needs {name}")
        self._time = self._time_take(compiler)
        self._place = self._place_take(compiler, feed)
        self._stream_url = self._optional(compiler, "stream_url")
        self._sub_url = self._optional(compiler, "sub_url")
        self._ptz_url = self._optional(compiler, "ptz_url")
        self._feed = self._optional(compiler, "feed")
        self._views(compiler)
        self._fields(compiler, feed)
        self.columns = None if compiler.all_columns else compiler.columns

    def _time_take(self, compiler: Compiler) -> Callable[[Any], int | None] | None:
        self._time_spec = Spec()
        if "time" not in self.table:
            return None
        self._time_spec, take = compiler.spec(self.table["time"], "time")
        return fields.unwarped_time(take, self._time_spec, self.zone, "time")

    def _optional(self, compiler: Compiler, name: str) -> Take | None:
        if name not in self.table:
            return None
        spec, take = compiler.spec(self.table[name], name)
        return fields.text_field(take, spec)

    def _place_take(self, compiler: Compiler, feed: FeedConfig) -> Callable[[Any], tuple[float | None, float | None]] | None:
        if ("lon" in self.table) != ("lat" in self.table):
            raise Wrong("lat" if "lon" in self.table else "lon", "lon and lat go together")
        if "lon" not in self.table:
            return None
        x, y = (fields.number_field(*reversed(compiler.spec(self.table[n], n)), None, n) for n in ("lon", "lat"))
        try:
            convert = coordinates.to_wgs84(feed.crs or "WGS-84")
        except ValueError as error:
            raise Wrong("lon", f"crs: {error}") from None
        offset = self.table.get("offset", {})
        if not isinstance(offset, dict) or set(offset) - {"lon", "lat"}:
            raise Wrong("offset", "give {lon = degrees, lat = degrees}")
        unknown = {*PLACEHOLDERS, *(tuple(map(float, pair)) for pair in feed.options.get("placeholder", []))}
        add_lon, add_lat = float(offset.get("lon", 0)), float(offset.get("lat", 0))

        def place(row: Any) -> tuple[float | None, float | None]:
            east, north = x(row), y(row)
            if east is None or north is None or (east, north) in unknown:
                return None, None
            lon, lat = convert(east, north)
            if not (-180 <= lon <= 180 and -90 <= lat <= 90):
                raise BadInput("coordinates-out-of-range", f"lon {lon:.6g}, lat {lat:.6g}")
            return round(lon + add_lon, 7), round(lat + add_lat, 7)

        return place

    def _views(self, compiler: Compiler) -> None:
        """How a row becomes views: each → filter → series or unfold."""
        self._each = views.each_of(self.table["each"]) if "each" in self.table else None
        self._wanted, columns = views.filter_of(self.table.get("filter"), self._time_spec, self.zone)
        self._expand: Callable[[dict[str, Any]], Iterator[View]] | None = None
        if "series" in self.table and "unfold" in self.table:
            raise Wrong("series", "series and unfold exclude each other")
        if "series" in self.table:
            if self._time is None:
                raise Wrong("time", "a series needs the time it starts at")
            self._expand = views.series_of(self.table["series"], self._time)
            compiler.columns |= {"value", "seconds"}
        elif "unfold" in self.table:
            self._expand, _ = views.unfold_of(self.table["unfold"], self._time_spec, self.zone)

    def _fields(self, compiler: Compiler, feed: FeedConfig) -> None:
        makers: dict[str, Take] = {}
        self._unit = ""
        for name, data in self.table.items():
            if feed.kind == "observation" and name == "value":
                makers[name], self._unit = compiler.reading(data)
            elif name not in SPECIAL:
                makers[name] = compiler.field(name, data)
        if (
            feed.kind == "observation"
            and self._unit
            and makers.pop("unit", None)
            and self.table["unit"] != {"const": self._unit}
        ):
            raise Wrong("unit", f"the value is converted to {self._unit!r} already")
        self._makers = tuple(makers.items())

    # -- use ---------------------------------------------------------------------------------------------------------

    @property
    def timed(self) -> bool:
        """Whether rows say when they happened; a directory does not."""
        return self._time is not None or self._expand is not None

    def views(self, row: dict[str, Any]) -> Iterator[View | None]:
        """The views of a supplied row; None stands for one that the filter does not want. Raises BadInput."""
        for part in self._each(row) if self._each else (row,):
            if self._wanted is not None and not self._wanted(part):
                yield None
            elif self._expand is not None:
                yield from self._expand(part)
            else:
                yield None, part

    def moment(self, view: View) -> int | None:
        """When a view happened, as the source has it; raises BadInput."""
        if view[0] is not None or self._time is None:
            return view[0]
        found = self._time(view[1])
        if found is None:
            raise BadInput("time-missing")
        return found

    def pruned(self, row: dict[str, Any]) -> dict[str, Any]:
        """Only the columns that the mapping reads, so that a replay can keep millions of rows."""
        return row if self.columns is None else {name: row[name] for name in self.columns if name in row}

    def document(self, view: View) -> Mapped:
        """The document of one view; raises BadInput."""
        row = view[1]
        made: dict[str, Any] = {name: take(row) for name, take in self._makers}
        made["feed"] = self._feed(row) if self._feed else self.feed_name
        if self._place:
            made["lon"], made["lat"] = self._place(row)
        type_ = self.compiler.type
        if self.compiler.kind == "observation" and "unit" not in made:
            made["unit"] = self._unit or units.canonical_of(made["quantity"]) or ""
        try:
            doc = type_(**made)
        except TypeError as error:
            raise BadInput("mapping-incomplete", str(error)) from None
        moment = self.moment(view)
        url = self._stream_url(row) if self._stream_url else ""
        sub = self._sub_url(row) if self._sub_url and url else ""
        if url:
            doc.has_stream = True
        if sub:
            doc.has_sub = True
        ptz = self._ptz_url(row) if self._ptz_url and url else ""
        if ptz:
            doc.ptz = True
        return Mapped(doc, None if moment is None else self.warp(moment), url, sub, ptz)


def options_problem(options: dict[str, Any], known: set[str]) -> tuple[str, str] | None:
    """The first option that nobody reads, with what there is; None when all are known."""
    for name in options:
        if name not in known:
            return f"options.{name}", f"unknown option; there are {', '.join(sorted(known))}"
    return None


__all__ = ["Mapped", "Mapping", "View", "options_problem"]
