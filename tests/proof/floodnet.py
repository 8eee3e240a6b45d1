"""FloodNet's 2,256 street floods through the engine, counted against numpy (tests/proof/floods.py).

*exact*: floods over the line in whose course (first sample above to last sample of the row) exactly one alarm of the site was
raised. *several*: more than one. *covered*: none, because one raised in an earlier flood still stood. *missed*: none at all.
*false*: alarms raised at a moment when the site's newest sample was not above the line. *doubtful*: alarms whose readings were not
believed from beginning to end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dispatch.alarming.episodes import Episode
from tests.proof.engines import alarms_of, real_data, rulebook
from tests.proof.floods import LINE_INCHES, Profile, bouts, profiles

#: "over 4 inches" is 4.01 and more: the file has two decimals
STREET = {
    "name": "street-flood", "kind": "threshold", "quantity": "water_depth", "unit": "in", "value": 4.005, "severity": 2,
    "label": {"zh-CN": "积水超过 4 英寸", "en": "over 4 inches"}, "family": "ponding",
}  # fmt: skip
#: name -> what differs: the first is the rule that the claim is about
RULES: dict[str, dict] = {
    "one reading on; off after an hour at 4 in or less": {
        "deadband": 0.0,
        "readings_on": 1,
        "readings_off": 1,
        "seconds_off": 3600,
    },
    "one reading on; off after an hour below 3.6 in": {
        "deadband": 0.405,
        "readings_on": 1,
        "readings_off": 1,
        "seconds_off": 3600,
    },
    "two readings on; off after an hour below 3.6 in": {
        "deadband": 0.405,
        "readings_on": 2,
        "readings_off": 1,
        "seconds_off": 3600,
    },
    "two readings on and off, a tenth below (the hall's default for a line)": {},
}


class Score(NamedTuple):
    """Counts as defined above; delays in seconds, sorted."""

    floods: int
    alarms: int
    exact: int
    several: int
    covered: int
    missed: int
    false: int
    doubtful: int
    bouts: int
    bouts_exact: int
    from_sample: np.ndarray
    from_crossing: np.ndarray


def score(rows: list[Profile], alarms: list[Episode]) -> Score:
    """Independent of the engine: only when and where alarms were raised and ended is looked at."""
    raised: dict[str, list[Episode]] = defaultdict(list)
    for alarm in alarms:
        raised[alarm.site].append(alarm)
    counts = dict.fromkeys(("exact", "several", "covered", "missed"), 0)
    from_sample, from_crossing, over = [], [], [row for row in rows if row.over]
    for row in over:
        within = [a for a in raised[row.site] if row.first_above <= a.at <= row.end]
        standing = any(a.at < row.first_above and (a.until is None or a.until > row.first_above) for a in raised[row.site])
        counts["exact" if len(within) == 1 else "several" if within else "covered" if standing else "missed"] += 1
        if within and not standing:
            from_sample.append((within[0].at - row.first_above) / 1000)
            from_crossing.append((within[0].at - row.crossing) / 1000)
    known = bouts(rows)
    exact_bouts = sum(
        sum(start <= a.at <= end for a in raised[site]) == 1 for site, found in known.items() for start, end in found
    )
    return Score(
        floods=len(over),
        alarms=len(alarms),
        **counts,
        false=len(false_alarms(rows, alarms)),
        doubtful=sum(a.doubtful for a in alarms),
        bouts=sum(map(len, known.values())),
        bouts_exact=exact_bouts,
        from_sample=np.sort(from_sample),
        from_crossing=np.sort(from_crossing),
    )


def false_alarms(rows: list[Profile], alarms: list[Episode]) -> list[Episode]:
    """Alarms that were raised while the site's newest sample was at or under the line."""
    found = []
    by_site: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for site in {row.site for row in rows}:
        mine = [row for row in rows if row.site == site]
        times = np.concatenate([row.times for row in mine])
        order = np.argsort(times, kind="stable")
        by_site[site] = times[order], np.concatenate([row.inches for row in mine])[order]
    for alarm in alarms:
        times, inches = by_site[alarm.site]
        newest = int(np.searchsorted(times, alarm.at, side="right")) - 1
        if newest < 0 or inches[newest] <= LINE_INCHES:
            found.append(alarm)
    return found


def rows_of_several_bouts(rows: list[Profile]) -> int:
    known = bouts(rows)
    return sum(sum(row.start <= start <= row.end for start, _ in known.get(row.site, ())) > 1 for row in rows)


def spread(seconds: np.ndarray) -> str:
    if not len(seconds):
        return "-"
    median, p90 = np.percentile(seconds, [50, 90])
    return f"{median:.0f} / {p90:.0f} / {seconds[-1]:.0f} s"


def figures() -> Iterator[str]:
    rows = profiles(real_data())
    samples = sum(len(row.times) for row in rows)
    yield f"{len(rows):,} floods, {samples:,} samples, {len({row.site for row in rows})} sites; over 4 in by their own samples: "
    yield f"{sum(row.over for row in rows):,} (by the supplier's column of maxima: {sum(row.max_inches > 4 for row in rows):,})."
    yield f"{rows_of_several_bouts(rows)} rows hold more than one bout: the water was away for over an hour in between."
    yield ""
    yield "| rule | floods over 4 in | alarms | exactly one | several | covered | missed | false | doubtful | bouts with exactly one |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    delays = []
    for name, changed in RULES.items():
        found = score(rows, alarms_of(rulebook({**STREET, **changed}), rows))
        counts = (
            found.floods,
            found.alarms,
            found.exact,
            found.several,
            found.covered,
            found.missed,
            found.false,
            found.doubtful,
        )
        yield f"| {name} | {' | '.join(f'{n:,}' for n in counts)} | {found.bouts_exact:,} of {found.bouts:,} |"
        delays.append(f"| {name} | {spread(found.from_sample)} | {spread(found.from_crossing)} |")
    yield ""
    yield "Delay to the alarm, median / 90 % / longest:"
    yield ""
    yield "| rule | from the first sample above | from the crossing on the straight line before it |"
    yield "|---|---|---|"
    yield from delays
