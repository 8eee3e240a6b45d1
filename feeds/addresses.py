"""Where channels' pictures come from: sealed before it leaves this process, and never in a document."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from hall.core.bus import Bus
from hall.core.clock import monotonic
from hall.core.errors import BusLost
from hall.core.model import Channel
from hall.core.secrets import Secrets

KEY = "channel-url"
#: addresses in one command
PORTION = 500
#: seconds after which all are told again: an outside bus may have forgotten them
AGAIN = 600.0
#: what nobody but the hall may see of an address in a supplier's words: all of one that leads to a camera, the password of any
_LEADING = re.compile(r"\b(rtsps?|rtmps?|onvif|sips?)://[^\s\"'<>]+", re.IGNORECASE)
_PASSWORD = re.compile(r"(:/{2})[^\s/@\"'<>]{1,300}@")
_DEEPEST = 8


class Addresses:
    """Collects addresses and puts them into the bus hash `channel-url`: subject -> main stream, `<subject>#sub` -> the smaller
    one, `<subject>#ptz` -> how the camera is turned, all sealed. What was told within ten minutes is not told again."""

    def __init__(self, bus: Bus, secrets: Secrets) -> None:
        self._bus, self._secrets = bus, secrets
        self._waiting: dict[str, str] = {}
        self._told: dict[str, int] = {}
        self._told_since = monotonic()

    def remember(self, subject: str, url: str, sub: str = "", ptz: str = "") -> None:
        """Takes addresses as known now; an empty `sub` or `ptz` means that there is none (any more)."""
        if monotonic() - self._told_since > AGAIN:
            self._told, self._told_since = {}, monotonic()
        for name, value in ((subject, url), (f"{subject}#sub", sub), (f"{subject}#ptz", ptz)):
            if self._told.get(name) != hash(value):
                self._waiting[name] = value

    async def send(self) -> None:
        """Returns once the bus has everything remembered so far; waits while it is away."""
        while self._waiting:
            portion = dict(list(self._waiting.items())[:PORTION])
            sealed = {name: self._secrets.seal(url, name) for name, url in portion.items() if url}
            gone = [name for name, url in portion.items() if not url]
            try:
                await self._bus.hash_set(sealed, KEY)
                if gone:
                    await self._bus.call("HDEL", self._bus.key(KEY), *gone)
            except BusLost:
                await asyncio.sleep(0.2)
                continue
            for name, url in portion.items():
                self._told[name] = hash(url)
                if self._waiting.get(name) == url:
                    del self._waiting[name]


def conceal(doc: Channel) -> None:
    """Takes addresses of cameras, and passwords in any address, out of what a supplier says in a channel's document."""
    for name in ("name", "owner", "parent", "group"):
        value = getattr(doc, name)
        if "://" in value:
            setattr(doc, name, _concealed(value, 0))
    if doc.extra:
        doc.extra = _concealed(doc.extra, 0)


def _concealed(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _PASSWORD.sub(r"\1•••@", _LEADING.sub(r"\1://•••", value)) if "://" in value else value
    if depth >= _DEEPEST or not isinstance(value, (dict, list)):
        return value
    if isinstance(value, list):
        return [_concealed(part, depth + 1) for part in value]
    return {_concealed(name, depth + 1): _concealed(part, depth + 1) for name, part in value.items()}
