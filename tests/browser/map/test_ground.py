"""The ground of another tile service, and boundaries of a further level, on the map."""

from __future__ import annotations

import json

import pytest

from feeds.demo import prepare
from hall.core import config
from tests.browser.map.mappage import go
from tests.hall.geography import tileserver

MARK = (113.9312, 35.2971)
#: how far the middle of the light around a place lies from it on the ground sheet, CSS px; null while there is none
ASIDE = """([lon, lat]) => {
  const map = hall.maps['city-map'], reach = 14;
  const { canvas, frame } = [...hall.citymap.live][0].stage.on('ground'), { ratio } = frame;
  const at = map.latLngToLayerPoint([lat, lon]).subtract(frame.corner).multiplyBy(ratio);
  const [left, top, size] = [Math.round(at.x - reach * ratio), Math.round(at.y - reach * ratio), Math.round(2 * reach * ratio)];
  const copy = new OffscreenCanvas(size, size).getContext('2d');
  copy.drawImage(canvas, -left, -top);
  const { data } = copy.getImageData(0, 0, size, size);
  let [sum, x, y] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    const light = Math.max(0, data[i] - 80), n = i / 4;
    [sum, x, y] = [sum + light, x + light * ((n % size) + 0.5 + left), y + light * (Math.floor(n / size) + 0.5 + top)];
  }
  return sum < 1000 ? null : Math.hypot(x / sum - at.x, y / sum - at.y) / ratio;
}"""


@pytest.fixture
def server():
    with tileserver.running() as found:
        found.marks = [MARK]
        yield found


@pytest.fixture
def with_ground(server, tmp_path):
    """The demo city with a GCJ-02 service as its ground, and streets (街道) of its own."""
    path = prepare(tmp_path)
    ring = [[113.93, 35.29], [113.96, 35.29], [113.96, 35.31], [113.93, 35.31], [113.93, 35.29]]
    rows = [{"type": "Feature", "properties": {"name": "和平街道"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}]
    (path.parent / "streets.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": rows}), "utf-8")
    lines = f"""
[map.boundaries.streets]
file = "streets.geojson"
level = 8
[map.sources.other]
url = "{server.at}/gcj/{{z}}/{{x}}/{{y}}"
crs = "GCJ-02"
label = {{zh-CN = "影像"}}
tone = "plain"
brightness = 1.0
saturation = 1.0
"""
    path.write_text(path.read_text("utf-8").replace("[map]\n", '[map]\nground = "other"\n', 1) + lines, "utf-8")
    return config.load(path)


def test_pictures_of_a_service_lie_where_they_belong_and_what_is_chosen_stays(open_map, with_ground, server):
    page, _ = open_map(found=with_ground, size=(640, 420))
    for zoom in (16.4, 13):  # a street has its name from 12.2 to 15.5
        go(page, MARK[0] + 0.0004, MARK[1], zoom)
        page.wait_for_function(f"at => ({ASIDE})(at) < 1.5", arg=list(MARK))
    store = "[...hall.citymap.live][0].groundChoice.pictures.sheets[0].store"
    far = page.evaluate(
        f"[...{store}.wanted.values()].map(([z, x]) => Math.abs((x + 0.5) / 2 ** z - hall.citymap.projectX({MARK[0]})) * 2 ** 13)"
    )
    assert far and max(far) < 6, "what left the view is wanted no more: it can be let go"
    assert page.evaluate(f"new Set([...{store}.wanted.values()].map(([z]) => z)).size") <= 2, "of this view, and what stands in"
    page.wait_for_function("[...hall.citymap.live][0].ground.named.some(({text}) => text === '和平街道')")
    note, gone = "document.querySelector('.map-note').textContent", "影像：服务答复各处均无图块，请核对图层与地址"
    page.route("**/pictures/other/**", lambda route: route.fulfill(status=204, headers={"Hall-Stale": "nothing-there"}))
    go(page, MARK[0] + 0.01, MARK[1], 17)
    page.wait_for_function(f"text => {note}.includes(text) && {store}.whole", arg=gone)
    page.unroute("**/pictures/other/**")  # one tile that comes says that the service is back: all others are asked for again
    page.evaluate(f"(store => {{ [...store.tiles.values()].find((tile) => tile.stale).due = 1; store.next(); }})({store})")
    page.wait_for_function(
        f"text => !{note}.includes(text) && [...{store}.wanted.keys()].every((key) => ({store}.tiles.get(key) || {{}}).image)",
        arg=gone,
    )
    page.evaluate("(({ source }) => { source.min_zoom = 19; })([...hall.citymap.live][0].groundChoice.pictures)")
    go(page, *MARK, 12)
    page.wait_for_function("document.querySelector('.map-note').textContent.includes('影像：此比例尺下没有图块，请放大')")
    assert page.evaluate(f"{store}.wanted.size") == 0, "not thousands of tiles"
    page.locator(".map-ground button[aria-checked=true]").focus()
    assert page.evaluate("document.activeElement.textContent") == "影像"
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("[data-panel=city_map][data-ground=none]")
    page.reload()
    page.wait_for_selector("[data-panel=city_map][data-ground=none]")
    server.answer = (403, {}, b"")
    page.locator(".map-legend-more").click()
    page.locator(".map-ground [data-ground=other]").click()
    page.evaluate("hall.map.focus(113.2, 35.9, 15)")
    page.wait_for_function("document.querySelector('.map-note').textContent.includes('影像：部分图块未取得（服务拒绝了密钥）')")
