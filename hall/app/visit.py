"""One request as the rest of the app sees it: who asks, for which page. Kept in a ContextVar, set by the doorkeeper."""

from __future__ import annotations

import base64
import binascii
from contextvars import ContextVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from hall.access import Identity, csrf_token
from hall.core.errors import Refused

MAX_FIELDS = 50
_NOBODY = Identity("", "")


class Visit(msgspec.Struct, frozen=True):
    """`page` is the page being looked at: also for the requests that its scripts make through its own prefix."""

    path: str = "/"
    page: str = "/"
    query: dict[str, str] = {}
    identity: Identity = _NOBODY
    secret: str = ""  # value of the cookie that proved the identity
    address: str = ""  # the other side's
    desk: str = ""  # console or device that the request says it comes from (header X-Hall-Desk): a label, no proof

    @property
    def csrf(self) -> str:
        return csrf_token(self.secret) if self.secret else ""


_visit: ContextVar[Visit | None] = ContextVar("hall_visit", default=None)


def current_visit() -> Visit:
    """The visit being answered; outside a request (Dash looks at the layout once at start) an empty one."""
    return _visit.get() or Visit()


def set_visit(visit: Visit) -> None:
    _visit.set(visit)


def page_prefix(target: str) -> str:
    """Address prefix under which one page asks for its own layout: `/~<page and query>/`.

    Dash asks `_dash-layout` without saying for which page; the prefix says it, so no callback round trip is needed.
    """
    return "/~" + base64.urlsafe_b64encode(target.encode()).decode().rstrip("=") + "/"


def split_page_prefix(path: str) -> tuple[str, str | None]:
    """`/~<page>/_dash-layout` -> (`/_dash-layout`, page with query); other paths unchanged with None."""
    if not path.startswith("/~"):
        return path, None
    coded, _, rest = path[2:].partition("/")
    try:
        target = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return path, None
    if not rest.startswith("_dash-") or not target.startswith("/"):
        return path, None
    return f"/{rest}", target


def parse_target(target: str) -> tuple[str, dict[str, str]]:
    """Path and query of an address within this site; raises Refused 400 for what is none."""
    try:
        parts = urlsplit(target)
        return parts.path or "/", dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise Refused("bad-address", str(error)[:200], 400) from None
