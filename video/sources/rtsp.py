"""`rtsp://` and `rtsps://` cameras, over TCP. A certificate is checked where the address ends in #check-certificate."""

from __future__ import annotations

from video.media import SourceKind
from video.rtsp import RtspSource

SOURCE = SourceKind(name="rtsp", schemes=("rtsp", "rtsps"), open=RtspSource)
