"""Several people at consoles of one running hall: each a user of the hall in a tab of his own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

from argon2 import PasswordHasher
from playwright.async_api import Page

from hall import access
from hall.app.users import Profile, Users
from hall.core.bus import Bus
from hall.core.settings import bus_socket
from tests.chromium import tabs
from tests.running import RunningHall

PASSWORD, PIN = "a-good-long-password", "7294"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # the hall reads from a hash how it was made
_numbers = itertools.count()


class Room:
    """`sit` gives a page of a new person's own; what its scripts threw is in `faults`."""

    def __init__(self, hall: RunningHall, stack: contextlib.AsyncExitStack) -> None:
        self.hall, self.stack, self.faults = hall, stack, []

    async def sit(self, role: str = "operator", path: str = "/desk", lang: str = "zh-CN", name: str = "") -> Page:
        """The page carries `.who`, the person's name."""
        name = name or f"p{next(_numbers)}"
        users = Users(self.hall.data_dir / "users.db", QUICK)
        if users.get(name) is None:
            users.add(name, role, PASSWORD, Profile(pin=PIN))
        bus = Bus(f"unix://{bus_socket(self.hall.data_dir)}", "{hall}")
        secret = await access.open_session(bus, name, role)
        await bus.close()
        page = await self.stack.enter_async_context(tabs().tab(self.hall.url, secret, bypass_csp=True))

        def fault(error) -> None:
            self.faults.append(f"{name}: {error}")

        page.on("pageerror", fault)
        self.stack.callback(page.remove_listener, "pageerror", fault)
        await page.goto(f"{self.hall.url}{path}?lang={lang}")
        await page.wait_for_function("window.hall?.link?.state === 'live' && hall.store.ready")
        page.who = name
        return page


@contextlib.asynccontextmanager
async def seats(hall: RunningHall) -> AsyncIterator[Room]:
    """A room of consoles; an error of any page's script fails the test."""
    async with contextlib.AsyncExitStack() as stack:
        room = Room(hall, stack)
        yield room
    assert not room.faults, room.faults


async def ask(page: Page, path: str, method: str = "GET", body=None):
    """The hall's answer to a request that this page makes, as a person's script would."""
    return await page.evaluate(
        "([path, method, body]) => hall.ask(path, {method, body: body ?? undefined})", [path, method, body]
    )


async def report(page: Page, **case) -> str:
    """A new case of this person's; its subject."""
    body = {
        "description": "路面积水约二十厘米",
        "class_name": "突发事件",
        "subclass_name": "道路积水",
        "lon": 113.92,
        "lat": 35.3,
    }
    made = await ask(page, "/api/v1/cases", "POST", {"id": f"report-{next(_numbers)}-{page.who}", "case": {**body, **case}})
    return made["case"]


async def claimed(page: Page, **case) -> str:
    """A case that this person owns; its subject."""
    subject = await report(page, **case)
    tail = subject.partition("/")[2]
    view = await ask(page, f"/api/v1/files/{tail}")
    body = {"id": f"claim-{next(_numbers)}-{page.who}", "move": "claim", "revision": view["revision"]}
    await ask(page, f"/api/v1/cases/{tail}/commands", "POST", body)
    return subject


async def until(look, wait=60.0):
    """What the coroutine function `look` gives, asked again and again until it is truthy."""
    async with asyncio.timeout(wait):
        while not (found := await look()):
            await asyncio.sleep(0.05)
        return found
