"""The one table of thresholds. Chosen on two real clips, reported on the others: figures in docs/VIDEO-HEALTH.md."""

from __future__ import annotations

from typing import NamedTuple


class Limit(NamedTuple):
    """A fault is raised at `raise_at` or more on `looks` looks in a row over `seconds` at least (a lorry that waits before the
    lens is none), and cleared below `clear_at` on `clears` in a row."""

    raise_at: float
    clear_at: float
    looks: int
    seconds: int
    clears: int
    unit: str
    weight: float  # what it takes from a picture's quality, 0..1


#: worst first: of several faults the first is what a screen names
TABLE: dict[str, Limit] = {
    "no-picture": Limit(1, 1, 2, 0, 1, "looks without a picture", 1.0),
    "scrambled": Limit(0.06, 0.04, 2, 10, 1, "share of the height that repeats one row; 1 where the decoder says so", 0.9),
    "black": Limit(0.97, 0.90, 2, 20, 1, "share of pixels with luma below 44", 1.0),
    "overexposed": Limit(0.60, 0.50, 2, 20, 1, "share of pixels with luma of 229 or more", 0.8),
    "blank": Limit(1.0, 0.5, 2, 20, 1, "3 levels / spread: above 1 the picture is one plain colour", 1.0),
    "frozen": Limit(600, 600, 4, 0, 1, "seconds without a change in any of 16x9 cells", 0.9),
    "occluded": Limit(0.36, 0.30, 3, 120, 2, "share of the usually detailed cells that lost their detail", 0.7),
    "blurred": Limit(0.50, 0.44, 3, 60, 2, "share of fine contrast that a strong blur does not take away", 0.5),
    "moved": Limit(0.12, 0.08, 3, 60, 2, "agreement with the usual view that a shift of 3 % or more gains", 0.4),
    "shaken": Limit(0.03, 0.02, 4, 30, 3, "share of the width that the view jumps between looks", 0.3),
    "colour-cast": Limit(6.0, 5.0, 3, 60, 2, "chroma levels that even the greyest twentieth lies off grey", 0.3),
    "clock-wrong": Limit(60, 45, 2, 10, 1, "seconds that the burnt-in clock is off", 0.2),
}
FAULTS = tuple(TABLE)

STILL_LEVELS = 4.0  # a cell's mean change up to which a picture counts as unchanged (coding at 256 kbit/s leaves 3.8)
DARK_MEAN = 60.0  # below this mean level it is night: little moves, so a still picture is suspected three times as late
DARK_PATIENCE = 3.0
SHIFT_LEAST = 0.03  # share of the width: below it a view has not moved
AGREEMENT_LEAST = 0.30  # a view that usually agrees less with its own reference has too little structure to be judged
TURNED_AWAY = 0.15  # ... and one that usually agrees well but now less than this shows something else
SAME_LAYOUT = 0.8  # correlation of light and dark above which a picture without detail is out of focus, not covered
DETAILED_LEAST = 0.15  # share of detailed cells from which on loss of detail is judged
MONOCHROME = 1.5  # mean chroma below which the camera is in night mode: it has a reference of its own then
LEARNING = 5  # looks at a sound picture before it is compared with its own past
LEARN_SHARE = 0.1  # of a sound look that goes into the usual view
LEARN_EVERY = 3  # sound looks, after LEARNING, for one that is learnt from
AGREES_AS_USUAL = 0.9  # share of the usual agreement from which on nobody asks where else a view might fit
SETTLED_HOURS = 24  # after which a view that was moved and left so is the usual one
SUSPECT_SECONDS = 15  # a picture with a new finding is looked at again this soon, until it is raised or gone
CLOCK_AGREES = 5  # seconds that two readings of a burnt-in clock may differ by
