"""Words of suppliers that want to be markup: on every page, in both languages, they are only words."""

from __future__ import annotations

import typing
from urllib.parse import quote

import pytest

from dispatch.casebook import Casebook, Version
from hall.core import model
from hall.core.clock import real_ms
from hall.core.model import KINDS, Stages, Threshold, WarningArea, subject_of
from tests.hall.app.conftest import Hall
from tests.hall.app.test_pages import browser, told

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("chromium_tabs")]
BAIT = "<img src=x data-bait onerror=hit()>\"'></script><script data-bait>hit()</script><!--{{7*7}}[x](javascript:hit())"
#: fields of documents that hold one of a few words
WORDS = {
    "state": {"Case": "handling", "Channel": "online"},
    "kind": {"Case": "occurrence"},
    "quantity": {"Observation": "water_depth"},
}
NUMBERS = {"severity": 4, "lon": 113.92, "lat": 35.3, "heading_deg": 359.0, "speed_mps": 349.0}


def baited(kind: type, /, **given):
    """A document of `kind` with the bait in every text it has."""
    made = {}
    for name, hint in typing.get_type_hints(kind).items():
        text = str(hint)
        if name in given:
            made[name] = given[name]
        elif name == "feed":
            made[name] = "t"
        elif kind.__name__ in WORDS.get(name, {}):
            made[name] = WORDS[name][kind.__name__]
        elif hint is str:
            made[name] = BAIT
        elif name in NUMBERS:
            made[name] = NUMBERS[name]
        elif text.startswith("dict[str, str"):
            made[name] = {"zh-CN": BAIT, "en": BAIT, BAIT: BAIT}
        elif text.startswith("dict[str, typing.Any"):
            made[name] = {BAIT: BAIT, "list": [BAIT], "web": f"javascript:{BAIT}", "path": BAIT}
        elif text == "list[str]":
            made[name] = [BAIT, "javascript:hit()"]
        elif "float" in text:
            made[name] = 1e12
    return kind(**made)


def documents(now: int) -> list[tuple[str, object]]:
    """One of everything that a supplier can say, or that is made of what one said."""
    ring = [[113.9, 35.28], [113.94, 35.28], [113.94, 35.32], [113.9, 35.28]]
    special = {
        "case": {"stages": Stages(reported=now - 60_000), "due": now - 1},
        "sensor": {"quantity": "water_depth", "thresholds": [Threshold(value=0.1, severity=4, label=BAIT)]},
        "warning": {"areas": [WarningArea(description=BAIT, polygons=[ring], geocodes=[BAIT])], "expires": now + 3_600_000},
    }
    made = [baited(kind, **special.get(name, {})) for name, (kind, _, _) in KINDS.items()]
    found = [(subject_of(doc), doc) for doc in made]
    found.append((f"alarm/t/{BAIT}", baited(model.Alarm, cause=f"sensor/t/{BAIT}", since=now, quantity="x")))
    feed = baited(model.FeedStatus, name="probe", kind="case", state="live", last_seen=now, last_seen_real=now)
    found.append(("feed/probe", feed))
    row = {"name": BAIT, "today": 7, "open": 5, "overdue": 1, "closed": 1}
    for name in ("by_class", "by_district", "by_source"):
        found.append((f"kpi/{name}", {"as_of": now, "rows": [row]}))
    screen = dict.fromkeys(("id", "wall", "layout", "part", "hash", "build", "who", "role", "gate"), BAIT)
    found.append((f"screen/{BAIT}", screen | {"state": "live", "at": now, "tiles": {BAIT: BAIT}, "fps": 1.0}))
    return found


@pytest.fixture(scope="module")
def hall(valkey, tmp_path_factory):
    made = Hall(tmp_path_factory.mktemp("hostile"), valkey, demo=True).start()
    made.start_gate()
    yield made
    made.stop()


async def tell(hall: Hall) -> str:
    """Puts the bait out; returns the case's subject."""
    now, bus = real_ms(), hall.bus()
    found = documents(now)
    await bus.publish([told(subject, doc, now) for subject, doc in found])
    parked = {"reason": BAIT, "detail": BAIT, "raw": BAIT, "form": BAIT, "at": str(now)}
    await bus.queue_add(parked, "parked", "probe")
    await bus.hash_add(BAIT, 1, "parked-counts", "probe")
    await bus.close()
    subject, case = next((subject, doc) for subject, doc in found if subject.startswith("case/"))
    book = Casebook.open_writer(hall.home / "var" / "cases.db")
    book.record([Version(subject, (now, now, "1"), BAIT, case)])
    book.close()
    return subject


#: page -> where it shows what a supplier wrote
PAGES = {
    "/wall/routine": ".panel",
    "/wall/flood": ".panel",
    "/wall/video": ".panel",
    "/wall/briefing": ".panel",
    "/desk": ".queue-row .col-description",
    "/admin/feeds": ".parked-sample",
    "/admin/screens": ".console-table",
    "/walls": "",
}
CAUGHT = """() => [...document.querySelectorAll('[data-bait], img[src="x"], a[href^="javascript:"]')].map(e => e.outerHTML)"""


@pytest.mark.parametrize("path", PAGES)
async def test_what_suppliers_write_is_shown_as_text_and_never_becomes_markup(hall, path):
    await tell(hall)
    async with browser(hall, "admin") as page:
        for language in ("zh-CN", "en"):
            await page.goto(f"{hall.url}{path}?lang={language}&view=open&wall={quote(BAIT)}")
            if place := PAGES[path]:
                await page.locator(place, has_text="<img src=x data-bait").first.wait_for()
            if path == "/desk":
                await page.locator(".queue-row .col-description", has_text="<img src=x data-bait").first.click()
                await page.locator(".panel-desk-case", has_text="<img src=x data-bait").wait_for()
                await page.click('[data-view="all"]')
                await page.locator(".ag-row .cell-description", has_text="<img src=x data-bait").first.wait_for()
            assert await page.evaluate(CAUGHT) == []
