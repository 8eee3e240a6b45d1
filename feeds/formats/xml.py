"""XML as nested dicts: attributes as `@name`, text beside attributes or children as `#text`, repeated elements as lists.

Namespaces are dropped. Entities, DTDs and external references are refused. `options.rows` is the path of the elements
that are rows, from below the root; without it the root itself is the row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from feeds.formats.json import objects
from feeds.mapping.paths import getter
from feeds.source import Format, Row
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput

_DECLARED = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_EXPAT_READS = {"utf-8", "utf8", "utf-16", "us-ascii", "ascii", "iso-8859-1"}
#: elements may be nested this deep
DEPTH_BOUND = 64


def root_of(body: bytes) -> Element:
    """The root element; GB2312/GBK are read as GB 18030. Raises BadInput."""
    text: bytes | str = body.lstrip() if body[:3] != b"\xef\xbb\xbf" else body[3:].lstrip()
    declared = _DECLARED.match(text)
    try:
        if declared and (name := declared[1].decode().lower()) not in _EXPAT_READS:
            name = "gb18030" if name in ("gb2312", "gbk", "gb_2312-80") else name
            # expat cannot read it: decode here; the declaration must go, or expat would believe it again
            text = re.sub(r"^\s*<\?xml.*?\?>", "", text.decode(name), count=1, flags=re.DOTALL)
        return fromstring(text, forbid_dtd=True)
    except DefusedXmlException as error:
        raise BadInput("xml-forbidden", str(error)[:200]) from None
    except (ParseError, UnicodeError, LookupError, ValueError) as error:
        raise BadInput("xml-malformed", str(error)[:200]) from None


def _name(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def plain(element: Element, depth: int = 0) -> Any:
    """An element as plain data: text alone is a str, an empty element None."""
    if depth > DEPTH_BOUND:
        raise BadInput("xml-too-deep", f"more than {DEPTH_BOUND} levels")
    made: dict[str, Any] = {f"@{_name(name)}": value for name, value in element.attrib.items()}
    children: dict[str, list[Any]] = {}
    for child in element:
        children.setdefault(_name(child.tag), []).append(plain(child, depth + 1))
    made.update((name, values if len(values) > 1 else values[0]) for name, values in children.items())
    text = (element.text or "").strip()
    if not made:
        return text or None
    if text:
        made["#text"] = text
    return made


def rows(body: bytes, feed: FeedConfig, config: HallConfig) -> Iterator[Row]:
    found = plain(root_of(body))
    if path := feed.options.get("rows"):
        found = getter(path)(found) if isinstance(found, dict) else None
        if found is None:
            return  # a reply without a single row is an empty element: nothing is wrong with it
    yield from objects(found)


FORMAT = Format("xml", rows, types=("application/xml", "text/xml"), suffixes=(".xml",), options=("rows",))
