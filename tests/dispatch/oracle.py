"""The indicators worked out the slow way: one pass over all newest cases, straight from docs/INDICATORS.md."""

from __future__ import annotations

import collections
import datetime
import zoneinfo

ENDED = ("closed", "forced_close", "not_accepted", "cancelled")
UNIT_IS_NO_DISPATCH = ("pending_verify", "pending_register", "pending_dispatch", "returned", "not_accepted", "cancelled")


def newest(events):
    """Newest data per subject of `(subject, time, recordedtime, id, case dict or None)`; None = withdrawn."""
    best = {}
    for subject, time, recorded, name, case in events:
        if subject not in best or (time, recorded, name) > best[subject][0]:
            best[subject] = ((time, recorded, name), case)
    return {subject: (key[0], case) for subject, (key, case) in best.items() if case is not None}


def moments(case, time):
    """(reported, accepted, dispatched, handled, closed) of a case dict, implied stages included."""
    stages, state = case.get("stages", {}), case.get("state", "reported")
    later = [stages.get(k) for k in ("accepted", "registered", "dispatched", "handled", "checked", "closed")]
    known = [stamp for stamp in later if stamp is not None]
    reported = stages.get("reported", min(known) if known else time)
    ended = stages.get("closed", time) if state in ENDED else None
    closed = ended if state in ("closed", "forced_close") else None
    candidates = [stages.get("handled"), stages.get("checked"), closed]
    candidates += [time] if state in ("handle_finish", "pending_check") else []
    if state in ("pending_handle", "handling", "returned"):
        candidates = []
    handled = next((c for c in candidates if c is not None), None)
    candidates = [stages.get("dispatched")]
    candidates += [reported] if case.get("unit") and state not in UNIT_IS_NO_DISPATCH else []
    candidates += [handled]
    candidates += [time] if state in ("pending_handle", "handling") else []
    dispatched = next((c for c in candidates if c is not None), None)
    candidates = [stages.get("accepted"), stages.get("registered"), dispatched]
    candidates += [time] if state in ("pending_dispatch", "suspended") else []
    accepted = next((c for c in candidates if c is not None), None)
    return reported, accepted, dispatched, handled, closed


def midnight(now, timezone, days_back=0):
    zone = zoneinfo.ZoneInfo(timezone)
    date = datetime.datetime.fromtimestamp(now / 1000, zone).date() - datetime.timedelta(days=days_back)
    return int(datetime.datetime(date.year, date.month, date.day, tzinfo=zone).timestamp() * 1000)


def today(cases, now, timezone):
    """kpi/today as {key: (value, of)}; `cases` as `newest` returns them."""
    day, count = midnight(now, timezone), collections.Counter()
    for time, case in cases.values():
        reported, accepted, dispatched, handled, closed = moments(case, time)
        is_open = reported <= now and case.get("state", "reported") not in ENDED
        is_handled = handled is not None and handled <= now
        r = day <= reported <= now
        a = r and accepted is not None and accepted <= now
        d = a and dispatched is not None and dispatched <= now
        h = is_handled and handled >= day
        c = closed is not None and day <= closed <= now
        v = is_open and case.get("due") is not None and case["due"] < now
        for key, value in dict(r=r, a=a, d=d, h=h, c=c, v=v, o=is_open, todo=is_open and not is_handled).items():
            count[key] += bool(value)
    return {
        "reported": (count["r"], None),
        "accepted": (count["a"], count["r"]),
        "dispatched": (count["d"], count["a"]),
        "handled": (count["h"], count["h"] + count["todo"]),
        "closed": (count["c"], count["c"] + count["o"]),
        "overdue": (count["v"], count["o"]),
        "open": (count["o"], None),
    }


def breakdown(cases, now, timezone, field):
    """{name: (today, open, overdue, closed)} without all-zero names."""
    day, rows = midnight(now, timezone), collections.defaultdict(lambda: [0, 0, 0, 0])
    for time, case in cases.values():
        reported, _, _, _, closed = moments(case, time)
        is_open = reported <= now and case.get("state", "reported") not in ENDED
        row = rows[case.get(field, "")]
        row[0] += day <= reported <= now
        row[1] += is_open
        row[2] += is_open and case.get("due") is not None and case["due"] < now
        row[3] += closed is not None and day <= closed <= now
    return {name: tuple(row) for name, row in rows.items() if any(row)}


def cells(cases, now):
    """{cell: [open, worst severity]}"""
    found = {}
    for time, case in cases.values():
        if moments(case, time)[0] <= now and case.get("state", "reported") not in ENDED and case.get("cell"):
            row = found.setdefault(case["cell"], [0, 0])
            row[0] += 1
            row[1] = max(row[1], case.get("severity", 0))
    return found


def hours(cases, now, timezone, days_back=0):
    """24 counts of cases reported per hour of the day `days_back` days before, up to now."""
    start = midnight(now, timezone, days_back)
    end = midnight(now, timezone, days_back - 1) if days_back else now + 1
    counts = [0] * 24
    for time, case in cases.values():
        reported = moments(case, time)[0]
        if start <= reported < end:
            counts[min((reported - start) // 3_600_000, 23)] += 1
    return counts
