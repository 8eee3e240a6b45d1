"""Which act an address needs: the table the doorkeeper walks. First match wins; what matches nothing is refused."""

from __future__ import annotations

import re

#: needs no identity: static files, health, the sign-in itself, and pushes, which carry a token of their own
PUBLIC = ""
#: any identity will do
ANY = "see-wall"

_READ = frozenset({"GET", "HEAD"})
_ALL = None

#: (methods or None for all, pattern of the whole path, act)
RULES: tuple[tuple[frozenset[str] | None, str, str], ...] = (
    (_READ, r"/assets/.*|/_dash-component-suites/.*|/_favicon\.ico|/favicon\.ico|/healthz", PUBLIC),
    (_ALL, r"/sign-in|/sign-out|/enter/[^/]+", PUBLIC),
    (_ALL, r"/api/v1/ingest/[^/]+", PUBLIC),
    (_READ, r"/|/walls|/wall/[^/]+", "see-wall"),
    (_READ, r"/desk|/map", "see-desk"),
    (_READ, r"/crews", "see-crews"),
    (_READ, r"/admin/feeds|/admin/screens", "see-system"),
    (_READ, r"/admin/users", "manage-users"),
    (_READ, r"/_dash-layout|/_dash-dependencies|/_reload-hash", "see-wall"),
    (_READ, r"/api/v1/rasters(/[^/]+/[^/]+/[^/]+)?", "see-wall"),
    (_READ, r"/api/v1/heat(/about)?", "see-wall"),
    (_READ, r"/api/v1/measures(/[^/]+/[^/]+)?", "see-wall"),
    (_READ, r"/tiles(/[^/]+\.json|/[^/]+/[^/]+/[^/]+/[^/]+)?|/api/v1/geography/[^/]+", "see-ground"),
    (_READ, r"/video/poster/.+|/api/v1/channels(/tree|/near|/grid|/one/.+)?", "see-wall"),
    (_READ, r"/api/v1/components(/grid|/at/[0-9]+)?", "see-components"),
    (_READ, r"/api/v1/components(/.+)?", "see-wall"),
    (_READ, r"/api/v1/boundaries(/[^/]+)?", "see-wall"),
    (_READ, r"/api/v1/history(/(changes|positions|(segments|rasters)/[^/]+))?", "see-wall"),
    (_READ, r"/pictures(/[^/]+/[^/]+/[^/]+/[^/]+)?", "see-wall"),
    (frozenset({"POST"}), r"/api/v1/video/views", "watch"),
    (_ALL, r"/video/whep/session/[^/]+", "watch"),
    (frozenset({"POST"}), r"/video/whep/.+", "watch"),
    (_READ, r"/api/v1/video/walls/[^/]+", "see-wall"),
    (frozenset({"PUT"}), r"/api/v1/video/walls/[^/]+", "switch-scene"),
    (_READ, r"/api/v1/video/audit(\.csv)?", "see-audit"),
    (_READ, r"/api/v1/openapi\.json|/api/v1/cases(/.+)?|/api/v1/board/[^/]+|/api/v1/me", "see-desk"),
    (_READ, r"/api/v1/find|/api/v1/around", "see-desk"),
    (_READ, r"/api/v1/feeds|/api/v1/screens", "see-system"),
    (_READ, r"/api/v1/feeds/[^/]+/parked", "see-parked"),
    (frozenset({"POST"}), r"/api/v1/feeds/[^/]+/replay-parked|/api/v1/feeds/reload", "replay-parked"),
    (frozenset({"POST"}), r"/api/v1/scene/[^/]+", "switch-scene"),
    (frozenset({"POST"}), r"/api/v1/cases/[^/]+/.+/commands|/api/v1/crews/[^/]+/commands", "command"),
    (frozenset({"POST"}), r"/api/v1/commands", "command-many"),
    (frozenset({"POST"}), r"/api/v1/cases", "report"),
    (_READ, r"/api/v1/files/.+", "see-files"),
    (_READ, r"/api/v1/crews|/api/v1/crew-duty|/api/v1/crews/[^/]+|/api/v1/units", "see-crews"),
    (_READ, r"/api/v1/shifts/items", "hand-over"),
    (_READ, r"/api/v1/shifts(/[^/]+(/log)?)?", "see-shifts"),
    (frozenset({"POST"}), r"/api/v1/shifts/[^/]+/commands", "hand-over"),
    (_READ, r"/api/v1/lock", "see-desk"),
    (frozenset({"POST"}), r"/api/v1/lock(/(active|open))?", "see-desk"),
    (frozenset({"POST"}), r"/api/v1/media", "upload"),
    (_READ, r"/api/v1/media/[^/]+", "see-media"),
    (_ALL, r"/api/v1/preferences(/[^/]+)?", "keep-preferences"),
    (_ALL, r"/api/v1/tokens(/[^/]+)?", "manage-tokens"),
    (_ALL, r"/open311/v2/.+", PUBLIC),  # carries an api_key of its own
    (_READ, r"/field|/field/|/field/[a-z0-9-]+\.(js|css|png|webmanifest)", PUBLIC),  # the phone's page holds no secret
    (_READ, r"/field/links", "make-field-links"),
    (_ALL, r"/api/v1/field/links(/[^/]+)?", "make-field-links"),
    (frozenset({"POST"}), r"/api/v1/field/session", PUBLIC),  # carries a link's secret
    (_ALL, r"/api/v1/field/(session|tasks|map|commands|notices|position)", "field"),
    (frozenset({"POST"}), r"/api/v1/messages/preview", "tell-crews"),
    (_ALL, r"/api/v1/notices(/[^/]+/(read|received))?", "see-notices"),
    (_ALL, r"/api/v1/webhooks(/.*)?", "see-webhooks"),
    (_READ, r"/api/v1/shows", "see-shows"),
    (frozenset({"POST", "DELETE"}), r"/api/v1/shows(/.+)?", "push-to-wall"),
    (_ALL, r"/api/v1/acting(/.+)?", "act-at-wall"),
    (_READ, r"/api/v1/card/.+", "see-wall"),
    (_READ, r"/pair", "act-at-wall"),
    (_READ, r"/emergency|/api/v1/streams/[a-z]+(/.+)?", "see-emergency"),
    (frozenset({"POST"}), r"/api/v1/map/selection(/export|/cases)?|/api/v1/map/exports(/pdf|/view|/geojson)?", "see-desk"),
    (frozenset({"POST"}), r"/api/v1/map/shapes/import", "act-emergency"),
    (_READ, r"/api/v1/rule-trials(/[^/]+)?", "try-rules"),
    (frozenset({"POST"}), r"/api/v1/rule-trials(/file|/[^/]+/cancel)?", "try-rules"),
    (_READ, r"/cap/[^/]+\.xml", PUBLIC),  # asks for an API token itself, where the feed is not public
    (_READ, r"/api/v1/bulletins/(options|.+/preview)", "see-emergency"),
    (_READ, r"/api/v1/incidents/.+", "see-emergency"),
    (frozenset({"POST"}), r"/api/v1/streams/[a-z]+/.+/commands", "act-emergency"),
    (_READ, r"/evaluation|/api/v1/evaluation(/cases|/export\.(xlsx|csv))?", "see-evaluation"),
    (_READ, r"/api/v1/rounds(/[^/]+/coverage)?", "see-wall"),
    (_ALL, r"/api/v1/rounds(/[^/]+(/do)?)?", "manage-rounds"),
    (_ALL, r"/api/v1/video/ptz/.+", "move-camera"),
    (_READ, r"/api/v1/video/regions", "see-wall"),
    (frozenset({"POST"}), r"/api/v1/video/regions(/[^/]+/do)?", "draw-regions"),
    (_READ, r"/api/v1/recordings/[^/]+/export(/[^/]+)?", "record"),  # handing it over is more than looking at it
    (_READ, r"/api/v1/recordings(/[^/]+(/segments|/verify|/c\d+/[^/]+)?)?", "see-recordings"),
    (
        frozenset({"POST", "PATCH", "DELETE"}),
        r"/api/v1/recordings(/[^/]+(/lock|/remove|/export|/still)?)?|/api/v1/video/snapshot",
        "record",
    ),
    (_ALL, r"/api/v1/walls(/.*)?", "pair-wall"),
    (_ALL, r"/api/v1/users(/.*)?", "manage-users"),
)
#: bytes of a body; what suppliers push to ingest has a bound of its own
MAX_BODY_BYTES = 64 * 1024
_BODIES = {
    "/api/v1/rule-trials": 1024 * 1024,
    "/api/v1/rule-trials/file": 64 * 1024 * 1024,
    "/api/v1/media": 12 * 1024 * 1024 + 4096,
    "/api/v1/commands": 1024 * 1024,
    "/api/v1/map/exports/pdf": 24 * 1024 * 1024,
    "/api/v1/map/shapes/import": 4 * 1024 * 1024,
}  # a picture with its multipart frame

