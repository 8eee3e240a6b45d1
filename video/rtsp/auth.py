"""Signing in to a camera: Digest (RFC 2617, RFC 7616: MD5, SHA-256) and Basic (RFC 7617)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable

import msgspec

_CHALLENGE = re.compile(r"(?:^|,)\s*(Digest|Basic)\b", re.I)
_FIELD = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_LONGEST, _MOST = 2048, 8  # characters of a header, headers
#: the strongest first; cameras that offer several mean their clients to choose
_ALGORITHMS = {"sha-256": hashlib.sha256, "md5": hashlib.md5}


class Challenge(msgspec.Struct):
    """One way to sign in that the camera offers."""

    scheme: str  # digest | basic
    realm: str = ""
    nonce: str = ""
    opaque: str | None = None
    qop: str = ""
    algorithm: str = ""
    stale: bool = False


def challenges(values: Iterable[str]) -> list[Challenge]:
    """Those that WWW-Authenticate headers offer; several may stand in one header. Unknown algorithms are left out."""
    found = []
    for value in [value[:_LONGEST] for value in values][:_MOST]:
        starts = [(m.start(1), m.end(1), m.group(1).lower()) for m in _CHALLENGE.finditer(value)]
        for index, (_, begin, scheme) in enumerate(starts):
            end = starts[index + 1][0] if index + 1 < len(starts) else len(value)
            fields = {m[1].lower(): m[2] if m[2] is not None else m[3] for m in _FIELD.finditer(value[begin:end])}
            one = Challenge(
                scheme, fields.get("realm", ""), fields.get("nonce", ""), fields.get("opaque"), fields.get("qop", ""),
                fields.get("algorithm", ""), fields.get("stale", "").lower() == "true",
            )  # fmt: skip
            if scheme == "basic" or _base(one.algorithm) in _ALGORITHMS:
                found.append(one)
    return found


def choose(found: list[Challenge], encrypted: bool) -> Challenge | None:
    """The strongest Digest; Basic, which shows the password to everybody on the way, where nothing else is offered or the
    connection is encrypted and no Digest is."""
    digests = [c for c in found if c.scheme == "digest" and c.nonce]
    if digests:
        return min(digests, key=lambda c: list(_ALGORITHMS).index(_base(c.algorithm)))
    return next((c for c in found if c.scheme == "basic"), None)


class Login:
    """What one connection signs its requests with. `user` and `password` as they are, not percent-encoded."""

    def __init__(self, user: str, password: str, make_nonce: Callable[[], str] = lambda: secrets.token_hex(8)) -> None:
        self._user, self._password, self._make_nonce = user, password, make_nonce
        self._challenge: Challenge | None = None
        self._count, self._worked = 0, False

    @property
    def known(self) -> bool:
        """Whether there is anybody to sign in as."""
        return bool(self._user or self._password)

    def take(self, values: Iterable[str], encrypted: bool) -> bool:
        """A refusal's WWW-Authenticate headers: whether asking again, signed, is any use. It is where nothing was signed yet,
        the nonce was too old, or this login has worked before; not where the password is wrong: cameras lock people out."""
        chosen, before = choose(challenges(values), encrypted), self._challenge
        if chosen is None or not self.known:
            return False
        again = before is None or chosen.stale or self._worked
        self._challenge, self._count, self._worked = chosen, 0, False
        return again

    def accepted(self) -> None:
        """A signed request was granted."""
        self._worked = self._challenge is not None

    def header(self, method: str, url: str) -> dict[str, str]:
        """The Authorization header of a request; none before the camera has asked for it."""
        challenge = self._challenge
        if challenge is None:
            return {}
        if challenge.scheme == "basic":
            return {"Authorization": "Basic " + base64.b64encode(f"{self._user}:{self._password}".encode()).decode()}
        return {"Authorization": "Digest " + self._digest(challenge, method, url)}

    def _digest(self, challenge: Challenge, method: str, url: str) -> str:
        algorithm = challenge.algorithm
        make = _ALGORITHMS[_base(algorithm)]

        def of(*parts: str) -> str:
            return make(":".join(parts).encode("utf-8", "surrogateescape")).hexdigest()

        self._count += 1
        count, client = f"{self._count:08x}", self._make_nonce()
        who, what = of(self._user, challenge.realm, self._password), of(method, url)
        if algorithm.lower().endswith("-sess"):
            who = of(who, challenge.nonce, client)
        fields = {"username": self._user, "realm": challenge.realm, "nonce": challenge.nonce, "uri": url}
        plain = {}
        if "auth" in (word.strip() for word in challenge.qop.split(",")):
            fields["response"] = of(who, challenge.nonce, count, client, "auth", what)
            fields["cnonce"], plain = client, {"qop": "auth", "nc": count}
        else:
            fields["response"] = of(who, challenge.nonce, what)
        if challenge.opaque is not None:
            fields["opaque"] = challenge.opaque
        if algorithm:
            plain["algorithm"] = algorithm
        quoted = [f'{name}="{_escaped(value) if name == "username" else value}"' for name, value in fields.items()]
        return ", ".join(quoted + [f"{name}={value}" for name, value in plain.items()])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _base(algorithm: str) -> str:
    return (algorithm or "md5").lower().removesuffix("-sess")
