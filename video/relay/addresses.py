"""Where a channel's pictures come from: the sealed addresses on the bus, opened one at a time and kept by nobody."""

from __future__ import annotations

from urllib.parse import urlsplit

from hall.core.bus import Bus
from hall.core.config import HallConfig
from hall.core.errors import BusLost, HallError
from hall.core.secrets import Secrets
from video.guard import Guard
from video.media import SourceFailed, SourceRequest

HASH = "channel-url"


class Addresses:
    """Makes source requests. `scaling`: URL schemes whose sources make the sub-stream themselves."""

    def __init__(
        self, bus: Bus, secrets: Secrets, config: HallConfig, guard: Guard, scaling: frozenset[str] = frozenset({"test"})
    ) -> None:
        self.bus, self._secrets, self._guard, self.scaling = bus, secrets, guard, scaling
        self._roots = {feed.name: feed_roots(config, index) for index, feed in enumerate(config.feeds)}

    async def request(self, subject: str, quality: str) -> SourceRequest:
        """What to open for a channel. A request for `sub` that comes back as `main` says that there is no sub-stream of its
        own. Raises SourceFailed `no-such-stream`, `sealed`, `bus-lost`."""
        url = await self._address(f"{subject}#sub") if quality == "sub" else ""
        if not url:
            url = await self._address(subject)
            if not url:
                raise SourceFailed("no-such-stream", "no stream address is known for this channel", lasting=True)
            if quality == "sub" and scheme(url) not in self.scaling:
                quality = "main"
        feed = subject.split("/")[1] if subject.count("/") >= 2 else ""
        return SourceRequest(
            subject=subject, url=url, quality=quality, feed=feed, roots=self._roots.get(feed, ()), guard=self._guard
        )

    async def _address(self, name: str) -> str:
        try:
            kept = await self.bus.hash_get(name, HASH)
        except BusLost:
            raise SourceFailed("bus-lost", "the stream address cannot be looked up: the bus is away") from None
        try:
            return self._secrets.unseal(kept.decode(errors="replace"), name) if kept else ""
        except HallError as error:
            raise SourceFailed("sealed", str(error), lasting=True) from None


def scheme(url: str) -> str:
    """The URL's scheme in lower case, empty for nonsense."""
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:
        return ""


def feed_roots(config: HallConfig, index: int) -> tuple[str, ...]:
    """Folders that a feed's file:// channels may be read from; none unless configured. Raises ConfigError."""
    roots = config.feeds[index].options.get("video_roots", [])
    if not isinstance(roots, list) or not all(isinstance(root, str) for root in roots):
        raise config.error(f"feeds[{index}].options.video_roots", "give a list of folders")
    return tuple(str(config.path(root)) for root in roots)
