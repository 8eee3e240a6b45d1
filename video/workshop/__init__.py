"""The workshop: everything that decodes or encodes for the relay, in child processes of it.

The relay's loop only carries coded pictures; what draws, converts, or takes foreign containers apart runs in a child, one per
group of work, so that a crash or a hog there costs that group a second and the viewers of other channels nothing.
`relay side`: `shop` (`Workshop`, `Job`), `deliver`; `child side`: `child` and one module per kind of work.
"""

from __future__ import annotations

from video.workshop.shop import Job, Workshop, shared

__all__ = ["Job", "Workshop", "shared"]
