"""Cameras for tests: `FakeCamera`, `Mount`, `running` (camera.py), clips with a burnt-in number (clip.py), real servers (gstreamer.py)."""

from tests.video.cameras.camera import FakeCamera, Mount, Threaded, running
from tests.video.cameras.clip import READ_JS, Clip, Recipe, from_file, latency, make, read_number

__all__ = [
    "READ_JS",
    "Clip",
    "FakeCamera",
    "Mount",
    "Recipe",
    "Threaded",
    "from_file",
    "latency",
    "make",
    "read_number",
    "running",
]
