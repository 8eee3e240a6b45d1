"""Opens sources by URL scheme: every module of `video.sources` that defines `SOURCE` is one kind."""

from __future__ import annotations

import importlib
import logging
import pkgutil

from video.media import Source, SourceFailed, SourceKind, SourceRequest
from video.relay.addresses import scheme

log = logging.getLogger("hall.relay")


class Opener:
    """The kinds by scheme. A module that cannot be loaded costs its own schemes only, and is named in the log."""

    def __init__(self) -> None:
        self.kinds: dict[str, SourceKind] = {}
        package = importlib.import_module("video.sources")
        for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
            try:
                module = importlib.import_module(f"video.sources.{info.name}")
            except Exception:
                log.exception("video.sources.%s cannot be loaded: its schemes cannot be watched", info.name)
                continue
            kind = getattr(module, "SOURCE", None)
            for name in kind.schemes if kind else ():
                self.kinds[name] = kind

    def __call__(self, request: SourceRequest) -> Source:
        """A source that was not run yet. Raises SourceFailed `scheme-unknown`."""
        kind = self.kinds.get(scheme(request.url))
        if kind is None:
            raise SourceFailed("scheme-unknown", f"the hall cannot open {request.shown}", lasting=True)
        return kind.open(request)

    @property
    def scaling(self) -> frozenset[str]:
        """Schemes whose sources make the sub-stream themselves from the one address."""
        return frozenset(name for name, kind in self.kinds.items() if kind.scales or name == "test")
