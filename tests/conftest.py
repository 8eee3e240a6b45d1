"""Shared fixtures: a real Valkey per session with its own key prefix per test, and where the real input lies."""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
import os
import subprocess
from pathlib import Path

import hypothesis
import pytest
import pytest_asyncio

from hall.core.bus import Bus
from hall.core.embedded import server_command

ROOT = Path(__file__).parent.parent
_prefixes = itertools.count()
# nothing here is asserted of the time that a machine takes; what is slow to draw is no fault either
hypothesis.settings.register_profile("hall", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("hall")
# parts of test_desk.py: what an assertion compared is shown in them, too; named before anything imports them
for part in ("bulletins", "emergency", "flows", "incidents", "map", "messages", "response", "seats", "together", "usability"):
    pytest.register_assert_rewrite(f"tests.browser.consoles.desk_{part}")
#: journeys of more than a minute
LONG = {"test_shift_replay", "test_clock_jump"}
#: browser files that are done in a few seconds
SHORT = {"test_reporting", "test_exercise", "test_flood_wall", "test_browser_core", "test_around", "test_steering", "test_far"}


def pytest_sessionstart(session):
    """Of several workers each imports another part of the test files first: pytest rewrites every assertion, which is dear in a
    fresh clone, and what one worker has rewritten the others find."""
    gc.disable()  # until all is collected: hardly anything of it is ever garbage
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker:
        return
    left = [ROOT / folder for folder in session.config.getoption("ignore") or ()]
    given = [ROOT / name for name in session.config.args if (ROOT / name).is_dir()]
    files = sorted(file for folder in given for file in folder.rglob("test_*.py"))
    files = [file.relative_to(ROOT) for file in files if not any(file.is_relative_to(folder) for folder in left)]
    for file in files[int(worker[2:]) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]:
        with contextlib.suppress(Exception, pytest.skip.Exception):  # said when the file is collected
            importlib.import_module(".".join(file.with_suffix("").parts))


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from tests.shared_out import Beside

    return Beside(config, log) if config.option.dist == "loadfile" else None


def pytest_collection_modifyitems(items):
    """Beside a file that mostly waits (journeys, video) one that mostly computes (a browser's, then everybody's), see also
    tests/shared_out.py; whole halls and browsers of a few seconds last, so that all workers end together."""
    kinds: dict[str, dict[Path, list[pytest.Item]]] = {"journeys": {}, "browser": {}, "video": {}, "": {}}
    for item in items:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        kinds[folder if folder in kinds else ""].setdefault(item.path, []).append(item)
    journeys, browser, video, others = (list(files.values()) for files in kinds.values())
    journeys.sort(key=lambda tests: tests[0].path.stem not in LONG)
    browser.sort(key=lambda tests: tests[0].path.stem in SHORT)
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
