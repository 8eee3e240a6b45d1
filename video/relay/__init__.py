"""The relay (`hall relay`): takes pictures in and passes them on; nothing in this process decodes."""

from __future__ import annotations

import gc
import importlib
import logging
from typing import Any

from hall.core.process import Process
from video.media import Source, SourceRequest

log = logging.getLogger("hall.relay")


async def run(process: Process) -> None:
    """Serves moving pictures until cancelled."""
    from hall.core import secrets
    from video import guard, loopback
    from video.egress.websocket import Pictures
    from video.mosaic import source as mosaics
    from video.relay import http
    from video.relay.addresses import Addresses
    from video.relay.documents import Documents, Watched
    from video.relay.hub import Hub
    from video.relay.opening import Opener

    keys = secrets.load(process.settings.data_dir)
    opener = Opener()
    addresses = Addresses(process.bus, keys, process.config, guard.of(process.config, process.settings), opener.scaling)
    names = mosaics.named(process.bus)

    async def look(subject: str, quality: str) -> SourceRequest:
        return hub.mosaics.request(subject) if subject.startswith(mosaics.TOPIC) else await addresses.request(subject, quality)

    def open_source(request: SourceRequest) -> Source:
        if request.url == mosaics.SCHEME:
            return mosaics.MosaicSource(hub, request.subject, hub.mosaics.members(request.subject), names)
        return opener(request)

    hub = Hub(process.config.video, look, open_source)
    documents, hub.watched = Documents(process, hub), Watched(process, hub)
    pictures = Pictures(process, hub, keys)
    door = await pictures.open()
    listener = loopback.listen(process.settings.relay_port, "HALL_RELAY_PORT")
    for work in (hub.run(), documents.run(), pictures.watch_over(), pictures.recheck()):
        process.spawn(work)
    _collect_seldom()
    try:
        await loopback.serve(http.app(process, hub, _more(hub, process)), listener, 512)
    finally:
        await pictures.close(door)
        await hub.close()


def _collect_seldom() -> None:
    """Pictures go when nobody refers to them any more; only connections leave circles behind. What is loaded by now stays, and
    need not be looked through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _more(hub: Any, process: Process) -> list[Any]:
    """Routes of the other ways out (WHEP, recordings): `routes(hub, process)` of each module that is there."""
    found: list[Any] = []
    for name in ("video.egress.webrtc", "video.record"):
        try:
            module = importlib.import_module(name)
            found.extend(module.routes(hub, process) if hasattr(module, "routes") else ())
        except ModuleNotFoundError as error:
            if error.name != name:
                log.exception("%s cannot be loaded", name)
        except Exception:  # one way out that is broken must not close the others
            log.exception("%s cannot be loaded", name)
    return found
