"""A way that loses a twentieth of the packets and delays each by up to 200 ms, by the kernel's own TCP and UDP."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT


def _may_not() -> str:
    """Why this machine has no network namespace with a TUN device for us; empty where it has."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "making a network namespace takes root on Linux"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun"
    try:
        made = subprocess.run(["unshare", "-n", "ip", "link", "show"], capture_output=True)
    except OSError as error:
        return f"no unshare: {error}"
    return "" if made.returncode == 0 else f"no network namespace: {made.stderr.decode()[:100]}"


def test_pictures_go_on_over_a_bad_way_and_nobody_else_notices():
    if why := _may_not():
        pytest.skip(why)
    run = subprocess.run(
        ["unshare", "-n", sys.executable, "-m", "tests.video.relay.shaken"],
        cwd=ROOT, capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout.splitlines()[-1])
    print(json.dumps(found, indent=1))
    assert 0.02 < found["lost"] / found["packets"] < 0.09, "the way was as bad as it was meant to be"
    bad, good, webrtc = found["bad"], found["good"], found["webrtc"]
    assert found["alive"] == [True, True], "nobody was sent away"
    # TCP brings every picture late, or the viewer is told that it gets fewer: never one that lacks what it builds on
    assert bad["broken"] == 0 and (bad["pictures"] > 100 or bad["told"]) and found["unsent"] <= 1 << 20
    assert good["broken"] == good["missing"] == 0 and good["p50"] < 100
    assert webrtc["gaps"] > 10 and webrtc["repaired"] >= 0.95 * webrtc["gaps"]
    assert found["back"] < 5, "when the way is good again, so are the pictures"
