"""Tile services of others, asked of a real server that draws marks in its own grid and datum (tileserver.py)."""

from __future__ import annotations

import math
import sqlite3

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from hall.app import answers
from hall.app.mapservices import MapServices
from hall.core import config, coordinates, settings
from hall.core.errors import ConfigError, Refused
from hall.core.process import Process
from hall.map.services import grids
from hall.map.services.asking import Asker, Away, SourceFault
from hall.map.services.kept import Kept
from hall.map.services.service import Pictures
from hall.map.services.settings import sources
from tests.hall.geography import tileserver
from tests.hall.geography.tileserver import KEY

#: Xinxiang, Urumqi, Harbin, Sanya, Shanghai
PLACES = ((113.92, 35.30), (87.62, 43.82), (126.64, 45.76), (109.51, 18.25), (121.47, 31.23))
DAY = 86_400_000


@pytest.fixture
def server():
    with tileserver.running() as found:
        yield found


def configured(tmp_path, lines: str):
    path = tmp_path / "hall.toml"
    path.write_text(f'[city]\nname = {{en = "X"}}\ncentre = [113.9, 35.3]\n{lines}\n', "utf-8")
    return config.load(path)


@pytest.fixture
async def opened(tmp_path, monkeypatch):
    """`opened(lines of [map.sources.other]) -> Pictures`; its clock is `clock[0]`."""
    monkeypatch.setenv("TEST_MAP_KEY", KEY)
    made = []

    def make(lines: str, clock=(1000 * DAY,)):
        found = sources(configured(tmp_path, f"[map.sources.other]\n{lines}"))["other"]
        made.append(Pictures(found, tmp_path / "var", lambda: clock[0], "test"))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def asked(client: Pictures, z: int, x: int, y: int) -> str:
    with pytest.raises(Refused) as refusal:
        await client.tile(z, x, y)
    assert KEY not in str(refusal.value) and "127.0.0.1" not in str(refusal.value)
    return refusal.value.reason


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int, tuple[float, float]]:
    """A tile near a place, and the WGS-84 position of a mark near its middle."""
    x, y = (int(part // 256) for part in tileserver.mercator_pixel(lon, lat, zoom))
    px, py = (x * 256 + 131.37) / 2**zoom / 256, (y * 256 + 124.79) / 2**zoom / 256
    return x, y, (px * 360 - 180, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * py)))))


@pytest.mark.parametrize("kind", ["gcj", "bd", "c", "capabilities"])
async def test_a_mark_lies_within_a_metre_of_its_place_after_correction(server, opened, kind):
    lines = {
        "gcj": f'url = "{server.at}/gcj/{{z}}/{{x}}/{{y}}"\ncrs = "GCJ-02"',
        "bd": f'url = "{server.at}/bd/{{z}}/{{x}}/{{y}}"\ncrs = "BD-09"\nmax_zoom = 19',
        "c": f'preset = "tianditu-vec_c"\nurl = "{server.at}"\nkey = "env:TEST_MAP_KEY"',
        "capabilities": f'kind = "wmts"\nurl = "{server.at}/own/wmts?tk={{key}}"\nlayer = "streets"\nkey = "env:TEST_MAP_KEY"',
    }[kind]
    client, worst = opened(lines), 0.0
    for number, (lon, lat) in enumerate(PLACES if kind in ("gcj", "c") else PLACES[:1]):
        for zoom in (12, 18) if number else (12, 14, 16, 18):
            x, y, mark = tile_of(lon, lat, zoom)
            server.marks = [mark]
            found = tileserver.middle_of_light((await client.tile(zoom, x, y)).body)
            metres = 40075016.686 * math.cos(math.radians(lat)) / 2**zoom / 256
            worst = max(worst, math.hypot(found[0] - 131.37, found[1] - 124.79) * metres)
    print(f"{kind}: worst {worst:.3f} m")
    assert worst < 1.0
    if kind == "gcj":  # uncorrected the last mark would lie hundreds of metres away
        away = np.subtract(tileserver.gcj_pixel(*mark, 18), tileserver.mercator_pixel(*mark, 18))
        assert math.hypot(*away) * metres > 300


