"""Pages of the consoles in a real Chromium, signed in as a role; and what stands on them to be read."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from playwright.async_api import Page, async_playwright

from hall import access
from hall.core.bus import Bus

#: nothing outside this machine can be resolved: a page that asks for it fails its test
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"

#: every text that a reader meets: [text, where]; code, drawings of plans and names of things are left out
READABLE = """() => {
  const skipped = 'code, pre, script, style, [data-column="hash"], [data-column="wall"], [data-column="screen"], .bar-who';
  const seen = (node) => node.getClientRects().length && getComputedStyle(node).visibility === 'visible';
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const holder = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (text && !holder.closest(skipped) && seen(holder)) found.push([text, holder.closest('[data-panel]')?.dataset.panel ?? holder.className]);
  }
  for (const name of ['title', 'aria-label', 'placeholder', 'alt'])
    for (const node of document.querySelectorAll(`[${name}]`))
      if (node.getAttribute(name) && !node.closest(skipped) && seen(node)) found.push([node.getAttribute(name), `${name} of ${node.className}`]);
  return found;
}"""


@contextlib.asynccontextmanager
async def console(
    url: str,
    bus_url: str,
    role: str = "supervisor",
    prefix: str = "{hall}",
    faults: bool = True,
    name: str = "zhao",
    **more: str,
) -> AsyncIterator[Page]:
    """A page of a browser of its own, signed in as `name` with `role` (`more`: unit ...); with `faults` an error of a script fails the test."""
    bus, found = Bus(bus_url, prefix), []
    secret = await access.open_session(bus, name, role, **more)
    await bus.close()
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", OFFLINE]
        )
        context = await chromium.new_context(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
        await context.add_cookies([{"name": access.COOKIE, "value": secret, "url": url}])
        page = await context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: found.append(str(error)))
        yield page
        await chromium.close()
    assert not (faults and found), found


async def opened(page: Page, address: str) -> None:
    """Goes there and waits until the page has heard from the hall."""
    await page.goto(address)
    await page.wait_for_function("window.hall?.link?.state === 'live'")
