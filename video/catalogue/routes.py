"""The catalogue over HTTP on loopback, for the web process: it says with `x-hall-scope` for whom it asks."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hall.core.errors import Refused
from video.catalogue import columns as c
from video.catalogue.catalogue import MOST_NEAR, MOST_ROWS, MOST_SOME, Catalogue
from video.catalogue.grids import LEVELS, grid
from video.catalogue.index import Query
from video.catalogue.scope import scope_of
from video.loopback import body_of

_NEEDS = {"ptz": c.PTZ, "audio": c.AUDIO, "sub": c.SUB, "stream": c.STREAM}
_LISTS = ("district", "owner", "feed", "kind", "state")
_MOST_VALUES, _TEXT_BOUND, _BODY_BOUND = 100, 200, 256 * 1024


def routes(catalogue: Catalogue, now: Callable[[], int], lost: Callable[[], str]) -> list[Route]:
    """`now` is city time, `lost` why the bus is not followed at present, empty while it is."""

    def answer(found: dict[str, Any]) -> Response:
        """What is known, how old it may be: `feeds` says of each supplier of channels whether it is heard."""
        about = {"as_of": now(), "lost": lost(), "feeds": catalogue.feeds}
        return Response(msgspec.json.encode(found | about), media_type="application/json")

    async def search(request: Request) -> Response:
        cursor = request.query_params.get("cursor", "")[:4000]
        limit = _whole(request, "limit", 50, 1, MOST_ROWS)
        since = request.query_params.get("since", "")[:40]
        return answer(catalogue.search(query_of(request), _scope(request), cursor, limit, since))

    async def tree(request: Request) -> Response:
        return answer(catalogue.trees.children(request.query_params.get("node", "")[:500], _scope(request)))

    async def near(request: Request) -> Response:
        place = _number(request, "lon", -180.0, 180.0), _number(request, "lat", -90.0, 90.0)
        if place[0] is None or place[1] is None:
            raise Refused("place-missing", "lon and lat, degrees WGS-84", 422)
        k, radius = _whole(request, "k", 10, 1, MOST_NEAR), _number(request, "radius", 0.0, 2.1e7)
        seeing = request.query_params.get("sees") == "1"
        return answer(catalogue.near(*place, k, query_of(request), _scope(request), radius, seeing))

    async def cells(request: Request) -> Response:
        level = _whole(request, "level", 12, *LEVELS)
        return answer(grid(catalogue.index, query_of(request), _scope(request), level))

    async def one(request: Request) -> Response:
        return answer(catalogue.one(request.path_params["subject"], _scope(request)))

    async def some(request: Request) -> Response:
        subjects = await body_of(request, list[str], _BODY_BOUND)
        if len(subjects) > MOST_SOME:
            raise Refused("too-many-channels", f"at most {MOST_SOME}", 422)
        return answer(catalogue.some(subjects, _scope(request)))

    made = (
        ("", search, "GET"),
        ("/tree", tree, "GET"),
        ("/near", near, "GET"),
        ("/grid", cells, "GET"),
        ("/one/{subject:path}", one, "GET"),
    )
    found = [Route(f"/channels{path}", refusing(work), methods=[method]) for path, work, method in made]
    return [*found, Route("/channels/some", refusing(some), methods=["POST"])]


def refusing(work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """A handler whose refusals are answers: `{reason, detail}`."""

    async def handler(request: Request) -> Response:
        try:
            return await work(request)
        except Refused as error:
            body = msgspec.json.encode({"reason": error.reason, "detail": error.detail})
            return Response(body, error.status, {"cache-control": "no-store"}, "application/json")

    return handler


def query_of(request: Request) -> Query:
    """The filters of an address; lists are given by repeating a name. Raises Refused."""
    params = request.query_params
    lists = {name: tuple(params.getlist(name)[:_MOST_VALUES]) for name in _LISTS}
    needs = sum(flag for name, flag in _NEEDS.items() if params.get(name) == "1")
    node = params.get("node", "") or (f"group:{params['group']}" if params.get("group") else "")
    return Query(text=params.get("text", "")[:_TEXT_BOUND], node=node[:500], needs=needs, box=_box(params.get("box")), **lists)


def _box(text: str | None) -> tuple[float, float, float, float] | None:
    """`west,south,east,north` in degrees."""
    if not text:
        return None
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        west = math.nan
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise Refused("bad-request", "box: west,south,east,north in degrees", 422)
    return west, south, east, north


def _scope(request: Request):
    return scope_of(request.headers.get("x-hall-scope"))


def _whole(request: Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not low <= int(text) <= high:
        raise Refused("bad-request", f"{name}: a whole number from {low} to {high}", 422)
    return int(text)


def _number(request: Request, name: str, low: float, high: float) -> float | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not low <= found <= high:
        raise Refused("bad-request", f"{name}: a number from {low:g} to {high:g}", 422)
    return found
