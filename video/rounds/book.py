"""Where rounds are written down: those of hall.toml, and the file of those that people made."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from hall.core.errors import ConfigError, Refused
from hall.core.process import Process
from video.rounds.plan import RoundPlan, checked

FILE = "rounds.json"


def keep(path: Path, plans: Iterable[RoundPlan]) -> None:
    """Writes the file whole: a crash leaves the old one or the new one. Raises Refused 503."""
    draft = path.with_suffix(".new")
    try:
        with open(draft, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(list(plans))))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise Refused("not-kept", f"the round could not be written: {error.strerror}", 503) from None


def written(process: Process) -> list[RoundPlan]:
    """`[[video.rounds]]` of hall.toml; raises ConfigError that names the line."""
    found: dict[str, RoundPlan] = {}
    for number, data in enumerate(process.config.video.rounds):
        key = f"video.rounds[{number}]"
        try:
            plan = checked(data)
        except Refused as error:
            raise process.config.error(key, error.detail) from None
        if plan.name in found:
            raise process.config.error(f"{key}.name", f"{plan.name!r} is there twice")
        found[plan.name] = plan
    return list(found.values())


def saved(path: Path) -> list[RoundPlan]:
    """What people made; raises ConfigError for a file that cannot be read."""
    if not path.exists():
        return []
    try:
        return [checked(data) for data in msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])]
    except (OSError, msgspec.MsgspecError, Refused) as error:
        raise ConfigError(f"{error}; mend it or move it away", file=str(path)) from None
