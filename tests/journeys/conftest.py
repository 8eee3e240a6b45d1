"""A real Chromium for journeys."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.browserflags import DISABLED

ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--mute-audio",
    DISABLED,
]
#: nothing outside this machine can be resolved: a page that asks for it fails its test
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"


@pytest.fixture(scope="module")  # Playwright keeps a loop in this thread while it lives: async tests after it would fail
def chromium():
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=path, args=[*ARGUMENTS, OFFLINE], ignore_default_args=["--headless"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """`open_page(url, **context options)`; the page collects `page.faults`: script errors and failed requests."""
    contexts = []

    def opened(url: str, **options):
        context = chromium.new_context(viewport={"width": 1920, "height": 1080}, bypass_csp=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # a busy machine is slow
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(f"script: {error}"))
        page.on(
            "request",
            lambda request: (
                None
                if "//127.0.0.1:" in request.url or request.url.startswith(("data:", "blob:"))
                else page.faults.append(f"outside: {request.url}")
            ),
        )
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
