"""The CAP messages of a document, each checked against the schema and by its signature before anything of it is read.

Options of a feed: `schema` = `check` (default: what is no valid CAP 1.2 is refused with line and element) | `off` (for
suppliers known to break it); `signature` = `ignore` | `check` (default: a broken one is refused, any other verdict is kept) |
`require` (only what a trusted certificate signed is taken); `certificates`: PEM file of trusted signers, or of who issued their
certificates.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from lxml import etree

from feeds.capsign import Verdict, verdict
from hall.core.cap import first_fault, tree
from hall.core.config import FeedConfig, HallConfig
from hall.core.errors import BadInput
from hall.core.xmltree import local, root, text_of

OPTIONS = ("schema", "signature", "certificates")
_CHOICES = {"schema": ("check", "off"), "signature": ("check", "ignore", "require")}


class Message(NamedTuple):
    """One <alert>, without namespaces; of a signed one, what its signature covers. `refused`: why it is not to be used."""

    alert: Element
    raw: bytes  # as it came, for parking
    signature: dict[str, str]  # {state, by}; empty where nobody looked
    refused: BadInput | None = None


def messages(document: bytes, feed: FeedConfig, config: HallConfig) -> list[Message]:
    """Every <alert> of an XML text. Raises BadInput for a text that is no XML or holds none; ConfigError for bad options."""
    schema, mode = _option(feed, config, "schema"), _option(feed, config, "signature")
    plain = _outermost(root(document))  # refuses what must not be parsed, before any other parser sees it
    if not plain:
        raise BadInput("not-cap", "there is no <alert>")
    if schema == "off" and mode == "ignore":
        return [Message(alert, document, {}) for alert in plain]
    try:
        whole = tree(text_of(document))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadInput("xml-malformed", str(error)[:300]) from None
    found = []
    for alert, element in zip(plain, _outermost(whole), strict=True):
        raw = document if len(plain) == 1 else etree.tostring(element, with_tail=False)
        try:
            found.append(_checked(Message(alert, raw, {}), element, schema, mode, feed, config))
        except BadInput as error:
            found.append(Message(alert, raw, {}, error))
    return found


def _outermost(top: Any) -> list[Any]:
    """The alerts of a tree in its order; what an alert carries inside is no message of its own."""
    found, waiting = [], [top]
    while waiting:
        element = waiting.pop()
        if not isinstance(element.tag, str):
            continue  # a comment
        if local(element.tag) == "alert":
            found.append(element)
        else:
            waiting.extend(reversed(element))
    return found


def _checked(made: Message, element: etree._Element, schema: str, mode: str, feed: FeedConfig, config: HallConfig) -> Message:
    if schema == "check" and (fault := first_fault(element)) is not None:
        raise BadInput("cap-schema", str(fault))
    if mode == "ignore":
        return made
    seen = _verdict(element, feed, config)
    if seen.state == "invalid":
        raise BadInput("cap-signature", seen.why)
    if mode == "require" and seen.state != "valid":
        who = f" by {seen.by}" if seen.by else ""
        why = f"; {seen.why}" if seen.why else ""
        raise BadInput(f"cap-signature-{seen.state}", f"only what a trusted certificate signed is taken here{who}{why}")
    alert = root(seen.signed) if seen.signed else made.alert
    return Message(alert, made.raw, {"state": seen.state, "by": seen.by} if seen.by else {"state": seen.state})


def _verdict(element: etree._Element, feed: FeedConfig, config: HallConfig) -> Verdict:
    file = feed.options.get("certificates", "")
    try:
        return verdict(element, config.path(file) if file else None)
    except (OSError, ValueError) as error:
        raise _wrong(feed, config, "certificates", f"cannot be read: {error}") from None


def _option(feed: FeedConfig, config: HallConfig, name: str) -> str:
    value = feed.options.get(name, _CHOICES[name][0])
    if value not in _CHOICES[name]:
        raise _wrong(feed, config, name, f"one of {', '.join(_CHOICES[name])}")
    return value


def _wrong(feed: FeedConfig, config: HallConfig, name: str, problem: str):
    key = f"feeds[{config.feed(feed.name)[0]}].options.{name}" if feed in config.feeds else f"options.{name}"
    return config.error(key, problem)
