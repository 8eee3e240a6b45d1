"""A real RTSP server for tests: GStreamer's, in a process of its own, with files as they are or pictures coded live."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SYSTEM_PYTHON = "/usr/bin/python3"  # has the bindings (gir1.2-gst-rtsp-server-1.0); our own environment has not
LIVE = (
    "( videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=25/1"
    " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! rtph264pay name=pay0 pt=96 )"
)


def of_file(path: Path, *, sets_inline: bool = True) -> str:
    """A pipeline that plays an H.264 MP4 once, nothing re-encoded."""
    return f"( filesrc location={path} ! qtdemux ! h264parse ! rtph264pay config-interval={-1 if sets_inline else 0} name=pay0 pt=96 )"


@contextlib.contextmanager
def gstreamer(launches: dict[str, str], *login: str) -> Iterator[str]:
    """The server's address `rtsp://127.0.0.1:port/`; mounts by name. `login`: user, password, basic|digest. Skips where
    GStreamer's server is not installed."""
    probe = "import gi; gi.require_version('GstRtspServer', '1.0')"
    if not Path(SYSTEM_PYTHON).exists() or subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True).returncode:
        pytest.skip("GStreamer's RTSP server is not installed (tests/needs.sh)")
    program = Path(__file__).with_name("gstreamer_server.py")
    process = subprocess.Popen(
        [SYSTEM_PYTHON, str(program), json.dumps(launches), *login],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        port = process.stdout.readline().strip()
        assert port.isdigit(), process.stderr.read()
        yield f"rtsp://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait(10)
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
