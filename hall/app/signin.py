"""Signing in and out: plain HTML forms that work before any script is there, and the one-time link of the demo."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from hall import access
from hall.app import headers
from hall.app.attempts import count_attempt, forgive
from hall.app.doorkeeper import keep_session
from hall.app.rules import is_page
from hall.app.users import Users
from hall.app.visit import current_visit, parse_target
from hall.app.words import LANGUAGES, Words, chosen_language
from hall.core.bus import Bus
from hall.core.clock import real_ms
from hall.core.errors import Refused
from hall.core.process import Process
from hall.core.store import OPERATOR_DISTRICTS

log = logging.getLogger("hall.web")
FORM_COOKIE = "hall_form"
#: password hashes computed at once: each takes 64 MiB
_HASHING = asyncio.Semaphore(2)

_PAGE = """<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · {city}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/assets/desk.css"></head>
<body class="plain"><main class="plain-card"><p class="plain-city">{city}</p><h1>{title}</h1>{demo}{body}
<nav class="plain-foot">{foot}</nav></main></body></html>"""

_FORM = """{message}<form method="post" action="/sign-in?{query}" autocomplete="on">
<input type="hidden" name="csrf" value="{csrf}">
<label>{name_label}<input name="name" autocomplete="username" required maxlength="64" value="{name}"{focus_name}></label>
<label>{password_label}<input name="password" type="password" autocomplete="current-password" required
 maxlength="200"{focus_password}></label>{further}
