"""Security headers of every answer, and what the request's own headers say about where it came from."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")
#: nothing in what somebody uploaded may run or be framed, whatever a browser takes it for
UPLOADED_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def host_name(host: str) -> str:
    """Name or address in a Host header without the port; empty when it is no host at all."""
    found = _HOST.fullmatch(host)
    return found[1].lower() if found else ""


def same_origin(origin: str, host: str) -> bool:
    """Whether an Origin header names the very host and port that was asked."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host_name(host)) and parts.netloc.lower() == host.lower()


def header(scope: dict, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def cookie(scope: dict, name: str) -> str:
    """One cookie's value, empty when it is not there. Odd cookies of other programs on this host do not matter."""
    for part in header(scope, b"cookie").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip('"')
    return ""


def content_policy(host: str, socket_ports: tuple[int, ...], script_hashes: list[str]) -> str:
    """Content-Security-Policy: this site and its sockets (gate, relay) only, no framing; libraries need inline styles."""
    name = host_name(host)
    sockets = "".join(f" ws://{name}:{port} wss://{name}:{port}" for port in socket_ports) if name else ""
    rules = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *script_hashes]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self'{sockets}",
        "media-src": "'self' blob:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def secure(headers: MutableHeaders, policy: str, path: str, query: bytes) -> None:
    """Adds what every answer carries; files whose address holds their age are kept by browsers, pages are not."""
    headers["content-security-policy"] = UPLOADED_POLICY if path.startswith("/api/v1/media/") else policy
    headers["x-content-type-options"] = "nosniff"
    headers["x-frame-options"] = "DENY"
    headers["referrer-policy"] = "same-origin"
    headers["cross-origin-opener-policy"] = "same-origin"
    headers["cross-origin-resource-policy"] = "same-origin"
    own = "(self)" if path == "/field/" else "()"  # a crew's phone takes photos and says where it is
    headers["permissions-policy"] = f"camera={own}, microphone=(), geolocation={own}"
    if path.startswith("/assets/") and b"m=" in query:
        headers["cache-control"] = "public, max-age=31536000, immutable"
    elif "cache-control" not in headers and "etag" not in headers:
        headers["cache-control"] = "no-store"
