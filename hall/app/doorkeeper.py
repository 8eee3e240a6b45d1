"""The one door: a pure-ASGI gate in front of every page, call and socket of the web process.

It decides from the table in `rules` and the cookie who may pass, checks Origin and the CSRF token, and adds the security
headers. Dash's own middleware sees HTTP only, so the door stands before it.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from urllib.parse import quote, unquote, urlencode

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from hall import access
from hall.app import acting
from hall.app import headers as h
from hall.app.refusals import AUDITED, Kind
from hall.app.rules import PUBLIC, act_for, at_wall, before_acting, body_bound, is_page, known_path, while_locked
from hall.app.visit import Visit, current_visit, parse_target, set_visit, split_page_prefix
from hall.core.errors import BusLost, Refused
from hall.core.process import Process

log = logging.getLogger("hall.web")
_PUSHED = "/api/v1/ingest/"
WALL_COOKIE_SECONDS = 400 * 24 * 3600


def refusal(refused: Refused) -> JSONResponse:
    """The one shape of every refusal: `{reason, detail}`."""
    return JSONResponse({"reason": refused.reason, "detail": refused.detail}, refused.status)


def keep_session(response: Response, secret: str, *, secure: bool, seconds: int) -> None:
    response.set_cookie(access.COOKIE, secret, max_age=seconds, path="/", httponly=True, samesite="strict", secure=secure)


class Doorkeeper:
    """ASGI application around `app`. `page_exists(path)` says whether a wall of that name is declared; `count` takes what
    is refused for the audit."""

    def __init__(
        self,
        app,
        process: Process,
        script_hashes: list[str],
        page_exists: Callable[[str], bool],
        count: Callable[[Kind], None],
    ) -> None:
        self.app, self.process, self.script_hashes, self.page_exists = app, process, script_hashes, page_exists
        self._count = count
        self._acting = acting.settings_of(process.config)

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        path, target = split_page_prefix(scope["path"])
        scope = {**scope, "path": path, "raw_path": quote(path).encode()} if target else scope
        if scope["type"] == "http":
            send = self._guarded(scope, send)
        counters = self.process.counters
        counters["requests"] = counters.get("requests", 0) + 1
        try:
            answer = await self._ask(scope, path, target)
        except Refused as refused:
            counters["refused"] = counters.get("refused", 0) + 1
            if refused.status in AUDITED:
                who = current_visit().identity
                self._count(Kind(refused.reason, who.name, who.role, _peer(scope), path[:200]))
            answer = self._refuse(scope, path, refused)
        except BusLost as error:
            answer = refusal(Refused("bus-lost", f"the hall cannot look up who you are: {error}", 503))
        if answer is None:
            free = path.startswith(_PUSHED) or scope["type"] != "http"
            return await self.app(scope, receive if free else _bounded(receive, body_bound(path)), send)
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close", "code": 4401 if answer.status_code == 401 else 4403})
        await answer(scope, receive, send)

    async def _ask(self, scope, path: str, target: str | None) -> Response | None:
        """None to let the request pass, else the answer; raises Refused."""
        method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        act = act_for(method, path)
        if act is None:
            known = known_path(path)
            raise Refused(*(("method-not-allowed", method, 405) if known else ("not-found", path[:200], 404)))
        if not path.startswith(_PUSHED):
            self._check_origin(scope, method)
            declared = h.header(scope, b"content-length")
            bound = body_bound(path)
            if declared.isascii() and declared.isdigit() and int(declared[:20]) > bound:
                raise Refused("too-large", f"at most {bound} bytes", 413)
        page, query = parse_target(target) if target else (path, parse_target("?" + scope["query_string"].decode("latin-1"))[1])
        visit = Visit(path=path, page=page, query=query, address=_peer(scope), desk=_desk(scope))
        if act == PUBLIC:
            return set_visit(visit)
        if is_page(page) and not self.page_exists(page):
            raise Refused("not-found", page[:200], 404)
        visit = await self._identified(scope, visit)
        set_visit(visit)
        if visit.identity.locked and not while_locked(path):
            raise Refused("locked", "this console is locked; unlock it with your password or PIN", 423)
        page_act = act_for("GET", page) if target else None
        for needed in filter(None, (act, page_act)):
            if not access.may(visit.identity.role, needed):
                raise Refused("forbidden", f"role {visit.identity.role} may not {needed}", 403)
        if method not in h.SAFE_METHODS and not self._meant(scope, visit):
            raise Refused("csrf", "send the page's token in the header X-Hall-CSRF", 403)
        return await self._paired(scope, visit) if is_page(path) else None

    @staticmethod
    def _meant(scope, visit: Visit) -> bool:
        """Whether a change comes from a page of ours: by its token, or, where a wall has none yet, by its origin (checked)."""
        if _bearer(scope):
            return True
        if before_acting(visit.path) and visit.identity.role == "wall" and h.header(scope, b"origin"):
            return True
        shown = h.header(scope, b"x-hall-csrf").encode()
        return bool(visit.csrf) and hmac.compare_digest(shown, visit.csrf.encode())

    async def _identified(self, scope, visit: Visit) -> Visit:
        """The visit with who asks; raises Refused 401 when nobody known does."""
        if bearer := _bearer(scope):
            return await self._machine(visit, bearer)
        secret = h.cookie(scope, access.COOKIE)
        demo = self.process.config.city.demo and access.on_this_machine(visit.address, Headers(scope=scope))
        token = visit.query.get("token", "")
        identity = await access.identify(self.process.bus, secret, token, demo_loopback=demo)
        if identity is None:
            raise Refused("sign-in-needed", "sign in, or open this screen with its wall's token", 401)
        if identity.role == "wall" and at_wall(visit.path):
            lent, renew = h.cookie(scope, acting.COOKIE), self._acting if scope.get("method") == "POST" else None
            if found := await acting.look(self.process.bus, lent, secret, renew):
                return msgspec.structs.replace(visit, identity=found.identity, secret=lent)
        return msgspec.structs.replace(visit, identity=identity, secret=secret)

    async def _machine(self, visit: Visit, token: str) -> Visit:
        """A machine client shows an API token; no browser sends that by itself, so there is nothing to forge."""
        identity = await access.identify_token(self.process.bus, token)
        if identity is None:
            raise Refused("token-unknown", "this API token is not known, or was taken back", 401)
        return msgspec.structs.replace(visit, identity=identity)

    def _check_origin(self, scope, method: str) -> None:
        origin = h.header(scope, b"origin")
        unsafe = method not in h.SAFE_METHODS
        if unsafe and origin and not h.same_origin(origin, h.header(scope, b"host")):
            raise Refused("foreign-origin", "this request comes from another site's page", 403)
        if method == "WEBSOCKET" and not origin:
            raise Refused("foreign-origin", "a page's socket names its origin", 403)

    async def _paired(self, scope, visit: Visit) -> Response | None:
        """Moves a wall's token from the address into the cookie, so that the address shows and leaks nothing.

        Only a token that holds is moved: an address made up by somebody must not cost a paired screen its cookie.
        """
        token = visit.query.get("token")
        if not token:
            return None
        rest = urlencode({name: value for name, value in visit.query.items() if name != "token"})
        answer = RedirectResponse(visit.path + (f"?{rest}" if rest else ""), 303)
        holds = await access.identify(self.process.bus, None, token, demo_loopback=False)
        if holds and visit.identity.role == "wall":
            keep_session(answer, token, secure=scope.get("scheme") == "https", seconds=WALL_COOKIE_SECONDS)
        return answer

    def _refuse(self, scope, path: str, refused: Refused) -> Response:
        """People are led to the sign-in, programs get JSON."""
        page = scope["type"] == "http" and is_page(path)
        if page and refused.status in (401, 403):
            going = urlencode({"next": path + _query_without_token(scope), "why": refused.reason})
            return RedirectResponse(f"/sign-in?{going}", 303)
        return refusal(refused)

    def _guarded(self, scope, send):
        settings = self.process.settings
        ports = (settings.gate_port, settings.pictures_port)
        policy = h.content_policy(h.header(scope, b"host"), ports, self.script_hashes)

        async def guarded(message) -> None:
            if message["type"] == "http.response.start":
                h.secure(MutableHeaders(scope=message), policy, scope["path"], scope["query_string"])
            await send(message)

        return guarded


def _bounded(receive, bound: int):
    """`receive` that gives at most `bound` bytes of a body, whatever length was declared."""
    taken = 0

    async def bounded():
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > bound:
            raise HTTPException(413, f"at most {bound} bytes")
        return message

    return bounded


def _query_without_token(scope) -> str:
    """The query of a page as it may be shown and remembered: a wall's token is a secret."""
    try:
        fields = parse_target("?" + scope["query_string"].decode("latin-1"))[1]
    except Refused:
        return ""
    kept = urlencode({name: value for name, value in fields.items() if name != "token"})
    return f"?{kept}" if kept else ""


def _bearer(scope) -> str:
    """The API token of `Authorization: Bearer ...`, empty when there is none."""
    kind, _, token = h.header(scope, b"authorization").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _desk(scope) -> str:
    text = unquote(h.header(scope, b"x-hall-desk"))[:64]
    return text if text.isprintable() else ""


def _peer(scope) -> str:
    return (scope.get("client") or ("",))[0]
