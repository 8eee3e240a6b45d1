"""The phone's page and what it is made of, served from `/field/` so that its service worker may look after it; and the desk's
page that makes links. Nothing here is secret: what a person sees comes from `/api/v1/field`, with his session."""

from __future__ import annotations

import hashlib
import json
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import segno
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import Field

from hall.app.answers import json as answer_json
from hall.app.field import Body, Desk
from hall.app.fieldlinks import FieldLinks
from hall.app.seeing import seen
from hall.app.visit import current_visit
from hall.app.words import LANGUAGES, Words, chosen_language
from hall.core.command import Actor
from hall.core.errors import Refused
from hall.core.process import Process

FOLDER = Path(__file__).parent.parent.parent / "assets" / "field"
TYPES = {
    ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".png": "image/png", ".svg": "image/svg+xml",
}  # fmt: skip
PREFIXES = ("field.", "notice.", "language.", "map.zoom-", "map.tiles-missing", "component.state", "component.mark.", "case.")
#: the ground of the city's map as the phone's page loads it when its map is opened first, one file of these
CITYMAP = (
    "10-hall", "map/00-geometry", "map/05-moment", "map/07-kept", "map/08-maps", "map/09-glass", "map/10-stage",
    "map/11-backdrop", "map/12-pieces", "map/20-symbols", "map/30-ground", "map/31-mvt", "map/31-tile-decode",
    "map/32-tile-store", "map/32-tile-style", "map/32-tiles", "map/35-names", "map/35-tile-names", "map/46-plates",
    "map/54-components-colours", "map/65-scale", "map/78-plain-map", "map/79-layers", "map/81-basemap",
)  # fmt: skip
_ON_THE_MAP = (
    "leaflet.js",
    "citymap.js",
    "mapthings.js",
    "partsdraw.js",
    "mapparts.js",
    "component.js",
    "leaflet.css",
    "map.css",
)
_WORKERS = ("/assets/map/31-tile-decode.js", "/assets/map/31-mvt.js")

_PAGE = """<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="theme-color" content="#0b1f33"><meta name="apple-mobile-web-app-capable" content="yes">
<meta name="hall-field" content="{settings}">
<title>{title}</title><link rel="manifest" href="/field/manifest.webmanifest?lang={lang}">
<link rel="icon" href="/field/icon-192.png"><link rel="apple-touch-icon" href="/field/icon-192.png">
<link rel="stylesheet" href="/field/field.css">{styles}</head>
<body><main id="{root}"></main>{scripts}</body></html>"""
_PHONE = (
    "texts.js",
    "say.js",
    "photo.js",
    "queue.js",
    "cards.js",
    "sheets.js",
    "places.js",
    "messages.js",
    "position.js",
    "map.js",
    "keep.js",
    "field.js",
)
_MAP_STYLES = '<link rel="stylesheet" href="/field/leaflet.css"><link rel="stylesheet" href="/field/map.css">'
_DESK = ("texts.js", "say.js", "links.js")


class NewLink(Body):
    """A link for a crew: for how many hours, and for one case only where `case` names its file (`file/<feed>/<id>`)."""

    crew: str = Field(min_length=1, max_length=100)
    hours: float = 12
    case: str = Field("", max_length=400)


