"""/map by keyboard: find, look around, hold and lock the view, pass it on, windows in step; a pushed view on a wall with its layers."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from playwright.async_api import expect

from tests.browser.consoles.room import seats

READY = "hall.citymap.page?.view?.map && hall.store.ready && hall.citymap.page.view.grounded"
CENTRE = "() => { const { lng, lat } = hall.citymap.page.view.map.getCenter(); return [lng.toFixed(3), lat.toFixed(3)]; }"
AT = f"(at) => ({CENTRE})().join() === at.join()"

BUSY = "() => void setTimeout(() => { const until = performance.now() + 900; while (performance.now() < until); })"


async def test_the_map_page_finds_looks_around_keeps_its_view_and_goes_in_step(hall):
    async with seats(hall) as room:
        page = await room.sit("dispatcher", "/map")
        await page.wait_for_function(READY)
        await page.keyboard.press("/")
        await page.keyboard.type("35.31, 113.91")
        await expect(page.locator(".map-found")).to_have_count(2)  # as WGS-84 and as GCJ-02
        await page.keyboard.press("Enter")  # of the text as it stands, whatever was answered before
        await page.wait_for_function(AT, arg=["113.910", "35.310"])
        await page.keyboard.press("Escape")
        await expect(page.locator(".map-side")).to_be_hidden()
        await page.keyboard.press("a")
        await expect(page.locator(".map-around-kind")).to_have_count(7)
        await page.keyboard.press("Escape")
        await page.wait_for_function("new URLSearchParams(location.search).get('lon')")
        assert parse_qs(urlsplit(page.url).query)["lat"] == ["35.31000"]

        await page.reload()
        await page.wait_for_function(READY)
        await expect(page.locator(".map-hold")).to_be_visible()  # somebody's view: told, and not moved by a reload
        assert await page.evaluate(CENTRE) == ["113.910", "35.310"]
        await page.keyboard.press("k")
        await page.evaluate("hall.map.focus(113.80, 35.25, 14)")
        await expect(page.locator(".map-hold-question")).to_be_visible()
        assert await page.evaluate(CENTRE) == ["113.910", "35.310"]
        await page.locator(".map-hold button").last.click()
        assert await page.evaluate(CENTRE) == ["113.800", "35.250"]
        await page.keyboard.press("k")
        await page.keyboard.press("g")
        await expect(page.locator('[data-tool="step"]')).to_have_attribute("aria-pressed", "true")
        await page.wait_for_function("document.querySelector('[data-tool=step]').textContent.includes('由我带')")

        other = await page.context.new_page()
        await other.goto(f"{hall.url}/map")
        await other.wait_for_function(READY)
        await page.evaluate(BUSY)  # whoever leads answers late, and leads nevertheless
        await other.keyboard.press("g")
        await other.wait_for_function("hall.citymap.page.view.map.getCenter().lng.toFixed(3) === '113.800'")
        await page.evaluate("hall.map.focus(113.85, 35.29, 13)")
        await other.wait_for_function("hall.citymap.page.view.map.getCenter().lng.toFixed(3) === '113.850'")
        await other.wait_for_function("document.querySelector('[data-tool=step]').textContent.includes('跟随')")
        await other.locator(".leaflet-container").focus()
        await other.keyboard.press("+")  # whoever moves the map himself leaves
        await expect(other.locator('[data-tool="step"]')).to_have_attribute("aria-pressed", "false")
        await other.keyboard.press("g")
        await expect(other.locator('[data-tool="step"]')).to_have_attribute("aria-pressed", "true")
        await other.keyboard.press("Escape")
        await expect(other.locator('[data-tool="step"]')).to_have_attribute("aria-pressed", "false")
        await other.close()

        await page.keyboard.press("h")
        await expect(page.locator(".map-hold")).to_be_hidden()
        await page.keyboard.press("?")
        await expect(page.locator("dialog[open] kbd", has_text="G")).to_be_visible()
        await page.keyboard.press("Escape")
