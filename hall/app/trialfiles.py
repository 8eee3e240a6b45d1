"""Trials of rules as files: what came of the newest ones, and a history that somebody uploaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

KEPT = 20
#: what a recorded file may end in
ENDINGS = (".csv", ".csv.gz", ".csv.zip", ".parquet", ".json", ".jsonl", ".geojson")


class Trial(msgspec.Struct, omit_defaults=True):
    """`state`: running, done, failed, cancelled, expired. `count` of about `total` events are through (0: not known). `error`
    is {problem, line, key, file}; `found`: docs/ALARMS.md. `began`, `ended`: real ms; `since`, `until`: city."""

    trial: str
    person: str
    state: str
    began: int
    rules: str = ""
    source: str = ""
    feed: str = ""
    since: int | None = None
    until: int | None = None
    ended: int | None = None
    count: int = 0
    total: int = 0
    error: dict[str, Any] = {}
    found: dict[str, Any] = {}
    refused: list[Any] = []


class TrialFiles:
    """One folder. Every method does I/O; call it in a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rules = folder / "rules.toml"

    def tidy(self) -> None:
        """Takes away uploads that nobody tried, and the oldest trials."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("u*"):
            old.unlink(missing_ok=True)
        for old in sorted(self.folder.glob("t*.json"), key=lambda file: file.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)

    def prepare(self, rules: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rules.write_text(rules, encoding="utf-8")

    def upload(self, ending: str) -> tuple[str, Path]:
        """An id and a file for a history."""
        key = f"u{uuid4().hex[:12]}"
        return key, self.folder / f"{key}{ending}"

    def uploaded(self, key: str) -> Path | None:
        return next(iter(self.folder.glob(f"{key}.*")), None) if key else None

    def keep(self, made: Trial) -> None:
        path = self.folder / f"{made.trial}.json"
        path.with_suffix(".part").write_bytes(msgspec.json.encode(made))
        path.with_suffix(".part").replace(path)

    def read(self, trial: str) -> Trial | None:
        try:
            return msgspec.json.decode((self.folder / f"{trial}.json").read_bytes(), type=Trial)
        except (OSError, msgspec.MsgspecError):
            return None

    def all(self) -> list[Trial]:
        """The newest first."""
        found = [one for path in self.folder.glob("t*.json") if (one := self.read(path.stem)) is not None]
        return sorted(found, key=lambda one: -one.began)
