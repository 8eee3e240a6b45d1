"""One Chromium for the async tests of a file, and tabs that one test after another uses, each handed over clean.

A test in a tab that was used before loads a whole new document, without a cookie or anything stored; only the renderer's
process and its cache are not new. That spares more than half of what a page costs: most of it is a new process that
decodes the same fonts and compiles the same scripts again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from playwright.async_api import Browser, Page, Route, async_playwright, expect

from hall import access
from tests.browserflags import DISABLED

#: nothing outside this machine can be resolved: a page that asks for it fails its test
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    DISABLED,
    OFFLINE,
]
SIZE = (1920, 1080)
#: JavaScript: keys pressed one right after the other, whatever the machine does meanwhile: what belongs together by its seconds
PRESSED_AT_ONCE = """keys => { for (const key of keys)
  (document.activeElement || document.body).dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true})) }"""
PATIENCE_MS = (
    60_000  # of a page, and of what is expected of it: a busy machine is slow, and it costs time only where a test fails
)
expect.set_options(timeout=PATIENCE_MS)
_open: list[Tabs] = []


class Tabs:
    """The tabs of one `browser`; those that no test uses now are kept by the options of their context."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self._free: dict[str, list[Page]] = {}

    async def take(self, url: str, cookie: str = "", size: tuple[int, int] = SIZE, **options: Any) -> Page:
        """A tab for pages of `url`, signed in by the session `cookie`; `options` are those of a browser context."""
        free = self._free.setdefault(repr(sorted(options.items())), [])
        viewport = {"width": size[0], "height": size[1]}
        if free:
            page = free.pop()
            await page.set_viewport_size(viewport)
        else:
            page = await (await self.browser.new_context(viewport=viewport, **options)).new_page()
            page.context.set_default_timeout(PATIENCE_MS)
        if cookie:
            await page.context.add_cookies([{"name": access.COOKIE, "value": cookie, "url": url}])
        return page

    async def give_back(self, page: Page, url: str, **options: Any) -> None:
        """Makes the tab clean for the next test; `url` and `options` as it was taken."""
        if page.is_closed():
            return
        for other in page.context.pages:
            if other is not page:
                await other.close()
        await page.unroute_all(behavior="ignoreErrors")
        await page.emulate_media(media="null")
        await page.goto(f"{url}/healthz")  # a page of the same origin without scripts: its storage can be emptied from there
        await page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        await page.context.clear_cookies()
        await page.mouse.move(0, 0)  # where a new tab's pointer is: what lies under it is held still
        self._free[repr(sorted(options.items()))].append(page)

    @contextlib.asynccontextmanager
    async def tab(self, url: str, cookie: str = "", size: tuple[int, int] = SIZE, **options: Any) -> AsyncIterator[Page]:
        """`take` for the time of a test; what a failed test leaves is not used again."""
        page = await self.take(url, cookie, size, **options)
        try:
            yield page
        except BaseException:
            await page.context.close()
            raise
        await self.give_back(page, url, **options)


async def intercept(page: Page, pattern: str, handler: Callable[[Route], Any]) -> None:
    """`page.route` for a page that is open: it takes up interception a moment after Chromium says so, and under load what is
    asked for in that moment passes by. Returns once a request of the page was seen to be intercepted."""
    await page.route(pattern, handler)
    seen = asyncio.Event()

    async def probe(route: Route) -> None:
        seen.set()
        await route.fulfill(status=204)

    await page.route("**/healthz?intercepted", probe)
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not seen.is_set():
            await page.evaluate("() => fetch('/healthz?intercepted').then(() => 0)")
    await page.unroute("**/healthz?intercepted", probe)


def tabs() -> Tabs:
    """Those of the test's file, which uses the fixture `chromium_tabs`."""
    return _open[-1]


@contextlib.asynccontextmanager
async def launched() -> AsyncIterator[Tabs]:
    """A Chromium of its own, which `tabs()` gives meanwhile."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        _open.append(Tabs(browser))
        try:
            yield _open[-1]
        finally:
            _open.pop()
            await browser.close()
