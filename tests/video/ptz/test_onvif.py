"""The ONVIF driver against a camera that takes only what ONVIF's WSDL allows."""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import quote

import pytest

from video.guard import Guard
from video.ptz.driver import Motion, Position, Preset, PtzFailed
from video.ptz.drivers.onvif import Onvif

from .camera import DEGREES, GENERIC, OnvifCamera, schemas


@pytest.fixture(scope="module")
def elements():
    return schemas()


@pytest.fixture
async def camera(elements):
    found = OnvifCamera(elements)
    listener = socket.create_server(("127.0.0.1", 0))
    found.port = listener.getsockname()[1]
    work = asyncio.create_task(found.serve(listener))
    yield found
    found.server.should_exit = found.server.force_exit = True
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    listener.close()


@pytest.fixture
async def driver(camera):
    found = Onvif(address(camera), Guard(allow_loopback=True))
    yield found
    await found.close()


def address(camera, password=None):
    return f"onvif://admin:{quote(password or camera.password)}@127.0.0.1:{camera.port}"


async def test_a_movement_is_what_the_schema_says_and_ends_by_itself(camera, driver):
    await driver.move(Motion(pan=0.5, tilt=-0.25))
    await driver.move(Motion(zoom=1))
    await driver.move(Motion())
    assert not camera.invalid
    moves = [values for operation, values in camera.done if operation == "ContinuousMove"]
    assert [value.ProfileToken for value in moves] == ["main", "main"]
    assert (moves[0].Velocity.PanTilt.x, moves[0].Velocity.PanTilt.y, moves[0].Velocity.Zoom) == (0.5, -0.25, None)
    assert (moves[1].Velocity.PanTilt, moves[1].Velocity.Zoom.x) == (None, 1)
    assert moves[0].Timeout.total_seconds() == 1
    stop = camera.done[-1]
    assert stop[0] == "Stop" and stop[1].PanTilt and stop[1].Zoom


async def test_services_are_asked_for_once(camera, driver):
    for _ in range(3):
        await driver.move(Motion(pan=1))
    found = [operation for operation, _ in camera.done]
    assert found == [
        "GetSystemDateAndTime",
        "GetCapabilities",
        "GetProfiles",
        "ContinuousMove",
        "ContinuousMove",
        "ContinuousMove",
    ]


async def test_presets_and_position(camera, driver):
    assert await driver.presets() == [Preset("1", "大门"), Preset("2", "low spot <A&B>")]
    await driver.recall("2")
    assert camera.done[-1][1].PresetToken == "2"
    assert await driver.store("low & <spot>") == "7"
    assert camera.done[-1][1].PresetName == "low & <spot>"
    assert await driver.position() == Position(-0.25, 0.5, 0.1, False)
    assert not camera.invalid


@pytest.mark.parametrize("skew", [-7200, 86_400])
async def test_a_camera_whose_clock_is_wrong_still_knows_the_password(camera, driver, skew):
    camera.skew_s = skew
    await driver.move(Motion(pan=1))
    assert camera.done[-1][0] == "ContinuousMove"


async def test_an_address_that_leads_elsewhere_is_not_followed(camera, driver):
    camera.other_address = "169.254.169.254:80"
    await driver.move(Motion(pan=1))
    assert camera.done[-1][0] == "ContinuousMove" and camera.seen_host == f"127.0.0.1:{camera.port}"


async def test_a_wrong_password_a_fixed_camera_and_nonsense_are_told_apart(camera):
    for mode, password, reason in (
        ("ok", "wrong", "unauthorised"), ("no-ptz", None, "unsupported"), ("garbage", None, "garbled"), ("dtd", None, "garbled"),
    ):  # fmt: skip
        camera.mode = mode
        driver = Onvif(address(camera, password), Guard(allow_loopback=True))
        with pytest.raises(PtzFailed) as error:
            await driver.move(Motion(pan=1))
        assert error.value.reason == reason
        assert camera.password not in str(error.value)
        await driver.close()


async def test_the_halls_own_machine_and_nobody_there(camera):
    for guard, port, reason in ((Guard(), camera.port, "refused-address"), (Guard(allow_loopback=True), 1, "unreachable")):
        driver = Onvif(f"onvif://127.0.0.1:{port}", guard)
        with pytest.raises(PtzFailed) as error:
            await driver.presets()
        assert error.value.reason == reason
        await driver.close()


