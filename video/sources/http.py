"""`http(s)://`: what a server sends says what it is: pictures in a row (MJPEG), single ones (JPEG), or a playlist (HLS).

`http://user:password@host/path`; with `#check-certificate` the server's certificate has to be good (cameras sign their own).
"""

from __future__ import annotations

import asyncio

from video.fetch import Fetch, read
from video.media import Intake, SourceFailed, SourceKind, SourceRequest
from video.sources import hls, mjpeg

ANSWER_SECONDS = 6.0
_MOST_TEXT = 1024 * 1024


class HttpSource:
    """Asks once and goes on as what the answer is."""

    def __init__(self, request: SourceRequest) -> None:
        self._request = request

    async def run(self, intake: Intake) -> None:
        """See video.media.Source."""
        fetch = Fetch(self._request.url, self._request.guard)
        try:
            playlist = await self._first(fetch, intake)
            if playlist is not None:
                await hls.play(fetch, *playlist, self._request.quality, intake)
        finally:
            await fetch.close()

    async def _first(self, fetch: Fetch, intake: Intake) -> tuple[str, str] | None:
        """Runs what one long answer is; a playlist is returned, as text and where it came from."""
        async with fetch.open() as answer:
            kind, _, options = answer.headers.get("content-type", "").partition(";")
            kind, path = kind.strip().lower(), answer.url.path.lower()
            if kind.startswith("multipart/"):
                return await mjpeg.follow(answer, options, intake)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    if kind in hls.TYPES or path.endswith((".m3u8", ".m3u")):
                        text = await read(answer, _MOST_TEXT)
                        return text.decode("utf-8", "replace"), str(answer.url)
                    if kind in ("image/jpeg", "image/jpg"):
                        first = await read(answer, mjpeg.MOST_BYTES)
                    else:
                        raise SourceFailed("codec", f"{kind[:60] or 'this'} is no stream the hall can show", lasting=True)
            except TimeoutError:
                raise SourceFailed("silent", "the server does not finish its answer") from None
        await mjpeg.poll(fetch, first, intake)
        return None


SOURCE = SourceKind(name="http", schemes=("http", "https"), open=HttpSource)
