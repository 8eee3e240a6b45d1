"""What transports share: their options checked, secrets out of the environment, a place in a JSON reply."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from feeds.mapping.paths import getter
from feeds.source import Rim

MAX_BYTES = 32 * 1024 * 1024
T = TypeVar("T", bound="Options")


class Options(msgspec.Struct, kw_only=True):
    """Base of a transport's options. A key it does not know may belong to the feed's format or to intake."""


def read_options(kind: type[T], rim: Rim) -> T:
    """`feed.options` as `kind`; raises ConfigError that points at the wrong key."""
    try:
        return msgspec.convert(rim.feed.options, kind, strict=True)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        raise rim.wrong(f"options{place.rstrip('`')}", problem) from None


def expanded(text: str, rim: Rim, key: str) -> str:
    """`$NAME` and `${NAME}` from the environment, so that no password stands in a file; raises ConfigError when unset."""

    def value(match: re.Match) -> str:
        name = match[1] or match[2]
        if name not in os.environ:
            raise rim.wrong(key, f"environment variable {name} is not set")
        return os.environ[name]

    return re.sub(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))", value, text)


def expanded_all(texts: dict[str, str], rim: Rim, key: str) -> dict[str, str]:
    return {name: expanded(text, rim, f"{key}.{name}") for name, text in texts.items()}


def reader(path: str | list[str | int], rim: Rim, key: str) -> Callable[[Any], Any]:
    """A function from decoded JSON to what lies at `path`, None where there is nothing; ConfigError for a bad path."""
    try:
        read = getter(path)
    except ValueError as error:
        raise rim.wrong(key, str(error)) from None
    return lambda data: read(data) if isinstance(data, dict) else None


def pause(rim: Rim, attempt: int, least: float = 0.5, most: float = 30.0) -> float:
    """Seconds to wait before attempt number `attempt` (from 1): doubling, bounded, jittered so that halls do not march."""
    return min(least * 2 ** min(attempt - 1, 20), most) * rim.random.uniform(0.5, 1.0)
