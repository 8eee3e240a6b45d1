import pytest

from video.workshop import shared


@pytest.fixture(autouse=True)
async def shop(tmp_path, monkeypatch):
    """The workshop of this test's loop, ended with it; converted clips go to a folder of the test."""
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path / "data"))
    for name in ("deliver.FIRST_PICTURE", "deliver.SILENCE"):  # two busy cores; tests of silence set their own
        monkeypatch.setattr(f"video.workshop.{name}", 60.0)
    found = shared()
    yield found
    await found.close()
