"""A hall whose machine's clock a test sets: libfaketime under every process, Valkey too; durations stay true."""

from __future__ import annotations

import glob
import os
import sys
import time
from pathlib import Path

import pytest

LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")


class FakeClock:
    """The hall's wall clock; `offset` seconds beside the test's. `env` goes into the environment of the hall."""

    def __init__(self, folder: Path) -> None:
        found = [path for pattern in LIBRARIES for path in glob.glob(pattern)]
        if sys.platform != "linux" or not found:
            pytest.skip("setting a process's clock needs libfaketime (Debian package faketime)")
        self.file, self.offset = folder / "clock-offset", 0
        self.env = {
            "LD_PRELOAD": found[0],
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else each wait of a thread returns at once, and a hall takes a whole core
        }
        self.set(0)

    def set(self, offset: int) -> None:
        """The clock jumps to `offset` seconds beside the true time, within a second."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{offset:+d}s\n")
        os.replace(new, self.file)
        self.offset = offset

    def now(self) -> int:
        """ms since the epoch as the hall sees it once it has heard of the last jump."""
        return int((time.time() + self.offset) * 1000)