<button type="submit">{submit}</button></form>"""

#: asked for beside a password that the hall made itself
_NEW = """<label>{label}<input name="new" type="password" autocomplete="new-password" required minlength="10" maxlength="200">
</label>"""


def safe_next(target: str) -> str:
    """Where to go after signing in: only a page of this site, else the desk."""
    try:
        path, _ = parse_target(target)
    except Refused:
        return "/desk"
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) and is_page(path) else "/desk"


def in_language(target: str, language: str, city_languages: Iterable[str]) -> str:
    """`target`, a page of this site, as it is shown in `language`: the choice made at the sign-in goes along."""
    path, query = parse_target(target)
    if chosen_language(query.get("lang"), city_languages) == language:
        return target
    return f"{path}?{urlencode({**query, 'lang': language})}"


async def answers_for(bus: Bus, districts: Iterable[str]) -> None:
    """Notes that somebody answers for these districts: alarms have a flood mode of their own there (dispatch/alarmlife).
    Forgets those nobody signed in for as long as a session lasts."""
    if not (wanted := sorted(set(districts))):
        return
    now = real_ms()
    await bus.hash_set({msgspec.json.encode(wanted).decode(): str(now)}, OPERATOR_DISTRICTS)
    for name, at in (await bus.hash_all(OPERATOR_DISTRICTS)).items():
        if int(at) < now - access.SESSION_SECONDS * 1000:
            await bus.call("HDEL", bus.key(OPERATOR_DISTRICTS), name)


class SignIn:
    """The pages' handlers; `router` serves them."""

    def __init__(self, process: Process, users: Users, words: Words) -> None:
        self.process, self.users, self.words = process, users, words
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/sign-in", self.form, methods=["GET"])
        self.router.add_api_route("/sign-in", self.submit, methods=["POST"])
        self.router.add_api_route("/sign-out", self.sign_out, methods=["POST"])
        self.router.add_api_route("/enter/{code}", self.enter, methods=["GET"])

    async def form(self, request: Request) -> Response:
        why = request.query_params.get("why", "")
        if why == "forbidden" and not await self._signed_in(request):
            why = "nobody"  # the demo lets everybody on this machine look at the walls: that is no role to speak of
        known = why in ("forbidden", "nobody", "signed-out", "link-used")
        return self._page(request, f"signin.why.{why}" if known else "", status=200)

    async def submit(
        self,
        request: Request,
        name: str = Form(""),
        password: str = Form(""),
        csrf: str = Form(""),
        new: str = Form(""),
    ) -> Response:
        sent = request.cookies.get(FORM_COOKIE, "")
        if not sent or not hmac.compare_digest(csrf.encode(), access.csrf_token(sent).encode()):
            return self._page(request, "signin.why.form-expired", status=403, name=name)
        name = name.strip()[:64]
        try:
            await count_attempt(self.process.bus, name, current_visit().address)
        except Refused as refused:
            log.warning("access: too many attempts from %s", current_visit().address)
            return self._page(request, "signin.why.locked", status=429, name=name, minutes=refused.detail)
        async with _HASHING:
            user = await asyncio.to_thread(self.users.check, name, password)
        if user is None:
            # without the name: people type their password there
            log.warning("access: wrong name or password from %s", current_visit().address)
            return self._page(request, "signin.why.wrong", status=401, name=name)
        await forgive(self.process.bus, name, current_visit().address)
        if user.must_change and (why := await self._renewed(name, password, new)):
            return self._page(request, why, status=422, name=name, renew=True)
        target = in_language(safe_next(request.query_params.get("next", "")), self._language(request), self._languages)
        who = access.Identity(user.name, user.role, unit=user.unit, districts=user.districts, display=user.display)
        return await self._welcome(request, who, target)

    async def _renewed(self, name: str, password: str, new: str) -> str:
        """Puts a password of his own in the place of one that the hall made; a message's key when that cannot be."""
        if not new:
            return "signin.why.first"
        if new == password:
            return "signin.why.unfit"
        try:
            async with _HASHING:
                await asyncio.to_thread(self.users.change, name, None, new)
        except Refused:
            return "signin.why.unfit"
        await access.end_sessions(self.process.bus, name)
        return ""

    @property
    def _languages(self) -> Iterable[str]:
        return self.process.config.city.languages

    def _language(self, request: Request) -> str:
        """The language asked for, else that of the page to go to, else the city's first."""
        asked = request.query_params.get("lang")
        if asked is None:
            asked = parse_target(safe_next(request.query_params.get("next", "")))[1].get("lang")
        return chosen_language(asked, self._languages)

    async def _signed_in(self, request: Request) -> bool:
        secret = request.cookies.get(access.COOKIE, "")
        return await access.identify(self.process.bus, secret, "", demo_loopback=False) is not None

    async def _welcome(self, request: Request, who: access.Identity, target: str) -> Response:
        log.warning("access: %r signed in as %s from %s", who.name, who.role, current_visit().address)
        known = {"unit": who.unit, "districts": who.districts, "display": who.display}
        secret = await access.open_session(self.process.bus, who.name, who.role, **known)
        await answers_for(self.process.bus, who.districts)
        await access.close_session(self.process.bus, request.cookies.get(access.COOKIE, ""))  # nobody needs it any more
        answer = RedirectResponse(target, 303)
        keep_session(answer, secret, secure=request.url.scheme == "https", seconds=access.SESSION_SECONDS)
        answer.delete_cookie(FORM_COOKIE, path="/sign-in")
        return answer

    async def sign_out(self, request: Request, csrf: str = Form("")) -> Response:
        secret = request.cookies.get(access.COOKIE, "")
        if not secret or not hmac.compare_digest(csrf.encode(), access.csrf_token(secret).encode()):
            raise Refused("csrf", "sign out with the button of a page", 403)
        await access.close_session(self.process.bus, secret)
        answer = RedirectResponse("/sign-in?why=signed-out", 303)
        answer.delete_cookie(access.COOKIE, path="/")
        return answer

    async def enter(self, request: Request, code: str) -> Response:
        await count_attempt(self.process.bus, f"link:{current_visit().address}", current_visit().address)
        identity = await access.use_link_code(self.process.bus, code)
        if identity is None:
            return RedirectResponse("/sign-in?why=link-used", 303)
        await forgive(self.process.bus, f"link:{current_visit().address}", current_visit().address)
        return await self._welcome(request, identity, "/desk")

    def _page(
        self, request: Request, message: str, *, status: int, name: str = "", renew: bool = False, **values: str
    ) -> Response:
        city = self.process.config.city
        lang = self._language(request)
        target = request.query_params.get("next", "")
        seed = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)

        def say(key: str, **more: str) -> str:
            return escape(self.words.text(lang, key, **more))

        body = _FORM.format(
            message=f'<p class="plain-message" role="alert">{say(message, **values)}</p>' if message else "",
            query=escape(urlencode({"next": target, "lang": lang})),
            csrf=access.csrf_token(seed),
            name=escape(name),
            name_label=say("signin.name"),
            password_label=say("signin.password"),
            submit=say("signin.submit"),
            further=_NEW.format(label=say("signin.new-password")) if renew else "",
            focus_name="" if name else " autofocus",
            focus_password=" autofocus" if name else "",
        )
        others = [
            f'<a href="/sign-in?{escape(urlencode({"next": target, "lang": other}))}">{say("language." + other)}</a>'
            for other in LANGUAGES
            if other != lang
        ]
        demo = f'<p class="plain-demo">{say("signin.demo")}</p>' if city.demo else ""
        shown = escape(city.name.get(lang) or next(iter(city.name.values()), ""))
        foot = " · ".join([*others, f'<a href="/walls">{say("signin.walls")}</a>'])
        text = _PAGE.format(lang=lang, title=say("signin.title"), city=shown, demo=demo, body=body, foot=foot)
        answer = HTMLResponse(text, status)
        secure = request.url.scheme == "https"
        answer.set_cookie(FORM_COOKIE, seed, max_age=3600, path="/sign-in", httponly=True, samesite="strict", secure=secure)
        return answer


async def one_time_link(process: Process) -> str:
    """Address that signs one browser in, once, within an hour: supervisor of the demo. Raises Refused outside the demo."""
    if not process.config.city.demo:
        raise Refused("not-a-demo", "one-time links are for the demo city; sign in as admin", 403)
    code = await access.make_link_code(process.bus, "demo", "supervisor")
    host = process.settings.host if headers.host_name(process.settings.host) else f"[{process.settings.host}]"
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{process.settings.port}/enter/{code}"
