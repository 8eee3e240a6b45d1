"""Flood depths: areas with a depth (GeoJSON), ESRI ASCII grids, GeoTIFF; a tar or zip of them (docs/FEEDS.md, "Flood depth").

For feeds of kind `raster` only. Every body is read in a process of its own (feeds/rasters/worker.py). Options:
feeds/rasters/settings.py.
"""

from __future__ import annotations

from feeds.formats.odim import pixels_of
from feeds.rasters.settings import DepthOptions
from feeds.source import Format

FORMAT = Format("depth", pixels_of, options=DepthOptions.__struct_fields__, apart=True)
