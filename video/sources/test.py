"""`test://<anything>[?fps=&width=&name=&depth=]`: a drawn street, live, with a burnt-in clock and marked as drawn."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import httpx
import msgspec

from hall.core import settings
from video.media import Intake, SourceFailed, SourceKind, SourceRequest
from video.workshop import Job, shared
from video.workshop.deliver import ToIntake, watched

LOOK_SECONDS = 10.0
WIDTHS = {"main": 1280, "sub": 640}
FPS = 10.0


class TestSource:
    """One card; drawn by the workshop as long as this runs."""

    __test__ = False  # its name is the scheme's; pytest is not meant

    def __init__(self, request: SourceRequest) -> None:
        self._request = request

    async def run(self, intake: Intake) -> None:
        """See video.media.Source."""
        listener = ToIntake(intake)
        job = await shared().open("card", _about(self._request), listener)
        telling = asyncio.create_task(self._tell(job))
        try:
            await watched(job, listener)
        finally:
            telling.cancel()
            job.close()

    async def _tell(self, job: Job) -> None:
        """Lets the card follow the city: the channel's name, and the water beside it, as the video process knows them."""
        port = settings.variable("HALL_VIDEO_PORT")
        if port == "0" or "depth" in dict(parse_qsl(urlsplit(self._request.url).query)):
            return
        url, before = f"http://127.0.0.1:{port}/scene/{quote(self._request.subject)}", b""
        # trusts nobody, for nothing here is HTTPS: otherwise each card would read all of the machine's certificates
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        async with httpx.AsyncClient(timeout=3.0, trust_env=False, verify=plain) as client:
            while True:
                with contextlib.suppress(httpx.HTTPError, msgspec.DecodeError):  # without it the card goes on as it is
                    answer = await client.get(url)
                    told = msgspec.json.decode(answer.content, type=dict[str, str | float | None])
                    body = msgspec.msgpack.encode({name: told.get(name) for name in ("name", "depth")})
                    if answer.status_code == 200 and body != before:
                        before = body
                        job.feed(body)
                await asyncio.sleep(LOOK_SECONDS)


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
