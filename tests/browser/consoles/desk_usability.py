"""The desk for everybody: contrast, names, focus order, a page zoomed to 200 %, thousands of rows."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from hall.core.clock import real_ms
from tests.browser.consoles.seat import report, seat
from tests.push import push

MANY = 3_000


#: [text, ratio] of every visible text whose contrast (WCAG 2.2, relative luminance) with what lies under it is below 4.5;
#: 3 for large text (24 px, or 18.7 px bold). Disabled controls are left out, as the guideline does.
FAINT = """() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (node) => { const all = []; for (let n = node; n; n = n.parentElement) all.push(parse(getComputedStyle(n).backgroundColor)); return all.reverse().reduce((under, top) => over(top, under), [6, 11, 20, 1]); };
  const found = [];
  const walk = document.createTreeWalker(document.querySelector('.console'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const holder = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (!text || holder.closest('.panel-city_map, .unseen, [data-gone], :disabled') || !holder.checkVisibility({visibilityProperty: true})) continue;
    const style = getComputedStyle(holder), under = ground(holder), ink = over(parse(style.color), under);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) found.push([text.slice(0, 40), holder.className, Math.round(ratio * 100) / 100]);
  }
  return found;
}"""

NAMELESS = """() => [...document.querySelectorAll('.console button, .console a, .console input, .console select, .console textarea, dialog button')]
  .filter((node) => node.checkVisibility() && !node.closest('.panel-city_map, .ag-root'))
  .filter((node) => !(node.textContent.trim() || node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') || node.closest('label') || node.title))
  .map((node) => node.outerHTML.slice(0, 120))"""


async def test_every_text_of_the_desk_stands_out_from_its_ground_and_every_control_has_a_name(hall):
    number = report(hall, severity=4)
    report(hall, severity=1)
    async with seat(hall) as zhao:
        await zhao.open(number)
        for tab in ("facts", "history", "photos", "around", "crews", "duplicates"):
            await zhao.page.click(f'[data-tab="{tab}"]')
            assert await zhao.page.evaluate(FAINT) == [], tab
        await zhao.press("dispatch")
        await zhao.page.locator(".crew-option").first.wait_for()
        assert await zhao.page.evaluate(FAINT) == []
        assert await zhao.page.evaluate(NAMELESS) == []


async def test_tab_goes_from_the_bar_over_views_and_queue_to_the_case_and_its_moves(hall):
    number = report(hall)
    async with seat(hall) as zhao:
        await zhao.open(number)
        order = [".bar-nav"]
        await zhao.page.focus(".bar-nav a")
        for _ in range(90):
            await zhao.page.keyboard.press("Tab")
            place = await zhao.page.evaluate(
                "['.bar-nav', '.desk-views', '[data-queue]', '.panel-city_map', '.case-moves', '.case-tabs', '.case-body']"
                ".find((part) => document.activeElement.closest(part)) ?? ''"
            )
            if place and place not in order[-1:]:
                order.append(place)
            shown = await zhao.page.evaluate(
                "(() => { const a = document.activeElement, s = getComputedStyle(a); return a === document.body || s.outlineStyle !== 'none'"
                " || !!a.closest('.queue, .leaflet-container') || a.matches('.ag-tab-guard'); })()"
            )
            assert shown, await zhao.page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
            if place == ".case-body":
                break
        assert order == [
            ".bar-nav",
            ".desk-views",
            "[data-queue]",
            ".panel-city_map",
            ".case-moves",
            ".case-tabs",
            ".case-body",
        ]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_at_200_percent_nothing_is_cut_off_and_everything_is_reached_by_scrolling_down(hall, language):
    number = report(hall)
    async with seat(hall) as zhao:
        await zhao.page.set_viewport_size({"width": 960, "height": 540})  # 1920 x 1080 at 200 %
        await zhao.go(language=language)
        await zhao.open(number)
        assert await zhao.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await zhao.press("dispatch")
        send = zhao.page.locator(".case-form .is-primary")
        await send.scroll_into_view_if_needed()
        box = await send.bounding_box()
        assert 0 <= box["x"] and box["x"] + box["width"] <= 960 and box["y"] + box["height"] <= 540


async def test_thousands_of_rows_are_counted_and_scrolled_with_few_nodes_and_new_ones_wait_behind_the_pointer(hall):
    now = real_ms()
    rows = [
        {
            "case_id": f"M{n:05d}",
            "time": now + n,
            "reported": now + n,
            "state": "reported",
            "lon": 113.9,
            "lat": 35.3,
            "description": f"第{n}号",
        }
        for n in range(MANY)
    ]
    for start in range(0, MANY, 500):
        push(hall.url, "calls", rows[start : start + 500])
    async with seat(hall) as zhao:
        await zhao.page.wait_for_function(f"hall.desk.queue.order.filter((s) => s.includes('/M')).length === {MANY}")
        await zhao.page.focus("[data-queue]")
        await zhao.page.keyboard.press("End")
        await expect(zhao.page.locator('.queue-row[data-active="1"]')).to_be_visible()
        assert await zhao.page.locator(".queue-row").count() < 60
        assert int(await zhao.page.get_attribute("[data-queue]", "aria-rowcount")) > MANY
        await zhao.page.keyboard.press("Home")
        first = zhao.page.locator(".queue-row").first
        before = await first.get_attribute("data-subject")
        await first.hover()
        number = report(hall, time=real_ms(), severity=4, due=real_ms() - 60_000)  # an emergency: stands among the first
        await expect(zhao.page.locator(".queue-pill")).to_be_visible()
        assert await first.get_attribute("data-subject") == before  # nothing moved under the pointer
        await zhao.page.keyboard.press(".")
        await expect(zhao.row(number)).to_be_visible()


async def test_single_keys_can_be_switched_off(hall):
    number = report(hall)
    async with seat(hall) as zhao:
        await zhao.open(number)
        await zhao.page.keyboard.press("?")
        await zhao.page.locator('dialog[data-kind="keys"] input[type="checkbox"]').uncheck()
        await zhao.page.keyboard.press("Escape")
        await zhao.page.keyboard.press("n")
        await expect(zhao.page.locator(".case-form")).to_be_hidden()
        await zhao.page.keyboard.press("?")
        await zhao.page.locator('dialog[data-kind="keys"] input[type="checkbox"]').check()
        await zhao.page.keyboard.press("Escape")
        await zhao.page.keyboard.press("n")
        await expect(zhao.page.locator(".case-form")).to_be_visible()


async def test_what_is_pressed_is_not_renewed_before_its_release(hall):
    async with seat(hall) as zhao:
        page = zhao.page
        await page.evaluate(
            """() => { window.renew = (text) => { const b = hall.make('button.fill-test', { 'data-act': 'test' }, text); b.onclick = () => (window.clicked = text); hall.fill(window.box, b); };
            window.box = hall.make('div', { style: 'position:fixed;left:40px;top:40px;z-index:9999' }); document.body.append(window.box); renew('one'); }"""
        )
        await page.hover(".fill-test")
        await page.mouse.down()
        await page.evaluate("() => { renew('two'); renew('three'); }")
        await expect(page.locator(".fill-test")).to_have_text("one")
        await page.mouse.up()
        await expect(page.locator(".fill-test")).to_have_text("three")
        assert await page.evaluate("window.clicked") == "one"
        held = (
            "() => { document.querySelector('.fill-test').focus(); renew('four'); return document.activeElement.textContent; }"
        )
        assert await page.evaluate(held) == "four", "who is on it with the keyboard stays on it"