class FieldPages:
    """`router` serves the pages, `/api/v1/field/links` too."""

    def __init__(self, process: Process, desk: Desk, words: Words) -> None:
        self.process, self.desk, self.words = process, desk, words
        self.links = FieldLinks(process.bus)
        files = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}
        self.files = files | {"texts.js": self._texts().encode(), "citymap.js": citymap()}
        self.version = hashlib.sha256(b"".join(self.files.values()) + _PAGE.encode()).hexdigest()[:16]
        self.router = APIRouter(include_in_schema=False)
        for path, handler in (
            ("/field", self.moved), ("/field/", self.page), ("/field/links", self.links_page), ("/field/sw.js", self.worker),
            ("/field/manifest.webmanifest", self.manifest), ("/field/{name}", self.file),
        ):  # fmt: skip
            self.router.add_api_route(path, handler, methods=["GET"])
        self.api = APIRouter(prefix="/api/v1/field/links", tags=["field"])
        self.api.add_api_route("", self.present, methods=["GET"])
        self.api.add_api_route("", self.make, methods=["POST"], status_code=201)
        self.api.add_api_route("/crews", self.crews, methods=["GET"])
        self.api.add_api_route("/{link_id}", self.revoke, methods=["DELETE"])

    # -- the phone's page --------------------------------------------------------------------------------------------

    async def moved(self) -> Response:
        return RedirectResponse("/field/", 308)

    async def page(self, request: Request) -> Response:
        return self._page(request, "field", "field.title", _PHONE, {})

    async def links_page(self, request: Request) -> Response:
        return self._page(request, "links", "field.links.title", _DESK, {"csrf": current_visit().csrf})

    def _page(self, request: Request, root: str, title: str, scripts: tuple[str, ...], more: dict[str, str]) -> Response:
        languages = [language for language in self.process.config.city.languages if language in LANGUAGES]
        language = chosen_language(request.query_params.get("lang"), languages)
        city = self.process.config.city
        home = {"lon": city.centre[0], "lat": city.centre[1], "zoom": city.zoom}
        settings = {"languages": languages, "timezone": city.timezone, "version": self.version, "home": home, **more}
        text = _PAGE.format(
            lang=language,
            settings=escape(json.dumps(settings)),
            title=escape(self.words.text(language, title)),
            root=root,
            styles=_MAP_STYLES if root == "field" else "",
            scripts="".join(f'<script defer src="/field/{name}"></script>' for name in scripts),
        )
        return Response(text, media_type="text/html; charset=utf-8", headers={"cache-control": "no-cache"})

    async def file(self, name: str) -> Response:
        if name not in self.files:
            raise Refused("not-found", "no such file", 404)
        return Response(self.files[name], media_type=TYPES[Path(name).suffix], headers={"cache-control": "no-cache"})

    async def worker(self) -> Response:
        """The service worker, with the list of what it keeps and a version that changes with any of it."""
        kept = [
            "/field/",
            "/field/field.css",
            "/field/icon-192.png",
            *(f"/field/{name}" for name in (*_PHONE, *_ON_THE_MAP)),
            *_WORKERS,
        ]
        head = f"const VERSION = {json.dumps(self.version)};\nconst SHELL = {json.dumps(kept)};\n"
        body = head.encode() + self.files["worker.js"]
        return Response(body, media_type=TYPES[".js"], headers={"cache-control": "no-cache"})

    async def manifest(self, request: Request) -> Response:
        language = chosen_language(request.query_params.get("lang"), self.process.config.city.languages)
        made = {
            "id": "/field/", "start_url": "/field/", "scope": "/field/", "display": "standalone", "lang": language,
            "name": self.words.text(language, "field.title"), "short_name": self.words.text(language, "field.short"),
            "background_color": "#ffffff", "theme_color": "#0b1f33", "orientation": "any",
            "icons": [
                {"src": f"/field/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
                for size in (192, 512) for purpose in ("any", "maskable")
            ],
        }  # fmt: skip
        return Response(json.dumps(made, ensure_ascii=False), media_type="application/manifest+json")

    def _texts(self) -> str:
        chosen = {
            language: {key: text for key, text in self.words.catalogues[language].items() if key.startswith(PREFIXES)}
            for language in LANGUAGES
        }
        return f"window.FIELD_TEXTS = {json.dumps(chosen, ensure_ascii=False, sort_keys=True)};\n"

    # -- links -------------------------------------------------------------------------------------------------------

    async def present(self) -> Response:
        """Links in force, without their secrets; a department's seat sees those of its own crews."""
        who = current_visit().identity
        found = [link for link in await self.links.all() if who.role != "department" or link.unit == who.unit]
        return answer_json({"links": [_shown(link) for link in found]})

    async def crews(self) -> Response:
        """The crews that a link can be made for, by name."""
        who = current_visit().identity
        found = [crew for crew in (await self.desk.states("crew")).values() if seen(who, crew)]
        rows = [{"crew_id": crew.crew_id, "name": crew.name, "label": crew.label, "unit": crew.unit} for crew in found]
        return answer_json({"crews": sorted(rows, key=lambda row: (row["unit"], row["name"], row["crew_id"]))})

    async def make(self, request: Request, wanted: NewLink) -> Response:
        """A new link: its address and QR code are in this answer only."""
        who = current_visit().identity
        crew = await self.desk.state(f"crew/{wanted.crew}")
        if crew is None or crew.ended:
            raise Refused("crew-unknown", f"there is no crew {wanted.crew!r} on the roster", 404)
        if not seen(who, crew):
            raise Refused("not-your-unit", "this crew is not yours to give a link to", 403)
        if wanted.case and await self.desk.state(wanted.case) is None:
            raise Refused("unknown-case", f"there is no {wanted.case[:200]}", 404)
        link, secret = await self.links.make(wanted.crew, wanted.hours, wanted.case, crew.unit, who.name)
        await self.desk.note("field-link", _actor(), {"link": link.link_id, "crew": link.crew, "case": link.case})
        origin = request.headers.get("origin") or f"{request.url.scheme}://{request.headers.get('host', '')}"
        address = f"{origin}/field/#k={secret}"
        return answer_json({**_shown(link), "url": address, "qr": qr_code(address)}, 201)

    async def revoke(self, link_id: str) -> Response:
        """Ends a link and signs its phones out."""
        who = current_visit().identity
        link = await self.links.find(link_id)
        if link and who.role == "department" and link.unit != who.unit:
            raise Refused("not-your-unit", "this link belongs to another department's crew", 403)
        link = await self.links.revoke(link_id)
        await self.desk.note("field-link-revoked", _actor(), {"link": link.link_id, "crew": link.crew})
        return answer_json(_shown(link))


def citymap() -> bytes:
    """The parts of assets/ that the phone's map is made of, one after another."""
    return b"\n".join((FOLDER.parent / f"{name}.js").read_bytes() for name in CITYMAP)


def qr_code(text: str) -> str:
    """The text as a QR code: an SVG picture."""
    out = BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", scale=8, border=4, xmldecl=False, dark="#000", light="#fff")
    return out.getvalue().decode()


def _actor() -> Actor:
    who = current_visit().identity
    return Actor(name=who.name, role=who.role, kind=who.kind, unit=who.unit, desk=who.desk)


def _shown(link: Any) -> dict[str, Any]:
    names = ("link_id", "crew", "case", "unit", "made_by", "made", "expires", "uses")
    return {name: getattr(link, name) for name in names}
