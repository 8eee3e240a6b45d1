"""`test://<anything>[?fps=&width=&name=&depth=]`: a drawn street, live, with a burnt-in clock and marked as drawn."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

from video.media import Intake, SourceFailed, SourceKind, SourceRequest
from video.workshop.deliver import deliver

WIDTHS = {"main": 1280, "sub": 640}
FPS = 10.0


class TestSource:
    """One card; drawn by the workshop as long as this runs."""

    __test__ = False  # its name is the scheme's; pytest is not meant

    def __init__(self, request: SourceRequest) -> None:
        self._request = request

    async def run(self, intake: Intake) -> None:
        """See video.media.Source."""
        await deliver("card", _about(self._request), intake)


def _about(request: SourceRequest) -> dict:
    """What to draw; raises SourceFailed `no-such-stream` for options that are none."""
    try:
        parts = urlsplit(request.url)
        given = dict(parse_qsl(parts.query, max_num_fields=10))
        about = {
            "subject": request.subject,
            "name": given.get("name") or unquote(parts.netloc or request.subject.rpartition("/")[2]),
            "width": min(1920, max(160, int(given.get("width", WIDTHS[request.quality])))) // 16 * 16,
            "fps": min(30.0, max(1.0, float(given.get("fps", FPS)))),
        }
        return about | ({"depth": float(given["depth"])} if "depth" in given else {})
    except ValueError:
        raise SourceFailed("no-such-stream", "test://<name>?fps=10&width=640&depth=0.2", lasting=True) from None


SOURCE = SourceKind(name="test", schemes=("test",), open=TestSource, scales=True)
