"""Our own scripts and styles as one script and one style: a page asks for two files instead of a hundred and thirty.

The files stay what they are, in the order in which Dash would load them by name (10-, 20-, …, then folders), and each can
still be asked for alone: the source map leads a browser's tools from the bundle back to them. All of them are strict scripts
that share one scope, so one after another in one file means the same.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_OURS = re.compile(r'\s*<(?:script src|link rel="stylesheet" href)="/assets/([^"?]+)[^"]*"[^>]*>(?:</script>)?')
_KINDS = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "map": "application/json"}
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Bundle:
    """The bundles of one run of the web process; made by `gather`, served by `route()`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bodies: dict[str, bytes] = {}
        self._marks: dict[str, str] = {}
        self._states: dict[str, list[tuple[str, int]]] = {}

    def gather(self, tags: str, name: str, tag: str) -> str:
        """`tags` (HTML) with, for those of our files, one `tag` where the first of them stood: `tag` has `{}` where the address
        `/assets/<name>` goes, which holds them all in their order. A file that was changed is in it from the next page on."""
        names = _OURS.findall(tags)
        if not names:
            return tags
        state = [(each, (self._folder / each).stat().st_mtime_ns) for each in names]
        if self._states.get(name) != state:
            self._make(name, names)
            self._states[name] = state
        address = tag.format(f"/assets/{name}?m={self._marks[name]}")
        whole = iter((f"\n{address}",))
        return _OURS.sub(lambda _: next(whole, ""), tags)

    def _make(self, name: str, names: list[str]) -> None:
        texts = [(self._folder / each).read_text("utf-8").rstrip("\n") + "\n" for each in names]
        body = "".join(texts)
        if name.endswith(".js"):
            body += f"//# sourceMappingURL={name}.map\n"
            self._bodies[f"{name}.map"] = source_map(names, [text.count("\n") for text in texts])
        self._bodies[name] = body.encode()
        self._marks[name] = hashlib.sha256(self._bodies[name]).hexdigest()[:16]

    async def _answer(self, request: Request) -> Response:
        name = f"hall.{request.path_params['kind']}"
        if name not in self._bodies:
            return Response(status_code=404)
        return Response(self._bodies[name], media_type=_KINDS[name.rpartition(".")[2]])

    def route(self) -> Route:
        """Serves what was gathered as `/assets/hall.…`; has to stand before Dash's own `/assets`."""
        return Route("/assets/hall.{kind}", self._answer, methods=["GET"])


def source_map(names: list[str], lines: list[int]) -> bytes:
    """Source map (revision 3) of files of so many lines one after another: line for line."""
    steps = []
    for index, count in enumerate(lines):
        back = 1 - lines[index - 1] if index else 0
        steps.append("AAAA" if not index else "A" + _vlq(1) + _vlq(back) + "A")
        steps.extend(["AACA"] * (count - 1))
    return msgspec.json.encode({"version": 3, "sources": names, "names": [], "mappings": ";".join(steps)})


def _vlq(number: int) -> str:
    """Base 64 variable-length quantity, as source maps write numbers."""
    rest = (abs(number) << 1) | (number < 0)
    told = ""
    while True:
        rest, digit = rest >> 5, rest & 31
        told += _DIGITS[digit | (32 if rest else 0)]
        if not rest:
            return told