def test_places_of_pixels_are_right_to_centimetres_on_every_zoom():
    from hall.map.services import warp

    for crs, scalar in (("GCJ-02", coordinates.wgs84_to_gcj02), ("EPSG:4490", lambda lon, lat: (lon, lat))):
        grid = grids.common(crs, 256, 0, 19)
        for zoom in (3, 9, 12, 15, 18):
            x, y, _ = tile_of(113.92, 35.3, zoom)
            found = warp.need(grid, zoom, x, y)
            pixel = tileserver.mercator_pixel if crs == "GCJ-02" else tileserver.geographic_pixel
            for i, j in ((0, 0), (3, 250), (117, 64), (255, 255)):
                at = grids.world(zoom, x, y, np.array([[j + 0.5, i + 0.5]]))[0]
                expected = pixel(*scalar(*at), int(found.matrix.name))
                metres = 40075016.686 / 2 ** int(found.matrix.name) / 256
                assert math.dist(found.places[i, j], expected) * metres < 0.05, (crs, zoom)


def test_baidus_plane_has_tiananmen_where_baidu_has_it():
    """116.404, 39.915 in BD-09 is 12958175.0, 4825923.77 on Baidu's plane (the example that is quoted everywhere)."""
    plane = grids.projection("BD-09")(np.array([coordinates.bd09_to_wgs84(116.404, 39.915)]))
    assert plane[0] == pytest.approx([12958175.0, 4825923.77], abs=0.1)


@pytest.mark.parametrize("kept", ["", "disk_mib = 0"])
async def test_a_tile_of_the_maps_own_grid_goes_through_unchanged_and_is_asked_for_once(server, opened, kept):
    client = opened(f'preset = "tianditu-img"\nurl = "{server.at}"\nkey = "env:TEST_MAP_KEY"\n{kept}')
    found = await client.tile(10, 836, 404)
    assert found.body == tileserver.picture("w", [], 10, 836, 404) and found.media == "image/png"
    assert (await client.tile(10, 836, 404)).body == found.body and len(server.asked) == 1
    assert "LAYER=img" in server.asked[0] and f"tk={KEY}" in server.asked[0] and "TILEMATRIXSET=w" in server.asked[0]


async def test_while_the_service_is_away_what_is_kept_is_shown_with_its_age_and_it_is_not_asked_for_each_tile(server, opened):
    clock = [1000 * DAY]
    lines = f'url = "{server.at}/xyz/{{z}}/{{x}}/{{y}}"\nfresh_days = 2'
    client = opened(lines, clock)
    first = await client.tile(9, 418, 202)
    server.answer = (500, {}, b"")
    reasons = [await asked(client, 9, 418, row) for row in range(203, 211)]
    assert reasons == ["service-fails"] * 8 and len(server.asked) == 1 + 3
    clock[0] += 5 * DAY
    old = await client.tile(9, 418, 202)
    assert (old.body, old.fetched, old.stale) == (first.body, 1000 * DAY, "away")
    await client.close()
    again = opened(lines, clock)  # after a restart it is still there, and with the service back it is renewed beside that
    server.answer = None
    assert (await again.tile(9, 418, 202)).stale == "old"
    for task in list(again._making.values()):
        await task
    assert (await again.tile(9, 418, 202)).fetched == clock[0]


async def settled(client: Pictures) -> None:
    """What was begun beside an answer is over."""
    for task in [*client._making.values(), *([client._looking] if client._looking else [])]:
        await task


async def test_what_is_in_memory_grows_old_as_what_is_on_disk_does(server, opened):
    clock, zoom = [1000 * DAY], 12
    x, y, mark = tile_of(*PLACES[0], zoom)
    for lines in ("", '\ncrs = "GCJ-02"'):
        client = opened(f'url = "{server.at}/gcj/{{z}}/{{x}}/{{y}}"{lines}', clock)
        server.marks = []
        first = await client.tile(zoom, x, y)
        server.marks, asked_before = [mark], len(server.asked)
        clock[0] += 29 * DAY
        assert (await client.tile(zoom, x, y)).stale == "" and len(server.asked) == asked_before
        clock[0] += 2 * DAY
        old = await client.tile(zoom, x, y)
        assert (old.stale, old.body) == ("old", first.body)
        await settled(client)
        new = await client.tile(zoom, x, y)
        assert new.body != first.body and (new.stale, new.fetched) == ("", clock[0])
        assert client._raw_bytes == sum(len(raw.data) + 200 for raw in client._raw.values())


