"""The ingest routes in a real server on a free port, with a process of its own on a real bus."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from hall.app import ingest
from hall.core import config as config_module
from hall.core.process import Process
from hall.core.settings import Settings
from tests.hall.ingest.serving import serving

CONFIG = """
[city]
name = {en = "Test"}
centre = [114.0, 35.3]
[[feeds]]
name = "gauges"
kind = "observation"
url = "push://"
token = "open sesame"
[[feeds]]
name = "secret"
kind = "observation"
url = "push://"
token = "env:INGEST_TEST_TOKEN"
[[feeds]]
name = "tokenless"
kind = "observation"
url = "push://"
[[feeds]]
name = "polled"
kind = "observation"
url = "http+poll://127.0.0.1:9/"
token = "open sesame"
[[feeds]]
name = "off"
kind = "observation"
url = "push://"
token = "open sesame"
enabled = false
"""


@pytest.fixture
async def hall(valkey, bus_prefix, bus, tmp_path):
    """`.web` = http address, `.socket` = ws address, `.process`, `.bus`."""
    settings = Settings(
        data_dir=Path(tmp_path), host="127.0.0.1", port=1, video_port=0, redis_url=valkey, embedded=False,
        bus_prefix=bus_prefix, tick_seconds=0.04, config_path="",
    )  # fmt: skip
    process = Process("web", settings, config_module.parse(CONFIG))
    async with serving(ingest.router(process)) as place:
        yield SimpleNamespace(web=f"http://{place}", socket=f"ws://{place}", process=process, bus=bus)
    await process.bus.close()
