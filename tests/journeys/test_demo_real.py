"""The hurricane day on the real walls: numbers read off the screen equal pandas over the same file, at three moments."""

import re
import shutil
import subprocess
import sys
import time

import pytest

from tests.running import ROOT, RunningHall

ZONE = "America/New_York"
DAY = "2011-08-28"
MOMENTS = ("09:00", "12:30", "16:00")
CITY_HALL = (-71.0587, 42.3594)
KEYS = ("reported", "accepted", "dispatched", "handled", "closed", "overdue", "open")


def _rows(real_data):
    """The whole file, with moments for its times."""
    import pandas as pd

    rows = pd.read_csv(real_data / "cases" / "boston_311_service_requests_2011.zip", low_memory=False)
    for column in ("open_dt", "closed_dt", "target_dt"):
        parsed = pd.to_datetime(rows[column], errors="coerce")
        rows[column] = parsed.dt.tz_localize(ZONE, ambiguous=True, nonexistent="shift_forward")
    return rows


def _oracle(rows, moment: str) -> dict[str, int]:
    """What docs/INDICATORS.md says, by pandas over the whole file."""
    import pandas as pd

    now, midnight = pd.Timestamp(f"{DAY} {moment}", tz=ZONE), pd.Timestamp(DAY, tz=ZONE)
    due = rows.target_dt.where(rows.target_dt.dt.year < 2050)
    told = rows[rows.open_dt <= now]
    ended = told.closed_dt <= now
    is_open = ~ended
    today = told.open_dt >= midnight
    place = told[["longitude", "latitude"]].astype(float)
    hidden = (place.longitude.round(4) == CITY_HALL[0]) & (place.latitude.round(4) == CITY_HALL[1])
    unknown = place.isna().any(axis=1) | (place == 0).all(axis=1) | hidden
    return {
        "reported": int(today.sum()),
        "accepted": int(today.sum()),
        "dispatched": int(today.sum()),
        "handled": int((ended & (told.closed_dt >= midnight)).sum()),
        "closed": int((ended & (told.closed_dt >= midnight)).sum()),
        "overdue": int((is_open & (due[told.index] < now)).sum()),
        "open": int(is_open.sum()),
        "map": int(is_open.sum()),
        "map-unknown": int((is_open & unknown).sum()),
    }


def _number(text: str) -> int:
    return int(re.sub(r"[^\d]", "", text))


def _screen(page) -> dict[str, int]:
    """Every figure as the painted text has it."""
    shown = {key: _number(page.locator(f'[data-kpi="{key}"] .kpi-value').inner_text()) for key in KEYS}
    shown["map"] = _number(page.locator('[data-layer-count="cases"]').inner_text())
    shown["map-unknown"] = int(page.locator('[data-panel="city_map"]').get_attribute("data-count-cases-unknown"))
    return shown


@pytest.mark.realdata
@pytest.mark.browser
@pytest.mark.timeout(300)
def test_the_wall_shows_what_pandas_counts_at_three_moments(tmp_path, real_data, open_page):
    text = (ROOT / "examples/boston-irene/hall.toml").read_text(encoding="utf-8")
    text = text.replace('start = "2011-08-28T00:00:00"', f'start = "{DAY}T07:30:00"').replace("rate = 60", "rate = 2700")
    shutil.copy(ROOT / "examples/boston-irene/clips.csv", tmp_path)
    city = tmp_path / "hall.toml"
    city.write_text(re.sub(r'stop = "[^"]*"', f'stop = "{DAY}T{MOMENTS[0]}:00"', text, count=1), encoding="utf-8")

    def clock(*arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "hall.cli", "replay", *arguments],
            cwd=ROOT,
            env=dict(hall.env, HALL_CONFIG=str(city)),
            check=True,
        )

    with RunningHall(tmp_path / "v", city, HALL_REAL_DATA=str(real_data)) as hall:
        page = open_page(f"{hall.url}/wall/routine?lang=en")
        rows = _rows(real_data)
        for index, moment in enumerate(MOMENTS):
            if index:
                clock("resume")
                clock("pause", f"{DAY}T{moment}:00")
            expected = _oracle(rows, moment)
            page.wait_for_function(
                "(at) => window.hall && hall.store.get('kpi/today') && new Date(hall.store.get('kpi/today').data.as_of).toISOString() >= at",
                arg=_utc(moment),
                timeout=90_000,
            )
            # the hall has just started before the first moment: it also loads sixty days' cases of before
            assert _settled(page, expected, 60 if index else 120) == expected, moment
        assert int(page.locator('[data-panel="city_map"]').get_attribute("data-count-cameras")) == 3216 + 5
        assert int(page.locator('[data-panel="city_map"]').get_attribute("data-count-vehicles")) == 2
        assert not page.faults


def _utc(moment: str) -> str:
    hours, minutes = moment.split(":")
    return f"{DAY}T{int(hours) + 4:02d}:{minutes}:00"


def _settled(page, expected: dict[str, int], seconds: float) -> dict[str, int]:
    """The figures once the last events have been painted: at most so long after the clock stopped."""
    limit = time.monotonic() + seconds
    while (shown := _screen(page)) != expected and time.monotonic() < limit:
        page.wait_for_timeout(200)
    return shown
