"""A round (轮巡) as somebody wrote it down: which cameras, on how many tiles, how long each, and what makes one urgent."""

from __future__ import annotations

from typing import Any

import msgspec

from hall.core.errors import Refused

LONGEST_NAME = 64
MOST_TILES = 64
#: what can make a camera urgent: from which level on it counts, at which it counts fully, and what the level is
RISKS: dict[str, tuple[float, float, str]] = {
    "alarm": (1, 4, "severity of the worst active alarm near it"),
    "rise": (1, 10, "cm in 10 minutes at the nearest gauge"),
    "depth": (5, 50, "cm of water at the nearest gauge"),
    "rain": (5, 50, "mm in the last hour at the nearest rain gauge"),
    "cases": (2, 6, "open cases in its grid cell"),
    "faults": (1, 1, "what the health round found wrong with its picture"),
}
WEIGHTS = {"alarm": 20.0, "rise": 15.0, "depth": 10.0, "rain": 6.0, "cases": 5.0, "faults": 0.0}


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which channels take part: all that match everything given. Nothing given: every camera."""

    text: str = ""  # as the directory is searched
    node: str = ""  # of the directory's tree, with all below it: `region:4107`, `owner:市政处`
    district: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()  # subjects, in this order where `order` is "list"


class RoundPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One round. `coverage_hours`: every living camera of the selection is shown at least that often, whatever is urgent."""

    name: str
    label: dict[str, str] = {}
    select: Selection = Selection()
    tiles: int = 1
    dwell_seconds: float = 10.0
    order: str = "risk"  # risk | oldest | list
    weights: dict[str, float] = {}  # over WEIGHTS
    coverage_hours: float = 24.0
    urgent_minutes: float = 30.0  # a camera whose risks weigh w comes back after this / w, as far as there is room
    hold_minutes: float = 10.0  # a hold that nobody renews ends by itself

    def weight(self, risk: str) -> float:
        return self.weights.get(risk, WEIGHTS[risk])

    def coverage_share(self, living: int) -> float:
        """Share of pictures (0–1] that must go to the longest unseen so that `living` cameras keep `coverage_hours`;
        above 1: cannot be kept. A tenth is added for cameras that die while they are shown."""
        return 1.1 * self.sweep_seconds(living) / (self.coverage_hours * 3600)

    def sweep_seconds(self, living: int) -> float:
        """How long one look at every camera takes when nothing is urgent."""
        return -(-living // self.tiles) * self.dwell_seconds


def checked(data: Any) -> RoundPlan:
    """A plan from what a person or a file gave; raises Refused that names what is wrong."""
    try:
        plan = msgspec.convert(data, RoundPlan, strict=False)
    except msgspec.ValidationError as error:
        raise Refused("round-bad", str(error), 400) from None
    wrong = next((said for said, bad in _faults(plan) if bad), "")
    if wrong:
        raise Refused("round-bad", wrong, 400)
    return plan


def _faults(plan: RoundPlan) -> list[tuple[str, bool]]:
    return [
        ("name: letters, digits, '-' and '_', at most 64", not plan.name.replace("-", "a").replace("_", "a").isalnum()),
        (f"name: at most {LONGEST_NAME} letters", len(plan.name) > LONGEST_NAME),
        (f"tiles: 1 to {MOST_TILES}", not 1 <= plan.tiles <= MOST_TILES),
        ("dwell_seconds: 2 to 3600", not 2 <= plan.dwell_seconds <= 3600),
        ("order: risk, oldest or list", plan.order not in ("risk", "oldest", "list")),
        ("order: list needs select.channels", plan.order == "list" and not plan.select.channels),
        ("coverage_hours: 0.1 to 720", not 0.1 <= plan.coverage_hours <= 720),
        ("urgent_minutes: 0.1 to 1440", not 0.1 <= plan.urgent_minutes <= 1440),
        ("hold_minutes: 1 to 240", not 1 <= plan.hold_minutes <= 240),
        (
            f"weights: of {', '.join(RISKS)}, 0 to 1000",
            any(k not in RISKS or not 0 <= v <= 1000 for k, v in plan.weights.items()),
        ),
        (
            "label: at most 8 languages of 64 letters",
            len(plan.label) > 8 or any(len(k) > 64 or len(v) > 64 for k, v in plan.label.items()),
        ),
        ("select.channels: at most 20,000", len(plan.select.channels) > 20_000),
    ]
