"""`file://<path>`: a clip, looped as if it were live; read only below its feed's `video_roots`."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from hall.core import settings
from hall.core.errors import Refused
from video.clips import allowed
from video.media import Intake, SourceFailed, SourceKind, SourceRequest
from video.workshop.deliver import deliver

#: bytes of converted clips kept; never more than a tenth of what the disk has left
MOST_KEPT = 4 * 1024**3
_REASONS = {"clip-missing": "no-such-stream", "clip-not-allowed": "refused-address"}


class FileSource:
    """One player of a file; read, and where needed converted, in the workshop."""

    def __init__(self, request: SourceRequest) -> None:
        self._request = request

    async def run(self, intake: Intake) -> None:
        """See video.media.Source."""
        await deliver("play", await asyncio.to_thread(self._about), intake)

    def _about(self) -> dict:
        try:
            path = allowed(self._request.url, [Path(root).resolve() for root in self._request.roots])
        except Refused as refused:
            raise SourceFailed(_REASONS.get(refused.reason, "no-such-stream"), refused.detail, lasting=True) from None
        folder = Path(settings.variable("HALL_DATA_DIR")).resolve() / "clips"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        most = min(MOST_KEPT, shutil.disk_usage(folder).free // 10)
        return {"path": str(path), "folder": str(folder), "most": most}


SOURCE = SourceKind(name="file", schemes=("file",), open=FileSource)
