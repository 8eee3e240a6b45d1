import pytest

from video.workshop import shared


@pytest.fixture(autouse=True)
async def shop(tmp_path, monkeypatch):
    """The workshop of this test's loop, ended with it; converted clips go to a folder of the test."""
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path / "data"))
    found = shared()
    yield found
    await found.close()
