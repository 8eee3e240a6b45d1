"""CAP 1.2 as OASIS defines it: its schema (CAP-v1.2.xsd, see NOTICE), and what in a message breaks it.

Who reads strangers' warnings and who sends the city's own check them by the same schema.
"""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import NamedTuple

from lxml import etree

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
ALERT = f"{{{NAMESPACE}}}alert"
#: the schema object remembers the faults of its last look: one look at a time
_LOOK = threading.Lock()
_FILE = Path(__file__).with_name("CAP-v1.2.xsd")


class Fault(NamedTuple):
    """One breach of the schema: line in the text (from 1), the element's name, what is wrong with it."""

    line: int
    element: str
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}, <{self.element}>: {self.problem}"


def tree(text: str) -> etree._Element:
    """The root of an XML text. It resolves nothing and asks no network; raises etree.XMLSyntaxError."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8")
    return etree.fromstring(text.encode("utf-8", "surrogatepass"), parser)


@functools.cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(_FILE))


def first_fault(alert: etree._Element) -> Fault | None:
    """What the schema says against an <alert>, the first of it; None: it is valid CAP 1.2."""
    space = etree.QName(alert).namespace or ""
    if space != NAMESPACE:
        return Fault(alert.sourceline or 1, "alert", f"its namespace is {space[:80]!r}, that of CAP 1.2 is {NAMESPACE!r}")
    with _LOOK:
        schema = _schema()
        if schema.validate(alert):
            return None
        error = schema.error_log[0]
    name = error.message.partition("Element '")[2].partition("'")[0].rpartition("}")[2] or "alert"
    problem = error.message.rpartition("': ")[2] if name in error.message else error.message
    return Fault(error.line, name, problem.replace(f"{{{NAMESPACE}}}", "").strip()[:300])
