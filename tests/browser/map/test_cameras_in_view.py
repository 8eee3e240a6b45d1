"""Cameras that the stream leaves out, asked for by the view."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from hall.core.clock import real_ms
from hall.core.model import Channel
from tests.browser.map import scenery
from tests.browser.map.looked import counted, wait_count
from tests.video.catalogue.cameras import Told
from video.catalogue.grids import grid
from video.catalogue.index import Query
from video.catalogue.scope import ALL

pytestmark = pytest.mark.browser


VIEW = (
    "(() => { const b = hall.maps['city-map'].getBounds(); return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]; })()"
)


class Asked:
    """The real catalogue behind the page's address of channels; `questions`: the queries it was asked."""

    def __init__(self, page) -> None:
        self.told, self.questions = Told(), []
        page.route("**/api/v1/channels?*", self.answer)
        page.route("**/api/v1/channels/grid?*", self.count)
        page.route("**/api/v1/channels/one/**", lambda route: self.one(route, urlsplit(route.request.url).path))
        page.route(
            "**/api/v1/channels/tree?*", lambda route: route.fulfill(json=self.told.catalogue.trees.children("owner", ALL))
        )

    def put(self, number: int, lon: float, lat: float, state: str = "online") -> str:
        return self.told.tell(Channel(feed="c", channel_id=str(number), name=f"cam {number}", lon=lon, lat=lat, state=state))

    def answer(self, route) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
        self.questions.append(asked)
        box = tuple(map(float, asked["box"].split(","))) if "box" in asked else None
        states = (asked["state"],) if "state" in asked else ()
        query = Query(box=box, state=states)
        args = asked.get("cursor", ""), int(asked["limit"]), asked.get("since", "")
        route.fulfill(json=self.told.catalogue.search(query, ALL, *args))

    def count(self, route) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
        query = Query(box=tuple(map(float, asked["box"].split(","))))
        route.fulfill(json=grid(self.told.catalogue.index, query, ALL, int(asked["level"])) | {"as_of": real_ms()})

    def one(self, route, path) -> None:
        route.fulfill(json=self.told.catalogue.one(path.removeprefix("/api/v1/channels/one/"), ALL))

    def within(self, west, south, east, north) -> int:
        return sum(west <= ch.lon <= east and south <= ch.lat <= north for ch in self.told.channels.values())


def say_left_out(gate, topics) -> None:
    gate.loop.call_soon_threadsafe(gate._send, {"op": "told", "kind": "left-out", "topics": topics})


#: the seconds between two questions for news of the view are over; the first time they are waited out
DUE = "[...hall.citymap.live].forEach((map) => (map.cameras.asked = -Infinity))"


def test_cameras_that_the_stream_leaves_out_are_asked_for_by_the_view_and_it_is_said(open_map, chance):
    page, gate = open_map()
    asked = Asked(page)
    for number in range(900):
        asked.put(number, 113.92 + chance.uniform(-0.3, 0.3), 35.30 + chance.uniform(-0.3, 0.3))
    assert counted(page, "cameras") == 0 and not asked.questions
    say_left_out(gate, {"channel": 10_000})
    page.evaluate("hall.map.focus(113.92, 35.30, 13)")
    page.wait_for_function("document.querySelector('[data-panel=city_map]').getAttribute('data-count-cameras') !== '0'")
    wait_count(page, "cameras", asked.within(*page.evaluate(VIEW)))
    note = f"只显示视野内 {asked.within(*page.evaluate(VIEW))} 路"
    page.wait_for_function("text => document.querySelector('.map-note').textContent.includes(text)", arg=note)
    here = asked.put(5000, 113.92, 35.30)
    wait_count(page, "cameras", asked.within(*page.evaluate(VIEW)))
    assert asked.questions[-1].get("since"), "only what came since is asked for"
    assert page.evaluate("name => hall.video.channelOf(name).state", here) == "online"
    asked.put(5000, 113.92, 35.30, "offline")
    page.evaluate(DUE)
    page.wait_for_function("name => hall.video.channelOf(name).state === 'offline'", arg=here)
    asked.told.gone(here)
    page.evaluate(DUE)
    wait_count(page, "cameras", asked.within(*page.evaluate(VIEW)))
    page.wait_for_function(
        "hall.cameras.totals() && hall.cameras.totals().total === 900 && hall.cameras.totals().offline === 0"
    )
    page.wait_for_function(
        "hall.cameras.list(5) && hall.cameras.list(5).rows.length === 5 && hall.cameras.list(5).owners[0].total === 900"
    )
    far = asked.put(6000, 120.0, 30.0)
    page.wait_for_function("name => hall.video.nameOf(name) === 'cam 6000'", arg=far)
    page.evaluate("hall.map.focus(114.05, 35.40, 14)")
    wait_count(page, "cameras", asked.within(*page.evaluate(VIEW)))
    for number in range(2_100):
        asked.put(10_000 + number, 114.05, 35.40)
    page.evaluate(DUE)
    page.wait_for_function("document.querySelector('.map-note').textContent.includes('放大后逐一显示')")
    wait_count(page, "cameras", asked.within(*page.evaluate(VIEW)))
    drawn = "[...hall.citymap.live][0].things.cameraClusters.groups.map((group) => group.count).sort((a, b) => b - a)"
    page.wait_for_function(f"{drawn}[0] >= 2100")
    assert sum(page.evaluate(drawn)) == asked.within(*page.evaluate(VIEW)), "each is counted in one symbol"
    say_left_out(gate, {})
    gate.put(*scenery.cameras(chance, 3))
    wait_count(page, "cameras", 3)
    page.wait_for_function("document.querySelector('.map-note').textContent === ''")
    assert not page.faults
