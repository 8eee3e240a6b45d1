"""Pages that one test after another uses, for tests with Playwright's sync interface (tests/chromium.py has the reason, and the
same for async ones): each is handed over with a whole new document, nothing stored and an empty `page.faults`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit


class Reused:
    """The pages of `browser`. `console`: what a page logs as an error is a fault too."""

    def __init__(self, browser: Any, console: bool = False) -> None:
        self.browser, self.console = browser, console
        self._free: list[Any] = []

    @contextlib.contextmanager
    def page(self, size: tuple[int, int], script: str = "") -> Iterator[Any]:
        """A page of this size; one with a `script` that runs before all others is not used again."""
        page = self._free.pop() if self._free and not script else self._new()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.faults = []  # after a round trip: what was said of the page before has come
        if script:
            page.add_init_script(script)
        try:
            yield page
        except BaseException:
            page.context.close()
            raise
        if script or page.is_closed() or not page.url.startswith("http"):
            return page.context.close()
        self._clean(page)
        self._free.append(page)

    def _new(self) -> Any:
        page = self.browser.new_page()
        page.set_default_timeout(60_000)  # a busy machine is slow
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        if self.console:
            page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
        return page

    @staticmethod
    def _clean(page: Any) -> None:
        there = urlsplit(page.url)
        page.unroute_all(behavior="ignoreErrors")
        page.goto(
            f"{there.scheme}://{there.netloc}/assets/20-panels.css"
        )  # of the same origin, without scripts: for its storage
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.context.clear_cookies()
        page.mouse.move(0, 0)  # where a new page's pointer is
