"""A relay with cameras moved by hand."""

import pytest

from tests.video.relay.stage import make_stage


@pytest.fixture
async def stage(valkey, bus_prefix, tmp_path):
    found = make_stage(tmp_path, valkey, bus_prefix)
    await found.start()
    yield found
    await found.stop()
