"""The ingest routes in a real server on a free port, with a process of its own on a real bus."""

import asyncio
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvicorn
from fastapi import FastAPI

from hall.app import ingest
from hall.core import config as config_module
from hall.core.process import Process
from hall.core.settings import Settings

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
    app = FastAPI()
    app.include_router(ingest.router(process))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    place = f"127.0.0.1:{listener.getsockname()[1]}/api/v1/ingest"
    yield SimpleNamespace(web=f"http://{place}", socket=f"ws://{place}", process=process, bus=bus)
    server.should_exit = True
    await task
    await process.bus.close()
