"""What a seat reaches the hall by: commands over HTTP that are asked again under their id until answered, and the stream."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from hall import access
from hall.core.bus import Bus
from tests.tasks import ended

#: a seat gives up on a command after this; nothing may stay unanswered so long
ANSWER_SECONDS = 30.0
_numbers = itertools.count()


class Hall(NamedTuple):
    """Where a running hall is reached; `bus_url` only to sign people in."""

    url: str
    stream: str
    bus_url: str


@dataclass
class Asked:
    """One command and what became of it. `answer` is the outcome, or the refusal's `{reason, detail}`."""

    id: str
    who: str
    role: str
    subject: str
    move: str
    revision: int | None
    data: dict[str, Any]
    reason: str
    sent: float
    answered: float = 0.0
    status: int = 0
    answer: dict[str, Any] = field(default_factory=dict)
    tries: int = 0

    @property
    def acknowledged(self) -> bool:
        return self.status == 200


class Seat:
    """A signed-in person or crew. `asked` holds all he ever asked for; `docs` the stream's picture of `topics`; `wanted` those
    files that `wants(document)` picks, newest last."""

    def __init__(self, hall: Hall, name: str, role: str, topics: list[str], **known: Any) -> None:
        self.hall, self.name, self.role, self.topics, self.known = hall, name, role, topics, known
        self.asked: list[Asked] = []
        self.docs: dict[str, dict] = {}
        self.news = asyncio.Event()
        self.wants: Callable[[dict], bool] = lambda document: False
        self.wanted: dict[str, dict] = {}
        self.faults: list[str] = []
        self._position: str | None = None

    async def __aenter__(self) -> Seat:
        bus = Bus(self.hall.bus_url)
        secret = await access.open_session(bus, self.name, self.role, **self.known)
        await bus.close()
        cookie = {access.COOKIE: secret}
        # without verify=False each client reads the whole list of certificates, for nothing
        self.http = httpx.AsyncClient(base_url=self.hall.url, timeout=4, cookies=cookie, trust_env=False, verify=False)
        self.http.headers["x-hall-csrf"] = access.csrf_token(secret)
        self._cookie = f"{access.COOKIE}={secret}"
        self._following = asyncio.create_task(self._follow()) if self.topics else None
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._following:
            await ended(self._following)
        await self.http.aclose()

    # -- asking ----------------------------------------------------------------------------------------------------

    async def get(self, path: str) -> dict[str, Any] | None:
        """None where it is refused or not to be had now."""
        try:
            answer = await self.http.get(path)
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            return None
        return answer.json() if answer.status_code == 200 else None

    async def view(self, subject: str) -> dict[str, Any] | None:
        return await self.get("/api/v1/files/" + subject.partition("/")[2])

    async def ask(
        self, subject: str, move: str, revision: int | None, data: dict[str, Any], reason: str = "", twice: bool = False
    ) -> Asked:
        """One command, asked under one id until the hall says yes or no; `twice`: sent two times at once, as a nervous
        browser would."""
        asked = Asked(
            f"shift-{next(_numbers):07d}", self.name, self.role, subject, move, revision, data, reason, time.monotonic()
        )
        self.asked.append(asked)
        body = {"id": asked.id, "move": move, "revision": revision, "data": data, "reason": reason}
        if twice:
            first, second = await asyncio.gather(self._sent(asked, body), self._sent(asked, body))
            if first[0] == 200 == second[0] and first[1]["outcome"]["seqs"] != second[1]["outcome"]["seqs"]:
                self.faults.append(f"{asked.id} was answered twice differently")
            if second[0] == 200:  # a refusal is not remembered: between the two what stood against it may have gone
                first = second
        else:
            first = await self._sent(asked, body)
        asked.status, told = first
        asked.answer = told.get("outcome", told)
        asked.answered = time.monotonic()
        return asked

    async def _sent(self, asked: Asked, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        topic, _, rest = asked.subject.partition("/")
        path = f"/api/v1/crews/{rest}/commands" if topic == "crew" else f"/api/v1/cases/{rest}/commands"
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            asked.tries += 1
            with contextlib.suppress(httpx.TransportError, json.JSONDecodeError):
                answer = await self.http.post(path, json=body)
                if answer.status_code < 500:
                    return answer.status_code, answer.json()
                if answer.status_code == 500:
                    self.faults.append(f"500 for {asked.move}: {answer.text[:300]}")
            if time.monotonic() > until:
                raise AssertionError(f"{asked.move} of {asked.subject} was not answered within {ANSWER_SECONDS:.0f} s")
            await asyncio.sleep(0.1)

    # -- hearing ---------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(WebSocketException, OSError, TimeoutError):
                async with connect(
                    self.hall.stream, additional_headers={"Cookie": self._cookie}, max_size=2**26, compression=None
                ) as socket:
                    await socket.send(json.dumps({"op": "subscribe", "topics": self.topics, "from": self._position}))
                    async for text in socket:
                        self._take(json.loads(text))
            await asyncio.sleep(0.1)

    def _take(self, message: dict[str, Any]) -> None:
        op = message["op"]
        if op == "refused":
            self.faults.append(f"stream: {message['reason']}: {message.get('detail')}")
        if op not in ("state", "frame"):
            return
        if op == "state" and message["reset"] and message["part"] == 1:
            self.docs.clear()
            self.wanted.clear()
        for event in message["e"]:
            known = self.docs.get(event["subject"])
            if known is None or _key(event) > _key(known):
                self.docs[event["subject"]] = event
                self._sort(event)
        if op == "frame" or message["part"] == message["parts"]:
            self._position = message["pos"] or self._position
        self.news.set()

    def _sort(self, event: dict[str, Any]) -> None:
        subject, data = event["subject"], event.get("data")
        self.wanted.pop(subject, None)
        if subject.startswith("file/") and data is not None and self.wants(data):
            self.wanted[subject] = data

    def present(self, topic: str) -> dict[str, dict]:
        """subject -> data of what is there now."""
        return {s: e["data"] for s, e in self.docs.items() if s.startswith(topic + "/") and e.get("data") is not None}

    async def until(self, predicate, seconds: float, what: str) -> float:
        """Returns the seconds it took until `predicate()` held; looks whenever the stream brought something."""
        began = time.monotonic()
        while not predicate():
            left = began + seconds - time.monotonic()
            assert left > 0, f"not within {seconds} s: {what}"
            self.news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), min(left, 0.25))
        return time.monotonic() - began


def _key(event: dict[str, Any]) -> tuple:
    return event["time"], event["recordedtime"], event["id"]
