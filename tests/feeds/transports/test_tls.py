"""Encrypted suppliers: the certificate must be signed by whom the configuration names."""

import shutil
import ssl
import subprocess

import pytest
from websockets.asyncio.server import serve

from feeds.transports.mqtt import TRANSPORT as MQTT
from feeds.transports.poll import TRANSPORT as POLL
from feeds.transports.ws import TRANSPORT as WS
from hall.core.errors import ConfigError
from tests.feeds.transports.broker import MOSQUITTO, Broker


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """Folder with ca.pem, server.pem and server.key for 127.0.0.1."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*command):
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)

    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "3650")
    openssl("req", *ec, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    signed = (
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-out",
        "server.pem",
        "-days",
        "3650",
        "-extfile",
        "names",
    )
    openssl("x509", "-req", "-in", "server.csr", *signed)
    return folder


async def test_a_socket_with_a_known_certificate_is_read_and_an_unknown_one_is_not(papers, rim, running):
    async def greet(socket):
        await socket.send('{"secret": 1}')
        await socket.wait_closed()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers / "server.pem", papers / "server.key")
    async with serve(greet, "127.0.0.1", 0, ssl=context) as server:
        url = f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        stranger, friend = rim(url), rim(url, options={"ca": str(papers / "ca.pem")})
        running(WS, stranger)
        running(WS, friend)
        await friend.until(lambda: friend.bodies)
        await stranger.until(lambda: stranger.losses)
    assert "certificate" in stranger.losses[0].lower() and not stranger.bodies


async def test_a_broker_with_a_known_certificate_is_read_and_an_unknown_one_is_not(papers, rim, running, tmp_path):
    if not shutil.which(MOSQUITTO):
        pytest.skip("Mosquitto is not installed")
    keys = f"certfile {papers}/server.pem\nkeyfile {papers}/server.key\n"
    broker = Broker(tmp_path, after_listener=keys)
    await broker.start()
    try:
        url = f"mqtts://127.0.0.1:{broker.port}"
        friend = rim(url, options={"topics": ["#"], "ca": str(papers / "ca.pem")})
        stranger = rim(url, options={"topics": ["#"], "client_id": "stranger"})
        running(MQTT, friend)
        running(MQTT, stranger)
        await friend.until(lambda: friend.connections)
        await stranger.until(lambda: stranger.losses)
    finally:
        broker.stop()
    assert not stranger.connections


async def test_a_missing_certificate_file_is_a_configuration_error(rim):
    for transport, scheme in ((WS, "wss"), (POLL, "https+poll"), (MQTT, "mqtts")):
        feed = rim(f"{scheme}://127.0.0.1:9", options={"ca": "nowhere.pem", "topics": ["a"]})
        with pytest.raises(ConfigError, match="options.ca"):
            await transport.run(feed.feed, feed)
