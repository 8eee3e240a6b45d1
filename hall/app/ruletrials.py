"""`/api/v1/rule-trials`: a history through changed alarm rules, before anybody switches them on.

The work is `hall alarms try` in a process of its own, of low priority, bounded in memory and time: the hall does not notice it.
One at a time; each leaves a line in the audit when it begins and when it ends. What came of the newest ones is kept as files.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import hashlib
import logging
import os
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path as File
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from hall.app.actors import current_actor
from hall.app.answers import json
from hall.app.trialfiles import ENDINGS, Trial, TrialFiles
from hall.app.visit import current_visit
from hall.core.clock import real_ms
from hall.core.command import Actor
from hall.core.config import FeedConfig
from hall.core.errors import Refused
from hall.core.process import Process

log = logging.getLogger("hall.web")

LIMIT_SECONDS = 1_800.0
MEMORY_MB = 3_072
MOST_FILE = 64 * 1024 * 1024
MOST_ANSWER = 8 * 1024 * 1024
#: kinds of feeds that say something about sites
KINDS = ("sensor", "observation", "position", "alarm")
Id = Annotated[str, Path(pattern=r"^t[0-9a-f]{12}$")]
Note = Callable[..., Awaitable[None]]
_RULES = re.compile(r"^\s*\[\[?\s*(thresholds|dispatch\.alarms)\b")
_TABLE = re.compile(r"^\s*\[")


class Asked(BaseModel):
    """`rules`: RULES.toml. The history is what the hall heard, or `file` (an upload's id) read by the mapping of `feed`; from
    `since` on and before `until` (city ms)."""

    model_config = ConfigDict(extra="forbid")
    rules: Annotated[str, Field(min_length=1, max_length=256_000)]
    file: Annotated[str, Field(pattern=r"^(u[0-9a-f]{12})?$")] = ""
    feed: Annotated[str, Field(max_length=200)] = ""
    since: Annotated[int | None, Field(ge=0, le=2**52)] = None
    until: Annotated[int | None, Field(ge=0, le=2**52)] = None


class RuleTrials:
    """Handlers and their router. `kept()` gives what the hall heard: since, until, count, bytes, or None; `note` leaves a line
    in the ledger's audit."""

    def __init__(self, process: Process, note: Note, kept: Callable[[], dict[str, Any] | None]) -> None:
        self.process, self._note, self._kept = process, note, kept
        self._files = TrialFiles(process.settings.data_dir / "rule-trials")
        self._now: Trial | None = None
        self._worker: asyncio.subprocess.Process | None = None
        self._names: dict[str, str] = {}  # upload -> the file's own name
        self.router = APIRouter(prefix="/api/v1/rule-trials", tags=["alarms"])
        self.router.add_api_route("", self.listed, methods=["GET"], response_class=Response)
        self.router.add_api_route("", self.begin, methods=["POST"], response_class=Response, status_code=201)
        self.router.add_api_route("/file", self.upload, methods=["POST"], response_class=Response, status_code=201)
        self.router.add_api_route("/{trial}", self.one, methods=["GET"], response_class=Response)
        self.router.add_api_route("/{trial}/cancel", self.cancel, methods=["POST"], response_class=Response)

    async def listed(self) -> Response:
        """The rules in force as TOML, what history there is, and the newest trials."""
        kept = await asyncio.to_thread(self._kept)
        known = [*([self._now] if self._now is not None else ()), *await asyncio.to_thread(self._files.all)]
        config = self.process.config
        feeds = [{"name": one.name, "label": one.label} for one in config.feeds if _readable(one)]
        short = [msgspec.structs.replace(one, rules="", found={}, refused=[]) for one in known]
        return json({"rules": rules_in(config.text), "kept": kept, "feeds": feeds, "trials": short, "endings": ENDINGS})

    async def upload(self, request: Request, name: Annotated[str, Query(max_length=200)]) -> Response:
        """A recorded history, as the body; `name` says by its ending how it is read. It is kept until it was tried."""
        ending = next((one for one in ENDINGS if name.lower().endswith(one)), None)
        if ending is None:
            raise Refused("bad-file", f"a file's name ends in one of {', '.join(ENDINGS)}", 422)
        self._free()
        await asyncio.to_thread(self._files.tidy)
        (key, path), size = self._files.upload(ending), 0
        try:
            with path.open("wb") as file:
                async for part in request.stream():
                    size += len(part)
                    if size > MOST_FILE:
                        raise Refused("too-large", f"at most {MOST_FILE >> 20} MB", 413)
                    await asyncio.to_thread(file.write, part)
            if not size:
                raise Refused("empty", "the file is empty", 422)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._names = {key: os.path.basename(name)}
        return json({"file": key, "bytes": size}, 201)

    async def begin(self, asked: Asked) -> Response:
        """Begins a trial: its id. 409 `trial-running` while another one runs."""
        self._free()
        path = self._files.uploaded(asked.file)
        if asked.file and path is None:
            raise Refused("unknown-file", "upload the history again", 404)
        if path is not None and asked.feed not in {one.name for one in self.process.config.feeds if _readable(one)}:
            raise Refused("unknown-feed", "name the feed whose mapping reads the file", 422)
        if asked.since is not None and asked.until is not None and asked.until <= asked.since:
            raise Refused("bad-span", "it ends after it begins", 422)
        who, name = current_visit().identity, self._names.get(asked.file, asked.file)
        made = self._now = Trial(
            trial=f"t{uuid4().hex[:12]}", person=who.display or who.name, state="running", began=real_ms(), rules=asked.rules,
            source=name, feed=asked.feed if path else "", since=asked.since, until=asked.until,
        )  # fmt: skip
        try:
            await self._note("rule-trial", current_actor(), self._about(made))
            await asyncio.to_thread(self._files.prepare, made.rules)
        except BaseException:
            self._now = None
            raise
        self.process.spawn(self._run(made, path, current_actor()), "rule trial")
        return json({"trial": made.trial}, 201)

    async def one(self, trial: Id) -> Response:
        """How far it is, or what came of it."""
        if self._now is not None and self._now.trial == trial:
            # until it is kept and on record it is not over: the next one may begin when this one says so
            return json(msgspec.structs.replace(self._now, state="running", error={}, found={}, refused=[]))
        found = await asyncio.to_thread(self._files.read, trial)
        if found is None:
            raise Refused("unknown-trial", "it is not kept any more", 404)
        return json(found)

    async def cancel(self, trial: Id) -> Response:
        if self._now is None or self._now.trial != trial:
            raise Refused("not-running", "it has ended already", 409)
        self._now.state = "cancelled"
        self._kill()
        return json({"trial": trial})

    async def close(self) -> None:
        self._kill()

    # -- the work ------------------------------------------------------------------------------------------------------

    def _free(self) -> None:
        if self._now is not None:
            raise Refused("trial-running", f"{self._now.person} is trying rules; one at a time", 409)

    def _kill(self) -> None:
        if self._worker is not None:
            with contextlib.suppress(ProcessLookupError):
                self._worker.kill()

    def _command(self, made: Trial, path: File | None) -> list[str]:
        found = [sys.executable, "-m", "hall.cli", "alarms", "try", str(self._files.rules), "--worker", str(MEMORY_MB)]
        found += ["--ledger", "--file", f"{made.feed}={path}"] if path is not None else ["--ledger", "--from-hall"]
        for name in ("since", "until"):
            if (moment := getattr(made, name)) is not None:
                found += [f"--{name}", datetime.datetime.fromtimestamp(moment / 1000, datetime.UTC).isoformat()]
        return found

    async def _run(self, made: Trial, path: File | None, actor: Actor) -> None:
        settings = self.process.settings
        own = {"HALL_CONFIG": str(self.process.config.file), "HALL_DATA_DIR": str(settings.data_dir)}
        own |= {"HALL_DATABASE_URL": settings.database_url} if settings.database_url else {}
        try:
            pipe = asyncio.subprocess.PIPE
            self._worker = await asyncio.create_subprocess_exec(
                *self._command(made, path),
                env={**os.environ, **own},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
            )
            async with asyncio.timeout(LIMIT_SECONDS):
                answer, words = await asyncio.gather(self._answer(), self._follow(made))
                await self._worker.wait()
            self._understand(made, answer, words)
        except TimeoutError:
            made.state, made.error = "expired", {"problem": "expired"}
        except OSError as error:
            made.state, made.error = "failed", {"problem": str(error)}
        finally:
            self._kill()
            self._worker = None
            made.ended = real_ms()
            if path is not None:
                path.unlink(missing_ok=True)
            await self._end(made, actor)

    async def _answer(self) -> bytes:
        return await self._worker.stdout.read(-1)

    async def _follow(self, made: Trial) -> str:
        """Takes the worker's progress; returns its last other words."""
        last = ""
        async for line in self._worker.stderr:
            said = line.decode("utf-8", "replace").strip()
            if said.startswith("progress "):
                made.count, made.total = map(int, said.split()[1:3])
            elif said:
                last = said[-300:]
        return last

    def _understand(self, made: Trial, answer: bytes, words: str) -> None:
        if made.state == "cancelled":
            return
        try:
            told = msgspec.json.decode(answer[:MOST_ANSWER], type=dict[str, Any])
        except msgspec.MsgspecError:
            problem = "memory" if self._worker.returncode in (-9, -6) or "MemoryError" in words else words or "no answer"
            told = {"error": {"problem": problem}}
        made.error, made.found, made.refused = told.get("error", {}), told.get("found", {}), told.get("refused", [])
        made.state = "failed" if made.error else "done"

    async def _end(self, made: Trial, actor: Actor) -> None:
        try:
            await asyncio.to_thread(self._files.keep, made)
            await self._note("rule-tried", actor, self._about(made) | {"state": made.state, **_sums(made.found)})
        except Exception:
            log.exception("rule trial %s: its end is not on record", made.trial)
        finally:
            self._now = None

    def _about(self, made: Trial) -> dict[str, Any]:
        """For the audit: whose rules are meant says the sum of their text."""
        digest = hashlib.sha256(made.rules.encode()).hexdigest()
        told = {"trial": made.trial, "rules_sha256": digest, "source": made.source or "hall", "feed": made.feed}
        return {
            name: value
            for name, value in (told | {"since": made.since, "until": made.until}).items()
            if value not in ("", None)
        }


def _readable(feed: FeedConfig) -> bool:
    """Whether a recorded file can be read as this feed: it says something about sites, and has a mapping."""
    return feed.kind in KINDS and bool(feed.mapping)


def rules_in(text: str) -> str:
    """The tables of a hall.toml that are alarm rules: nothing else of the file leaves the hall."""
    found, wanted = [], False
    for line in text.splitlines():
        if _TABLE.match(line):
            wanted = bool(_RULES.match(line))
        if wanted:
            found.append(line)
    return "\n".join(found).strip() + "\n" if found else ""


def _sums(found: dict[str, Any]) -> dict[str, Any]:
    if not found:
        return {}
    sides = {name: found.get(name, {}).get("alarms", 0) for name in ("before", "after")}
    return {"alarms": sides, "floods": found.get("floods", 0), "newly_missed": found.get("counts", {}).get("newly_missed", 0)}
