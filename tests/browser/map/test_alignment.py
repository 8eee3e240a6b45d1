"""Every layer of the map lies on the basemap, by painted pixels: one square (or point) of the ground, drawn by each in turn.

A layer is what a glass has with it and has not without it, words left out. The middle of that difference (of a symbol: of its
box) is compared with where Leaflet says the place is, at four zooms and on screens of one and two pixels per CSS pixel. What
stands on its place with a point (an incident's pole, a pin, an arrow, a sector's apex) is measured by its lowest point. Signs that
stand beside their place on purpose have no leader and are measured where they should stand: a closure's 1.35 glyphs west, so that
the gauge of the underpass is seen; a tube 0.27 glyphs east, where its scale reaches. What can be pointed at is found where it is
painted. Heat is a density: that of 144 cases within 12 px, counted in cells of 4 px.

No layer is left out: whatever the legend, the ground, the symbols or a part of the map can show is measured (alignment.js).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.map import mappage, scenery
from tests.browser.map.squares import PLACES, SIDE, ZOOMS, Told, city, metres, square
from tests.hall.geography import tileserver

pytestmark = pytest.mark.browser

WITHIN = 1.5  # CSS pixels that a layer may lie beside its place
PLACELESS = {"time": "the watermark of a replay lies over the whole map"}
PANES = ["mapPane", "tilePane", "overlayPane", "shadowPane", "markerPane", "tooltipPane", "popupPane"]  # Leaflet's own

#: words are placed beside what they name, where there is room
WORDLESS = """for (const pen of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D])
  pen.prototype.fillText = pen.prototype.strokeText = () => {};"""
BEGIN = """async () => {
  window.part = [...hall.citymap.live][0], window.layers = part.layers, part.touched = true;
  part.glyph = () => 16; // type as at a desk
  part.components.choose(true);
  part.groundChoice.choose('other');
  part.ground.shown.basemap = true; // the tiles come all the same
  const measures = layers.get('measures'), found = window.measured = {};
  for (const level of ['cells', 'districts']) {
    measures.shown = true;
    Object.assign(measures.chosen, { level });
    await measures.ask();
    found[level] = { areas: measures.areas, level, table: measures.table };
  }
  measures.shown = false;
}"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """`(configuration, what is told)`."""
    with tileserver.running() as server:
        server.marks = list(PLACES.values())
        found = city(tmp_path_factory.mktemp("squares"), server.at)
        yield found, Told(found)


@pytest.mark.parametrize("ratio", [1, 2])
def test_every_layer_lies_on_the_basemap(chromium, told, tmp_path_factory, monkeypatch, ratio):
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path_factory.getbasetemp() / "squares-var"))
    found, said = told
    with mappage.serve(found) as (address, gate):
        gate.put(*scenery.alive(), *(row for rows in said.rows.values() for row in rows))
        page = chromium.new_page(viewport={"width": 700, "height": 500}, device_scale_factor=ratio)
        page.set_default_timeout(60_000)  # a busy machine is slow
        said.route(page)
        page.add_init_script(WORDLESS)
        page.goto(address)
        page.wait_for_function("hall.maps && hall.maps['city-map'] && document.querySelector('[data-count-cases]')")
        page.evaluate(BEGIN)
        page.evaluate(Path(__file__).with_name("alignment.js").read_text("utf-8"))
        page.wait_for_function("part.components.pack && part.ground.tiled && part.stage.sheets.has('components')")
        beside = {}
        for zoom, (lon, lat) in PLACES.items():
            gate.put(*said.rows[zoom])
            ring = square(zoom)["coordinates"][0]
            at = {"zoom": zoom, "place": [lon, lat], "ring": ring, "metres": metres(zoom, SIDE / 2)}
            page.evaluate("([at, place]) => alignment.view(at, place)", [at, [lon - 17.3 / 2**zoom, lat + 30 / 2**zoom]])
            page.wait_for_function("!alignment.missing().length")
            for layer, (painted, x, y, hit, wanted) in page.evaluate("alignment.measure()").items():
                assert painted > 400, f"{layer} at zoom {zoom} is not painted"
                assert hit == wanted or not wanted, f"{layer} at zoom {zoom}: {hit or 'nothing'} is pointed at"
                beside[layer, zoom] = (round(x, 2), round(y, 2))
            hand = page.evaluate("alignment.byHand()")
            beside |= {(name, zoom): (round(x, 2), round(y, 2)) for name, (x, y) in hand["found"].items()}
        names = page.evaluate("alignment.names()")
        page.close()
    assert not {key: by for key, by in beside.items() if max(map(abs, by)) > WITHIN}, beside
    assert set(names["known"]) - set(names["measured"]) == set(PLACELESS), "layers that nobody measures"
    assert set(names["measured"]) <= set(names["known"]), "layers that are no more"
    assert set(names["sheets"]) == set(names["painted"]), "sheets that nobody measures"
    assert set(hand["panes"]) - set(PANES) == {"hall", "draw"}, "panes that nobody measures"
    assert len({zoom for _, zoom in beside}) == len(ZOOMS)