async def test_a_service_that_has_nothing_anywhere_is_named_asked_on_and_believed_for_minutes(server, opened):
    clock = [1000 * DAY]
    client = opened(f'url = "{server.at}/xyz/{{z}}/{{x}}/{{y}}"', clock)
    server.answer = (404, {}, b"")
    for row in range(200, 207):
        assert (await client.tile(9, 418, row)).stale == "" and client.shown()["away"] is None
    await client.tile(9, 418, 207)
    await settled(client)
    assert client.shown()["away"]["reason"] == "nothing-there"
    assert (await client.tile(9, 418, 208)).stale == (await client.tile(9, 418, 200)).stale == "nothing-there"
    assert len(server.asked) == 9  # asked on, and not twice within minutes
    server.answer = None
    clock[0] += 11 * 60_000
    found = await client.tile(9, 418, 200)
    assert found.body and found.stale == "" and client.shown()["away"] is None
    clock[0] += 60_000
    server.answer = (503, {}, b"")
    assert (await client.tile(9, 418, 207)).stale == "away"  # nothing there as far as is known


async def test_the_open_sea_is_no_fault_and_a_service_set_up_anew_takes_no_picture_away(server, opened):
    clock = [1000 * DAY]
    client, real = opened(f'url = "{server.at}/xyz/{{z}}/{{x}}/{{y}}"', clock), server.respond
    await client.tile(9, 418, 202)
    clock[0] += 2 * 3_600_000
    server.respond = lambda path: real(path) if path.endswith("/418/202") else (404, {}, b"")
    for row in range(203, 243):
        await client.tile(9, 418, row)
        await settled(client)
    assert client.shown()["away"] is None and len(server.asked) == 2  # the picture from before was looked at, once
    clock[0] += 40 * DAY
    server.respond = lambda path: (404, {}, b"")
    assert (await client.tile(9, 418, 202)).stale == "old"
    await settled(client)
    for row in range(203, 211):
        await client.tile(9, 418, row)
    await settled(client)
    kept = await client.tile(9, 418, 202)
    assert client.shown()["away"]["reason"] == "nothing-there" and kept.body and kept.stale == "away"


async def test_a_service_that_is_away_is_tried_again_within_a_minute_however_long_it_was():
    asker = Asker("other", {}, 1.0, 1, "test")
    for _ in range(20):
        asker._note(SourceFault("timeout", ""))
    with pytest.raises(Away) as away:
        asker._look()
    assert 50 < away.value.seconds <= 60
    await asker.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((403, {}, b"{}"), "key-refused"), ((429, {}, b""), "quota"), ((502, {}, b""), "service-fails"),
        ((200, {"Content-Type": "image/png"}, b"<html>" + KEY.encode()), "not-a-picture"),
        ((302, {"Location": "http://localhost:1/x"}, b""), "redirect-elsewhere"),
    ],
)  # fmt: skip
async def test_what_is_no_tile_is_refused_by_name_and_tells_nobody_the_key(server, opened, caplog, answer, reason):
    caplog.set_level("DEBUG")
    client = opened(f'preset = "tianditu-vec"\nurl = "{server.at}"\nkey = "env:TEST_MAP_KEY"')
    server.answer = answer
    assert await asked(client, 9, 418, 202) == reason
    assert KEY not in caplog.text and KEY not in str(client.shown())
    server.answer = (404, {}, b"")
    assert (await client.tile(9, 418, 203)).body == b""


