"""`[[dispatch.webhooks]]` of hall.toml, checked."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hall.core.config import HallConfig

#: moves of a case file that a department's system is told of unless it names its own
MOVES = (
    "dispatch", "return", "urge", "rework", "grant", "refuse", "resume", "emergency", "unassign", "close", "force_close",
    "cancel", "undo", "raise_level", "settle_level",
)  # fmt: skip
SECRET_LEAST = 16


class Hook(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One receiver. `secret` may be `env:NAME`. `units` it answers for (empty: every unit); `allow`: private networks it may
    lie in (`10.0.0.0/8`), since a public name must not lead the hall into its own network. `audiences` of bulletins it is told
    of; `exercise`: whether it takes what belongs to an exercise, which is marked. Durations as named."""

    name: str
    url: str
    secret: str
    units: list[str] = []
    moves: list[str] = msgspec.field(default_factory=lambda: list(MOVES))
    audiences: list[str] = []
    exercise: bool = False
    allow: list[str] = []
    timeout_seconds: float = 10.0
    first_wait_seconds: float = 2.0
    longest_wait_seconds: float = 600.0
    give_up_hours: float = 24.0
    at_once: int = 4
    ca: str = ""  # PEM file that signed the receiver's certificate

    @property
    def networks(self) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        return [ipaddress.ip_network(text, strict=False) for text in self.allow]

    def shown(self) -> dict[str, Any]:
        """What people may know of it."""
        return {name: getattr(self, name) for name in ("url", "units", "moves", "audiences", "exercise", "give_up_hours")}

    @property
    def key(self) -> bytes:
        """What signs: the configured text, or what the environment holds now. `whsec_` begins a key in base64."""
        text = os.environ.get(self.secret[4:], "") if self.secret.startswith("env:") else self.secret
        return base64.b64decode(text[6:], validate=True) if text.startswith("whsec_") else text.encode()


def hooks_of(config: HallConfig) -> list[Hook]:
    """Raises ConfigError naming file, line and key."""
    found: list[Hook] = []
    for number, table in enumerate(config.dispatch.get("webhooks", [])):
        place = f"dispatch.webhooks[{number}]"
        try:
            hook = msgspec.convert(table, Hook)
        except msgspec.ValidationError as error:
            raise config.error(place, str(error)) from None
        if problem := _problem(hook, [other.name for other in found]):
            raise config.error(f"{place}.{problem[0]}", problem[1])
        found.append(hook)
    return found


def _problem(hook: Hook, names: list[str]) -> tuple[str, str] | None:
    parts = urlsplit(hook.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        return "url", "an http or https address without a user in it"
    if not hook.name or hook.name in names or not hook.name.replace("-", "").replace("_", "").isalnum():
        return "name", "letters, figures, - and _, each name once"
    try:
        if len(hook.key) < SECRET_LEAST:
            return "secret", f"at least {SECRET_LEAST} characters, or env:NAME of a variable that is set"
    except binascii.Error:
        return "secret", "what follows whsec_ is not base64"
    try:
        _ = hook.networks
    except ValueError as error:
        return "allow", str(error)
    if not (0 < hook.timeout_seconds <= 120 and 0 < hook.first_wait_seconds <= hook.longest_wait_seconds):
        return "timeout_seconds", "above 0, at most 120; first_wait_seconds at most longest_wait_seconds"
    if hook.give_up_hours <= 0 or not 1 <= hook.at_once <= 32:
        return "give_up_hours", "above 0; at_once from 1 to 32"
    return None
