"""The city's components on the map."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from feeds.components import morton, pack
from hall.core.clock import real_ms
from tests.browser.map.looked import SCREEN, colours, wait_count
from tests.browser.map.mappage import PAINTED, go

pytestmark = pytest.mark.browser


def components_route(chance, asked):
    """2,000 components about the centre as the hall answers for them (docs/COMPONENTS.md): `(answer, lon, lat, damaged)`."""
    lon, lat = (np.array([chance.gauss(middle, 0.02) for _ in range(2_000)]) for middle in (113.92, 35.30))
    lon[:2], lat[:2] = (113.9, 113.94), 35.33
    order = np.argsort(morton.key_of(*morton.steps_of(lon, lat)))
    lon, lat = lon[order], lat[order]
    first = int(np.flatnonzero((lon == 113.9) & (lat == 35.33))[0])
    damaged = np.arange(2_000) % 7 == first % 7
    body = pack.pack(morton.key_of(*morton.steps_of(lon, lat)), np.where(damaged, 2, 1))
    kinds = [{"number": 1, "code": "0103", "main": "公用设施", "sub": "井盖", "count": int((~damaged).sum())},
             {"number": 2, "code": "0402", "main": "园林绿化", "sub": "行道树", "count": int(damaged.sum())}]  # fmt: skip
    states = [{"name": "intact", "count": int((~damaged).sum())}, {"name": "damaged", "count": int(damaged.sum())}]
    about = {"version": "v1", "total": 2_000, "made_at": real_ms() - 3 * 86_400_000, "classes": kinds, "states": states,
             "districts": [], "departments": [], "marks": [], "sources": []}  # fmt: skip
    case = {
        "subject": "case/c/9",
        "case_id": "K9",
        "time": real_ms(),
        "state": "closed",
        "names": True,
        "subclass_name": "井盖破损",
    }
    record = {"component_id": "4107020402000001", "name": "<b>银杏</b>", "state": "damaged", "source": "trees", "lon": 113.9,
              "lat": 35.33, "crs": "EPSG:4547", "x": 1.5, "y": 2.5, "row": first, "imported_at": real_ms(), "extra": {"树高": 9}}  # fmt: skip
    record["geometry"] = {"type": "LineString", "coordinates": [[113.89, 35.332], [113.9, 35.33], [113.91, 35.332]]}

    def answer(route):
        found = urlsplit(route.request.url)
        asked.append(found.path.removeprefix("/api/v1/components"))
        headers = {"etag": '"v1"'}
        if len(asked) == 1:
            route.fulfill(status=503, json={"reason": "components-unreadable", "detail": "disk gone"})
        elif asked[-1] == "":
            route.fulfill(json=about)
        elif asked[-1] == "/pack":
            route.fulfill(body=body, headers=headers)
        elif "department" in parse_qs(found.query):
            route.fulfill(status=403, json={"reason": "not-allowed", "detail": "not for walls"})
        elif asked[-1] == "/filter":
            assert parse_qs(found.query) == {"state": ["damaged"]}
            route.fulfill(body=pack.bits(damaged), headers=headers)
        else:
            assert asked[-1] == f"/at/{first}" and found.query == "version=v1"
            route.fulfill(json={"component": record, "cases": [case], "place_metres": 15.0})

    return answer, lon, lat, damaged


def test_components_come_when_they_are_switched_on_are_filtered_and_each_has_its_record(open_map, chance):
    page, _ = open_map()
    asked = []
    answer, lon, lat, damaged = components_route(chance, asked)
    page.route("**/api/v1/components**", answer)
    page.evaluate("hall.page.who = {name: 'o', role: 'operator'}; hall.page.csrf = 'x'")  # a person's own session: filters
    go(page, 113.92, 35.32, 14)
    layer, box = page.locator("[data-layer=components]"), page.locator(".map-components")
    assert not asked and not page.evaluate("[...hall.citymap.live][0].stage.sheets.has('components')")
    assert not layer.is_visible(), "on a wall what is off is folded away"
    page.locator(".map-legend-more").press("Enter")
    layer.press("Enter")
    page.wait_for_function("document.querySelector('.map-component-said').textContent.includes('disk gone')")
    page.faults.clear()  # the browser's own word about 503
    page.evaluate("[...hall.citymap.live][0].components.load()")
    wait_count(page, "components", 2000)
    tree, cover = ({"lon": x, "lat": 35.33} for x in (113.9, 113.94))
    assert "227,155,198" not in colours(page, "components", tree, 5), "no more colours than main classes"
    assert "183,156,242" in colours(page, "components", tree, 5) and "79,195,217" in colours(page, "components", cover, 5)
    rows, frame = chance.sample(range(2_000), 30), "[...hall.citymap.live][0].stage.frame"
    found = page.evaluate(
        f"""places => places.map(([lon, lat]) => {{ const f = {frame}, one = [...hall.citymap.live][0].components.pack.nearest(
        f, f.px(hall.citymap.projectX(lon)), f.py(hall.citymap.projectY(lat)), 3, null); return one && one.row; }})""",
        [[lon[row], lat[row]] for row in rows],
    )
    assert found == rows
    page.locator(".map-components select[name=state]").select_option(label=f"破损 · {int(damaged.sum())}")
    wait_count(page, "components", int(damaged.sum()))
    assert f"{int(damaged.sum())} / 共 2,000" in box.inner_text() and "3 天前入库" in box.inner_text()
    assert not {"79,195,217", "183,156,242"} & set(colours(page, "components", cover, 3))
    page.mouse.click(*page.evaluate(SCREEN, [tree["lon"], tree["lat"]]))
    page.wait_for_function("document.querySelector('.map-card').textContent.includes('4107020402000001')")
    said = page.locator(".map-card").inner_text()
    assert all(word in said for word in ("<b>银杏</b>", "破损", "树高", "案件记录 1 件", "K9", "已结案", "指明此部件")), said
    assert "长度\n1.872 km" in said, said
    along = {"lon": 113.9083, "lat": 35.33166}  # on the pipe, right of its point's card
    assert "125,181,255" in colours(page, "things", along, 3)
    page.evaluate("[...hall.citymap.live][0].card.show(null)")
    page.wait_for_function(PAINTED)
    assert "125,181,255" not in colours(page, "things", along, 3), "only while the card is open"
    page.locator(".map-components [data-act=clear]").press("Enter")
    wait_count(page, "components", 2000)
    go(page, tree["lon"], tree["lat"], 18)
    page.locator("#city-map").focus()
    inside = """(() => { const { frame } = [...hall.citymap.live][0].stage;
        return ([lon, lat]) => frame.holds(frame.px(hall.citymap.projectX(lon)), frame.py(hall.citymap.projectY(lat)), 0); })()"""
    places = [[float(x), float(y)] for x, y in zip(lon, lat, strict=True)]
    near = page.evaluate(f"places => places.flatMap((place, row) => (({inside})(place) ? [row] : []))", places)
    assert 0 < len(near) < 150
    stepped = []
    for _ in near:
        page.keyboard.press("n")
        stepped.append(page.evaluate("[...hall.citymap.live][0].layers.get('live').at.entry.subject"))
    assert sorted(stepped) == sorted(f"component/{row}" for row in near), "n goes through those in view"
    # with a view the filter goes to a wall, where nobody else's is left standing
    page.evaluate("hall.page.who = null, window.view = [...hall.citymap.live][0], view.components.choose(true)")
    page.evaluate("hall.citymap.showView(view, {parts: {components: {state: ['damaged'], bad: 1, q: 7}}})")
    wait_count(page, "components", int(damaged.sum()))
    page.evaluate("view.components.choose(true)")  # somebody came to the wall and left
    page.locator(".map-component-only", has_text="仅显示：状态 破损").wait_for()  # asked anew: said when it is answered
    wait_count(page, "components", int(damaged.sum()))
    assert page.evaluate("hall.citymap.viewOf(view).parts.components") == {"state": ["damaged"]}
    page.evaluate("hall.citymap.showView(view, {parts: {components: {department: ['a']}}})")
    page.locator(".map-component-said", has_text="not for walls").wait_for()  # all are shown, and it is said why
    wait_count(page, "components", 2000)
    page.faults.clear()  # the browser's own word about 403
    page.evaluate("hall.citymap.showView(view, {})")
    page.locator(".map-component-said", has_text="not for walls").wait_for(state="hidden")
    wait_count(page, "components", 2000)
    layer.press("Enter")
    box.wait_for(state="hidden")
    assert not page.evaluate("[...hall.citymap.live][0].stage.sheets.has('components')")
    assert asked.count("/pack") == 2 and not page.faults  # with each try, beside the names: the first failed
