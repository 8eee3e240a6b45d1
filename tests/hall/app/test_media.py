"""Photos: what is no picture is refused by what it is, what is one loses everything but its pixels, and only some see it."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from hall.app import pictures
from hall.app.mediastore import MediaStore
from hall.app.rules import body_bound
from hall.core.errors import Refused
from tests.hall.app.test_dispatching import address, fresh, moved, reported

SCRIPT = b"<script>alert(document.cookie)</script>"


def picture(kind: str = "JPEG", size=(64, 48), **more) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (10, 120, 200)).save(out, kind, **more)
    return out.getvalue()


def with_place(lat=(35, 18, 0), lon=(113, 55, 12), refs=("N", "E"), orientation=6) -> bytes:
    """A JPEG of a phone: turned, with a place, a moment and a comment that is a script."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x0132] = orientation, SCRIPT.decode(), "2026:11:21 08:30:00"
    exif[0x8825] = {1: refs[0], 2: lat, 3: refs[1], 4: lon}
    exif[0x8769] = {0x9003: "2026:11:21 08:29:30", 0x9011: "+08:00"}
    return picture(exif=exif.tobytes(), comment=SCRIPT)


def bomb(width=30_000, height=30_000) -> bytes:
    """A PNG of 900 megapixels in a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100_000)) + chunk(b"IEND", b"")


DISGUISED = {
    "a page called a photo": b"<!DOCTYPE html><html>" + SCRIPT,
    "a drawing with a script": b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>",
    "xml": b'<?xml version="1.0"?><svg onload="alert(1)"/>',
    "a gif whose header is a script": b"GIF89a/*" + SCRIPT + b"*/",
    "an archive": b"PK\x03\x04" + b"\0" * 200,
    "a paper": b"%PDF-1.7\n" + b"\0" * 200,
    "a phone's own format": b"\0\0\0\x18ftypheic" + b"\0" * 100,
    "only the beginning of a photo": picture()[:200],
    "a photo's first bytes before a page": b"\xff\xd8\xff\xe0" + SCRIPT * 20,
    "a png without pixels": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "noise": bytes(range(256)) * 10,
}


@pytest.mark.parametrize("name", DISGUISED)
def test_what_is_no_picture_is_refused_whatever_it_calls_itself(name):
    with pytest.raises(Refused) as refused:
        pictures.read(DISGUISED[name])
    assert (refused.value.reason, refused.value.status) == ("not-a-picture", 415)


@pytest.mark.parametrize("size", [(30_000, 30_000), (13_000, 10), (7_000, 6_000)])
def test_a_picture_that_would_unfold_to_more_than_fits_is_refused_before_it_unfolds(size):
    with pytest.raises(Refused) as refused:
        pictures.read(bomb(*size))
    assert (refused.value.reason, refused.value.status) == ("picture-too-large", 413)


def test_a_photo_loses_everything_but_its_pixels_and_stands_upright():
    found = pictures.read(with_place() + SCRIPT + b"PK\x03\x04 a second file behind it")
    assert (found.width, found.height, found.type) == (48, 64, "image/jpeg")
    assert b"script" not in found.body and b"Exif" not in found.body and b"PK\x03\x04" not in found.body
    again = Image.open(io.BytesIO(found.body))
    assert not again.getexif() and again.size == (48, 64)
    assert all(abs(a - b) < 12 for a, b in zip(again.getpixel((20, 30)), (10, 120, 200), strict=True))


@pytest.mark.parametrize(
    "refs,expected",
    [(("N", "E"), (113.92, 35.3)), (("S", "W"), (-113.92, -35.3))],
)
def test_place_and_time_of_taking_are_read_before_they_are_removed(refs, expected):
    found = pictures.read(with_place(refs=refs))
    assert (found.lon, found.lat) == pytest.approx(expected, abs=1e-6)
    assert found.taken == "2026-11-21T08:29:30+08:00"


@pytest.mark.parametrize("lat", [(95, 0, 0), (0, 0), None, (float("nan"), 0, 0)])
def test_an_impossible_place_is_not_told_and_no_reason_to_refuse(lat):
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 3: "E", 4: (10, 0, 0)} | ({2: lat} if lat else {})
    try:
        body = picture(exif=exif.tobytes())
    except Exception:
        pytest.skip("this Pillow writes no such block")
    assert pictures.read(body).lat is None


@pytest.mark.parametrize("kind,type_", [("PNG", "image/png"), ("WEBP", "image/webp"), ("JPEG", "image/jpeg")])
def test_each_kind_stays_its_kind_and_large_ones_are_scaled_down(kind, type_):
    found = pictures.read(picture(kind, (5000, 1000)))
    assert (found.type, found.width, found.height) == (type_, 4096, 819)


def test_a_disk_that_refuses_is_told_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    store = MediaStore(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Refused) as refused:
        store.keep(pictures.read(picture()), "li")
    assert (refused.value.reason, refused.value.status) == ("disk-full", 507)
    assert not [path for path in (tmp_path / "media").rglob("*") if path.suffix in (".part", ".jpg")]


async def upload(client, body: bytes, **headers):
    return await client.post("/api/v1/media", content=body, headers={"content-type": "image/jpeg", **headers})


async def test_a_photo_is_stored_once_and_served_so_that_nothing_in_it_can_run(city_hall):
    async with await city_hall.client("operator", "zhao") as client:
        raw = await upload(client, with_place())
        form = await client.post("/api/v1/media", files={"file": ("x.html", with_place(), "text/html")})
        made = raw.json()
        assert (raw.status_code, form.status_code) == (201, 201) and form.json()["media"] == made["media"]
        assert made["lon"] == pytest.approx(113.92, abs=1e-6) and made["taken"].startswith("2026-11-21")
        served = await client.get(f"/api/v1/media/{made['media']}")
    assert served.headers["content-type"] == "image/jpeg" and len(served.content) == made["bytes"]
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in served.headers["content-security-policy"]
    assert b"script" not in served.content


async def test_disguised_and_oversized_uploads_are_refused_with_the_reason(city_hall):
    async with await city_hall.client("operator", "zhao") as client:
        for body in DISGUISED.values():
            answer = await upload(client, body)
            assert (answer.status_code, answer.json()["reason"]) == (415, "not-a-picture")
        assert (await upload(client, bomb())).json()["reason"] == "picture-too-large"
        large = await upload(client, b"\xff\xd8" + b"\0" * body_bound("/api/v1/media"))
        assert (large.status_code, large.json()["reason"]) == (413, "too-large")
        assert (await upload(client, b"")).json()["reason"] == "empty"


async def test_a_photo_is_seen_by_its_bringer_and_by_those_who_may_see_a_case_that_has_it(city_hall):
    async with (
        await city_hall.client("operator", "zhao") as zhao,
        await city_hall.client("supervisor", "sun") as sun,
        await city_hall.client("department", "drains", unit="排水处") as drains,
        await city_hall.client("department", "roads", unit="市政处") as roads,
        await city_hall.client("wall") as wall,
    ):
        media = (await upload(zhao, picture(size=(70, 30)))).json()["media"]
        path = f"/api/v1/media/{media}"
        assert [(await who.get(path)).status_code for who in (zhao, sun, drains)] == [200, 404, 404]
        view = await reported(zhao)
        photos = {"photos": [{"media": media, "usage": "report"}]}
        stolen = await sun.post(address(view), json={"id": fresh(), "move": "attach", "data": photos})
        assert (stolen.status_code, stolen.json()["reason"]) == (422, "unknown-media")
        await moved(zhao, view, "attach", data=photos)
        view = (await sun.get("/api/v1/files/" + view["subject"].partition("/")[2])).json()
        assert [photo["media"] for photo in view["file"]["photos"]] == [media]
        await moved(sun, view, "dispatch", data={"unit": "排水处"})
        seen = [(await who.get(path)).status_code for who in (zhao, sun, drains, roads, wall)]
    assert seen == [200, 200, 200, 404, 200]


async def test_a_photo_that_nobody_brought_cannot_be_attached(city_hall):
    async with await city_hall.client("operator", "zhao") as client:
        view = await reported(client)
        for media in ("0" * 64, "../../users.db", "x"):
            photos = {"photos": [{"media": media, "usage": "report"}]}
            answer = await client.post(address(view), json={"id": fresh(), "move": "attach", "data": photos})
            assert (answer.status_code, answer.json()["reason"]) == (422, "unknown-media")