async def test_screens_get_pictures_and_reasons_and_never_a_key(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TEST_MAP_KEY", KEY)
    lines = '[map]\nground = "vec"\n[map.sources.vec]\npreset = "tianditu-vec"\nkey = "env:TEST_MAP_KEY"\nover = ["cva"]\n'
    lines += f'url = "{server.at}"\n[map.sources.cva]\npreset = "tianditu-cva"\nkey = "env:TEST_NO_KEY"\n'
    services = MapServices(Process("web", settings.read(), configured(tmp_path, lines)))
    app = FastAPI()
    answers.install(app)
    app.include_router(services.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hall", verify=False) as client:
        listed = (await client.get("/pictures")).json()
        good, bad = await client.get("/pictures/vec/9/418/202"), await client.get("/pictures/cva/9/418/202")
        outside, unknown = await client.get("/pictures/vec/9/512/0"), await client.get("/pictures/nix/9/0/0")
    await services.close()
    assert listed["ground"] == "vec" and [row["name"] for row in listed["sources"]] == ["vec", "cva"]
    assert "TEST_NO_KEY" in listed["sources"][1]["away"]["detail"]
    assert good.headers["content-type"] == "image/png" and good.headers["age"] == "0"
    assert (bad.status_code, bad.json()["reason"]) == (503, "key-missing")
    assert (outside.status_code, unknown.status_code) == (404, 404)
    assert not any(KEY in answer.text for answer in (bad, outside)) and KEY not in str(listed)


def test_what_is_kept_stays_under_its_bound_the_longest_unused_goes_first_and_a_damaged_file_is_begun_anew(tmp_path):
    kept = Kept(tmp_path / "a.db", "1", 10_000)
    for number in range(20):
        kept.put(9, number, 0, b"x" * 1000, number)
        kept.get(9, 0, 0, DAY * number)  # always in use
    assert kept.bytes <= 10_000 and kept.get(9, 0, 0, 0) and not kept.get(9, 1, 0, 0) and kept.get(9, 19, 0, 0)
    kept.close()
    again = Kept(tmp_path / "a.db", "2", 10_000)  # something else is asked for now
    assert again.get(9, 19, 0, 0) is None
    again.close()
    (tmp_path / "a.db").write_bytes(b"no database at all" * 100)
    third = Kept(tmp_path / "a.db", "2", 10_000)
    assert third.get(9, 0, 0, 0) is None
    third.put(9, 0, 0, b"y", 5)
    assert third.get(9, 0, 0, 0).body == b"y" and (tmp_path / "a.damaged").exists()
    third.close()
    assert sqlite3.connect(tmp_path / "a.db").execute("SELECT count(*) FROM tile").fetchone() == (1,)


@pytest.mark.parametrize(
    ("lines", "key", "word"),
    [
        ('url = "ftp://a/{z}/{x}/{y}"', "url", "http"), ('url = "http://a/{z}/{x}"', "url", "{y}"),
        ('url = "http://a/{z}/{x}/{y}/{q}"', "url", "{q}"), ('url = "http://{s}.a/{z}/{x}/{y}"', "url", "subdomains"),
        ('url = "http://u:p@a/{z}/{x}/{y}"', "url", "headers"), ('url = "http://a/{z}/{x}/{y}"\ncrs = "EPSG:27700"', "crs", "EPSG"),
        ('preset = "tianditu-xyz"\nkey = "k"', "preset", "vec"), ('preset = "tianditu-vec"', "preset", "key"),
        ('url = "http://a/{z}/{x}/{y}"\nover = ["nix"]', "over", "nix"), ('url = "http://a/{z}/{x}/{y}"\nkind = "wms"', "kind", "wms"),
        ('kind = "wmts"\nurl = "http://a/wmts"', "layer", "missing"), ('url = "http://a/{z}/{x}/{y}"\nmax_zom = 9', "max_zom", "unknown"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_source_is_named_by_line_and_key(tmp_path, lines, key, word):
    with pytest.raises(ConfigError) as error:
        sources(configured(tmp_path, f"[map.sources.other]\n{lines}"))
    assert error.value.key == f"map.sources.other.{key}" and word in error.value.problem and error.value.line
