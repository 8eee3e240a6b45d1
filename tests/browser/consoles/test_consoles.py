"""The consoles of a whole running hall, used as operators use them: by keyboard, in both languages, when processes fail."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from hall.core import config
from hall.core.settings import bus_socket
from layouts.catalogue import LOCALES, texts
from tests.browser.consoles.consolestage import READABLE, console, opened
from tests.dispatch.alarmlife.raising import raise_alarms
from tests.running import RunningHall

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("chromium_tabs")]
PAGES = ["/desk", "/map", "/emergency", "/admin/feeds", "/admin/screens", "/admin/users", "/walls", "/wall/routine", "/wall/flood", "/wall/video",
         "/wall/briefing", "/sign-in?why=forbidden"]  # fmt: skip


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    with RunningHall(tmp_path_factory.mktemp("consoles")) as running:
        yield running


@pytest.fixture
def bus_url(hall) -> str:
    return f"unix://{bus_socket(hall.data_dir)}"


# -- words ------------------------------------------------------------------------------------------------------------


COUNT_QUESTIONS = """() => { const { fetch } = window; window.asking = 0;
  window.fetch = (...what) => { asking += 1; return fetch(...what).finally(() => setTimeout(() => (asking -= 1))); }; }"""
#: all that the page asked is answered, and what it then asked, too; and painted
QUIET = """() => new Promise((done) => { let quiet = 0;
  const look = () => ((quiet = asking ? 0 : quiet + 1) > 3 ? done(true) : requestAnimationFrame(look)); look(); })"""


async def _read(page, hall, path: str, language: str) -> list[list[str]]:
    address = f"{hall.url}{path}{'&' if '?' in path else '?'}lang={language}"
    if path.startswith("/sign-in"):
        await page.goto(address)
    else:
        await opened(page, address)
        await page.wait_for_selector(".bar-clock, .mast-time")
    if path == "/desk":
        await page.locator(".queue-row .col-number").first.click()
        await page.wait_for_selector(".case-stages")
        await page.wait_for_selector(".case-moves .move")
    if path == "/admin/feeds":
        await page.wait_for_selector('tr[data-key="web"]')
    read = await page.evaluate(READABLE)
    if path == "/emergency":
        await page.evaluate(COUNT_QUESTIONS)
        for name in await page.evaluate("hall.emergency.tabs.map((tab) => tab.name)"):
            await page.evaluate("(name) => (location.hash = name)", name)
            await page.wait_for_selector(f'.emergency-tab[data-tab="{name}"]:visible')
            await page.keyboard.press("j")
            await page.keyboard.press("Enter")
            await page.wait_for_function(QUIET)  # a card is read, where there is a first thing
            read += await page.evaluate(READABLE)
    return read


@pytest.fixture(scope="module")
def readings() -> dict[str, dict[str, list[list[str]]]]:
    """What was read so far, by language and page: walking all pages takes a while."""
    return {}


async def _all_pages(readings, hall, bus_url, language: str) -> dict[str, list[list[str]]]:
    if language not in readings:
        async with console(hall.url, bus_url, "admin") as page:
            readings[language] = {path: await _read(page, hall, path, language) for path in PAGES}
    return readings[language]


@pytest.mark.parametrize("language", LOCALES)
async def test_no_page_shows_the_name_of_a_text_instead_of_the_text(readings, hall, bus_url, language):
    keys = {key for catalogue in texts().values() for key in catalogue}
    heads = {key.partition(".")[0] for key in keys}
    key_like = re.compile(r"(?<![\w/.-])([a-z]+)(?:\.[\w-]+)+(?![\w/-])")
    found = []
    for path, read in (await _all_pages(readings, hall, bus_url, language)).items():
        assert len(read) > 5, path
        for text, where in read:
            found += [(path, where, m[0]) for m in key_like.finditer(text) if m[0] in keys or m[1] in heads]
    assert not found, sorted(found)


#: what stands in Latin letters in Chinese too: units, standards, names of software and of processes, our demo mark
LATIN = {
    "demo", "data", "English", "WGS", "Leaflet", "OpenStreetMap", "contributors", "toml", "NAME", "hall", "bus", "gate", "web",
    "feeds", "dispatch", "video", "relay", "WebRTC", "PTZ", "notices", "FPS", "PIN", "CAP", "routine", "flood", "briefing", "desk", "walls", "admin",
    "PNG", "PDF", "GeoJSON",
}  # fmt: skip


async def test_chinese_pages_hold_no_english_words(readings, hall, bus_url):
    word = re.compile(r"(?<![\w/.?=&{[-])[A-Za-z]{3,}(?![\w/.=&}\]-])")
    feeds = {feed.name for feed in config.load(hall.data_dir / "demo" / "hall.toml").feeds}  # names are names
    found = set()
    for path, read in (await _all_pages(readings, hall, bus_url, "zh-CN")).items():
        for text, where in read:
            found |= {(path, where, w) for w in word.findall(text) if w not in LATIN | feeds}
    assert not found, sorted(found)


#: our words for kinds of supplies and of crews: a city calls its own what it likes, also the same
SUPPLIES = ("emergency.choice.depot.kind.", "resources.shelters", "unitkind.", "crew.kind.")


async def test_english_pages_have_every_label_in_english(readings, hall, bus_url):
    """What suppliers write stays as they wrote it; our own texts, known by the catalogue, do not stay Chinese."""
    chinese, english = (texts()[locale] for locale in LOCALES)
    # what a city calls its supplies is what it calls them, also where our word for such a kind is the same
    chinese = {key: text for key, text in chinese.items() if not key.startswith(SUPPLIES)}
    ours = {text for key, text in chinese.items() if re.search(r"[\u4e00-\u9fff]{2}", text) and text not in english.values()}
    found = []
    for path, read in (await _all_pages(readings, hall, bus_url, "en")).items():
        found += [(path, where, text) for text, where in read if text in ours and not where.startswith("bar-button")]
    assert not found, sorted(found)


# -- the keyboard -----------------------------------------------------------------------------------------------------

FOCUS = "(() => { const a = document.activeElement; return [a.closest('[data-panel]')?.dataset.panel ?? '', !!a.closest('.ag-root')]; })()"


async def test_tab_passes_through_the_desk_and_back_to_the_cell_it_left(hall, bus_url):
    async with console(hall.url, bus_url) as page:
        await opened(page, f"{hall.url}/desk?view=all&lang=en")
        await page.locator(".ag-row .cell-number", has_text=re.compile(r"\d")).first.wait_for()
        await page.keyboard.press("/")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        second = await page.inner_text('.ag-row[row-index="1"] .cell-number')
        await expect(page.locator(".case-number")).to_have_text(second.strip(" ●"))
        await page.locator('.ag-row[row-index="1"].row-chosen').first.wait_for()  # drawn again, with its focus
        await page.keyboard.press("Tab")
        assert (await page.evaluate(FOCUS)) == ["city_map", False]
        await page.keyboard.press("Shift+Tab")
        assert (await page.evaluate("document.activeElement.closest('.ag-row').getAttribute('row-index')")) == "1"


async def test_a_pressed_filter_keeps_the_focus_and_a_saved_one_is_deleted_by_the_keyboard(hall, bus_url):
    async with console(hall.url, bus_url) as page:
        await opened(page, f"{hall.url}/desk?view=all&lang=en")
        await page.focus(".desk-chip >> text=Overdue")
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.textContent") == "Overdue"
        await expect(page.locator('.desk-chip[aria-pressed="true"]')).to_have_text("Overdue")
        await page.click("text=Save filter")
        await page.click(".bar-button >> text=中文")
        await expect(page.locator(".desk-saved")).to_have_text("★ 超期✕")
        elsewhere = """async () => { const path = '/api/v1/preferences/views'; let views = [];
          while (!views.length) ({ views } = ((found) => found.value || found)(await hall.ask(path)) || {}), views = views || [];
          await hall.ask(path, { method: 'PUT', body: { views: [...views, { filters: { q: '桥' }, view: 'all' }] } }); }"""
        await page.evaluate(elsewhere)  # saved at another desk meanwhile: what is done here takes nothing of it away
        await page.focus(".desk-chip.is-drop")
        await page.keyboard.press("Enter")
        await expect(page.locator(".desk-saved")).to_have_text("★ 桥✕")
        await page.focus(".desk-chip.is-drop")
        await page.keyboard.press("Enter")
        await expect(page.locator(".desk-saved")).to_have_count(0)


async def test_filters_and_the_open_case_survive_a_reload(hall, bus_url):
    async with console(hall.url, bus_url) as page:
        await opened(page, f"{hall.url}/desk?view=all&lang=en")
        await page.select_option('select[name="state"]', "closed")
        await page.click(".desk-chip >> text=All")
        await page.locator('.ag-row[row-index="2"] .cell-number', has_text=re.compile(r"\d")).click()
        number = await page.inner_text(".case-number")
        await page.reload()
        await expect(page.locator(".case-number")).to_have_text(number)
        assert await page.input_value('select[name="state"]') == "closed"


async def test_on_a_small_notebook_every_control_of_the_bar_is_in_reach(hall, bus_url):
    async with console(hall.url, bus_url, "admin") as page:
        await page.set_viewport_size({"width": 1366, "height": 768})
        for language in LOCALES:
            await opened(page, f"{hall.url}/desk?lang={language}")
            box = await page.locator(".panel-console-bar .bar-button").last.bounding_box()
            assert box["x"] + box["width"] <= 1366


# -- refusals and faults ------------------------------------------------------------------------------------------------


async def test_a_refused_user_keeps_what_was_typed_and_says_why_in_the_language_of_the_page(hall, bus_url):
    async with console(hall.url, bus_url, "admin") as page:
        await opened(page, f"{hall.url}/admin/users?lang=zh-CN")
        form = page.locator(".panel-admin-users .console-form")
        await form.locator('[name="name"]').fill("admin")
        await form.locator('[name="password"]').fill("long enough")
        await form.locator("button").click()
        status = page.locator(".panel-admin-users .form-status")
        await expect(status).to_have_text(re.compile("已有同名用户"))
        assert await form.locator('[name="name"]').input_value() == "admin"
        await page.click(".bar-button >> text=English")
        await expect(status).to_have_text("Failed: There is a user of this name already.")
        assert await form.locator('[name="name"]').input_value() == "admin"


async def test_a_leader_reads_why_parked_input_is_not_shown(hall, bus_url):
    async with console(hall.url, bus_url, "leader") as page:
        await opened(page, f"{hall.url}/admin/feeds?lang=en")
        await expect(page.locator(".panel-admin-parked .desk-empty")).to_have_text(re.compile("Your role may not see parked"))


# -- alarms -----------------------------------------------------------------------------------------------------------


async def test_in_a_flood_of_alarms_a_group_is_answered_by_two_keys_one_is_shelved_and_one_becomes_a_case(hall, bus_url):
    known = {"kind": "road", "quantity": "water_depth", "district": "卫滨区", "group": "flood", "lon": 113.9, "lat": 35.3}
    raise_alarms(hall.data_dir, {f"t/{n}": {**known, "name": f"路口{n}", "value": 0.2, "unit": "m"} for n in range(12)})
    async with console(hall.url, bus_url) as page:
        await opened(page, f"{hall.url}/emergency?lang=zh-CN#alarms")
        group = page.locator("tr[data-subject='group/flood']")
        await expect(group).to_contain_text("12 处未确认")  # the hall may have just begun
        await expect(page.locator(".alarm-flood-mark")).to_contain_text("告警洪流")
        assert await page.locator("tr[data-subject='alarm/t/1']").count() == 0, "the few causes first"
        await group.click()
        await page.locator("tr[data-subject='alarm/t/11']").wait_for()
        await page.keyboard.press("a")
        await page.locator("dialog[data-kind='alarm-batch'] .is-primary:focus").wait_for()
        await page.keyboard.press("Enter")
        await expect(group).to_contain_text("已确认")

        await page.locator("tr[data-subject='alarm/t/3']").click()
        await page.keyboard.press("s")
        form = page.locator(".emergency-form")
        await form.get_by_role("button", name="+60").click()
        await form.locator("[data-field=reason] textarea").fill("路面施工")
        await form.locator(".is-primary").click()
        await expect(page.locator(".emergency-card .emergency-facts")).to_contain_text("zhao 搁置至")
        await expect(page.locator("tr[data-subject='alarm/t/3']")).to_have_count(0)
        await page.locator("[data-filter=away]").click()
        await expect(group).to_contain_text("搁置 1")

        await page.locator("[data-filter=on]").click()
        await page.locator("tr[data-subject='alarm/t/5']").click()
        await page.keyboard.press("c")
        form = page.locator("dialog[data-kind='alarm-case']")
        await expect(form.locator("[data-field=description] textarea")).to_have_value(re.compile("路口5.*0.20 m"))
        await form.locator(".is-primary").click()
        await expect(page.locator(".emergency-card .emergency-facts a[href*='/desk?case=case%2Fdesk%2F']")).to_have_count(1)
        await page.keyboard.press("2")
        await expect(page.locator(".load-table tr[data-key=now]")).to_contain_text("未达标")
        await expect(page.locator(".load-right")).to_contain_text("路面施工")


async def test_a_list_without_its_web_service_says_so_and_goes_on_by_itself(hall, bus_url):
    async with console(hall.url, bus_url) as page:
        await opened(page, f"{hall.url}/desk?view=all&lang=en")
        await expect(page.locator("[data-total]")).to_have_text(re.compile(r"Cases: [\d,]+$"))
        before = await page.inner_text("[data-total]")
        web = hall.child("web")
        web.suspend()
        try:
            await page.click(".desk-chip >> text=All")
            await expect(page.locator("[data-total]")).to_have_text(re.compile("Searching"))
            await expect(page.locator('.panel-desk-list[data-state="stale"]')).to_be_visible()
            await expect(page.locator("[data-cover]")).to_have_text(re.compile("No answer from the web service"))
            await expect(page.locator('[data-total][data-failed="1"]')).to_be_visible()
        finally:
            web.resume()
        await expect(page.locator("[data-total]")).to_have_text(re.compile(r"Cases: [\d,]+$"))
        assert await page.inner_text("[data-total]") != before
        await expect(page.locator("[data-cover]")).to_be_hidden()


async def test_a_lost_link_is_told_above_the_bar_whose_controls_stay_in_reach(hall, bus_url):
    async with console(hall.url, bus_url) as page:
        await opened(page, f"{hall.url}/desk?view=all&lang=en")
        gate = hall.child("gate")
        gate.suspend()
        try:
            await page.wait_for_selector(".hall-banner:not([hidden])")
            banner = await page.locator(".hall-banner").bounding_box()
            for part in (".bar-nav", ".bar-button >> text=Sign out"):
                box = await page.locator(part).bounding_box()
                assert box["y"] >= banner["y"] + banner["height"]
        finally:
            gate.resume()
        await page.wait_for_function("hall.link.state === 'live'")
