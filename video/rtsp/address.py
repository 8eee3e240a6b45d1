"""Where a camera is and who we are to it, out of its address."""

from __future__ import annotations

import functools
import ssl
from urllib.parse import quote, unquote, urlsplit

import msgspec

from video.media import SourceFailed

PORTS = {"rtsp": 554, "rtsps": 322}
_SAFE = "".join(
    map(chr, range(33, 127))
)  # addresses are sent as they were given; only what HTTP-like lines cannot hold is quoted


class Address(msgspec.Struct, frozen=True):
    """`url` as requests name it: without user, password and fragment."""

    url: str
    host: str
    port: int
    encrypted: bool
    checked: bool  # the certificate has to be good: address ends in #check-certificate
    user: str
    password: str


def parse(url: str) -> Address:
    """Raises SourceFailed `no-such-stream` for what is no address; its text is not repeated, it may hold a password."""
    try:
        parts = urlsplit(url.strip())
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
        where = parts.netloc.rpartition("@")[2]
        plain = quote(f"{scheme}://{where}{parts.path}" + (f"?{parts.query}" if parts.query else ""), safe=_SAFE)
        host.encode("idna")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError:
        scheme = host = ""
    if scheme not in PORTS or not host:
        raise SourceFailed("no-such-stream", "no address of a stream: rtsp://user:password@host:554/path", lasting=True)
    checked = parts.fragment == "check-certificate"
    return Address(plain, host, port or PORTS[scheme], scheme == "rtsps", checked, user, password)


def redirected(before: Address, location: str) -> Address:
    """Where a camera sends us. The login goes along to the same machine only. Raises SourceFailed."""
    found = parse(location)
    if before.encrypted and not found.encrypted:
        raise SourceFailed("refused-address", "the camera leads from an encrypted to an open connection", lasting=True)
    if found.host == before.host and not found.user:
        found = msgspec.structs.replace(found, user=before.user, password=before.password)
    return msgspec.structs.replace(found, checked=before.checked)


@functools.cache
def tls(checked: bool) -> ssl.SSLContext:
    """For rtsps. Cameras sign their certificates themselves: unless asked to check, only reading along is prevented, not a
    machine in between that pretends to be the camera."""
    context = ssl.create_default_context()
    if not checked:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
