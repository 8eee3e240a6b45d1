"""XML of strangers: declared or guessed encoding (China's GB2312 family too), no DTD, no entities, bounded depth and size.

Elements come without namespaces; `plain` turns one into dicts: attributes as `@name`, text beside attributes or children
as `#text`, repeated children as a list.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError, fromstring

from hall.core.errors import BadInput

MAX_BYTES = 32 * 1024 * 1024
#: tags, opening and closing: parsing must not hold up the other feeds for seconds
MAX_TAGS = 1_000_000
MAX_DEPTH = 100
#: what may stand before the root element: blanks, processing instructions, comments. Possessive, so that it takes linear time
_PROLOG = re.compile(r"(?:\s++|(?><\?.*?\?>)|(?><!--.*?-->))*+", re.DOTALL)
_ROOT = re.compile(r"<[^\W\d]|<:")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
#: names devices declare -> the superset that reads what they really send
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "ascii": "utf-8", "us-ascii": "utf-8"}
#: names that can be those of character sets; Python also calls things codecs that are none (`undefined`), or that take time
#: with the square of the length (`punycode`: hours for what a supplier may push at once)
_CHARSETS = re.compile(r"(utf|ucs|iso|latin|cp|windows|gb|hz|big5|euc|shift|sjis|koi|mac|tis|viscii|x-mac)[a-z0-9._-]*")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def text_of(body: bytes) -> str:
    """The document as text. A device's declaration is often wrong (UTF-8 said, GBK sent), so the other is tried too.

    Raises BadInput `encoding` when no candidate fits.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            candidates = [encoding]
            break
    else:
        found = _DECLARED.match(body[:200])
        declared = found[1].decode().lower() if found else "utf-8"
        declared = _SUPERSETS.get(declared, declared)
        candidates = [*([declared] if _CHARSETS.fullmatch(declared) else []), "utf-8", "gb18030"]
    for encoding in candidates:
        try:
            return _DECLARATION.sub("", body.decode(encoding), count=1)
        except (UnicodeError, LookupError):
            continue
    raise BadInput("encoding", f"not readable as {', '.join(dict.fromkeys(candidates))}")


def root(body: bytes) -> Element:
    """The document's root element, all namespaces removed.

    A DTD, the one place where entities are declared, may stand before the root element only; a text that does not come
    to its root at once has none parsed. That leaves the fast parser to the rest: the one that looks at each entity takes
    half a minute for what a supplier may push at once.

    Raises BadInput: `too-large`, `encoding`, `xml-malformed`, `xml-forbidden` (DTD, entities), `xml-too-deep`.
    """
    if len(body) > MAX_BYTES:
        raise BadInput("too-large", f"{len(body)} bytes of XML, at most {MAX_BYTES}")
    text = text_of(body).strip()
    if (tags := text.count("<")) > MAX_TAGS:
        raise BadInput("too-large", f"{tags} tags of XML, at most {MAX_TAGS}")
    start = _PROLOG.match(text).end()
    if not _ROOT.match(text, start):
        reason = "xml-forbidden" if text.startswith("<!", start) else "xml-malformed"
        raise BadInput(reason, f"no element begins at character {start}")
    try:
        found = fromstring(text)
    except (ParseError, ValueError) as error:
        raise BadInput("xml-malformed", str(error)) from None
    _without_namespaces(found)
    return found


def _without_namespaces(top: Element) -> None:
    """Removes namespaces in place and bounds the depth, without recursion."""
    level, depth = [top], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise BadInput("xml-too-deep", f"more than {MAX_DEPTH} levels")
        for element in level:
            if "}" in element.tag:
                element.tag = local(element.tag)
        level = [child for element in level for child in element]


def local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


def content(element: Element, path: str) -> str:
    """The stripped text at `path` below `element`, '' when it is missing or empty."""
    return (element.findtext(path) or "").strip()


def named(top: Element, tag: str) -> Iterator[Element]:
    """Every element called `tag`, the top one included, in document order."""
    return top.iter(tag)


def plain(element: Element) -> Any:
    """An element as dicts, lists and str; None when it is empty."""
    found: dict[str, Any] = {f"@{local(name)}": value for name, value in element.attrib.items()}
    for child in element:
        value = plain(child)
        if child.tag not in found:
            found[child.tag] = value
        elif isinstance(found[child.tag], list):
            found[child.tag].append(value)
        else:
            found[child.tag] = [found[child.tag], value]
    text = (element.text or "").strip() or None
    if not found:
        return text
    if text is not None:
        found["#text"] = text
    return found
