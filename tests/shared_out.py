"""Which worker takes which test file, where several work side by side (pytest-xdist)."""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadFileScheduling

#: the worker for files that mostly wait
PATIENT = "gw0"


class Beside(LoadFileScheduling):
    """One worker begins with the journeys, which mostly wait for a hall, the others with all else, which computes: so the
    machine is neither idle nor asked for more than it has. Whoever is done first helps the others."""

    def _assign_work_unit(self, node: Any) -> None:
        patient = node.gateway.id == PATIENT
        for scope in self.workqueue:
            if scope.startswith("tests/journeys/") is patient:
                self.workqueue.move_to_end(scope, last=False)
                break
        super()._assign_work_unit(node)
