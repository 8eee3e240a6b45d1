"""Recording an incident's channels: what the camera sent, on disk, provable, playable, handed over as one file.

`tape` (one channel on disk: fMP4 segments, index, hash chain) ← `deck` (sink, queue, the writing thread) ← `recorder` (begun
and ended by people or by time) ← `http` (loopback). `archive` keeps and removes, `export` hands over, `still` is one picture.
"""

from __future__ import annotations

from typing import Any

from hall.core.process import Process

_GIB = 1024**3


def routes(hub: Any, process: Process) -> list[Any]:
    """The recorder of this relay and its loopback routes; it runs as long as the process."""
    from hall.core import secrets
    from video.record import http
    from video.record.archive import Archive
    from video.record.recorder import Recorder

    config = process.config.video
    archive = Archive(process.settings.data_dir / "recordings")
    recorder = Recorder(hub, process, archive, days=config.record_days, most=round(config.record_gib * _GIB))
    process.spawn(recorder.run(), "recorder")
    return http.routes(recorder, hub, secrets.load(process.settings.data_dir))
