"""rtsps: encrypted whatever the certificate, and only to whom it names where that is asked for."""

from __future__ import annotations

import shutil
import ssl
import subprocess

import pytest

from tests.video.cameras import FakeCamera, Mount
from tests.video.rtsp.playing import consecutive, numbers, playing
from video.guard import Guard
from video.rtsp.address import tls


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """A folder with own.pem and own.key, signed by nobody but itself, for 127.0.0.1."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650",
               "-keyout", "own.key", "-out", "own.pem", "-subj", "/CN=camera", "-addext", "subjectAltName=IP:127.0.0.1"]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def context(papers):
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(papers / "own.pem", papers / "own.key")
    return found


@pytest.fixture
def own_trust(papers, monkeypatch):
    """This machine trusts the camera's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(papers / "own.pem"))
    tls.cache_clear()
    yield
    tls.cache_clear()


@pytest.mark.parametrize("guard", [None, Guard(allow_loopback=True)], ids=["plain", "guarded"])
async def test_a_camera_with_a_certificate_of_its_own_plays(context, guard):
    async with FakeCamera({"a": Mount(auth="basic", starts_with_key=True)}, tls=context) as camera:
        async with playing(camera.url("a"), guard=guard) as player:
            assert consecutive(numbers((await player.pictures(5))[:]), 100)


async def test_where_the_certificate_is_to_be_checked_a_strangers_is_refused(context):
    async with FakeCamera({"a": Mount()}, tls=context) as camera, playing(camera.url("a") + "#check-certificate") as player:
        error = await player.failure()
        assert (error.reason, camera.asked) == ("unreachable", [])
        assert "certificate" in error.detail.lower()


async def test_where_the_certificate_is_to_be_checked_a_known_one_plays(context, own_trust):
    async with FakeCamera({"a": Mount(starts_with_key=True)}, tls=context) as camera:
        async with playing(camera.url("a") + "#check-certificate") as player:
            await player.pictures(2)
