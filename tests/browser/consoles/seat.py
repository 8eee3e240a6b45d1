"""A city with crews and pushed cases, and an operator's seat at its desk: one browser, used by keyboard and mouse."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Page, TimeoutError, expect

from hall.core.clock import real_ms
from hall.core.settings import bus_socket
from tests.browser.consoles.consolestage import console, opened
from tests.push import push, write_city
from tests.running import RunningHall

ROSTER = """编号,名称,类型,所属单位,技能,经度,纬度,可派数
C1,排水一队,crew,排水管理处,排水,113.921,35.301,40
C2,排水二队,crew,排水管理处,排水,113.950,35.320,40
C3,河道一队,crew,河道管理处,河道,114.300,35.600,1
"""
CITY = """
[dispatch.crews]
roster = "crews.csv"
"""
#: what a command depends on, for whoever reads that one was not sent or answered
STANDING = """() => ({commands: hall.commands.list(), link: hall.link.state, focus: document.activeElement.outerHTML.slice(0, 120),
  active: hall.desk.list.active(), chosen: hall.desk.chosen, dialogs: [...document.querySelectorAll('dialog[open]')].map(d => d.innerText),
  allowed: hall.desk.current()?.allowed.map(one => one.move), revision: hall.desk.current()?.revision,
  toasts: [...document.querySelectorAll('.desk-toast')].map(t => t.innerText), hidden: document.hidden})"""
_numbers = itertools.count(1)


def city(folder: Path) -> Path:
    """hall.toml with a feed of cases and a roster of three crews, the last of which is too far away to be sent."""
    (folder / "crews.csv").write_text(ROSTER, encoding="utf-8")
    return write_city(folder / "hall.toml", {"calls": "case"}, demo=False, extra=CITY)


def report(hall: RunningHall, **fields: object) -> str:
    """Pushes one case; returns its number."""
    number, now = f"K{next(_numbers):05d}", real_ms()
    row = {"case_id": number, "time": now, "reported": now, "state": "reported", "class_name": "突发事件", "severity": 2,
           "description": f"{number} 人民路积水", "lon": 113.92, "lat": 35.30, "district": "牧野区", "address": "人民路 1 号"}  # fmt: skip
    push(hall.url, "calls", [{**row, **fields}])
    return number


class Seat:
    """What an operator does at the desk and sees there."""

    def __init__(self, page: Page, hall: RunningHall, name: str) -> None:
        self.page, self.hall, self.name = page, hall, name

    async def go(self, view: str = "open", language: str = "en") -> None:
        await opened(self.page, f"{self.hall.url}/desk?view={view}&lang={language}")

    def row(self, number: str):
        return self.page.locator(f'.queue-row[data-subject="case/calls/{number}"]')

    async def open(self, number: str) -> None:
        """Finds a case by its number and opens it; the queue then shows all again."""
        await self.page.fill("[data-search]", number)
        await expect(self.page.locator(".queue-row:visible")).to_have_count(1)
        await self.row(number).click()
        await expect(self.page.locator(".case-number")).to_have_text(number)
        await self.page.wait_for_selector(".case-moves .move")
        await self.page.fill("[data-search]", "")
        await self.page.focus("[data-queue]")

    async def does(self, move: str, /, **fields: object) -> None:
        """Makes a move by its button; fields are filled in as they stand in the form. Waits until the hall has answered."""
        await self.press(move)
        form = self.page.locator(".case-form")
        if fields or await form.is_visible():
            for name, value in fields.items():
                await self.fill(name, value)
            await form.locator(".form-actions .is-primary").click()
        await self.answered()

    async def does_not_wait(self, move: str, /, **fields: object) -> None:
        """As `does`, but the hall cannot be heard."""
        await self.press(move)
        for name, value in fields.items():
            await self.fill(name, value)
        await self.page.locator(".case-form .form-actions .is-primary").click()

    async def press(self, move: str) -> None:
        await self.page.wait_for_function(f"hall.desk.current()?.allowed.some((one) => one.move === '{move}')")
        button = self.page.locator(f'.panel-desk-case [data-move="{move}"]').first
        if not await button.is_visible():
            await self.page.click(".move-more")
        await button.click()

    async def fill(self, name: str, value: object) -> None:
        field = self.page.locator(f'.case-form [data-field="{name}"]')
        if isinstance(value, bool):
            await field.locator(f'input[value="{json.dumps(value)}"]').check()
        elif await field.locator("select").count():
            await field.locator("select").select_option(str(value))
        else:
            await field.locator("input, textarea").first.fill(str(value))

    async def answered(self) -> None:
        await self.page.wait_for_function("!hall.desk.form.open() && !hall.commands.waiting().length")
        wrong = await self.page.evaluate(
            "hall.commands.list().filter((c) => c.state === 'refused').map((c) => [c.move, c.why, c.detail])"
        )
        assert not wrong, wrong

    async def until(self, expression: str) -> None:
        """Waits until this holds on the page; else says how the desk stands."""
        try:
            await self.page.wait_for_function(expression)
        except TimeoutError as error:
            raise AssertionError(f"never {expression}: {await self.page.evaluate(STANDING)}") from error

    async def shows_state(self, state: str) -> None:
        await expect(self.page.locator(".case-state")).to_have_text(state)

    async def entries(self, subject: str = "") -> list[dict]:
        """The ledger's lines of the open case (or of `subject`), as the API tells them now."""
        where = subject or await self.page.evaluate("hall.desk.current().subject")
        view = await self.page.evaluate("(subject) => hall.ask(`/api/v1/files/${hall.desk.address(subject)}`)", where)
        return view["entries"]

    async def moves(self) -> list[str]:
        return [entry["move"] for entry in await self.entries()]


@contextlib.asynccontextmanager
async def seat(hall: RunningHall, role: str = "supervisor", name: str = "zhao", **more: str) -> AsyncIterator[Seat]:
    bus_url = f"unix://{bus_socket(hall.data_dir)}"
    async with console(hall.url, bus_url, role, name=name, **more) as page:
        found = Seat(page, hall, name)
        await found.go()
        yield found
