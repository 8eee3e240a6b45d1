"""Shared fixtures: a real Valkey per session with its own key prefix per test, and where the real input lies."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

import pytest
import pytest_asyncio

from hall.core.bus import Bus
from hall.core.embedded import server_command

ROOT = Path(__file__).parent.parent
_prefixes = itertools.count()


def pytest_collection_modifyitems(items):
    """The longest files first, so that all workers end together, and beside a file that mostly waits (journeys, video) one that
    mostly computes (a browser's, then everybody's)."""
    kinds: dict[str, dict[Path, list[pytest.Item]]] = {"journeys": {}, "browser": {}, "video": {}, "": {}}
    for item in items:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        kinds[folder if folder in kinds else ""].setdefault(item.path, []).append(item)
    journeys, browser, video, others = (list(files.values()) for files in kinds.values())
    beside = itertools.zip_longest(journeys + video, browser + others, fillvalue=[])
    items[:] = itertools.chain.from_iterable(itertools.chain.from_iterable(beside))


@pytest.fixture(scope="session")
def valkey(tmp_path_factory):
    """URL of a real Valkey server on a unix socket."""
    home = tmp_path_factory.mktemp("v")
    socket = home / "s"
    server = subprocess.Popen(server_command(home, socket), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not socket.exists():
        assert server.poll() is None, "the Valkey server ended at once"
    yield f"unix://{socket}"
    server.terminate()
    server.wait(10)


@pytest.fixture
def bus_prefix():
    return f"{{test{next(_prefixes)}}}"


@pytest.fixture
async def bus(valkey, bus_prefix):
    """A bus with keys of its own."""
    found = Bus(valkey, bus_prefix)
    yield found
    await found.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium_tabs():
    """One Chromium for a file whose tests are marked `asyncio(loop_scope="module")`; a tab of it: `tests.chromium.tabs().tab()`."""
    from tests.chromium import launched

    async with launched() as tabs:
        yield tabs


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real input; skips where it is not present."""
    folder = (ROOT / os.environ.get("HALL_REAL_DATA", "../shared/data")).resolve()
    if not (folder / "SHA256SUMS").exists():
        pytest.skip("real input is not present (HALL_REAL_DATA)")
    return folder
