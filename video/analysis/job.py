"""One region at work: its drawing, what the analyser remembers, what it said last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from video.analysis.drawings import Drawing
from video.analysis.plan import begun
from video.analysis.references import LOOKS, References, reduced
from video.analysis.seam import Analyser, Reading, Task
from video.decode import Picture

_QUALITY = 92


class Job:
    """`place` names its measuring point; `seen`: the last looks as JPEGs, for a reference; `latest` by quantity, as told."""

    __slots__ = ("key", "drawing", "kind", "state", "place", "looked", "seen", "latest")

    def __init__(self, key: str, drawing: Drawing, kinds: Mapping[str, Analyser], references: References, place: str) -> None:
        self.key, self.drawing, self.kind, self.place = key, drawing, kinds[drawing.task.analyser], place
        self.state: Any = begun(drawing.task, kinds)
        self.looked = -1e18  # real ms of the picture it looked at last
        self.seen: list[bytes] = []
        self.latest: dict[str, dict[str, Any]] = {}
        if self.kind.referred:
            found = [references.picture(name) for name in drawing.references]
            self.kind.refer(self.state, [picture for picture in found if picture is not None])  # type: ignore[attr-defined]

    @property
    def task(self) -> Task:
        return self.drawing.task

    def look(self, picture: Picture, at: float) -> list[Reading]:
        """Its readings of a picture taken at `at` (real ms), where it is its turn."""
        if not self.kind.moving and at - self.looked < self.task.every_seconds * 1000:
            return []
        self.looked = at
        if self.kind.referred:
            good, body = cv2.imencode(".jpg", reduced(picture), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            self.seen = [*self.seen, body.tobytes()][-LOOKS:] if good else self.seen
        return self.kind.look(self.state, picture, int(at))

    def looks(self) -> list[np.ndarray]:
        """The last looks, BGR."""
        return [cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR) for body in self.seen]

    def subjects(self) -> list[str]:
        """Sensor ids of what it has told."""
        return [f"{self.place}:{quantity}".replace("/", "_") for quantity in self.latest]
