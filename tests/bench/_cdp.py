"""A page of a Chromium that is driven by bare debugging commands: Playwright's own connection has the renderer keep the body of each answer.

What a bench of the renderer's memory needs of Playwright's `Page` is here by the same names, and no more. Its `Network.enable` holds up to 200 MB of
answers in the renderer (`NetworkResourcesData` of Chromium), which no user has.
"""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

TIMEOUT = 60.0  # s, of a wait


class Session:
    """One debugging connection."""

    def __init__(self, address: str) -> None:
        self.socket = connect(address, max_size=None)
        self.numbers = itertools.count(1)

    def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer. Raises `RuntimeError` with the browser's own words."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params or {}}))
        while True:
            told = json.loads(self.socket.recv())
            if told.get("id") == number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']}")
                return told["result"]

    def event(self, method: str) -> dict[str, Any]:
        while True:
            told = json.loads(self.socket.recv())
            if told.get("method") == method:
                return told["params"]


class Mouse:
    def __init__(self, session: Session) -> None:
        self.session, self.at, self.pressed = session, (0.0, 0.0), False

    def _say(self, kind: str, **more: Any) -> None:
        x, y = self.at
        self.session.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, "buttons": int(self.pressed)} | more)

    def move(self, x: float, y: float) -> None:
        self.at = x, y
        self._say("mouseMoved", button="left" if self.pressed else "none")

    def down(self) -> None:
        self.pressed = True
        self._say("mousePressed", button="left", clickCount=1)

    def up(self) -> None:
        self.pressed = False
        self._say("mouseReleased", button="left", clickCount=1)

    def wheel(self, across: float, down: float) -> None:
        self._say("mouseWheel", deltaX=across, deltaY=down)


class Page:
    def __init__(self, browser: Session, tab: Session) -> None:
        self.browser, self.tab, self.mouse = browser, tab, Mouse(tab)

    def goto(self, address: str) -> None:
        self.tab.send("Page.navigate", {"url": address})
        self.wait_for_function("document.readyState === 'complete'")

    def evaluate(self, script: str) -> Any:
        """The value of an expression, or of a function without parameters."""
        called = f"({script})()" if script.lstrip().startswith("() =>") else script
        told = self.tab.send(
            "Runtime.evaluate", {"expression": called, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        )
        if "exceptionDetails" in told:
            raise RuntimeError(f"{script[:200]}: {told['exceptionDetails']}")
        return told["result"].get("value")

    def wait_for_function(self, script: str) -> None:
        until = time.monotonic() + TIMEOUT
        while not self.evaluate(f"!!({script})"):
            if time.monotonic() > until:
                raise TimeoutError(script)
            time.sleep(0.05)

    def wait_for_timeout(self, milliseconds: float) -> None:
        time.sleep(milliseconds / 1000)

    def metrics(self) -> dict[str, float]:
        self.tab.send("Performance.enable")
        found = {one["name"]: one["value"] for one in self.tab.send("Performance.getMetrics")["metrics"]}
        self.tab.send("Performance.disable")
        return found

    def renderers(self) -> list[int]:
        """Process ids."""
        told = self.browser.send("SystemInfo.getProcessInfo")["processInfo"]
        return [one["id"] for one in told if one["type"] == "renderer"]

    def dump(self, path: Path) -> None:
        """Writes what each of the browser's allocators holds (`memory-infra`, JSON)."""
        wanted = {
            "includedCategories": ["disabled-by-default-memory-infra"],
            "excludedCategories": ["*"],
            "memoryDumpConfig": {"triggers": []},
        }
        self.browser.send("Tracing.start", {"transferMode": "ReturnAsStream", "traceConfig": wanted})
        self.browser.send("Tracing.requestMemoryDump", {"levelOfDetail": "detailed"})
        self.browser.send("Tracing.end")
        stream = self.browser.event("Tracing.tracingComplete")["stream"]
        with path.open("wb") as file:
            while True:
                told = self.browser.send("IO.read", {"handle": stream, "size": 1 << 20})
                data = told["data"]
                file.write(base64.b64decode(data) if told.get("base64Encoded") else data.encode())
                if told.get("eof"):
                    return


@contextmanager
def chromium(flags: Sequence[str], size: tuple[int, int]) -> Iterator[Page]:
    """A page of `size` px, software rendering as `flags` say."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        told = Path(folder) / "DevToolsActivePort"
        started = subprocess.Popen(
            [
                "/usr/bin/chromium",
                *flags,
                f"--window-size={size[0]},{size[1]}",
                "--remote-debugging-port=0",
                f"--user-data-dir={folder}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + TIMEOUT
            while not (told.exists() and len(told.read_text().split()) == 2):
                if time.monotonic() > until:
                    raise TimeoutError("Chromium did not start")
                time.sleep(0.05)
            port, path = told.read_text().split()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
                tab = next(one for one in json.load(answer) if one["type"] == "page")
            page = Page(Session(f"ws://127.0.0.1:{port}{path}"), Session(tab["webSocketDebuggerUrl"]))
            wide, high = size
            page.tab.send(
                "Emulation.setDeviceMetricsOverride", {"width": wide, "height": high, "deviceScaleFactor": 1, "mobile": False}
            )
            yield page
        finally:
            started.terminate()
            started.wait()
