"""Whether the disk has room: data is taken in only while what is acknowledged can still be written down."""

from __future__ import annotations

import shutil

from hall.core.settings import Settings

#: kept free for what is under way when nothing new is taken any more (bytes)
RESERVE = 32 * 1024 * 1024


def has_room(settings: Settings) -> bool:
    """False when the disk of the embedded bus is nearly full; an outside server's disk is not ours to judge.

    The bus notices a full disk only after it has answered, and forgets on its way down what it could not write: so the
    hall stops before that.
    """
    if not settings.embedded:
        return True
    try:
        return shutil.disk_usage(settings.data_dir).free >= RESERVE
    except OSError:  # not there (a test's, or not mounted yet): writing says more than we can
        return True
