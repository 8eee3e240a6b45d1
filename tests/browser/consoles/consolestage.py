"""Pages of the consoles in a real Chromium, signed in as a role; and what stands on them to be read."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from playwright.async_api import Page

from hall import access
from hall.core.bus import Bus
from tests.chromium import tabs

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
    """A page in a tab of its own, signed in as `name` with `role` (`more`: unit ...); with `faults` an error of a script fails the test."""
    bus, found = Bus(bus_url, prefix), []
    secret = await access.open_session(bus, name, role, **more)
    await bus.close()

    def fault(error) -> None:
        found.append(str(error))

    async with tabs().tab(url, secret, bypass_csp=True) as page:
        page.on("pageerror", fault)
        yield page
        page.remove_listener("pageerror", fault)
    assert not (faults and found), found


async def opened(page: Page, address: str) -> None:
    """Goes there and waits until the page has heard from the hall."""
    await page.goto(address)
    await page.wait_for_function("window.hall?.link?.state === 'live'")
