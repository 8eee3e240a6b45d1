"""What a WMTS says of itself (GetCapabilities 1.0.0): the address of a layer's tiles and the grid they are in. Pure.

Scale denominators are meant for pixels of 0.28 mm; servers in use (SuperMap, 天地图) write them for 96 dpi. Which
of both is told by the sizes: one of them halves 360 degrees, or the Mercator world, evenly.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from lxml import etree

from hall.map.services.grids import CRS, HALF, Grid, Matrix, projection

_DEGREE = 6378137 * math.pi / 180  # metres, as the standard counts
_PIXELS = (0.00028, 0.0254 / 96)
_EVEN = 1e-4
_READ = ("image/png", "image/jpeg", "image/jpg", "image/webp", "png", "jpg", "jpeg", "tiles", "image/gif")
_CODES = {
    "3857": "EPSG:3857",
    "900913": "EPSG:3857",
    "102100": "EPSG:3857",
    "4490": "EPSG:4490",
    "4326": "EPSG:4326",
    "CRS84": "EPSG:4326",
}
_OWN = {"service", "request", "version", "acceptversions"}
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)


class Layer(NamedTuple):
    """`template`: with {TileMatrix}, {TileRow} and {TileCol}."""

    template: str
    grid: Grid

    def address(self, matrix: Matrix, column: int, row: int) -> str:
        filled = {"TileMatrix": matrix.name, "TileRow": str(row), "TileCol": str(column)}
        return re.sub(r"\{(TileMatrix|TileRow|TileCol)\}", lambda match: filled[match[1]], self.template)


def layer(document: bytes, url: str, *, name: str, style: str, matrix_set: str, form: str, crs: str) -> Layer:
    """The layer `name`. `url`: where the document came from; its further parameters (a key) go along with each tile. Raises
    ValueError saying what is missing, and where a tile's address leads to another host."""
    try:
        root = etree.fromstring(document, _PARSER)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"the capabilities are no XML: {error.msg}") from None
    layers = {_text(one, "Identifier"): one for one in _all(root, "Layer")}
    if name not in layers:
        raise ValueError(f"there is no layer {name!r}; there are {', '.join(list(layers)[:20]) or 'none'}")
    found = layers[name]
    linked = [_text(one, "TileMatrixSet") for one in _all(found, "TileMatrixSetLink")]
    grid, chosen = _grid(root, linked, matrix_set, crs)
    forms = [(one.text or "").strip() for one in _all(found, "Format")]
    wanted = form or next((one for one in forms if one.lower() in _READ), "")
    if not wanted or (form and forms and form not in forms):
        raise ValueError(f"format {form or 'image/png or image/jpeg'}: the layer has {', '.join(forms) or 'none'}")
    styles = [_text(one, "Identifier") for one in _all(found, "Style")]
    drawn = style or (styles[0] if styles else "default")
    template = _template(root, found, url, name, drawn, chosen, wanted)
    if urlsplit(template).hostname != urlsplit(url).hostname:
        raise ValueError(
            f'its tiles lie on {urlsplit(template).hostname}, another host than url\'s: write kind = "xyz" for that'
        )
    return Layer(template, grid)


def _grid(root: etree._Element, linked: list[str], wanted: str, crs: str) -> tuple[Grid, str]:
    sets = {_text(one, "Identifier"): one for one in _all(root, "TileMatrixSet") if _first(one, "SupportedCRS") is not None}
    names = [wanted] if wanted else [one for one in linked if one in sets]
    for name in names:
        if name not in sets:
            raise ValueError(f"there is no matrix set {name!r}; the layer has {', '.join(linked) or 'none'}")
        code = next((code for code in re.split(r"[:/]", _text(sets[name], "SupportedCRS"))[::-1] if code), "")
        own = _CODES.get(code)
        if own is None or (crs and _family(crs) != _family(own)):
            continue
        return Grid(projection(crs or own), _matrices(sets[name], own, code == "CRS84"), False), name
    raise ValueError(f"none of its matrix sets is in {crs or 'a coordinate system we read'}: {', '.join(linked) or 'none'}")


def _family(crs: str) -> str:
    return CRS[crs][0]


def _matrices(found: etree._Element, crs: str, lon_first: bool) -> tuple[Matrix, ...]:
    rows = _all(found, "TileMatrix")
    metres, whole = (_DEGREE, 360.0) if _family(crs) == "geographic" else (1.0, 2 * HALF)
    scales = [float(_text(row, "ScaleDenominator")) / metres for row in rows]
    if not rows:
        raise ValueError("its matrix set is empty")
    size = int(_text(rows[0], "TileWidth") or 256)
    pixel = next((one for one in _PIXELS if all(_evenly(whole / size / (scale * one)) for scale in scales)), _PIXELS[0])
    made = []
    for row, scale in zip(rows, scales, strict=True):
        first, second = (float(part) for part in _text(row, "TopLeftCorner").split())
        if _family(crs) == "geographic" and (not lon_first or abs(second) > 90) and abs(first) <= 90:
            first, second = second, first  # latitude comes first there
        if _text(row, "TileWidth") != _text(row, "TileHeight"):
            raise ValueError("tiles that are no squares")
        count = (int(_text(row, "MatrixWidth")), int(_text(row, "MatrixHeight")))
        made.append(Matrix(_text(row, "Identifier"), scale * pixel, first, second, int(_text(row, "TileWidth")), *count))
    return tuple(made)


def _evenly(ratio: float) -> bool:
    """Whether `ratio` is a power of two."""
    return ratio > 0 and abs(math.log2(ratio) - round(math.log2(ratio))) < _EVEN


def _template(root: etree._Element, found: etree._Element, url: str, name: str, style: str, matrix_set: str, form: str) -> str:
    for one in _all(found, "ResourceURL"):
        if one.get("resourceType") == "tile" and one.get("format", form) == form and one.get("template"):
            made = one.get("template").replace("{TileMatrixSet}", matrix_set).replace("{tileMatrixSet}", matrix_set)
            made = re.sub(r"\{style\}", style, made, flags=re.IGNORECASE)
            return _with(urljoin(url, made), _own(url))
    address = url
    for operation in _all(root, "Operation"):
        if operation.get("name") == "GetTile":
            href = next((one.get("{http://www.w3.org/1999/xlink}href") for one in _all(operation, "Get")), None)
            address = urljoin(url, href) if href else url
            break
    asked = {"SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": name, "STYLE": style,
             "TILEMATRIXSET": matrix_set, "FORMAT": form}  # fmt: skip
    made = _with(address.partition("?")[0], [*asked.items(), *_own(url)])
    return f"{made}&TILEMATRIX={{TileMatrix}}&TILEROW={{TileRow}}&TILECOL={{TileCol}}"


def _own(url: str) -> list[tuple[str, str]]:
    return [(key, value) for key, value in parse_qsl(urlsplit(url).query) if key.lower() not in _OWN]


def _with(address: str, more: list[tuple[str, str]]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(more)}" if more else address


def _all(node: etree._Element, name: str) -> list[etree._Element]:
    return [one for one in node.iter() if isinstance(one.tag, str) and etree.QName(one).localname == name]


def _first(node: etree._Element, name: str) -> etree._Element | None:
    return next((one for one in node if isinstance(one.tag, str) and etree.QName(one).localname == name), None)


def _text(node: etree._Element, name: str) -> str:
    found = _first(node, name)
    return (found.text or "").strip() if found is not None else ""
