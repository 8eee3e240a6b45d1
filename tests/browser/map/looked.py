"""What is painted at a place of the city map, and what its legend counts."""

from __future__ import annotations

from tests.browser.map.mappage import PAINTED

#: the pixel of a sheet at a place, as [r, g, b, a]; `sheet` may be "all" for a hit anywhere within 12 px
PIXELS = """([sheet, lon, lat, reach]) => {
  const map = hall.maps['city-map'];
  const { canvas, frame } = [...hall.citymap.live][0].stage.on(sheet), { ratio } = frame;
  const at = map.latLngToLayerPoint([lat, lon]).subtract(frame.corner);
  const size = Math.ceil(2 * reach * ratio);
  const copy = new OffscreenCanvas(size, size).getContext('2d');
  copy.drawImage(canvas, -Math.floor((at.x - reach) * ratio), -Math.floor((at.y - reach) * ratio));
  const data = copy.getImageData(0, 0, size, size).data;
  const found = {};
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) {
    const key = [data[i], data[i + 1], data[i + 2]].join(',');
    found[key] = (found[key] || 0) + 1;
  }
  return found;
}"""
SCREEN = """([lon, lat]) => {
  const map = hall.maps['city-map'], box = map.getContainer().getBoundingClientRect();
  const at = map.latLngToContainerPoint([lat, lon]);
  return [box.left + at.x, box.top + at.y];
}"""


def colours(page, sheet, place, reach=14) -> dict:
    page.wait_for_function(PAINTED)
    return page.evaluate(PIXELS, [sheet, place["lon"], place["lat"], reach])


def rgb(page, severity) -> str:
    text = page.evaluate(
        "n => getComputedStyle(document.querySelector('.panel')).getPropertyValue('--severity-' + n).trim()", severity
    )
    return ",".join(str(int(text[i : i + 2], 16)) for i in (1, 3, 5))


def counted(page, name) -> int:
    return int(page.locator("[data-panel=city_map]").get_attribute(f"data-count-{name}"))


def wait_count(page, name, number):
    page.wait_for_function(f"document.querySelector('[data-panel=city_map]').getAttribute('data-count-{name}') === '{number}'")


def carded(page, *words) -> None:
    """Waits until the card says all of `words`: who moves the pointer there is heard by the page in its next frame."""
    said = "words => (text => words.every((word) => text.includes(word)))(document.querySelector('.map-card').innerText)"
    page.wait_for_function(said, arg=list(words))


def case(number, severity=3, **more):
    data = {"feed": "cases", "case_id": f"K{number}", "severity": severity, "lon": 113.92, "lat": 35.30}
    return (f"case/cases/{number}", data | more)


def mostly(page, place) -> str:
    """The commonest colour of the ground at a place."""
    found = colours(page, "ground", place, 3)
    return max(found, key=found.get)