_COMPILED = tuple((methods, re.compile(pattern), act) for methods, pattern, act in RULES)

#: pages a person opens: refused visitors are led to the sign-in instead of getting JSON
_PAGE = re.compile(
    r"/|/walls|/wall/[^/]+|/desk|/map|/crews|/emergency|/evaluation|/pair|/field/links|/admin/(feeds|screens|users)"
)

#: what a person signed in at a wall reaches there in his own name (hall/app/acting.py); everywhere else the wall is a wall
_AT_WALL = re.compile(
    r"/api/v1/cases/[^/]+/[^/]+/commands|/api/v1/card/.+|/api/v1/files/[^/]+/.+|/api/v1/units|/api/v1/crews|/api/v1/acting/end"
    r"|/api/v1/video/walls/[^/]+|/api/v1/video/regions(/[^/]+/do)?"
)
#: a wall's page says these without a token: they change nothing but who acts, and ask for a PIN or for a person elsewhere, or
#: they let the wall watch, which leaves a line in the record
_BEFORE_ACTING = re.compile(r"/api/v1/acting/(pin|pairing)|/api/v1/video/views|/video/whep/.+")


#: what a locked console reaches: its page, which shows nothing but the lock, and the way out
_WHILE_LOCKED = re.compile(r"(?!/api/|/video/).*|/api/v1/(me|lock|lock/open)")


def while_locked(path: str) -> bool:
    return _WHILE_LOCKED.fullmatch(path) is not None


def at_wall(path: str) -> bool:
    return _AT_WALL.fullmatch(path) is not None


def before_acting(path: str) -> bool:
    return _BEFORE_ACTING.fullmatch(path) is not None


def act_for(method: str, path: str) -> str | None:
    """The act that a request needs, PUBLIC for none; None when no rule knows the address.

    A WebSocket is asked about with the method `WEBSOCKET`: only rules for all methods let it pass.
    """
    for methods, pattern, act in _COMPILED:
        if (methods is None or method in methods) and pattern.fullmatch(path):
            return act
    return None


def body_bound(path: str) -> int:
    """Most bytes that the body of a request to this address may have."""
    return _BODIES.get(path, MAX_BODY_BYTES)


def known_path(path: str) -> bool:
    """Whether some method is allowed there: tells 405 from 404."""
    return any(pattern.fullmatch(path) for _, pattern, _ in _COMPILED)


def is_page(path: str) -> bool:
    return _PAGE.fullmatch(path) is not None