async def test_a_camera_that_answers_a_byte_at_a_time_holds_nobody_up(monkeypatch):
    monkeypatch.setattr("video.ptz.drivers.onvif.LONGEST_SECONDS", 0.3)

    async def drip(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.02)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    driver = Onvif(f"onvif://127.0.0.1:{server.sockets[0].getsockname()[1]}", Guard(allow_loopback=True))
    async with asyncio.timeout(20):
        with pytest.raises(PtzFailed) as error:
            await driver.presets()
    assert error.value.reason == "unreachable"
    await driver.close()
    server.close()


@pytest.mark.parametrize("url", ["onvif://admin:hem/lig@10.0.0.1", "onvif://admin:hem#lig@10.0.0.1", "onvif://ad[min:hemlig@x"])
def test_an_address_that_is_none_is_said_without_a_word_of_it(url):
    with pytest.raises(PtzFailed) as error:
        Onvif(url, Guard())
    assert error.value.reason == "garbled" and "hem" not in str(error.value)


@pytest.mark.parametrize(
    ("spaces", "at", "space", "turn", "span", "pan"),
    [
        ({GENERIC: (-1, 1), DEGREES: (-180, 180)}, (10, -5, 0.3), DEGREES, 90, None, 90),
        ({DEGREES: (-180, 180)}, (10, -5, 0.3), DEGREES, 350, None, -10),  # the short way round
        ({DEGREES: (0, 360)}, (10, -5, 0.3), DEGREES, -10, None, 350),
        ({GENERIC: (-1, 1)}, (0.1, 0.5, 0.3), "", 90, 360, 0.5),
        ({GENERIC: (-1, 1)}, (0.1, 0.5, 0.3), GENERIC, -35, 350, -0.2),
    ],
)
async def test_a_camera_is_turned_to_a_direction_and_back(camera, driver, spaces, at, space, turn, span, pan):
    camera.spaces, camera.at, camera.space = spaces, at, space
    before = await driver.face(turn, span)
    assert (before.pan, before.tilt, before.zoom, before.space) == (*at, space)
    name, asked = camera.done[-1]
    assert name == "AbsoluteMove" and not camera.invalid
    assert (asked.ProfileToken, asked.Position.PanTilt.x, asked.Position.PanTilt.y) == ("main", pytest.approx(pan), at[1])
    assert asked.Position.PanTilt.space == (DEGREES if DEGREES in spaces else GENERIC) and asked.Position.Zoom is None
    await driver.go(before)
    assert camera.at == pytest.approx(at) and not camera.invalid


@pytest.mark.parametrize(
    ("spaces", "space", "reason"),
    [
        ({GENERIC: (-1, 1)}, "", "no-degrees"),  # what its numbers stand for nobody wrote down
        ({}, "", "no-degrees"),
        ({DEGREES: (-80, 80)}, DEGREES, "beyond"),
        ({DEGREES: (-180, 180)}, GENERIC, "unsupported"),  # tilt is told in numbers that mean something else
    ],
)
async def test_a_camera_that_cannot_be_turned_to_a_direction_says_why_and_stays(camera, driver, spaces, space, reason):
    camera.spaces, camera.space = spaces, space
    with pytest.raises(PtzFailed) as error:
        await driver.face(120)
    assert error.value.reason == reason and "AbsoluteMove" not in [operation for operation, _ in camera.done]


async def test_a_connection_that_the_camera_closed_in_this_very_moment_costs_no_movement(camera, driver):
    """Keep-alive as it is in the field: the camera goes at the moment it is asked again, without an answer."""
    await driver.move(Motion(pan=1))
    await _dropping(camera, driver, drops=1)
    assert [operation for operation, _ in camera.done][-1] == "ContinuousMove"
    with pytest.raises(PtzFailed, match="unreachable"):
        await _dropping(camera, driver, drops=5)


async def _dropping(camera, driver, drops):
    """Moves the camera through a relay that hangs up on the first `drops` requests after it has read them."""
    left = [drops]

    async def relay(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        if left[0] > 0:
            left[0] -= 1
            return writer.close()
        length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1])
        far, out = await asyncio.open_connection("127.0.0.1", camera.port)
        out.write(head.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nconnection: close\r\n", 1) + await reader.readexactly(length))
        writer.write(await far.read())
        out.close()
        writer.close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    other = Onvif(
        f"onvif://admin:{quote(camera.password)}@127.0.0.1:{server.sockets[0].getsockname()[1]}", Guard(allow_loopback=True)
    )
    try:
        other._profile, other._services = driver._profile, {"PTZ": other._address("/onvif/ptz")}
        await other.move(Motion(pan=1))
    finally:
        await other.close()
        server.close()
