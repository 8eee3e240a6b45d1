"""A screen without a browser: follows the stream as docs/PROTOCOL.md says, and says when it went blind."""

from __future__ import annotations

import contextlib
import json
import threading
import time

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect


class Screen(threading.Thread):
    """Keeps the current documents of `topics`; reconnects with resume; `wait_until(predicate)` waits for a picture."""

    def __init__(self, url: str, topics: list[str]) -> None:
        super().__init__(daemon=True)
        self.url, self.topics = url, topics
        self.docs: dict[str, dict] = {}
        self.position: str | None = None
        self.reconnects = self.resets = self.repeats = 0
        self.faults: list[str] = []
        self._changed = threading.Condition(threading.RLock())
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(WebSocketException, OSError, TimeoutError), connect(self.url, max_size=2**25) as socket:
                socket.send(json.dumps({"op": "subscribe", "topics": self.topics, "from": self.position}))
                while not self._ended.is_set():
                    self._take(json.loads(socket.recv(timeout=5)))
            self.reconnects += 1
            self._ended.wait(0.1)

    def _take(self, message: dict) -> None:
        op = message["op"]
        if op == "refused":
            self.faults.append(f"{message['reason']}: {message.get('detail')}")
        if op not in ("state", "frame"):
            return
        with self._changed:
            if op == "state" and message["reset"] and message["part"] == 1:
                self.docs.clear()
                self.resets += 1
            for event in message["e"]:
                self._apply(event)
            if op == "frame" or message["part"] == message["parts"]:
                self.position = message["pos"] or self.position
            self._changed.notify_all()

    def _apply(self, event: dict) -> None:
        known = self.docs.get(event["subject"])
        if known and (event["time"], event["recordedtime"], event["id"]) <= (known["time"], known["recordedtime"], known["id"]):
            self.repeats += 1
            return
        self.docs[event["subject"]] = event

    def present(self, topic: str) -> dict[str, dict]:
        """subject -> data of what is there now."""
        with self._changed:
            return {s: e["data"] for s, e in self.docs.items() if s.startswith(topic + "/") and e.get("data") is not None}

    def wait_until(self, predicate, seconds: float, what: str = "") -> float:
        """Waits until `predicate(self)` holds; returns how long it took."""
        began = time.monotonic()
        with self._changed:
            held = self._changed.wait_for(lambda: predicate(self), seconds)
        assert held, f"not within {seconds} s: {what or predicate}; faults {self.faults}"
        return time.monotonic() - began

    def end(self) -> None:
        self._ended.set()
